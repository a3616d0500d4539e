"""Headers in both directions, by allow-list."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import BadRequest
from router.wire.chat import Dialect
from router.wire.headers import TIMEOUT_MAX_S, Wanted, read_headers, upstream_headers

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def read(**headers: str) -> Wanted:
    return read_headers([(name.replace("_", "-").encode(), text.encode("latin-1")) for name, text in headers.items()])


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({}, None),
        ({"authorization": "Bearer sk-mr-a"}, "sk-mr-a"),
        ({"Authorization": "bearer   sk-mr-a "}, "sk-mr-a"),
        ({"x_api_key": "sk-mr-b"}, "sk-mr-b"),
        ({"authorization": "Bearer sk-mr-a", "x_api_key": "sk-mr-b"}, "sk-mr-a"),
        ({"authorization": "Basic abc", "x_api_key": "sk-mr-b"}, "sk-mr-b"),
        ({"authorization": "Basic abc"}, None),
        ({"authorization": "Bearer"}, None),
        ({"authorization": "Bearer  "}, None),
        ({"x_api_key": ""}, None),
    ],
)
def test_the_key_is_found_where_sdks_put_it(headers: dict[str, str], key: str | None) -> None:
    assert read(**headers).key == key


@pytest.mark.parametrize(
    ("agent", "dialect"),
    [
        ("mistral-client-python/3.7.0", Dialect.MISTRAL),
        ("mistral-client-typescript/2.7.0", Dialect.MISTRAL),
        ("OpenAI/Python 3.54.0", Dialect.OPENAI),
        ("my-mistral-client-app", Dialect.OPENAI),
        ("", Dialect.OPENAI),
    ],
)
def test_mistrals_own_sdks_are_known_by_their_name(agent: str, dialect: Dialect) -> None:
    assert read(user_agent=agent).dialect is dialect


def test_every_header_of_the_interface_is_read() -> None:
    wanted = read(
        x_router_explain="enabled",
        x_router_quality="quality",
        x_router_max_cost_usd="0.01",
        x_router_timeout_ms="1500",
        idempotency_key="once",
        traceparent=TRACE,
        x_stainless_retry_count="2",
    )
    assert wanted == Wanted(
        key=None,
        dialect=Dialect.OPENAI,
        explain=True,
        quality="quality",
        cost_max_usd="0.01",
        timeout_s=1.5,
        idempotency_key="once",
        traceparent=TRACE,
        retry_count=2,
    )


def test_without_headers_nothing_is_wanted() -> None:
    assert read_headers([]) == Wanted(key=None, dialect=Dialect.OPENAI)


@pytest.mark.parametrize("text", ["disabled", "true", "1", ""])
def test_only_the_word_enabled_asks_for_an_explanation(text: str) -> None:
    assert read(x_router_explain=text).explain is False


@pytest.mark.parametrize(("text", "quality"), [("0.95", 0.95), ("economy", "economy"), ("1", 1.0), ("best", "best")])
def test_quality_is_a_name_or_a_number_and_judged_later(text: str, quality: str | float) -> None:
    assert read(x_router_quality=text).quality == quality


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x_stainless_read_timeout": "600"}, 600.0),
        ({"x_stainless_read_timeout": "30", "x_router_timeout_ms": "1000"}, 1.0),
        ({"x_stainless_read_timeout": "1", "x_router_timeout_ms": "30000"}, 1.0),
        ({"x_router_timeout_ms": "99999999"}, TIMEOUT_MAX_S),
        ({"x_stainless_read_timeout": "NOT_GIVEN"}, None),
        ({"x_stainless_read_timeout": "inf"}, None),
        ({"x_stainless_read_timeout": "0"}, None),
    ],
)
def test_the_shorter_time_out_holds(headers: dict[str, str], seconds: float | None) -> None:
    assert read(**headers).timeout_s == seconds


@pytest.mark.parametrize("text", ["soon", "", "0", "-1", "nan", "inf", "1e999"])
def test_a_time_out_that_cannot_be_meant_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read(x_router_timeout_ms=text)
    assert caught.value.param == "x-router-timeout-ms"


@pytest.mark.parametrize("text", [TRACE.upper(), f"{TRACE}\u00e9", "x" * 55, f"{TRACE}-extra", "", "é"])
def test_a_trace_that_is_none_is_dropped(text: str) -> None:
    assert read(traceparent=text).traceparent is None


@pytest.mark.parametrize(("text", "count"), [("0", 0), ("3", 3), ("-1", 0), ("1.5", 0), ("²", 0), ("9" * 5000, 0)])
def test_a_retry_count_is_a_small_number_or_nothing(text: str, count: int) -> None:
    assert read(x_stainless_retry_count=text).retry_count == count


@given(st.lists(st.tuples(st.binary(max_size=30), st.binary(max_size=30))))
def test_any_headers_are_read_or_refused_in_words(raw: list[tuple[bytes, bytes]]) -> None:
    with contextlib.suppress(BadRequest):
        assert read_headers(raw).retry_count >= 0


NAMES = st.sampled_from(
    [
        *("authorization", "x-api-key", "user-agent", "x-router-quality", "x-router-timeout-ms"),
        *("traceparent", "x-stainless-retry-count", "x-stainless-read-timeout", "idempotency-key"),
    ]
)


@given(st.dictionaries(NAMES, st.text(st.characters(max_codepoint=255))))
def test_what_passes_upstream_is_printable_ascii_whatever_was_sent(headers: dict[str, str]) -> None:
    try:
        wanted = read_headers([(name.encode(), text.encode("latin-1")) for name, text in headers.items()])
    except BadRequest:
        return
    sent = upstream_headers("our-key", stream=False, traceparent=wanted.traceparent)
    assert all(text.isascii() and text.isprintable() for text in sent.values())


def test_only_five_headers_and_a_trace_go_upstream() -> None:
    plain = upstream_headers("our-key", stream=False, traceparent=None)
    assert plain == {
        "authorization": "Bearer our-key",
        "content-type": "application/json",
        "accept": "application/json",
        "accept-encoding": "identity",
        "user-agent": "mistral-router",
    }
    stream = upstream_headers("our-key", stream=True, traceparent=TRACE)
    assert stream == {**plain, "accept": "text/event-stream", "traceparent": TRACE}
