"""Grants: whose limit they raise, by how much and until when; and that they change nothing but a limit."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from router.core.budgets import budgets_of
from router.core.charges import Account, Owner, accounts_of
from router.core.grants import Grant, Grants
from router.core.money import NANO, USD_MAX
from router.core.policy import Policy, Scope

NOW_MS = 1_763_892_000_000  # 2025-11-23T10:00:00Z
POLICY = msgspec.convert(
    {
        "team": "search",
        "budget": [
            {"scope": "team", "usd": "20", "window": "day"},
            {"scope": "team", "usd": "200", "window": "month"},
            {"scope": "key", "usd": "5", "window": "24h"},
            {"scope": "tag", "id": "nightly", "usd": "7", "window": "day"},
            {"scope": "model", "id": "big", "usd": "9", "window": "total"},
        ],
        "limit": [{"scope": "team", "requests_per_minute": 20}],
    },
    Policy,
)
OWNER = Owner(team="search", key="k1", model="big", tags=("nightly",))


def grant(**fields: Any) -> Grant:
    given: dict[str, Any] = {
        "id": "g",
        "team": "search",
        "nano": NANO,
        "scope": Scope.TEAM,
        "since": NOW_MS / 1000 - 10,
        "until": NOW_MS / 1000 + 10,
        "reason": "x",
        "by": "me",
    }
    return Grant(**{**given, **fields})


def risen(*grants: Grant, now_ms: int = NOW_MS) -> dict[str, int]:
    """By how many nano-USD each account's limit is higher than without grants."""
    plain = accounts_of(POLICY, OWNER, now_ms)
    with_them = accounts_of(POLICY, OWNER, now_ms, grants)
    assert [(a.name, a.begin, a.end, a.enforced) for a in plain] == [
        (a.name, a.begin, a.end, a.enforced) for a in with_them
    ], "only limits change"
    pairs = zip(plain, with_them, strict=True)
    return {after.name: after.limit - before.limit for before, after in pairs if after.limit != before.limit}


def test_a_grant_raises_every_budget_of_its_scope_or_the_one_it_names() -> None:
    assert risen(grant()) == {"team:search:usd:day": NANO, "team:search:usd:month": NANO}
    assert risen(grant(window="month")) == {"team:search:usd:month": NANO}
    assert risen(grant(scope=Scope.KEY)) == {"key:k1:usd:24h": NANO}
    assert risen(grant(scope=Scope.KEY, target="k1")) == {"key:k1:usd:24h": NANO}
    assert risen(grant(scope=Scope.KEY, target="k2")) == {}
    assert risen(grant(scope=Scope.TAG, target="nightly")) == {"tag:nightly:usd:day": NANO}
    assert risen(grant(scope=Scope.MODEL, target="big")) == {"model:big:usd:total": NANO}


def test_a_grant_counts_from_its_first_to_its_last_millisecond_and_not_when_revoked() -> None:
    assert risen(grant(since=NOW_MS / 1000)) != {}
    assert risen(grant(since=(NOW_MS + 1) / 1000)) == {}
    assert risen(grant(until=NOW_MS / 1000)) == {}
    assert risen(grant(until=(NOW_MS + 1) / 1000)) != {}
    assert risen(grant(revoked_at=1.0)) == {}


@given(st.lists(st.integers(1, USD_MAX * NANO), max_size=6))
def test_grants_add_up_but_never_beyond_what_is_counted_exactly(amounts: list[int]) -> None:
    given = tuple(grant(id=str(index), nano=nano, window="day") for index, nano in enumerate(amounts))
    limit = accounts_of(POLICY, OWNER, NOW_MS, given)[0].limit
    assert limit == min(20 * NANO + sum(amounts), USD_MAX * NANO)


def test_a_grant_without_a_budget_to_raise_is_known() -> None:
    assert grant().meant_by(POLICY)
    assert grant(scope=Scope.KEY, target="any").meant_by(POLICY)
    assert not grant(window="week").meant_by(POLICY)
    assert not grant(scope=Scope.TAG, target="daily").meant_by(POLICY)
    assert not grant(scope=Scope.MODEL, target="small").meant_by(POLICY)


def test_what_has_ended_is_forgotten() -> None:
    some = Grants(grants=(grant(until=10.0), grant(id="h", until=20.0, revoked_at=5.0)))
    assert some.until == 20.0
    assert [one.id for one in some.at(10.0).grants] == ["h"]
    assert some.at(20.0) == Grants()


def test_an_operator_sees_each_money_account_of_the_team_once() -> None:
    def names(found: tuple[Account, ...]) -> list[str]:
        return [account.name for account in found]

    shared = ["team:search:usd:day", "team:search:usd:month"]
    rest = ["tag:nightly:usd:day", "model:big:usd:total"]
    assert names(budgets_of(POLICY, [], NOW_MS, ())) == [*shared, *rest]
    assert sorted(names(budgets_of(POLICY, ["a", "b"], NOW_MS, ()))) == sorted(
        [*shared, "key:a:usd:24h", "key:b:usd:24h", *rest]
    )
    assert budgets_of(POLICY, [], NOW_MS, (grant(),))[0].limit == 21 * NANO
