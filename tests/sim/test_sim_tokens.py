"""Prompts count as the real API counted them in recorded exchanges (public cassettes, 2025-06 to 2026-07)."""

import json

import pytest

from router.sim.tokens import chat_tokens, image_tokens
from router.sim.vocabulary import vocabulary

PARIS = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the current weather for a city.",
        "parameters": {
            "additionalProperties": False,
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "type": "object",
        },
    },
}


def user(text):
    return {"role": "user", "content": text}


@pytest.mark.parametrize(
    ("tokenizer", "body", "count"),
    [
        (
            "v13",
            {
                "messages": [
                    user(
                        "What is the capital of France? Give me an answer that contains the word "
                        '"Paris", but is not the first word.'
                    )
                ]
            },
            28,
        ),
        ("v13", {"messages": [user("How do I cross the street?")]}, 10),
        ("v13", {"messages": [user("What's the weather in Paris?")], "tools": [PARIS], "tool_choice": "auto"}, 77),
        ("v15", {"messages": [user("What is 2+2? Reply with just the number.")], "reasoning_effort": "high"}, 28),
        ("v15", {"messages": [user("What is 2+2? Reply with just the number.")]}, 28),
    ],
)
def test_a_prompt_counts_as_recorded(tokenizer, body, count):
    assert len(chat_tokens(body, tokenizer, vocabulary())) == count


@pytest.mark.parametrize(("width", "height", "count"), [(128, 128, 30), (400, 301, 176), (597, 566, 483)])
def test_an_image_counts_as_recorded(width, height, count):
    assert image_tokens(width, height) == count


def count(**body):
    return len(chat_tokens({"messages": [user("hello")], **body}, body.pop("tokenizer", "v13"), vocabulary()))


def test_settings_cost_tokens_on_v15_only_and_not_with_json():
    assert count(tokenizer="v15") - count(tokenizer="v13") == 12
    assert count(tokenizer="v15", response_format={"type": "json_object"}) == count(tokenizer="v13")


def test_tool_choices_change_the_count_as_recorded():
    bare, offered = count(), count(tools=[PARIS])
    assert count(tools=[PARIS], tool_choice="none") == bare
    assert count(tools=[PARIS], tool_choice="any") == offered
    named = {"type": "function", "function": {"name": "get_weather"}}
    assert count(tools=[PARIS], tool_choice=named) == offered + 2 + vocabulary().count("get_weather")


def test_neighbouring_user_messages_count_as_one_with_a_blank_line():
    apart = chat_tokens({"messages": [user("one"), user("two")]}, "v13", vocabulary())
    assert apart == chat_tokens({"messages": [user("one\n\ntwo")]}, "v13", vocabulary())


def test_arguments_count_the_same_however_they_are_spaced():
    def asked(arguments):
        call = {"id": "abcdefghi", "function": {"name": "f", "arguments": arguments}}
        assistant = {"role": "assistant", "content": "", "tool_calls": [call]}
        tool = {"role": "tool", "content": "x", "tool_call_id": "abcdefghi"}
        return len(chat_tokens({"messages": [user("q"), assistant, tool]}, "v13", vocabulary()))

    value = {"city": "Zürich", "days": [1, 2]}
    assert asked(json.dumps(value, separators=(",", ":"))) == asked(json.dumps(value, indent=2)) == asked(value)


def test_every_text_survives_the_vocabulary_unchanged():
    words = vocabulary()
    for text in ("", "naïve café", "日本語のテキスト", "🧪🧪", "a\r\n\t b", "0123456789"):
        assert b"".join(map(words.token_bytes, words.encode(text))).decode() == text
