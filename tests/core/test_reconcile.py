"""The ledger beside the vendor's export: when the figures can tell, and when nobody can."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.reconcile import Finding, Ours, Theirs, WrongExport, compare, read_export

DAY, MODEL = "2026-11-23", "mistral-small-2603"


def finding(ours: Ours, theirs: Theirs | None) -> Finding:
    [line] = compare({(DAY, MODEL): ours}, {} if theirs is None else {(DAY, MODEL): theirs})
    return line.finding


@pytest.mark.parametrize(
    ("nano", "unconfirmed", "theirs", "expected"),
    [
        (100, 0, 100, Finding.AGREES),
        (100, 0, 99, Finding.DIFFERS),
        (100, 30, 70, Finding.NOT_BILLED),
        (100, 30, 71, Finding.UNCLEAR),
        (100, 30, 69, Finding.UNCLEAR),
        (100, 30, 100, Finding.UNCLEAR),
        (30, 30, None, Finding.NOT_BILLED),
        (30, 0, None, Finding.DIFFERS),
    ],
)
def test_only_ours_without_the_unconfirmed_says_that_it_was_not_billed(
    nano: int, unconfirmed: int, theirs: int | None, expected: Finding
) -> None:
    ours = Ours(nano_usd=nano, unconfirmed_nano_usd=unconfirmed)
    assert finding(ours, None if theirs is None else Theirs(nano_usd=theirs)) is expected


def test_a_model_that_is_left_out_is_unclear_beside_one_that_nobody_knows() -> None:
    ours = {(DAY, MODEL): Ours(nano_usd=30, unconfirmed_nano_usd=30)}
    theirs = {(DAY, "mistral-small-latest"): Theirs(nano_usd=25)}
    assert {line.model: line.finding for line in compare(ours, theirs)} == {
        MODEL: Finding.UNCLEAR,
        "mistral-small-latest": Finding.DIFFERS,
    }
    elsewhere = {("2026-11-24", "mistral-small-latest"): Theirs(nano_usd=25)}
    assert [line.finding for line in compare(ours, elsewhere)] == [Finding.NOT_BILLED, Finding.DIFFERS]


@given(st.integers(0, 10**15), st.integers(1, 10**15), st.integers(0, 10**15))
def test_what_was_billed_in_part_is_never_released(settled: int, held: int, billed: int) -> None:
    ours = Ours(nano_usd=settled + held, unconfirmed_nano_usd=held)
    found = finding(ours, Theirs(nano_usd=settled + billed))
    assert (found is Finding.NOT_BILLED) == (billed == 0)


def test_tokens_are_compared_with_those_of_usage_that_arrived() -> None:
    ours = Ours(nano_usd=100, unconfirmed_nano_usd=30, tokens=(10, 4, 7))
    assert finding(ours, Theirs(tokens=(10, 4, 7))) is Finding.NOT_BILLED
    assert finding(ours, Theirs(tokens=(10, 4, 8))) is Finding.UNCLEAR


def test_rows_of_a_day_and_model_add_up_and_other_columns_are_passed_over() -> None:
    rows = f"{DAY},{MODEL},0.5,a\n{DAY},{MODEL},0.000000001,b\n2026-11-24,{MODEL},1,a\n"
    text = f"\ufeffdate, model,cost_usd,project\n{rows}"
    assert read_export(text) == {
        (DAY, MODEL): Theirs(nano_usd=500_000_001),
        ("2026-11-24", MODEL): Theirs(nano_usd=10**9),
    }
    text = f"date,model,input_tokens,cached_tokens,output_tokens\n{DAY},{MODEL},5,1,2\n{DAY},{MODEL},5,0,2\n"
    assert read_export(text) == {(DAY, MODEL): Theirs(tokens=(10, 1, 4))}


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("", 1, "columns"),
        ("date,model\n", 1, "cost_usd"),
        (f"date,model,cost_usd\n23.11.2026,{MODEL},1\n", 2, "23.11.2026"),
        (f"date,model,cost_usd\n{DAY},,1\n", 2, "model"),
        (f"date,model,cost_usd\n9999-12-31,{MODEL},1\n", 2, "9999"),
        (f"date,model,cost_usd\n{DAY},{MODEL},1\n{DAY},{MODEL},-1\n", 3, "-1"),
        (f"date,model,cost_usd\n{DAY},{MODEL},0.0000000001\n", 2, "nano"),
        (f"date,model,cost_usd\n{DAY},{MODEL}\n", 2, "USD"),
        (f"date,model,input_tokens,cached_tokens,output_tokens\n{DAY},{MODEL},5,0,2.5\n", 2, "output_tokens"),
        (f'date,model,cost_usd\n{DAY},"{MODEL}\n', 1, "end of data"),
    ],
)
def test_a_wrong_export_is_refused_with_its_line(text: str, line: int, word: str) -> None:
    with pytest.raises(WrongExport, match=f"line {line}: .*{word}"):
        read_export(text)
