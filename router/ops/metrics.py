"""The metrics: one list drives `/metrics`, the documentation and the test that compares them.

Label values come from closed sets or from the catalogue and the policies, so their number is bounded. Names and buckets
follow OpenTelemetry's conventions for generative AI where one fits.
"""

from __future__ import annotations

import enum
from typing import Final

import msgspec


class Across(enum.Enum):
    """What a gauge's figures of several worker processes make together."""

    SUM = "livesum"
    MAX = "livemax"
    MIN = "livemin"
    LAST = "livemostrecent"
    # One process reads it from the store for all of them (ops/survey.py).
    ONE = "one"


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """`kind` is counter, gauge or histogram; `buckets` are upper edges in the metric's unit."""

    name: str
    kind: str
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    across: Across = Across.SUM


# Powers of two from 10 ms, as OpenTelemetry's gen_ai.client.operation.duration.
_DURATION: Final = tuple(0.01 * 2**power for power in range(14))
# As OpenTelemetry's gen_ai.server.time_to_first_token.
_FIRST: Final = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
_ADDED: Final = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0)
_RATIO: Final = (0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 1.0, 1.02, 1.05, 1.1, 1.25, 1.5, 2.0, 4.0)
_BUDGET: Final = ("team", "scope", "id", "window", "mode")

METRICS: Final = (
    Metric(
        name="router_requests_total",
        kind="counter",
        help="Requests ended, by the model that served them and HTTP status.",
        labels=("team", "model", "status"),
    ),
    Metric(
        name="router_cost_usd_total",
        kind="counter",
        help="Cost charged, in USD, with what is held unconfirmed.",
        labels=("team", "model"),
    ),
    Metric(
        name="router_saved_usd_total",
        kind="counter",
        help="Baseline cost minus real cost, in USD, where routing saved.",
        labels=("team",),
    ),
    Metric(
        name="router_lost_usd_total",
        kind="counter",
        help="Real cost minus baseline cost, in USD, where routing cost more.",
        labels=("team",),
    ),
    Metric(
        name="router_tokens_total",
        kind="counter",
        help="Tokens billed, by model and type (input, cached, output).",
        labels=("model", "type"),
    ),
    Metric(
        name="router_refusals_total",
        kind="counter",
        help="Requests that ended in an error, by its code.",
        labels=("team", "reason"),
    ),
    Metric(
        name="router_soft_limit_exceeded_total",
        kind="counter",
        help="Requests admitted although a soft budget or limit was used up, by the rule's scope and measure.",
        labels=("team", "scope", "measure"),
    ),
    Metric(
        name="router_budget_warnings_total",
        kind="counter",
        help="Requests told that a budget has passed a threshold or would not last, by rule and reason.",
        labels=("team", "scope", "reason"),
    ),
    Metric(
        name="router_plan_reasons_total",
        kind="counter",
        help="Why the serving model was chosen.",
        labels=("team", "reason"),
    ),
    Metric(
        name="router_attempts_total",
        kind="counter",
        help="Attempts upstream, by model and outcome.",
        labels=("model", "outcome"),
    ),
    Metric(
        name="router_added_latency_seconds",
        kind="histogram",
        help="Time that the router added to a request.",
        buckets=_ADDED,
    ),
    Metric(
        name="router_request_duration_seconds",
        kind="histogram",
        help="Whole time of a request.",
        labels=("model",),
        buckets=_DURATION,
    ),
    Metric(name="router_requests_in_flight", kind="gauge", help="Requests under way."),
    Metric(name="router_settlements_waiting", kind="gauge", help="Ends of holds that the store has not taken yet."),
    Metric(
        name="router_settlements_lost_total",
        kind="counter",
        help="Ends of holds given up; each leaves an unconfirmed charge.",
    ),
    Metric(
        name="router_webhooks_total",
        kind="counter",
        help="Alarms of money sent to webhooks, by result (delivered, failed, given_up).",
        labels=("webhook", "result"),
    ),
    Metric(
        name="router_journal_lag_seconds",
        kind="gauge",
        help="Age of the oldest end of a hold that is in the journal and not in the store.",
        across=Across.MAX,
    ),
    Metric(name="router_journal_bytes", kind="gauge", help="Size of the journals of running processes."),
    Metric(
        name="router_journal_failed_total",
        kind="counter",
        help="Lines of the journal that could not be written; requests are refused meanwhile.",
    ),
    Metric(
        name="router_journal_replayed_total",
        kind="counter",
        help="Holds of processes that died, by how they were ended from the journal, and damaged lines passed over.",
        labels=("kind",),
    ),
    Metric(
        name="router_reloads_total",
        kind="counter",
        help="Reloads of configuration and policies, by result (applied, refused).",
        labels=("result",),
    ),
    Metric(
        name="router_escalations_total",
        kind="counter",
        help="Moves from one model to the next within a request.",
        labels=("from", "to"),
    ),
    Metric(
        name="router_upstream_outcomes_total",
        kind="counter",
        help="Attempts upstream, by the upstream that was asked and outcome.",
        labels=("upstream", "outcome"),
    ),
    Metric(
        name="router_upstream_duration_seconds",
        kind="histogram",
        help="Whole time of an attempt upstream.",
        labels=("model",),
        buckets=_DURATION,
    ),
    Metric(
        name="router_time_to_first_chunk_seconds",
        kind="histogram",
        help="From a streamed request's arrival to its first content.",
        labels=("model",),
        buckets=_FIRST,
    ),
    Metric(
        name="router_input_tokens_ratio",
        kind="histogram",
        help="Input tokens billed, divided by those estimated before.",
        labels=("model",),
        buckets=_RATIO,
    ),
    Metric(
        name="router_model_resting",
        kind="gauge",
        help="Whether a model is left out for now after failures (1) or asked (0).",
        labels=("model",),
        across=Across.MAX,
    ),
    Metric(
        name="router_upstream_quota_limit",
        kind="gauge",
        help="The vendor's own limit a minute, as its last answer gave it.",
        labels=("model", "measure"),
        across=Across.LAST,
    ),
    Metric(
        name="router_upstream_quota_remaining",
        kind="gauge",
        help="What is left of the vendor's own limit now, as far as is known.",
        labels=("model", "measure"),
        across=Across.LAST,
    ),
    Metric(
        name="router_budget_spent_usd",
        kind="gauge",
        help="Charged to a budget in its window, in USD, with what is unconfirmed.",
        labels=_BUDGET,
        across=Across.ONE,
    ),
    Metric(
        name="router_budget_reserved_usd",
        kind="gauge",
        help="Held on a budget for requests under way, in USD.",
        labels=_BUDGET,
        across=Across.ONE,
    ),
    Metric(
        name="router_budget_limit_usd",
        kind="gauge",
        help="A budget's amount, in USD.",
        labels=_BUDGET,
        across=Across.ONE,
    ),
    Metric(
        name="router_budget_resets_timestamp_seconds",
        kind="gauge",
        help="When a budget's calendar window ends, in epoch seconds.",
        labels=_BUDGET,
        across=Across.ONE,
    ),
    Metric(
        name="router_unconfirmed_usd",
        kind="gauge",
        help="Charged for requests whose usage never came, in USD.",
        labels=("team",),
        across=Across.ONE,
    ),
    Metric(
        name="router_store_up",
        kind="gauge",
        help="Whether the store answers (1) or not (0), by what it is (server, sentinel, cluster).",
        labels=("mode",),
        across=Across.MIN,
    ),
    Metric(
        name="router_store_duration_seconds",
        kind="histogram",
        help="Time of a call to the ledger in the store, with the wait for its turn.",
        labels=("verb",),
        buckets=_ADDED,
    ),
    Metric(
        name="router_store_failures_total",
        kind="counter",
        help="Calls to the ledger that the store did not answer or refused.",
        labels=("verb",),
    ),
    Metric(
        name="router_rules_refused",
        kind="gauge",
        help="Whether the last reload was refused (1), so that older rules are in force.",
        across=Across.MAX,
    ),
    Metric(
        name="router_price_age_days",
        kind="gauge",
        help="Days since the prices were last held against the vendor's page.",
        across=Across.MAX,
    ),
    Metric(
        name="router_worker_restarts_total",
        kind="counter",
        help="Worker processes that died and were replaced.",
    ),
    Metric(
        name="router_build_info",
        kind="gauge",
        help="1, with the version that runs.",
        labels=("version",),
        across=Across.MAX,
    ),
)
