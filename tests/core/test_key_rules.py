"""A key's own budget and limits: whose place they take, and what cannot be meant."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from router.core.charges import Owner, accounts_of
from router.core.key_rules import KeyRules, all_budgets, check_key_rules, with_key
from router.core.money import NANO
from router.core.policy import Policy

NOW = 1_763_892_000_000
OWN = KeyRules(usd="2", window="day", requests_per_minute=7)


def limits(own: KeyRules | None, key: str = "k1", **rules: Any) -> dict[str, int]:
    """Each account's limit, for a request with the key."""
    policy = with_key(msgspec.convert({"team": "t", **rules}, Policy), "k1", own)
    return {account.name: account.limit for account in accounts_of(policy, Owner(team="t", key=key, model="m"), NOW)}


def test_a_key_without_rules_of_its_own_leaves_the_policy_as_it_is() -> None:
    policy = Policy()
    assert with_key(policy, "k1", None) is policy


def test_own_rules_are_accounts_of_the_key_alone() -> None:
    assert limits(OWN) == {"key:k1:usd:day": 2 * NANO, "key:k1:requests": 7}
    assert limits(OWN, key="k2") == {}


def test_own_rules_stand_in_the_place_of_those_for_every_key() -> None:
    general = {"budget": [{"scope": "key", "usd": "1", "window": "day"}], "limit": [{"scope": "key", "concurrency": 3}]}
    assert limits(OWN, **general) == {"key:k1:usd:day": 2 * NANO, "key:k1:requests": 7, "key:k1:concurrency": 3}
    assert limits(OWN, key="k2", **general) == {"key:k2:usd:day": NANO, "key:k2:concurrency": 3}


def test_a_rule_of_the_policy_that_names_the_key_goes_before_its_own() -> None:
    named = {"budget": [{"scope": "key", "id": "k1", "usd": "9", "window": "day"}]}
    assert limits(OWN, **named)["key:k1:usd:day"] == 9 * NANO


def test_all_budgets_are_those_that_each_key_is_held_to() -> None:
    budgets = [{"scope": "team", "usd": "9", "window": "month"}, {"scope": "key", "usd": "1", "window": "day"}]
    policy = msgspec.convert({"team": "t", "budget": budgets}, Policy)
    found = {account.name: account.limit for account in all_budgets(policy, {"k1": OWN, "k2": None}, NOW, ())}
    assert found == {"team:t:usd:month": 9 * NANO, "key:k1:usd:day": 2 * NANO, "key:k2:usd:day": NANO}
    assert {account.name for account in all_budgets(policy, {}, NOW, ())} == {"team:t:usd:month"}


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (KeyRules(usd="2"), "window: goes together with budget_usd"),
        (KeyRules(window="day"), "window: goes together with budget_usd"),
        (KeyRules(usd="-2", window="day"), "budget_usd: '-2' is not an amount"),
        (KeyRules(usd="0.0000000001", window="day"), "budget_usd: .* finer than a nano-dollar"),
        (KeyRules(usd="2", window="fortnight"), "window: 'fortnight' is not one of"),
        (KeyRules(requests_per_minute=-1), "requests_per_minute: must not be negative"),
        (KeyRules(concurrency=10**30), "concurrency: must be at most 1,000,000,000,000,000"),
    ],
)
def test_what_cannot_be_meant_is_told_with_its_field(own: KeyRules, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{said}"):
        check_key_rules(own)


def test_what_can_be_meant_passes() -> None:
    check_key_rules(OWN)
    check_key_rules(KeyRules(usd="4000000", window="7d", tokens_per_minute=0, concurrency=1))
