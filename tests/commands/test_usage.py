"""`mistral-router usage`: a table, JSON, CSV and FOCUS rows that all add up to what the router says."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from router.commands.focus import COLUMNS, focus_rows
from router.store.connect import connect
from router.store.totals import DAY_MS
from tests import history, running
from tests.running import ADMIN_KEY, Router, Simulator, command


@pytest.fixture(scope="module")
def at(simulated: Simulator) -> Iterator[tuple[Router, dict[str, str]]]:
    """A router that has served two teams, tags among them that are no friends of tables, and how to reach it."""
    simulated.reset()
    with running.router(simulated.url) as router:
        search = router.new_key("search")
        router.chat(
            "Write a Python function that adds two numbers.", max_tokens=20, metadata={"tags": ["=1+1", "[/red]"]}
        )
        router.chat("Hello", model="mistral-large-2512", max_tokens=5, key=search)
        router.chat("Hello", model="mistral-small-2603", max_tokens=5, key=search)
        router.settled(3)
        yield router, {"ROUTER_URL": router.url, "ROUTER_ADMIN_KEY": ADMIN_KEY}


def printed(environ: dict[str, str], *options: str) -> str:
    code, out, err = command("usage", *options, environ=environ)
    assert code == 0, err
    return out


def nano(text: str) -> int:
    return int(Decimal(text) * 10**9)


def test_focus_rows_add_up_to_the_nano(at: tuple[Router, dict[str, str]]) -> None:
    router, environ = at
    rows = list(csv.DictReader(io.StringIO(printed(environ, "--focus", "--since", "2d"))))
    total = router.usage()["total"]
    assert tuple(rows[0]) == COLUMNS
    for column in ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"):
        assert sum(nano(row[column]) for row in rows) == total["nano_usd"]
    assert sum(nano(row["x_SavedCost"]) for row in rows) == total["saved_nano_usd"]
    assert sum(int(row["x_Requests"]) for row in rows) == total["requests"] == 3
    assert sum(int(row["ConsumedQuantity"]) for row in rows) == total["input_tokens"] + total["output_tokens"]
    assert {row["SubAccountId"] for row in rows} == {"apps", "search"}
    assert {"mistral-large-2512", "mistral-small-2603"} <= {row["SkuId"] for row in rows}
    for row in rows:
        begin, end = (datetime.fromisoformat(row[f"ChargePeriod{edge}"]) for edge in ("Start", "End"))
        assert end - begin == timedelta(days=1)
        assert row["BillingPeriodStart"] <= row["ChargePeriodStart"] < row["BillingPeriodEnd"]
        assert json.loads(row["Tags"])["team"] == row["SubAccountId"]


@pytest.fixture(scope="module")
def past(simulated: Simulator) -> Iterator[tuple[Router, int]]:
    """A router whose store has a past of four days, then nothing for two, then two days more; and the present (ms)."""
    teams = [history.Team(name=name, keys=[f"{name}-1", f"{name}-2"]) for name in ("apps", "search")]
    now_ms = int(time.time() * 1000)

    async def write(store: str) -> None:
        client = connect(store, timeout_s=60.0)
        for days, ends_ms in ((4, now_ms - 4 * DAY_MS), (2, now_ms)):
            await history.write(client, history.past(teams, records=150, days=days, now_ms=ends_ms))
        await client.aclose()

    with running.valkey() as store:
        asyncio.run(write(store))
        environ = {"ROUTER_REDIS_URL": store, "ROUTER_KEY_PEPPER": "of the test"}
        with running.router(simulated.url, environ=environ) as router:
            yield router, now_ms


@pytest.mark.parametrize(
    ("since_ms", "until_ms"), [(None, None), (7 * DAY_MS + 5_000_000, DAY_MS + 9_000_000), (30 * 3_600_000, None)]
)
def test_focus_asks_day_by_day_and_tells_what_one_question_would(
    past: tuple[Router, int], since_ms: int | None, until_ms: int | None
) -> None:
    router, now_ms = past
    lengths = {"since": since_ms, "until": until_ms}
    span = {name: str(now_ms - length) for name, length in lengths.items() if length is not None}
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(focus_rows(router.usage("day,team,key,model", **span)["groups"]))
    options = [part for name, text in span.items() for part in (f"--{name}", text)]
    environ = {"ROUTER_URL": router.url, "ROUTER_ADMIN_KEY": ADMIN_KEY}
    assert printed(environ, "--focus", *options) == out.getvalue()
    assert out.getvalue().count("\n") > 10


def test_csv_has_a_row_a_group_and_no_formula(at: tuple[Router, dict[str, str]]) -> None:
    router, environ = at
    rows = list(csv.DictReader(io.StringIO(printed(environ, "--csv", "--group-by", "team,tag"))))
    assert {(row["team"], row["tag"]) for row in rows} == {("apps", "'=1+1"), ("apps", "[/red]"), ("search", "")}
    usage = router.usage("team,tag")
    assert sorted(nano(row["usd"]) for row in rows) == sorted(group["nano_usd"] for group in usage["groups"])
    assert sorted(nano(row["saved_usd"]) for row in rows) == sorted(
        group["saved_nano_usd"] for group in usage["groups"]
    )


def test_a_table_shows_what_apps_called_their_work_as_it_is(at: tuple[Router, dict[str, str]]) -> None:
    _, environ = at
    assert "[/red]" in printed(environ, "--group-by", "tag")
    table = printed(environ, "--group-by", "day,model", "--since", "24h")
    assert "mistral-large-2512" in table
    assert datetime.now(UTC).strftime("%Y-") in table


@pytest.mark.parametrize(
    ("options", "told"),
    [(("--group-by", "team,colour"), "colour"), (("--csv", "--json"), "--csv"), (("--json", "--focus"), "--focus")],
)
def test_what_cannot_be_meant_is_told(options: tuple[str, ...], told: str) -> None:
    code, out, err = command("usage", *options)
    assert code == 2
    assert told in out + err


def test_the_last_month_of_a_year_ends_with_it() -> None:
    sums: dict[str, Any] = dict.fromkeys(
        (
            "nano_usd",
            "saved_nano_usd",
            "unconfirmed_nano_usd",
            "requests",
            "input_tokens",
            "cached_tokens",
            "output_tokens",
        ),
        1,
    )
    group = {"key": {"day": "2026-12-31", "team": "apps", "key": "k", "model": "m"}, **sums}
    [row] = focus_rows([{**group, "input_tokens": 2_000_000}])
    assert (row["BillingPeriodStart"], row["BillingPeriodEnd"]) == ("2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z")
    assert (row["BilledCost"], row["PricingQuantity"]) == ("0.000000001", "2.000001")


def test_a_tag_says_nothing_to_the_terminal(simulated: Simulator) -> None:
    with running.router(simulated.url) as router:
        router.chat("Hello", max_tokens=5, metadata={"tags": ["\x1b]0;owned\x07", "two\nlines"]})
        router.settled(1)
        environ = {"ROUTER_URL": router.url, "ROUTER_ADMIN_KEY": ADMIN_KEY}
        said = printed(environ, "--group-by", "tag")
    assert "\x1b" not in said
    assert "?]0;owned?" in said
    assert "two?lines" in said
