"""Further lists and sums of the pages against the code: operators' codes, kinds, fields of files, arithmetic."""

from __future__ import annotations

import re

import msgspec
import pytest

from router.commands.litellm.reasons import reason_of
from router.core.catalog import ModelRow, PriceRow
from router.core.kinds import Kind
from router.core.sites import UpstreamRow
from tests.pages import ROUTER, TICKED, first_cells, page, section, table_rows

# What an operator can act on, by status: keys, money, scopes, limits, our side and Mistral's.
ACTED_ON = ("401", "402", "403", "429", "499", "5", "in the stream")


def test_every_code_that_an_operator_can_act_on_says_what_to_do() -> None:
    statuses = {code: row[1] for row in table_rows(section("docs/api.md", "Errors")) for code in TICKED.findall(row[0])}
    told = first_cells(section("docs/operations.md", "What an error code asks of you"))
    assert told <= set(statuses)
    assert {code for code, status in statuses.items() if status.startswith(ACTED_ON)} <= told


def test_every_kind_of_work_is_explained() -> None:
    told = first_cells(section("docs/quality.md", "Kinds of work"))
    assert told == {kind.value for kind in Kind} - {"embedding", "moderation"}


@pytest.mark.parametrize("struct", [ModelRow, PriceRow, UpstreamRow])
def test_every_field_of_the_catalogue_is_in_an_example_of_its_page(struct: type[msgspec.Struct]) -> None:
    text = section("config/README.md", "models.toml")
    for field in msgspec.structs.fields(struct):
        if field.name != "notes":  # for whoever reads the file
            assert re.search(rf"\b{field.encode_name} = ", text), field.name


def test_what_the_migration_page_maps_is_what_the_import_knows() -> None:
    code = "\n".join(path.read_text() for path in (ROUTER / "commands" / "litellm").glob("*.py"))
    rows = table_rows(section("docs/migrate-from-litellm.md", "What maps to what"))
    names = {name for row in rows for name in TICKED.findall(row[0]) if re.fullmatch(r"[a-z_]{3,}", name)}
    assert len(names) > 25
    sections = ("litellm_settings", "router_settings", "general_settings")
    for name in names:
        price = name.endswith("_cost_per_token")  # of input or output
        told = any(reason_of(f"{part}.{name}") is not None for part in sections)
        assert price or told or f'"{name}"' in code, name


FACTORS = {"ms": 1e-3, "s": 1.0, "KB": 1e3, "MB": 1e6, "GB": 1e9, "%": 1e-2, "": 1.0}
# A sum of products is left to the reader.
PRODUCT = re.compile(r"(?<!\+ )\b([\d,]+) (?:pieces )?× ([\d.]+) (ms|s|KB) = ([\d.,]+) ?(ms|s|MB|GB|%)?")


def test_the_arithmetic_of_scaling_is_right() -> None:
    found = PRODUCT.findall(page("docs/scaling.md"))
    assert len(found) >= 8
    for rate, each, unit, result, measure in found:
        product, told = float(rate.replace(",", "")) * float(each) * FACTORS[unit], float(result.replace(",", ""))
        assert product == pytest.approx(told * FACTORS[measure], rel=0.02), f"{rate} × {each} {unit}"


def test_scaling_answers_for_each_rate_what_to_add() -> None:
    for rate in ("10", "1,000", "100,000"):
        assert "**" in section("docs/scaling.md", f"{rate} requests a second")
