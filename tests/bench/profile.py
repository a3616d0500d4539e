"""Where a request's processor time goes: the router under the bench's load, with a profiler in it. Half a minute.

Shares are to be compared, not times: a profiled router takes a few times as long, most of all in small functions.
"""

from __future__ import annotations

import argparse
import pstats
import tempfile
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from tests import running
from tests.bench import targets
from tests.bench.__main__ import load
from tests.bench.targets import Target

SHOWN: Final = 25
# A function as the profiler names it, and its calls and own seconds.
Rows = dict[tuple[str, int, str], tuple[int, float]]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.profile", description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="of load")
    parser.add_argument("--stream", action="store_true", help="streamed answers instead of plain ones")
    given = parser.parse_args()
    print(shown(*profiled(given.seconds, ["--stream"] if given.stream else [])))


def profiled(seconds: float, options: list[str]) -> tuple[Rows, int]:
    """What each function took while so many requests were served."""
    with tempfile.TemporaryDirectory() as made:
        home = Path(made)
        before, after = home / "before", home / "after"
        with targets.upstream(home) as direct:
            # Starting and stopping cost as much with load as without, so what they take alone is taken away.
            for told, wanted in ((before, False), (after, True)):
                with ExitStack() as stack:
                    router = stack.enter_context(targets.router(direct.url, within=("-m", "cProfile", "-o", str(told))))
                    requests = _loaded(router, seconds, options) if wanted else 0
        idle, busy = _rows(before), _rows(after)
    rest = {name: (calls - idle.get(name, (0, 0.0))[0], own) for name, (calls, own) in busy.items()}
    return {name: (calls, own - idle.get(name, (0, 0.0))[1]) for name, (calls, own) in rest.items()}, requests


def _loaded(router: Target, seconds: float, options: list[str]) -> int:
    return int(load(router, None, *options, seconds=seconds)["requests"])


def _rows(path: Path) -> Rows:
    stats: dict[Any, Any] = vars(pstats.Stats(str(path)))["stats"]
    return {name: (calls, own) for name, (_, calls, own, _, _) in stats.items()}


def shown(rows: Rows, requests: int) -> str:
    """Shares of the whole by room of the house and by function, dearest first."""
    whole = sum(own for _, own in rows.values())
    rooms: dict[str, float] = defaultdict(float)
    for (file, _, _), (_, own) in rows.items():
        rooms[room(file)] += own
    lines = [f"{requests:,} requests under the profiler", "", "room                              share"]
    lines += [
        f"{name:32}  {own / whole:6.1%}" for name, own in sorted(rooms.items(), key=lambda pair: -pair[1])[:SHOWN]
    ]
    lines += ["", "share   calls a request   function"]
    dearest = sorted(rows.items(), key=lambda pair: -pair[1][1])[:SHOWN]
    lines += [f"{own / whole:6.1%}  {calls / requests:15.2f}   {place(name)}" for name, (calls, own) in dearest]
    return "\n".join(lines)


def room(file: str) -> str:
    """Whose code it is: a folder of the router, a library, or Python itself."""
    path = Path(file)
    if path.is_relative_to(running.ROOT / "router"):
        inside = path.relative_to(running.ROOT)
        return "/".join(inside.parts[:2]) if len(inside.parts) > 2 else "router"
    if "site-packages" in path.parts:
        return path.parts[path.parts.index("site-packages") + 1]
    return "built in" if file == "~" else "Python's library"


def place(name: tuple[str, int, str]) -> str:
    file, line, function = name
    if file == "~":
        return function
    path = Path(file)
    return f"{path.relative_to(running.ROOT) if path.is_relative_to(running.ROOT) else path.name}:{line} {function}"


if __name__ == "__main__":
    main()
