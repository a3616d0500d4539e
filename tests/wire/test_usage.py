"""Usage as the vendor reports it, in all three generations of its field names."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.wire.usage import Usage, read_usage

TOTALS = {"prompt_tokens": 100, "completion_tokens": 7, "total_tokens": 107}


@pytest.mark.parametrize(
    ("more", "cached"),
    [
        ({}, 0),
        ({"prompt_tokens_details": {"cached_tokens": 16}}, 16),
        ({"num_cached_tokens": 48}, 48),
        ({"prompt_token_details": {"cached_tokens": 64}}, 64),
        ({"prompt_tokens_details": {"cached_tokens": 16}, "num_cached_tokens": 16}, 16),
        ({"prompt_tokens_details": None, "num_cached_tokens": None}, 0),
        ({"prompt_tokens_details": None, "num_cached_tokens": 48}, 48),
        ({"prompt_tokens_details": {"cached_tokens": None}}, 0),
        ({"prompt_audio_seconds": {}, "service_tier": "standard"}, 0),
    ],
)
def test_the_cached_part_is_found_under_each_of_its_names(more: dict[str, Any], cached: int) -> None:
    assert read_usage({**TOTALS, **more}) == Usage(input_tokens=100, output_tokens=7, cached_tokens=cached)


def test_the_cached_part_is_never_more_than_the_input_nor_less_than_nothing() -> None:
    usages = [read_usage({**TOTALS, "num_cached_tokens": cached}) for cached in (101, 10**9, -1)]
    assert [usage.cached_tokens for usage in usages if usage] == [100, 100, 0]


def test_an_answer_without_output_is_usage_all_the_same() -> None:
    assert read_usage({"prompt_tokens": 5}) == Usage(input_tokens=5, output_tokens=0)


@pytest.mark.parametrize(
    "raw",
    [
        *(None, {}, [], "100", 100),
        {"completion_tokens": 7},
        {"prompt_tokens": -1},
        {"prompt_tokens": 1, "completion_tokens": -1},
        {"prompt_tokens": "100"},
        {"prompt_tokens": 1.5},
        {"prompt_tokens": True},
        {"prompt_tokens": None},
        {"prompt_tokens": 1, "completion_tokens": None},
        {"prompt_tokens": 1, "prompt_tokens_details": [1]},
    ],
)
def test_what_makes_no_sense_is_no_usage(raw: Any) -> None:
    assert read_usage(raw) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ["prompt_tokens", "completion_tokens", "num_cached_tokens", "prompt_tokens_details", "prompt_token_details"]


@given(st.dictionaries(st.sampled_from(FIELDS), JSON | st.builds(dict, cached_tokens=JSON)) | JSON)
def test_whatever_is_reported_usage_is_possible_or_none(raw: Any) -> None:
    usage = read_usage(raw)
    if usage is not None:
        assert 0 <= usage.cached_tokens <= usage.input_tokens
        assert usage.output_tokens >= 0
