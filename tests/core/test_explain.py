"""One account of a decision, in money; and what an answer's headers say of it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from router.core.attempts import Outcome
from router.core.charges import Account, Kind, Measure, Standing, real_cost
from router.core.explain import Attempt, answered_by, cost_nano, explain, saved_nano
from router.core.journey import Journey, told_headers
from router.core.plan import Plan
from router.core.policy import Scope
from router.wire import formats
from router.wire.chat import Dialect, parse_chat
from router.wire.headers import Wanted
from router.wire.reading import Bounds
from router.wire.usage import Usage
from tests.core.making import MODELS, POLICY, ask, plan, rules

USAGE = Usage(input_tokens=1_000, cached_tokens=400, output_tokens=200)
FAILED = Attempt(model="large", outcome=Outcome.TIMED_OUT, wait_ms=0, nano_usd=7, unconfirmed=True)
VOID = Attempt(model="large", outcome=Outcome.RATE_LIMITED, wait_ms=0, nano_usd=0)


def answered(made: Plan, model: str) -> Attempt:
    [verdict] = [verdict for verdict in made.order if verdict.card.name == model]
    nano = real_cost(verdict.card, USAGE, verdict.site.factor)
    return Attempt(model=model, outcome=Outcome.OK, wait_ms=120, nano_usd=nano, usage=USAGE)


# large: 600 fresh and 400 cached tokens in, 200 out; giant is the baseline.
LARGE_NANO = 600 * 300 + 400 * 30 + 200 * 1_000
GIANT_NANO = 600 * 2_000 + 400 * 200 + 200 * 6_000


def test_the_object_has_every_field_of_the_interface() -> None:
    made = plan(ask(needs=["tools"]))
    told = msgspec.to_builtins(explain("r1", ask(needs=["tools"]), made, [answered(made, "large")]))
    assert told.keys() >= {
        *("request_id", "classification", "policy", "threshold", "models", "order", "chosen", "reason", "baseline"),
        *("attempts", "rules"),
    }
    assert told["classification"] == {
        "input_tokens": 1_000,
        "input_tokens_method": "exact",
        "output_tokens_max": 8_192,
        "output_tokens_expected": 200,
        "language": "en",
        "answer_language": "en",
        "kind": "chat",
        "needs": ["chat", "tools"],
    }
    assert told["policy"] == {"team": "apps", "quality": 0.85}
    assert (told["order"], told["chosen"], told["reason"]) == (["large", "medium"], "large", "cheapest_suitable")
    assert told["threshold"] == 76.5
    assert told["baseline"] == {"model": "giant", "nano_usd": 1_000 * 2_000 + 200 * 6_000}
    assert told["rules"] == "made-up"
    [attempt] = told["attempts"]
    assert (attempt["model"], attempt["outcome"], attempt["wait_ms"], attempt["nano_usd"]) == (
        *("large", "ok", 120),
        LARGE_NANO,
    )


def test_every_model_is_shown_with_its_objection_and_prices_as_strings() -> None:
    told = explain("r1", ask(), plan(ask()))
    shown = {view.model: view for view in told.models}
    assert shown.keys() == {"small", "medium", "large", "giant", "ears", "vectors"}
    assert msgspec.to_builtins(shown["large"]) == {
        "model": "large",
        "upstream": "mistral",
        "price_factor": "1",
        "input_tokens": 1_000,
        "cached_tokens": 0,
        "output_tokens": 200,
        "eligible": True,
        "objection": None,
        "score": 82.0,
        "score_source": "trial 2026-11-23 (general)",
        "price": {"input": "0.300000000", "cached": "0.030000000", "output": "1.000000000"},
        "expected_nano_usd": 1_000 * 300 + 200 * 1_000,
        "max_nano_usd": 1_000 * 300 + 8_192 * 1_000,
    }
    assert (shown["vectors"].objection, shown["vectors"].eligible, shown["vectors"].score) == ("not_chat", False, None)
    assert shown["small"].objection == "below_threshold"


def test_a_refused_request_is_explained_with_nothing_chosen() -> None:
    asked = ask(input_tokens=300_000, output_tokens_max=5)
    told = explain("r1", asked, plan(asked))
    assert (told.order, told.chosen, told.reason) == ([], None, "none_suitable")
    assert (told.cost_nano_usd, told.saved_nano_usd) == (0, 0)
    assert told.classification["input_tokens"] == 300_000
    assert told.classification["output_tokens_max"] == 5


def test_whoever_answered_is_the_one_chosen_and_the_reason_says_it_was_an_escalation() -> None:
    made = plan(ask())
    told = explain("r1", ask(), made, [VOID, answered(made, "medium")])
    assert (told.chosen, told.reason) == ("medium", "escalated")


def test_without_an_answer_the_first_choice_stays_the_one_chosen() -> None:
    told = explain("r1", ask(), plan(ask()), [VOID])
    assert (told.chosen, told.reason) == ("large", "cheapest_suitable")


def test_an_observing_policy_says_what_routing_would_have_chosen() -> None:
    made = plan(ask(), "giant", world=rules(policy={**POLICY, "routing": "observe"}))
    told = explain("r1", ask(), made)
    assert (told.chosen, told.observed, told.reason) == ("giant", "large", "observed")
    assert told.observed_saved_nano_usd is None, "no answer yet"
    told = explain("r1", ask(), made, [answered(made, "giant")])
    assert (told.saved_nano_usd, told.observed_saved_nano_usd) == (0, GIANT_NANO - LARGE_NANO)
    assert explain("r1", ask(), plan(ask()), [answered(plan(ask()), "large")]).observed_saved_nano_usd is None


class TestSaved:
    def test_is_the_baseline_at_the_same_tokens_minus_the_real_cost(self) -> None:
        made = plan(ask())
        assert saved_nano(made, [answered(made, "large")]) == GIANT_NANO - LARGE_NANO

    def test_counts_the_failed_attempts_as_cost(self) -> None:
        made = plan(ask())
        attempts = [FAILED, VOID, answered(made, "medium")]
        assert cost_nano(attempts) == 7 + attempts[-1].nano_usd
        assert saved_nano(made, attempts) == GIANT_NANO - cost_nano(attempts)

    def test_may_be_negative(self) -> None:
        made = plan(ask(), world=rules(policy={**POLICY, "baseline_model": "small"}))
        assert saved_nano(made, [answered(made, "large")]) < 0

    def test_is_nothing_when_the_app_got_what_it_pinned(self) -> None:
        made = plan(ask(), "large")
        assert saved_nano(made, [answered(made, "large")]) == 0

    def test_is_counted_when_a_map_turned_one_model_into_another(self) -> None:
        policy = {**POLICY, "models": {"allow": ["*"], "map": {"gpt-4o": "large"}}}
        made = plan(ask(), "gpt-4o", world=rules(policy=policy))
        assert saved_nano(made, [answered(made, "large")]) == GIANT_NANO - LARGE_NANO

    def test_is_nothing_without_an_answer(self) -> None:
        assert saved_nano(plan(ask()), [FAILED]) == 0
        assert saved_nano(plan(ask()), []) == 0

    def test_is_nothing_when_the_answer_came_without_usage(self) -> None:
        made = plan(ask())
        silent = msgspec.structs.replace(answered(made, "large"), usage=None, unconfirmed=True)
        assert saved_nano(made, [silent]) == 0
        assert answered_by([silent]) == "large"


def journey(**fields: Any) -> Journey:
    return Journey(
        request_id="r1",
        endpoint="chat",
        format=formats.CHAT,
        wanted=Wanted(key=None, dialect=Dialect.OPENAI),
        at_ms=0,
        started_s=10.0,
        deadline_s=70.0,
        rules=rules(),
        **fields,
    )


def request(**fields: Any) -> Any:
    body = {"model": "auto", "messages": [{"role": "user", "content": "hi"}], **fields}
    return parse_chat(msgspec.json.encode(body), Bounds())


NOW_S = 10.5


def headers(streaming: bool = False, **fields: Any) -> dict[str, str]:
    return told_headers(journey(**fields), NOW_S, streaming=streaming)


class TestHeaders:
    def test_at_the_edge_little_is_known(self) -> None:
        assert headers() == {"x-request-id": "r1", "x-router-overhead-ms": "500.00"}

    def test_what_the_upstream_took_is_not_the_routers_overhead(self) -> None:
        assert headers(upstream_s=0.4955)["x-router-overhead-ms"] == "4.50"
        assert headers(upstream_s=9.0)["x-router-overhead-ms"] == "0.00"

    def test_an_answer_tells_what_it_cost_and_saved_in_nine_decimals(self) -> None:
        made = plan(ask())
        told = headers(request=request(), plan=made, attempts=[answered(made, "large")])
        assert told == {
            "x-request-id": "r1",
            "x-router-overhead-ms": "500.00",
            "x-router-requested-model": "auto",
            "x-router-model": "large",
            "x-router-reason": "cheapest_suitable",
            "x-router-max-tokens": "8192;default",
            "x-router-attempts": "1",
            "x-router-cost-usd": "0.000392000",
            "x-router-saved-usd": "0.002088000",
        }

    def test_an_escalation_names_the_model_that_served_and_its_own_bound(self) -> None:
        made = plan(ask())
        told = headers(request=request(), plan=made, attempts=[VOID, answered(made, "medium")], asking="medium")
        assert (told["x-router-model"], told["x-router-reason"], told["x-router-attempts"]) == (
            *("medium", "escalated"),
            "2",
        )

    def test_what_the_serving_model_is_not_held_to_is_named_beside_what_nobody_reads(self) -> None:
        schema = {"type": "object", "properties": {}, "additionalProperties": False}
        tools = [{"type": "function", "function": {"name": "look_up", "parameters": schema}}]
        models = {name: {**fields, "schema_profile": "strict_subset"} for name, fields in MODELS.items()}
        asked = request(tools=tools, zebra=1)
        assert headers(request=asked)["x-router-dropped-params"] == "zebra"
        told = headers(request=asked, plan=plan(ask(), world=rules({**MODELS, "medium": models["medium"]})))
        assert told["x-router-dropped-params"] == "zebra"
        told = headers(request=asked, plan=plan(ask(), world=rules(models)))
        assert told["x-router-dropped-params"] == "zebra,tools[0].function.parameters.additionalProperties"

    def test_a_stream_does_not_know_its_cost_when_it_begins(self) -> None:
        told = headers(streaming=True, request=request(), plan=plan(ask()))
        assert told["x-router-model"] == "large"
        assert told.keys().isdisjoint({"x-router-cost-usd", "x-router-saved-usd", "x-router-attempts"})

    def test_a_request_that_failed_has_a_cost_and_saved_nothing(self) -> None:
        told = headers(request=request(), plan=plan(ask()), attempts=[FAILED])
        assert told["x-router-cost-usd"] == "0.000000007"
        assert "x-router-saved-usd" not in told

    def test_a_plan_without_a_model_names_none(self) -> None:
        told = headers(request=request(), plan=plan(ask(input_tokens=300_000)))
        assert told["x-router-reason"] == "none_suitable"
        assert "x-router-model" not in told

    @pytest.mark.parametrize(("asked", "told"), [(None, "7191;default"), (100, None)])
    def test_a_bound_of_the_routers_own_is_told(self, asked: int | None, told: str | None) -> None:
        made = plan(ask(output_tokens_max=asked), "small")
        assert headers(request=request(), plan=made).get("x-router-max-tokens") == told

    def test_what_was_dropped_is_named(self) -> None:
        told = headers(request=request(user="u", store=True))
        assert told["x-router-dropped-params"] == "store,user"

    def test_what_came_from_outside_cannot_break_a_header(self) -> None:
        told = headers(request=request(model="a\r\nset-cookie: x\u2028é", **{"x\r\ny": 1}))
        assert told["x-router-requested-model"] == "a??set-cookie: x??"
        assert told["x-router-dropped-params"] == "x??y"
        assert all(text.isascii() and text.isprintable() and len(text) <= 512 for text in told.values())

    def test_a_degraded_answer_says_so(self) -> None:
        assert headers(degraded="store")["x-router-degraded"] == "store"
        lost = ask(method="linear")
        assert headers(ask=lost)["x-router-degraded"] == "tokenizer"
        assert headers(ask=lost, degraded="store")["x-router-degraded"] == "store, tokenizer"
        assert "x-router-degraded" not in headers(ask=ask())


def standing(
    measure: Measure, remaining: int, limit: int = 100, *, shadow: bool = False, reset_ms: int = 1_500
) -> Standing:
    account = Account(
        name=f"{measure.value}{remaining}", scope=Scope.TEAM, id="apps", measure=measure, kind=Kind.RING,
        window="minute", limit=limit, enforced=not shadow, shadow=shadow,
    )  # fmt: skip
    return Standing(account=account, remaining=remaining, reset_ms=reset_ms, spent=0, held=0)


class TestLimits:
    def test_the_tightest_account_of_each_kind_is_told(self) -> None:
        told = headers(
            standings=(
                standing(Measure.REQUESTS, 7, 10),
                standing(Measure.REQUESTS, 3, 600, reset_ms=1_001),
                standing(Measure.TOKENS, 9_000, 10_000),
                standing(Measure.USD, 5_000_000_000),
                standing(Measure.USD, 2_500_000_000),
                standing(Measure.CONCURRENCY, 1),
            )
        )
        assert {name: text for name, text in told.items() if "limit" in name or "budget" in name} == {
            "x-router-budget-remaining-usd": "2.500000000",
            "x-ratelimit-limit-requests": "600",
            "x-ratelimit-remaining-requests": "3",
            "x-ratelimit-reset-requests": "2s",
            "x-ratelimit-limit-tokens": "10000",
            "x-ratelimit-remaining-tokens": "9000",
            "x-ratelimit-reset-tokens": "2s",
        }

    def test_what_settling_gave_back_is_there_again(self) -> None:
        told = headers(standings=(standing(Measure.USD, 1_000_000_000),), freed_nano=500_000_000)
        assert told["x-router-budget-remaining-usd"] == "1.500000000"

    def test_what_is_overspent_shows_as_nothing_left(self) -> None:
        told = headers(standings=(standing(Measure.USD, -5), standing(Measure.REQUESTS, -1)))
        assert told["x-router-budget-remaining-usd"] == "0.000000000"
        assert told["x-ratelimit-remaining-requests"] == "0"

    def test_accounts_that_only_count_are_not_told(self) -> None:
        assert headers(standings=(standing(Measure.USD, 5, shadow=True),)).keys() == headers().keys()
