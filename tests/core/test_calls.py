"""Whether a prompt wants several tool calls."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.calls import wants_several_calls


@pytest.mark.parametrize(
    "text",
    [
        "What is the weather in Rome and in Oslo?",
        "Book the flight, then tell Ann.",
        "How tall is Everest? How deep is the Baltic?",
        "Convert 5 miles, 6 miles and 7 miles.",
        "Quel temps fait-il à Lyon et à Nice ?",
        "Wie ist das Wetter in Bonn und Köln?",
        "¿Qué tiempo hace en Lima y en Quito?",
        "查询北京以及上海的天气",
        "東京の天気を調べて、それから予約して",
    ],
)
def test_two_wishes_are_heard(text: str) -> None:
    assert wants_several_calls(text)


@pytest.mark.parametrize(
    "text",
    [
        "What is the weather in Rome?",
        "Pick a number between 1 and 9.",
        "Find a room for two and make sure it is quiet.",
        "I am new here and I need a bus to Boston.",
        "Find films directed by Varda and featuring Bonnaire.",
        "Brandy, please.",
        "",
    ],
)
def test_one_wish_in_several_words_is_one_wish(text: str) -> None:
    assert not wants_several_calls(text)


def test_only_the_ends_of_a_long_text_are_read() -> None:
    filler = "The harbour was quiet that morning. " * 100
    assert not wants_several_calls(filler + "Rome and Oslo. " + filler)
    assert wants_several_calls(filler + "Rome and Oslo.")


@given(st.text(max_size=3_000))
def test_any_text_is_answered_the_same_twice(text: str) -> None:
    assert wants_several_calls(text) == wants_several_calls(text)
