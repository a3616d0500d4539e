"""The size of a prompt, held against what the vendor billed."""

from __future__ import annotations

import base64
import json
import pathlib
import struct
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.core.catalog import Template
from router.core.images import IMAGE_TOKENS_MAX, image_size, image_tokens
from router.core.tokenizer import Method, Tokenizer
from router.core.tokens import DOCUMENT_TOKENS, PromptSize, prompt_size, rough_size
from router.wire.body import mistral_body
from router.wire.chat import ChatRequest, parse_chat
from router.wire.reading import Bounds

VOCABULARY = pathlib.Path(__file__).parents[2] / "router" / "data" / "tekken.bin"
TOKENIZER = Tokenizer(VOCABULARY.read_bytes())


def chat(*messages: dict[str, Any], **fields: Any) -> ChatRequest:
    body = {"model": "auto", "messages": list(messages), **fields}
    return parse_chat(json.dumps(body).encode(), Bounds())


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def tool(name: str, description: str = "", **properties: str) -> dict[str, Any]:
    parameters: dict[str, Any] = {"properties": {key: {"type": kind} for key, kind in properties.items()}}
    if properties:
        parameters["required"] = list(properties)
    parameters["type"] = "object"
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


SUMS = user("What is 2+2? Reply with just the number.")
WEATHER = "What's the weather in Paris?"
GET_WEATHER = tool("get_weather", "Get the current weather for a city.", city="string")

RECORDED = json.loads((pathlib.Path(__file__).parents[1] / "golden" / "prompts" / "recorded.json").read_text())
# The one recording that is not met: the only tool is the answer's form and must be called.
MISSED = {"none_with_output": 1}


def recorded(exchange: dict[str, Any]) -> ChatRequest:
    return parse_chat(json.dumps(exchange["request"]).encode(), Bounds())


@pytest.mark.parametrize("exchange", RECORDED, ids=[exchange["source"].rpartition("/")[2] for exchange in RECORDED])
def test_a_recorded_prompt_has_the_tokens_that_were_billed(exchange: dict[str, Any]) -> None:
    size = prompt_size(recorded(exchange), TOKENIZER)
    missed = next((tokens for name, tokens in MISSED.items() if name in exchange["source"]), 0)
    counted = size.on(Template(exchange["template"]), thinks=exchange["thinks"])
    assert counted == exchange["prompt_tokens"] + missed
    assert size.method is Method.EXACT


def test_the_recordings_hold_every_kind_of_turn() -> None:
    turns = [message for exchange in RECORDED for message in exchange["request"]["messages"]]
    parts = [part["type"] for turn in turns if isinstance(turn.get("content"), list) for part in turn["content"]]
    assert {turn["role"] for turn in turns} == {"system", "user", "assistant", "tool"}
    assert {"text", "image_url", "thinking"} <= set(parts)
    assert {exchange["template"] for exchange in RECORDED} == {"v13", "v15"}
    assert {"auto", "any"} <= {exchange["request"].get("tool_choice") for exchange in RECORDED}
    assert {"none", "high"} <= {exchange["request"].get("reasoning_effort") for exchange in RECORDED}


def test_a_json_answer_leaves_the_settings_block_out() -> None:
    plain = prompt_size(chat(SUMS), TOKENIZER)
    as_json = prompt_size(chat(SUMS, response_format={"type": "json_object"}), TOKENIZER)
    assert (plain.settings_tokens, as_json.settings_tokens) == (12, 0)


def test_a_named_call_adds_its_name_and_two() -> None:
    free = prompt_size(chat(user(WEATHER), tools=[GET_WEATHER]), TOKENIZER)
    named = {"type": "function", "function": {"name": "get_weather"}}
    forced = prompt_size(chat(user(WEATHER), tools=[GET_WEATHER], tool_choice=named), TOKENIZER)
    assert forced.tokens - free.tokens == 2 + TOKENIZER.count("get_weather")


def test_thinking_counts_only_where_it_is_sent() -> None:
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "Two and two make four."}]}
    answer = {"role": "assistant", "content": [thought, {"type": "text", "text": "4"}]}
    with_thought = prompt_size(chat(SUMS, answer, user("And 3+3?")), TOKENIZER)
    without = prompt_size(chat(SUMS, {"role": "assistant", "content": "4"}, user("And 3+3?")), TOKENIZER)
    assert with_thought.on(Template.V13) == without.on(Template.V13)
    assert with_thought.thinking_tokens == 2 + TOKENIZER.count("Two and two make four.")
    assert with_thought.on(Template.V15) == without.on(Template.V15) + with_thought.thinking_tokens
    assert with_thought.on(Template.V13, thinks=True) == without.on(Template.V13) + with_thought.thinking_tokens


def test_text_parts_join_without_a_gap_on_v15() -> None:
    parts = [{"type": "text", "text": "First."}, {"type": "text", "text": "Second."}]
    size = prompt_size(chat(user(parts)), TOKENIZER)
    assert size.on(Template.V15) == 3 + TOKENIZER.count("First.Second.") + 12


def test_an_assistant_turn_to_be_continued_has_no_end() -> None:
    draft = {"role": "assistant", "content": "Once", "prefix": True}
    open_turn = prompt_size(chat(user("Tell me a story"), draft), TOKENIZER)
    assert open_turn.tokens == prompt_size(chat(user("Tell me a story")), TOKENIZER).tokens + TOKENIZER.count("Once")


def test_another_vendors_tokenizer_gets_a_margin_rounded_up() -> None:
    size = PromptSize(tokens=100, settings_tokens=12, thinking_tokens=0, images=0, method=Method.EXACT)
    assert size.on(Template.OTHER) == 146


# Recorded on Small 4 and Medium 3.1; the largest is the size from which images are scaled down.
@pytest.mark.parametrize(
    ("width", "height", "tokens"), [(128, 128, 30), (400, 301, 176), (597, 566, 483), (1540, 1540, 3080), (1, 1, 2)]
)
def test_an_image_is_counted_in_cells(width: int, height: int, tokens: int) -> None:
    assert image_tokens(width, height) == tokens


@given(st.integers(1, 20_000), st.integers(1, 20_000))
def test_no_image_has_more_tokens_than_the_maximum(width: int, height: int) -> None:
    assert 0 < image_tokens(width, height) <= IMAGE_TOKENS_MAX


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + struct.pack(">II", width, height) + b"\x08\x02\0\0\0"


def jpeg(width: int, height: int) -> bytes:
    described = b"\xff\xe1" + struct.pack(">H", 502) + b"\0" * 500
    return b"\xff\xd8" + described + b"\xff\xc2\0\x11\x08" + struct.pack(">HH", height, width) + b"\x03" * 9


FORMATS = {
    "png": png,
    "jpeg": jpeg,
    "gif": lambda w, h: b"GIF89a" + struct.pack("<HH", w, h) + b"\0\0\0",
    "webp, lossy": lambda w, h: b"RIFF\0\0\0\0WEBPVP8 " + b"\0" * 7 + b"\x9d\x01\x2a" + struct.pack("<HH", w, h),
    "webp, lossless": lambda w, h: (
        b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f" + struct.pack("<I", (w - 1) | (h - 1) << 14) + b"\0\0"
    ),
    "webp, extended": lambda w, h: (
        b"RIFF\0\0\0\0WEBPVP8X" + b"\0" * 8 + (w - 1).to_bytes(3, "little") + (h - 1).to_bytes(3, "little")
    ),
}


@pytest.mark.parametrize("kind", FORMATS)
@given(width=st.integers(1, 10_000), height=st.integers(1, 10_000))
@settings(max_examples=25)
def test_an_images_size_is_read_from_its_first_bytes(kind: str, width: int, height: int) -> None:
    data = base64.b64encode(FORMATS[kind](width, height)).decode()
    assert image_size(f"data:image/{kind.split(',')[0]};base64,{data}") == (width, height)


@given(st.binary(max_size=300), st.sampled_from([b"", *(make(30, 40)[:-1] for make in FORMATS.values())]))
def test_broken_images_are_of_unknown_size_at_worst(noise: bytes, start: bytes) -> None:
    size = image_size("data:image/png;base64," + base64.b64encode(start + noise).decode())
    assert size is None or (size[0] > 0 and size[1] > 0)


@pytest.mark.parametrize("url", ["https://example.com/cat.png", "data:image/png;base64,!!", "data:,x", ""])
def test_an_image_of_unknown_size_counts_as_the_largest(url: str) -> None:
    size = prompt_size(chat(user([{"type": "image_url", "image_url": {"url": url}}])), TOKENIZER)
    assert size.tokens == 3 + IMAGE_TOKENS_MAX
    assert (size.images, size.method) == (1, Method.BOUND)


def test_a_document_is_an_estimate() -> None:
    content = [
        {"type": "document_url", "document_url": "https://example.com/a.pdf"},
        {"type": "text", "text": "Sum up"},
    ]
    size = prompt_size(chat(user(content)), TOKENIZER)
    assert size.tokens == 3 + DOCUMENT_TOKENS + TOKENIZER.count("Sum up")
    assert size.method is Method.ESTIMATE


def test_a_longer_recording_has_more_tokens() -> None:
    def size(length: int) -> int:
        return prompt_size(chat(user([{"type": "input_audio", "input_audio": "A" * length}])), TOKENIZER).tokens

    assert size(100) < size(1_000_000) < size(3_000_000)


def test_a_text_that_looks_like_the_tools_is_not_taken_for_them() -> None:
    request = chat(user("Hi"), tools=[tool(f"look_up_{number}", "Looks things up. " * 9) for number in range(5)])
    tools = msgspec.json.encode(request.toolbox.tools)
    fresh = Tokenizer(VOCABULARY.read_bytes())
    prompt_size(request, fresh)
    assert fresh.count(tools.decode()) == fresh._count(tools.decode())


LOST = Tokenizer(None)


@pytest.mark.parametrize("exchange", RECORDED, ids=[exchange["source"].rpartition("/")[2] for exchange in RECORDED])
@pytest.mark.parametrize("template", Template)
def test_without_a_vocabulary_no_less_is_held_than_is_billed(exchange: dict[str, Any], template: Template) -> None:
    exact, lost = (prompt_size(recorded(exchange), tokenizer) for tokenizer in (TOKENIZER, LOST))
    assert lost.method is Method.LINEAR
    for thinks in (True, False):
        assert lost.most_on(template, thinks=thinks) >= exact.on(template, thinks=thinks)
        assert lost.least_on(template, thinks=thinks) <= exact.on(template, thinks=thinks) <= 2 * lost.on(template)


def test_a_short_prompt_is_counted_exactly_even_roughly() -> None:
    for exchange in RECORDED:
        request = recorded(exchange)
        texts = sum(len(str(message.content)) for message in request.messages)
        exact, rough = prompt_size(request, TOKENIZER), rough_size(request, TOKENIZER)
        assert rough == exact or (rough.method is Method.SAMPLED and texts > 1_024)


LONG = "The council met on Tuesday to discuss the new tram line between the harbour and the university. " * 40


@pytest.mark.parametrize("template", Template)
def test_an_estimate_lies_between_bounds_that_hold(template: Template) -> None:
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": LONG[::-1]}]}
    answer = {"role": "assistant", "content": [thought, {"type": "text", "text": LONG}, {"type": "text", "text": "4"}]}
    request = chat(user(LONG), answer, user("And 3+3?"), tools=[GET_WEATHER])
    exact, rough = prompt_size(request, TOKENIZER), rough_size(request, TOKENIZER)
    assert (exact.method, rough.method) == (Method.EXACT, Method.SAMPLED)
    assert rough.least_on(template) < exact.on(template) < rough.most_on(template)
    assert exact.least_on(template) == exact.on(template) == exact.most_on(template)


def test_the_least_sure_part_says_how_sure_the_whole_is() -> None:
    image = {"type": "image_url", "image_url": "https://example.com/cat.png"}
    document = {"type": "document_url", "document_url": "https://example.com/a.pdf"}
    text = {"type": "text", "text": LONG}
    methods = [rough_size(chat(user(parts)), TOKENIZER).method for parts in ([image], [image, text], [document, text])]
    assert methods == [Method.BOUND, Method.SAMPLED, Method.ESTIMATE]
    assert not rough_size(chat(user([document, text])), TOKENIZER).counted


def test_a_prompt_is_counted_as_it_is_sent_to_models_that_do_not_reason() -> None:
    call = {"id": "aaaaaaaaa", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    image = {"type": "image_url", "image_url": "data:image/png;base64," + base64.b64encode(png(128, 128)).decode()}
    request = chat(
        user("Look."),
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "aaaaaaaaa", "content": [{"type": "text", "text": "Here it is."}, image]},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": [{"type": "text", "text": "A cat?"}]}]},
        user("And?"),
    )
    sent = parse_chat(mistral_body(request, model="m", max_tokens=1, reasons=False), Bounds())
    assert prompt_size(sent, TOKENIZER).on(Template.V13) == prompt_size(request, TOKENIZER).on(Template.V13)
    assert prompt_size(request, TOKENIZER).on(Template.V15) > prompt_size(sent, TOKENIZER).on(Template.V15)
