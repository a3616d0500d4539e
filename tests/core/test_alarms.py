"""Which shares of which budgets are told, under which id, and in which words."""

from __future__ import annotations

from typing import Any

import msgspec

from router.core.alarms import passed
from router.core.budget_lines import Alarm
from router.core.charges import FOREVER_MS, Account, Kind, Measure, Standing
from router.core.policy import Scope

DAY = 86_400_000
BEGIN = 20_750 * DAY
NOW = BEGIN + DAY // 2
USD = 1_000_000_000


def standing(spent: int, **fields: Any) -> Standing:
    given: dict[str, Any] = {
        "name": "team:search:usd:day",
        "scope": Scope.TEAM,
        "id": "search",
        "measure": Measure.USD,
        "kind": Kind.CALENDAR,
        "window": "day",
        "limit": 10 * USD,
        "enforced": True,
        "begin": BEGIN,
        "end": BEGIN + DAY,
    }
    account = Account(**{**given, **fields})
    return Standing(account=account, remaining=account.limit - spent, reset_ms=0, spent=spent, held=0)


def alarm(budget: str = "team.day", *at: float) -> Alarm:
    return Alarm(budget=budget, at=at or (0.8, 1.0), webhook="finance")


def ids(spent: int, *, now_ms: int = NOW, team: str = "search", of: Alarm | None = None, **fields: Any) -> list[str]:
    return [one.id for one in passed([of or alarm()], team, [standing(spent, **fields)], now_ms)]


def test_each_share_that_is_spent_is_told() -> None:
    assert ids(8 * USD - 1) == []
    assert len(ids(8 * USD)) == 1
    assert len(ids(11 * USD)) == 2
    assert ids(11 * USD, limit=0) == []


def test_an_alarm_is_about_the_budget_it_names() -> None:
    key = {"scope": Scope.KEY, "id": "k1", "name": "key:k1:usd:day"}
    assert ids(9 * USD, of=alarm("key.day")) == []
    assert ids(9 * USD, of=alarm("team.month")) == []
    assert len(ids(9 * USD, of=alarm("key.day"), **key)) == 1
    assert len(ids(9 * USD, of=alarm("key:k1.day"), **key)) == 1
    assert ids(9 * USD, of=alarm("key:k2.day"), **key) == []


def test_the_id_is_the_same_within_a_window_and_another_in_the_next() -> None:
    first = ids(8 * USD)
    assert first == ids(9 * USD, now_ms=NOW + 1) == ids(90 * USD, limit=100 * USD)
    assert first != ids(8 * USD, begin=BEGIN + DAY, end=BEGIN + 2 * DAY, now_ms=NOW + DAY)
    assert first != ids(8 * USD, team="apps")
    assert first != ids(8 * USD, of=alarm("team.day", 0.7))
    rolling = {"kind": Kind.RING, "begin": DAY, "end": 24, "window": "24h"}
    early, late, next_ = (ids(8 * USD, of=alarm("team.24h"), now_ms=at, **rolling) for at in (BEGIN, NOW, NOW + DAY))
    assert early == late != next_


def test_the_message_says_how_the_budget_stands() -> None:
    [one] = passed([alarm()], "search", [standing(8 * USD + 5)], NOW)
    assert (one.webhook, one.until_ms) == ("finance", BEGIN + DAY)
    assert msgspec.json.decode(one.body) == {
        "type": "budget.threshold",
        "timestamp": "2026-10-24T12:00:00Z",
        "data": {
            "team": "search",
            "budget": "team.day",
            "id": "search",
            "threshold": 0.8,
            "spent_usd": "8.000000005",
            "limit_usd": "10.000000000",
            "share": 0.8,
            "forecast": 1.6,
            "resets_at": "2026-10-25T00:00:00Z",
        },
    }
    [endless] = passed(
        [alarm("team.total", 0.5)], "t", [standing(8 * USD, window="total", begin=0, end=FOREVER_MS)], NOW
    )
    data = msgspec.json.decode(endless.body)["data"]
    assert (data["forecast"], data["resets_at"]) == (None, None)
