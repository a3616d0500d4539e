"""Our own refusals: every field of the interface, in words that say what would help."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from router.core.asked import Wishes
from router.core.charges import FOREVER_MS, Account, Denial, Kind, Measure, Standing
from router.core.explain import explain
from router.core.plan import Plan
from router.core.policy import Scope
from router.core.reasons import Why
from router.core.refusals import _REMEDIES, denied, unsuitable
from router.errors import RouterError
from router.wire.fitting import Misfit
from router.wire.schema import SchemaProfile
from tests.core.making import MODELS, POLICY, SCORES, ask, plan, rules, switched

NOW_MS = 1_795_435_200_000  # 2026-11-23 12:00 UTC
MIDNIGHT_MS = NOW_MS + 12 * 3_600_000
USD = Account(
    name="team:search:usd:day",
    scope=Scope.TEAM,
    id="search",
    measure=Measure.USD,
    kind=Kind.CALENDAR,
    window="day",
    limit=250_000_000_000,
    enforced=True,
    begin=NOW_MS,
    end=MIDNIGHT_MS,
)
RATE = msgspec.structs.replace(
    USD, name="key:k1:requests", scope=Scope.KEY, id="k1", measure=Measure.REQUESTS, kind=Kind.RING, window="minute",
    limit=600,
)  # fmt: skip


def denial(account: Account, *, asked: int = 2_500_000, wait_ms: int | None = 1_500, **standing: int) -> Denial:
    given = {"remaining": 0, "reset_ms": 60_000, "spent": 249_990_000_000, "held": 9_000_000, **standing}
    return Denial(standing=Standing(account=account, **given), asked=asked, retry_after_ms=wait_ms, now_ms=NOW_MS)


def told(error: RouterError) -> tuple[int, str, str | None]:
    return error.status, error.code, error.param


class TestBudgets:
    def test_a_402_says_all_there_is_to_know(self) -> None:
        error = denied(denial(USD), "search")
        assert told(error) == (402, "budget_exceeded", None)
        assert error.type == "budget_exceeded"
        assert error.retry_after_ms is None
        assert error.extra == {
            "budget": {
                "scope": "team",
                "id": "search",
                "window": "day",
                "limit_usd": "250.000000000",
                "spent_usd": "249.990000000",
                "reserved_usd": "0.009000000",
                "estimate_usd": "0.002500000",
                "resets_at": "2026-11-24T00:00:00Z",
            }
        }
        for part in ("Team search", "249.99", "0.009", "250", "0.0025", "2026-11-24T00:00:00Z"):
            assert part in error.message

    def test_a_total_is_never_renewed(self) -> None:
        account = msgspec.structs.replace(USD, window="total", begin=0, end=FOREVER_MS)
        error = denied(denial(account, reset_ms=-1), "search")
        assert error.extra["budget"]["resets_at"] is None
        assert "does not renew" in error.message

    def test_a_rolling_budget_frees_when_waiting_helps(self) -> None:
        account = msgspec.structs.replace(USD, window="24h", kind=Kind.RING, begin=86_400_000, end=24)
        error = denied(denial(account, wait_ms=90_500), "search")
        assert error.extra["budget"]["resets_at"] == "2026-11-23T12:01:30Z"
        assert "last 24h" in error.message
        hopeless = denied(denial(account, wait_ms=None), "search")
        assert hopeless.extra["budget"]["resets_at"] is None

    @pytest.mark.parametrize(
        ("scope", "owner"), [(Scope.KEY, "Key k1"), (Scope.MODEL, "Model k1"), (Scope.TAG, "Tag k1")]
    )
    def test_the_owner_is_named(self, scope: Scope, owner: str) -> None:
        account = msgspec.structs.replace(USD, scope=scope, id="k1")
        error = denied(denial(account), "search")
        assert error.message.startswith(f"{owner} has spent")
        assert "search" in error.message

    def test_a_keys_amount_may_be_its_own(self) -> None:
        error = denied(denial(msgspec.structs.replace(USD, scope=Scope.KEY, id="k1")), "search")
        assert error.message.endswith("(the key's own budget, or the policy of team search).")


class TestRates:
    def test_a_429_says_when_to_come_back(self) -> None:
        error = denied(denial(RATE, asked=1, spent=600, held=0, wait_ms=1_500), "search")
        assert told(error) == (429, "rate_limit_exceeded", "requests")
        assert error.retry_after_ms == 1_500
        assert error.message == (
            "Key k1 has used or reserved 600 of 600 requests a minute and this request needs 1: try again in 1.5 s."
        )

    def test_a_request_that_never_fits_is_told_so(self) -> None:
        account = msgspec.structs.replace(RATE, measure=Measure.TOKENS, limit=1_000)
        error = denied(denial(account, asked=5_000, wait_ms=None), "search")
        assert told(error) == (429, "rate_limit_exceeded", "tokens")
        assert error.retry_after_ms is None
        assert "alone needs 5,000" in error.message
        assert "lower max_tokens" in error.message

    def test_places_free_when_a_request_ends(self) -> None:
        account = msgspec.structs.replace(RATE, measure=Measure.CONCURRENCY, kind=Kind.GAUGE, window="now", limit=50)
        error = denied(denial(account, asked=1, wait_ms=1_000), "search")
        assert told(error) == (429, "rate_limit_exceeded", "concurrency")
        assert error.retry_after_ms == 1_000
        assert error.message == "Key k1 has 50 requests under way, which is its limit: try again when one has ended."


SHORTEN = "shorten input and max_tokens together to fewer than"
RAISE = "raise x-router-max-cost-usd to at least"


def refusal(made: Plan, **asked: Any) -> RouterError:
    assert not made.order
    return unsuitable(made, ask(**asked), explain("r1", ask(**asked), made))


class TestNoModel:
    def test_every_objection_is_listed(self) -> None:
        error = refusal(plan(ask(input_tokens=300_000)), input_tokens=300_000)
        assert told(error) == (400, "no_suitable_model", "model")
        objections = {entry["model"]: entry["objection"] for entry in error.extra["models"]}
        assert objections == {
            **dict.fromkeys(["small", "medium", "large", "giant", "ears"], "context_too_small"),
            "vectors": "not_chat",
        }
        assert error.extra["input_tokens"] == 300_000

    @pytest.mark.parametrize(
        ("asked", "model", "wishes", "help_"),
        [
            ({"input_tokens": 300_000}, "auto", Wishes(), f"{SHORTEN} 256,000 tokens"),
            ({"input_tokens": 9_000}, "small", Wishes(), f"{SHORTEN} 8,192 tokens"),
            ({"needs": ["vision"]}, "small", Wishes(), "leave out the images"),
                ({"needs": ["prediction"]}, "auto", Wishes(), "leave out prediction"),
            ({}, "vectors", Wishes(), "ask for a chat model"),
            ({"output_tokens_max": 100}, "small", Wishes(cost_max_nano=1), f"{RAISE} 0.000110000"),
            ({}, "auto", Wishes(key_models=("nothing",)), "use a key whose scope includes the model"),
        ],
    )  # fmt: skip
    def test_the_smallest_change_that_helps_is_named(
        self, asked: dict[str, Any], model: str, wishes: Wishes, help_: str
    ) -> None:
        error = refusal(plan(ask(**asked), model, wishes=wishes), **asked)
        assert error.extra["remedy"] == help_
        assert error.message.endswith(f": {help_}.")

    def test_the_ceiling_named_is_one_that_works(self) -> None:
        made = plan(ask(output_tokens_max=100), "small", wishes=Wishes(cost_max_nano=1))
        [most] = [verdict.most.nano for verdict in made.verdicts if verdict.card.name == "small" and verdict.most]
        assert plan(ask(output_tokens_max=100), "small", wishes=Wishes(cost_max_nano=most)).order
        assert not plan(ask(output_tokens_max=100), "small", wishes=Wishes(cost_max_nano=most - 1)).order

    def test_an_answer_too_long_for_every_model_names_the_longest(self) -> None:
        models = {"small": {**MODELS["small"], "context_tokens": 32_000, "output_tokens_max": 4_096}}
        made = plan(
            ask(output_tokens_max=9_000), world=rules(models, {"small": 60}, {**POLICY, "baseline_model": "small"})
        )
        assert refusal(made).extra["remedy"] == "ask for at most 4,096 output tokens"

    def test_where_nothing_is_scored_the_operator_is_named(self) -> None:
        made = plan(ask(), world=rules(scores={}))
        assert refusal(made).extra["remedy"].startswith("pin the model by name")

    def test_a_schema_that_no_model_takes_is_named_with_its_place(self) -> None:
        place, what = "tools[0].function.parameters/$defs/Node/items", "refers to itself through '#/$defs/Node'"
        misfit = Misfit(code="schema_recursive", place=place, what=what)
        asked = {"needs": ["tools"], "misfits": {SchemaProfile.NO_REF: misfit}}
        models = {name: {**fields, "schema_profile": "no_ref"} for name, fields in MODELS.items()}
        error = refusal(plan(ask(**asked), world=rules(models)), **asked)
        assert told(error) == (400, "no_suitable_model", place)
        assert error.extra["remedy"].startswith(f"change the schema at {place}, which {what}")

    def test_a_model_switched_off_says_until_when_and_why(self) -> None:
        made = plan(ask(), "large", switches=switched({"large": "it answers nonsense"}))
        assert refusal(made).message == (
            "No model can serve this request (disabled): ask for another model, or try again after "
            "2026-11-23T12:00:00Z, when the operator's switch ends (it answers nonsense)."
        )

    def test_a_model_pinned_for_all_is_named_with_what_it_lacks(self) -> None:
        error = refusal(plan(ask(needs=["vision"]), switches=switched({}, "small")), needs=["vision"])
        assert "(no_vision): leave out the images, or pin another model by name" in error.message
        assert error.message.endswith("every chat request served by small.")

    def test_a_policy_bound_to_a_region_names_the_operator(self) -> None:
        made = plan(ask(), world=rules(MODELS, SCORES, {**POLICY, "region": "eu"}))
        assert "region" in refusal(made).extra["remedy"]


def test_every_objection_that_a_caller_can_meet_has_a_remedy() -> None:
    # The others stand beside a model that serves, or beside the one that the app pinned.
    assert set(Why) - _REMEDIES.keys() == {Why.NOT_ASKED_FOR, Why.OVER_ESCALATION_COST}
