"""What records add to the sums, and what is read back: figures by every dimension, counters, quantiles."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.attempts import Outcome
from router.core.explain import Attempt
from router.core.record import RequestRecord
from router.core.rollup import Adding, Histogram, Rollup
from router.core.sums import ADDED_EDGES, FIRST_CHUNK_EDGES, LATENCY_EDGES, Figures, spent, sums_of
from router.ops.metrics import METRICS
from tests.store.desk import NOW, attempt, record

HOUR = 3_600_000


def add(adding: Adding, team: str, at_ms: int, sums: Mapping[str, Figures], *, hourly: bool) -> None:
    """As the store tells them: each name by a number."""
    numbered = dict(enumerate(sums.values(), 1))
    adding.add(team, dict(enumerate(sums, 1)), [(at_ms, numbered)], hourly=hourly)


def rolled(*records: RequestRecord, hourly: bool = True, refused: tuple[RequestRecord, ...] = ()) -> Rollup:
    adding = Adding(NOW, NOW + 24 * HOUR, HOUR)
    for one in (*records, *refused):
        add(adding, one.team, one.at_ms, sums_of(one, counted=one not in refused), hourly=hourly)
    return adding.rollup()


TAGS = st.lists(st.sampled_from(["a", "b", "m", "été"]), max_size=3).map(tuple)
ATTEMPTS = st.lists(
    st.builds(
        attempt,
        st.sampled_from(["small", "large"]),
        st.integers(0, 10**12),
        st.none() | st.tuples(*[st.integers(0, 10**6)] * 3),
        unconfirmed=st.booleans(),
    ),
    max_size=3,
).map(tuple)


@st.composite
def records(draw: Any) -> RequestRecord:
    tried = draw(ATTEMPTS)
    return record(
        draw(st.sampled_from(["one", "two"])),
        NOW + draw(st.integers(0, 23)) * HOUR,
        attempts=tried,
        tags=draw(TAGS),
        key=draw(st.sampled_from(["k1", "k2"])),
        model=tried[-1].model if tried else None,
        duration_ms=draw(st.integers(0, 200_000)),
        saved_nano_usd=draw(st.integers(-(10**12), 10**12)),
    )


@given(st.lists(records(), max_size=12))
def test_the_hours_and_the_days_tell_the_same(ones: list[RequestRecord]) -> None:
    by_hour, by_day = rolled(*ones), rolled(*ones, hourly=False)
    assert by_hour == by_day
    assert by_hour.total.requests == len(ones)
    confirmed = [one for record in ones for one in (record.router.attempts if record.router else ())]
    assert by_hour.total.nano_usd == sum(one.nano_usd for one in confirmed if not one.unconfirmed)
    assert by_hour.total.saved_nano_usd == sum(one.saved_nano_usd for one in ones)
    for group in ("team", "key", "model", "kind", "language"):
        for field in ("nano_usd", "saved_nano_usd", "requests", "input_tokens", "cached_tokens", "output_tokens"):
            total = getattr(by_hour.total, field)
            assert sum(getattr(sums, field) for sums in by_hour.by[group].values()) == total, (group, field)
    for group in ("team", "key", "model"):
        points = sum(nano for point in by_hour.points for nano in point.nano_usd[group].values())
        assert points == by_hour.total.nano_usd
    assert by_hour.latency_all.total <= len(ones)
    assert sum(point.latency.total for point in by_hour.points) == by_hour.latency_all.total
    assert by_hour.added.total == len(ones)


def test_a_request_is_told_in_every_counter() -> None:
    late = Attempt(model="small", outcome=Outcome.TIMED_OUT, wait_ms=0, nano_usd=7)
    tried = (late, attempt("large", 5, (3, 1, 2)))
    answered = record("one", NOW, 1, attempts=tried, model="large", reason="escalated", first_chunk_ms=70.0)
    refusal = record("two", NOW, 2, status=402, code="budget_exceeded", model=None, reason="")
    found = rolled(answered, refused=(refusal,))
    assert found.statuses == {200: 1, 402: 1}
    assert found.refusals == {"budget_exceeded": 1}
    assert found.reasons == {"escalated": 1}
    assert found.attempts == {("small", "timed_out"): 1, ("large", "ok"): 1}
    assert found.escalations == {("small", "large"): 1}
    assert list(found.latency) == list(found.first_chunk) == ["large"]
    assert (found.latency_all.total, found.first_chunk_all.total, found.added.total) == (1, 1, 2)
    assert 0.06 <= (found.first_chunk["large"].quantile(0.5) or 0) <= 0.08
    assert (found.total.requests, found.total.nano_usd) == (1, 12)
    assert found.points[0].statuses == {200: 1, 402: 1}
    assert "two" not in found.by["team"], "a refusal held nothing"


def test_a_tag_that_is_named_twice_counts_once() -> None:
    one = record("one", attempts=(attempt("small", 9, (1, 0, 1)),), tags=("a", "a", "b"))
    assert {tag: sums.nano_usd for tag, sums in rolled(one).by["tag"].items()} == {"a": 9, "b": 9}


def test_what_is_charged_by_hand_stands_in_every_row_of_its_request() -> None:
    adding = Adding(NOW, NOW + HOUR, HOUR)
    add(adding, "one", NOW, spent("k1", "small", "code", "en", ("a", "b"), 50), hourly=False)
    adding.unconfirmed("one", ["k1", "small", "code", "en", "a"], 8)
    found = adding.rollup()
    assert {group: {name: sums.nano_usd for name, sums in groups.items()} for group, groups in found.by.items()} == {
        "team": {"one": 58}, "key": {"k1": 58}, "model": {"small": 58}, "kind": {"code": 58}, "language": {"en": 58},
        "tag": {"a": 58, "b": 50},
    }  # fmt: skip
    assert (found.total.nano_usd, found.total.unconfirmed_nano_usd, found.total.requests) == (58, 8, 0)


def test_more_rows_than_are_kept_at_once_come_to_their_sum() -> None:
    adding, ones = Adding(NOW, NOW + 24 * HOUR, HOUR), 0
    one = record("one", attempts=(attempt("small", 9, (4, 1, 2)),), tags=("a",), first_chunk_ms=70.0)
    while ones < 1_000:  # rows and counters, eight of them in the hour
        add(adding, f"team-{ones % 7}", NOW + ones % 3 * HOUR, sums_of(one, counted=True), hourly=True)
        ones += 1
    found = adding.rollup()
    assert (found.total.requests, found.total.nano_usd, found.by["tag"]["a"].output_tokens) == (1_000, 9_000, 2_000)
    assert sum(sums.requests for sums in found.by["team"].values()) == 1_000
    assert [(point.total.requests, point.statuses) for point in found.points] == [
        (334, {200: 334}), (333, {200: 333}), (333, {200: 333}),
    ]  # fmt: skip
    assert [sum(point.nano_usd["team"].values()) for point in found.points] == [3_006, 2_997, 2_997]
    assert (found.statuses, found.latency_all.total, found.added.total) == ({200: 1_000}, 1_000, 1_000)


def test_nothing_that_was_added_up_is_a_rollup_too() -> None:
    found = rolled()
    assert (found.total.requests, found.points, found.statuses) == (0, [], {})
    assert found.latency_all.quantile(0.95) is None


@pytest.mark.parametrize(
    ("name", "edges"),
    [
        ("router_request_duration_seconds", LATENCY_EDGES),
        ("router_added_latency_seconds", ADDED_EDGES),
        ("router_time_to_first_chunk_seconds", FIRST_CHUNK_EDGES),
    ],
)
def test_buckets_are_those_of_the_metrics(name: str, edges: tuple[float, ...]) -> None:
    assert next(metric.buckets for metric in METRICS if metric.name == name) == edges


@given(st.lists(st.floats(0, 9.9), min_size=1, max_size=50), st.floats(0.01, 1))
def test_a_quantile_is_within_the_bucket_of_the_true_one(seconds: list[float], q: float) -> None:
    edges = FIRST_CHUNK_EDGES
    places = [bisect_left(edges, one) for one in seconds]
    histogram = Histogram(edges=edges, counts=tuple(places.count(index) for index in range(len(edges) + 1)))
    told = histogram.quantile(q)
    place = sorted(places)[max(0, -(-int(q * len(places) * 10**6) // 10**6) - 1)]
    assert told is not None
    assert (edges[place - 1] if place else 0.0) <= told <= edges[min(place + 1, len(edges) - 1)]


def test_what_lies_above_the_last_edge_is_told_as_the_last_edge() -> None:
    histogram = Histogram(edges=(1.0, 2.0), counts=(0, 0, 3))
    assert histogram.quantile(0.5) == 2.0
    both = histogram + Histogram(edges=(1.0, 2.0), counts=(1, 0, 0))
    assert (both.counts, both.total) == ((1, 0, 3), 4)
