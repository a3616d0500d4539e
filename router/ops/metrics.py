"""The metrics: one list drives `/metrics`, the documentation and the test that compares them.

Label values come from closed sets or from the catalogue and the policies, so their number is bounded. Children are
bound once per combination, because looking labels up costs three times as much as counting.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """`kind` is counter, gauge or histogram; `buckets` are upper edges in the metric's unit. `across` says
    how the gauges of worker processes become one."""

    name: str
    kind: str
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    across: str = "livesum"


# Powers of two from 10 ms, as OpenTelemetry's gen_ai.client.operation.duration.
_DURATION: Final = tuple(0.01 * 2**power for power in range(14))
_ADDED: Final = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0)

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
        name="router_journal_lag_seconds",
        kind="gauge",
        help="Age of the oldest end of a hold that is in the journal and not in the store.",
        across="livemax",
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
)

_TYPES: Final[dict[str, Any]] = {"counter": Counter, "gauge": Gauge, "histogram": Histogram}


class Metrics:
    """A registry of its own, so that two apps in one process do not share figures. With `multiprocess` the figures of
    all worker processes are added up from the directory PROMETHEUS_MULTIPROC_DIR."""

    def __init__(self, *, multiprocess: bool = False) -> None:
        self.registry = CollectorRegistry()
        self._multiprocess = multiprocess
        self._metrics: dict[str, Any] = {metric.name: self._make(metric) for metric in METRICS}
        self._children: dict[tuple[str, ...], Any] = {}
        for result in ("applied", "refused"):  # from the start: Prometheus sees no increase in a series' first value
            self.child("router_reloads_total", result)

    def _make(self, metric: Metric) -> Any:
        options: dict[str, Any] = {"registry": None if self._multiprocess else self.registry}
        if metric.buckets:
            options["buckets"] = metric.buckets
        if metric.kind == "gauge":
            options["multiprocess_mode"] = metric.across
        return _TYPES[metric.kind](metric.name, metric.help, metric.labels, **options)

    def child(self, name: str, *labels: str) -> Any:
        found = self._children.get((name, *labels))
        if found is None:
            metric = self._metrics[name]
            found = metric.labels(*labels) if labels else metric
            self._children[(name, *labels)] = found
        return found

    def journal(self, lag_s: float, size: int) -> None:
        """How far the store is behind the journal, and how large that is."""
        self.child("router_journal_lag_seconds").set(lag_s)
        self.child("router_journal_bytes").set(size)

    def request_finished(
        self,
        *,
        team: str,
        model: str,
        status: int,
        reason: str,
        attempts: Iterable[tuple[str, str]],
        costs: Iterable[tuple[str, int]],
        saved_nano: int,
        tokens: Iterable[tuple[str, str, int]],
        refusal: str | None,
        warnings: Iterable[tuple[str, str]],
        overhead_s: float,
        duration_s: float,
    ) -> None:
        """Count one request, when it has ended."""
        self.child("router_requests_total", team, model, str(status)).inc()
        if refusal is not None:
            self.child("router_refusals_total", team, refusal).inc()
        for scope, measure in warnings:
            self.child("router_soft_limit_exceeded_total", team, scope, measure).inc()
        if reason:
            self.child("router_plan_reasons_total", team, reason).inc()
        for tried, outcome in attempts:
            self.child("router_attempts_total", tried, outcome).inc()
        for tried, nano in costs:
            if nano:
                self.child("router_cost_usd_total", team, tried).inc(nano / 1e9)
        if saved_nano:
            name = "router_saved_usd_total" if saved_nano > 0 else "router_lost_usd_total"
            self.child(name, team).inc(abs(saved_nano) / 1e9)
        for tried, kind, count in tokens:
            if count:
                self.child("router_tokens_total", tried, kind).inc(count)
        self.child("router_added_latency_seconds").observe(overhead_s)
        self.child("router_request_duration_seconds", model).observe(duration_s)

    def exposition(self) -> bytes:
        """The text that Prometheus scrapes."""
        if not self._multiprocess:
            return generate_latest(self.registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
