"""The pages made of values: what they say of requests that went well or badly, of budgets, of keys."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from msgspec.structs import replace

from router.core.attempts import Outcome
from router.core.explain import Attempt, ModelView, RouterObject
from router.core.forecast import Forecast, Outlook
from router.core.key_rules import KeyRules
from router.core.policy import Scope
from router.core.record import RequestRecord
from router.ops.pages.budgets import Budgets, Burning, budgets_page, mark, outlook
from router.ops.pages.keys import KeyRow, Keys, keys_page
from router.ops.pages.layout import Frame
from router.ops.pages.request import request_page
from router.wire.usage import Usage

NOW_MS = 1_795_600_000_000
HOUR = 3_600_000
FRAME = Frame(now_ms=NOW_MS, token="t")


def read(page: str) -> str:
    """What a person reads, in one line."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))


def view(model: str, objection: str | None = None, upstream: str = "mistral", factor: str = "1") -> ModelView:
    return ModelView(
        model=model,
        upstream=upstream,
        eligible=objection is None,
        objection=objection,
        score=90.0,
        score_source=None,
        price={"input": "0.400000000", "cached": "0.040000000", "output": "2.000000000"},
        price_factor=factor,
        input_tokens=100,
        cached_tokens=0,
        output_tokens=50,
        expected_nano_usd=140_000,
        max_nano_usd=200_000,
    )


OK = Attempt(
    model="small",
    outcome=Outcome.OK,
    wait_ms=0,
    nano_usd=100_400,
    duration_ms=300,
    usage=Usage(input_tokens=100, output_tokens=40, cached_tokens=55),
)


def record(attempts: list[Attempt], **more: Any) -> RequestRecord:
    told = RouterObject(
        request_id="req_x",
        classification={"needs": ["chat"]},
        policy={},
        threshold=84.6,
        models=[view("small"), view("large", "below_threshold"), view("small", upstream="own", factor="11/10")],
        order=["small", "small@own"],
        chosen="small",
        reason="cheapest_suitable",
        baseline={"model": "medium", "nano_usd": 1},
        attempts=attempts,
        rules="abc",
        requested_model="auto",
        cost_nano_usd=0,
        saved_nano_usd=0,
    )
    made = RequestRecord(
        request_id="req_x",
        at_ms=NOW_MS,
        duration_ms=400,
        team="search",
        key="key1",
        endpoint="chat",
        requested_model="auto",
        model="small",
        status=200,
        code=None,
        stream=False,
        kind="code",
        language="en",
        tags=("a", "b"),
        reason="cheapest_suitable",
        input_tokens=100,
        cached_tokens=55,
        output_tokens=40,
        nano_usd=sum(attempt.nano_usd for attempt in attempts),
        saved_nano_usd=299_600,
        unconfirmed_nano_usd=sum(attempt.nano_usd for attempt in attempts if attempt.unconfirmed),
        overhead_ms=4.2,
        dropped=("user",),
        router=told,
        baseline_nano_usd=400_000,
    )
    return replace(made, **more)


def test_the_cost_of_a_request_is_told_as_a_sum() -> None:
    text = read(request_page(record([OK]), FRAME))
    assert "Served by small : the cheapest of the models that are good enough." in text
    assert "100 tokens of input (55 from the cache) and 40 of output cost $0.000100" in text
    assert "At medium it would have cost $0.000400: routing saved 75 %." in text
    # 45 at 0.40, 55 at 0.04 and 40 at 2.00 USD a million: 18 000 + 2 200 + 80 000 nano.
    assert "input 45 0.40 $0.000018000 input from the cache 55 0.04 $0.000002200 output 40 2.00 $0.000080000" in text
    assert "large not good enough" in text


def test_what_is_billed_at_another_upstream_has_its_factor() -> None:
    there = replace(OK, upstream="own", nano_usd=110_440)
    text = read(request_page(record([there]), FRAME))
    assert "small at own" in text
    assert "0.40 × 1.1 $0.000019800" in text


def test_attempts_that_failed_are_told_with_what_they_cost() -> None:
    limited = Attempt(model="large", outcome=Outcome.RATE_LIMITED, wait_ms=0, nano_usd=0, duration_ms=20)
    lost = replace(limited, outcome=Outcome.TIMED_OUT, wait_ms=50, nano_usd=7_000, unconfirmed=True)
    by_hand = replace(lost, unconfirmed=False)
    text = read(request_page(record([limited, lost, OK]), FRAME))
    assert "rate_limited rate limit reached" in text
    assert "(large: rate limit reached, large: took too long)." in text
    assert "nothing was billed" in text
    assert "held until it is known what was used" in text
    assert "Attempts before it cost $0.00000700." in text
    assert "all attempts $0.000107400" in text
    assert "settled by hand" in read(request_page(record([by_hand, OK]), FRAME))


def test_a_request_that_failed_says_with_what() -> None:
    refused = record([], status=402, code="budget_exceeded", model=None, saved_nano_usd=0, baseline_nano_usd=None)
    text = read(request_page(refused, FRAME))
    assert "was refused with status 402, budget_exceeded: a budget had less left than" in text
    assert "It cost nothing. The budgets of search" in text
    assert "No attempt was made" in text
    failed = read(request_page(record([OK], status=502, code="upstream_bad_response"), FRAME))
    assert "failed with status 502, upstream_bad_response. It cost $0.000100 all the same." in failed


def test_a_request_without_its_details_is_still_told() -> None:
    text = read(request_page(record([], router=None, nano_usd=5), FRAME))
    assert "Served by small" in text
    assert "Every model" not in text


def test_a_saving_below_zero_is_said_as_it_is() -> None:
    assert "which is less" in read(request_page(record([OK], saved_nano_usd=-1), FRAME))


def burning(outlook: Outlook, **more: Any) -> Burning:
    told = Forecast(outlook=outlook, pace_nano=1_000_000_000, at_ms=None, until_ms=NOW_MS + 48 * HOUR)
    if outlook is Outlook.RUNS_OUT:
        told = replace(told, at_ms=NOW_MS + 26 * HOUR)
    made = Burning(
        team="search",
        scope=Scope.TEAM,
        id="search",
        called="search",
        window="month",
        limit=100_000_000_000,
        spent=74_000_000_000,
        held=0,
        kind="hard",
        forecast=told,
        begins_ms=NOW_MS - 74 * HOUR,
        ends_ms=NOW_MS + 48 * HOUR,
    )
    return replace(made, **more)


def over() -> Burning:
    """A budget of which less is left than a minute's pace."""
    made = burning(Outlook.RUNS_OUT)
    return replace(made, forecast=replace(made.forecast, at_ms=NOW_MS + 59_000))


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (burning(Outlook.RUNS_OUT), "runs out in 1 d 2 h "),
        (burning(Outlook.RUNS_OUT, rolling=True, ends_ms=NOW_MS), "runs out in 1 d 2 h "),
        (over(), "all but used up "),
        (burning(Outlook.LASTS), "not before it renews"),
        (burning(Outlook.LASTS, rolling=True, ends_ms=NOW_MS), "not at this pace"),
        (burning(Outlook.UNSPENT), "nothing spent"),
        (burning(Outlook.EXHAUSTED), "used up "),
        (burning(Outlook.EXHAUSTED, rolling=True), "used up "),
        (burning(Outlook.RUNS_OUT, ends_ms=None), "never"),
        (burning(Outlook.LASTS, scope=Scope.KEY, called="nightly job"), "month of key nightly job"),
        (burning(Outlook.LASTS, kind="shadow"), "shadow"),
        (burning(Outlook.LASTS, granted=25_000_000_000), "$100.00 $25.00 granted"),
    ],
)
def test_a_budget_says_when_it_runs_out_and_when_it_does_not(one: Burning, told: str) -> None:
    stepped = replace(one, steps=[(one.begins_ms, 0), (NOW_MS - HOUR, 70_000_000_000)])
    for shown in (one, stepped):
        page = budgets_page(Budgets(rows=[shown], found=1, team="", teams=["search"], page_number=1, pages=1), FRAME)
        assert told in read(page)


@pytest.mark.parametrize(
    ("one", "told", "kind"),
    [
        (burning(Outlook.RUNS_OUT), "runs out in 1 d 2 h: Thu 26 Nov, 11:46", "warn"),
        (over(), "all but used up; renews Fri 27 Nov, 09:46", "bad"),
        (burning(Outlook.EXHAUSTED), "used up; renews Fri 27 Nov, 09:46", "bad"),
        (burning(Outlook.EXHAUSTED, rolling=True), "used up", "bad"),
        (burning(Outlook.LASTS), "not before it renews", "good"),
    ],
)
def test_a_chart_of_a_budget_says_at_what_time_it_runs_out_or_renews(one: Burning, told: str, kind: str) -> None:
    assert (outlook(one, NOW_MS), mark(one, NOW_MS)) == (told, kind)


def test_pages_lead_to_one_another() -> None:
    page = budgets_page(Budgets(rows=[], found=120, team="a", teams=["a"], page_number=2, pages=3), FRAME)
    assert re.findall(r'href="([^"]*page=[^"]*)"', page) == [
        "/dashboard/budgets?team=a&amp;page=1",
        "/dashboard/budgets?team=a&amp;page=3",
    ]


def key(**more: Any) -> KeyRow:
    made = KeyRow(
        id="k1", team="search", name="web", created_at=1.0, expires_at=None, revoked_at=None, models=(), endpoints=(),
        unlimited=False,
    )  # fmt: skip
    return replace(made, **more)


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (key(), "works everything"),
        (key(expires_at=5.0), "expired"),
        (key(revoked_at=5.0), "revoked 1970-01-01 00:00:05"),
        (key(unlimited=True), "unlimited"),
        (key(models=("mistral-*",), endpoints=("embeddings",)), "mistral-*, /v1/embeddings"),
        (key(own=KeyRules(usd="5.00", window="day", concurrency=3)), "$5.00, day 3 at once"),
    ],
)
def test_a_key_says_what_it_may(one: KeyRow, told: str) -> None:
    keys = Keys(rows=[one], found=1, team="", teams=["search"], page_number=1, pages=1)
    page = keys_page(keys, FRAME)
    assert told in read(page)
    for change in ("/dashboard/revoke", "/dashboard/rotate"):
        assert (f'action="{change}"' in page) == (one.revoked_at is None)
    assert 'method="post"' not in keys_page(keys, Frame(now_ms=NOW_MS)), "who may only read"
