"""Counting: what the list of metrics becomes in this process, and what of all worker processes is shown together.

Children are bound once per combination of labels, because looking labels up costs three times as much as counting.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from router.core.explain import Attempt
from router.core.record import RequestRecord
from router.ops.metrics import METRICS, Across, Metric
from router.ops.survey import Survey

_TYPES: Final[dict[str, Any]] = {"counter": Counter, "gauge": Gauge, "histogram": Histogram}
_RESTARTS: Final = "router_worker_restarts_total"


def _make(metric: Metric, registry: CollectorRegistry | None) -> Any:
    options: dict[str, Any] = {"registry": registry}
    if metric.buckets:
        options["buckets"] = metric.buckets
    if metric.kind == "gauge":
        options["multiprocess_mode"] = metric.across.value
    return _TYPES[metric.kind](metric.name, metric.help, metric.labels, **options)


class _Together(Collector):
    """The figures of all worker processes, from the files in which they keep them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def collect(self) -> Iterable[Any]:
        # A worker that starts makes its files before it writes to them, and the library fails on an empty one.
        written = [str(file) for file in self._directory.glob("*.db") if _size(file)]
        found: Iterable[Any] = MultiProcessCollector.merge(written)  # type: ignore[no-untyped-call]
        return found


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:  # its worker has just died
        return 0


class Metrics:
    """A registry of its own, so that two apps in one process do not share figures. With a `directory`, which is then
    also PROMETHEUS_MULTIPROC_DIR, the figures of all worker processes are shown together."""

    def __init__(self, directory: str | None = None) -> None:
        self.registry = CollectorRegistry()
        self._directory = directory
        self.survey = Survey(Path(directory) if directory is not None else None)
        own = None if directory is not None else self.registry
        self._metrics: dict[str, Any] = {
            metric.name: _make(metric, own) for metric in METRICS if metric.across is not Across.ONE
        }
        if directory is None:
            self.registry.register(self.survey)
        self._children: dict[tuple[str, ...], Any] = {}
        for result in ("applied", "refused"):  # from the start: Prometheus sees no increase in a series' first value
            self.child("router_reloads_total", result)

    def child(self, name: str, *labels: str) -> Any:
        found = self._children.get((name, *labels))
        if found is None:
            metric = self._metrics[name]
            found = metric.labels(*labels) if labels else metric
            self._children[(name, *labels)] = found
        return found

    def journal(self, lag_s: float, size: int) -> None:
        """How far the store is behind the journal, and how large that is (bytes)."""
        self.child("router_journal_lag_seconds").set(lag_s)
        self.child("router_journal_bytes").set(size)

    def request_finished(
        self,
        record: RequestRecord,
        attempts: Sequence[Attempt],
        *,
        warnings: Iterable[tuple[str, str]],
        budgets: Iterable[tuple[str, str]],
        input_ratios: Iterable[tuple[str, float]],
        first_chunk_s: float | None,
        overhead_s: float,
        duration_s: float,
    ) -> None:
        """Count one request, when it has ended. `warnings` are the scope and the measure of soft rules that it went
        beyond, `budgets` the scope and the reason of what it was told of budgets, `input_ratios` a model's billed input
        by what was estimated."""
        team, model = record.team, record.model or "none"
        self.child("router_requests_total", team, model, str(record.status)).inc()
        if record.code is not None:
            self.child("router_refusals_total", team, record.code).inc()
        for scope, measure in warnings:
            self.child("router_soft_limit_exceeded_total", team, scope, measure).inc()
        for scope, why in budgets:
            self.child("router_budget_warnings_total", team, scope, why).inc()
        if record.reason:
            self.child("router_plan_reasons_total", team, record.reason).inc()
        for attempt in attempts:
            self._attempted(team, attempt)
        for before, after in pairwise(attempts):
            if before.label != after.label:
                self.child("router_escalations_total", before.label, after.label).inc()
        if saved_nano := record.saved_nano_usd:
            name = "router_saved_usd_total" if saved_nano > 0 else "router_lost_usd_total"
            self.child(name, team).inc(abs(saved_nano) / 1e9)
        for tried, ratio in input_ratios:
            self.child("router_input_tokens_ratio", tried).observe(ratio)
        if first_chunk_s is not None:
            self.child("router_time_to_first_chunk_seconds", model).observe(first_chunk_s)
        self.child("router_added_latency_seconds").observe(overhead_s)
        self.child("router_request_duration_seconds", model).observe(duration_s)

    def _attempted(self, team: str, attempt: Attempt) -> None:
        model, outcome, usage = attempt.model, attempt.outcome.value, attempt.usage
        self.child("router_attempts_total", model, outcome).inc()
        self.child("router_upstream_outcomes_total", attempt.upstream, outcome).inc()
        self.child("router_upstream_duration_seconds", model).observe(attempt.duration_ms / 1000)
        if attempt.nano_usd:
            self.child("router_cost_usd_total", team, model).inc(attempt.nano_usd / 1e9)
        if usage is not None:
            billed = {
                "input": usage.input_tokens - usage.cached_tokens,
                "cached": usage.cached_tokens,
                "output": usage.output_tokens,
            }
            for kind, count in billed.items():
                if count:
                    self.child("router_tokens_total", model, kind).inc(count)

    def reloaded(self, result: str) -> None:
        """The rules were read again: `applied` or `refused`."""
        self.child("router_reloads_total", result).inc()
        self.child("router_rules_refused").set(result == "refused")

    def store_called(self, verb: str, duration_s: float, answered: bool) -> None:
        """One call to the ledger has come back, or was given up."""
        self.child("router_store_duration_seconds", verb).observe(duration_s)
        if not answered:
            self.child("router_store_failures_total", verb).inc()

    def quota_learned(self, model: str, measure: str, *, limit: float, remaining: float) -> None:
        """What is known of the vendor's own limit on a model: `measure` is `requests` or `tokens`."""
        self.child("router_upstream_quota_limit", model, measure).set(limit)
        self.child("router_upstream_quota_remaining", model, measure).set(remaining)

    def exposition(self) -> bytes:
        """The text that Prometheus scrapes."""
        if self._directory is None:
            return generate_latest(self.registry)
        registry = CollectorRegistry()
        registry.register(_Together(Path(self._directory)))
        registry.register(self.survey)
        return generate_latest(registry)


def worker_replaced() -> None:
    """Count it, in the process that replaces workers: of all figures it keeps only this one. The file that worker
    processes share remembers the count."""
    metric = next(metric for metric in METRICS if metric.name == _RESTARTS)
    _make(metric, None).inc()
