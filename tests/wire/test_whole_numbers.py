"""Whole numbers with a point or an exponent, as some languages write them: Mistral takes them so, and so do we."""

from __future__ import annotations

import pytest

from router.errors import BadRequest
from router.wire.chat import parse_chat
from router.wire.reading import Bounds


@pytest.mark.parametrize(
    ("written", "number"), [(b"1e3", 1_000), (b"1.5E1", 15), (b"1e15", 10**15), (b"20e-1", 2), (b"7.0e0", 7)]
)
def test_a_whole_number_may_be_written_with_an_exponent(written: bytes, number: int) -> None:
    body = b'{"model": "auto", "messages": [{"role": "user", "content": "hi"}], "top_k": ' + written + b"}"
    assert parse_chat(body, Bounds()).sampling.top_k == number


@pytest.mark.parametrize("written", [b"1e-1", b"1.25e1", b"1e400", b"1e999999999", b'"1e3"'])
def test_what_is_no_whole_number_stays_a_mistake(written: bytes) -> None:
    body = b'{"model": "auto", "messages": [{"role": "user", "content": "hi"}], "top_k": ' + written + b"}"
    with pytest.raises(BadRequest):
        parse_chat(body, Bounds())


def test_a_whole_number_may_be_written_with_a_point() -> None:
    said = b'{"model": "auto", "messages": [{"role": "user", "content": "1.0"}], '
    body = said + b'"max_tokens": 100.0, "n": 2.00, "top_k": 0.0}'
    read = parse_chat(body, Bounds())
    assert (read.max_tokens, read.answers, read.sampling.top_k, read.messages[0].content) == (100, 2, 0, "1.0")
    with pytest.raises(BadRequest, match="got `float` at max_tokens"):
        parse_chat(body.replace(b"100.0", b"100.5"), Bounds())
