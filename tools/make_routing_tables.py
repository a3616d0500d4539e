"""Make the tables of quality that `make bench-routing` routes by, from recorded outcomes.

    PYTHONPATH=. .venv/bin/python tools/make_routing_tables.py DATA

DATA is a folder laid out like that of `make bench-routing`. A cell is the mean score of a model over the prompts that
the router takes for that kind of work, so the tables are to be made anew when the rules for kinds change. Only means
are kept, no prompts and no single outcomes. Sources: ulab-uiuc/LLMRouter (MIT) for nine_models.toml,
HuanzhiMao/BFCL-Result of August 2024 for tool_models.toml.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.bench.routing import cheapest, tools
from tests.bench.routing.tables import quality_of, written
from tests.bench.routing.world import DAY, HERE

HEADER = (
    "# Made by tools/make_routing_tables.py: mean scores of recorded outcomes, 0 to 100, by the router's own kinds.\n\n"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    folder = parser.parse_args().data
    for name, outcomes, reference in (
        (cheapest.TABLE, cheapest.outcomes(cheapest.asked(folder)), "github.com/ulab-uiuc/LLMRouter, commit 4e7a796"),
        (tools.TABLE, tools.outcomes(tools.asked(folder)), "github.com/HuanzhiMao/BFCL-Result, commit b4adfc9"),
    ):
        table = quality_of(outcomes, reference=reference, day=DAY)
        (HERE / name).write_text(HEADER + written(table))
        print(f"{HERE / name}: {len(table.kinds)} kinds from {len(outcomes)} prompts")


if __name__ == "__main__":
    main()
