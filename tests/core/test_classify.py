"""What a request is, read from the request itself."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.catalog import Ability, Template
from router.core.classify import Classification, classify, counted
from router.core.kinds import EXPECTED_OUTPUT, Kind
from router.core.language import Detector, Source, best_detector
from router.core.tokenizer import Method, Tokenizer
from router.core.tokens import prompt_size
from router.errors import RouterError
from router.wire.chat import ChatRequest, parse_chat
from router.wire.messages import Message
from router.wire.parts import AudioPart, DocumentPart, FilePart, ImagePart, TextPart, ThinkingPart
from router.wire.reading import Bounds
from router.wire.schema import SchemaProfile

TOKENIZER = Tokenizer((pathlib.Path(__file__).parents[2] / "router" / "data" / "tekken.bin").read_bytes())
DETECTOR = best_detector()


def asked(*messages: dict[str, Any], **fields: Any) -> Classification:
    body = {"model": "auto", "messages": list(messages), **fields}
    return classify(parse_chat(json.dumps(body).encode(), Bounds()), TOKENIZER, DETECTOR)


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def call(call_id: str) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": "look_up", "arguments": "{}"}}


TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}
FORMAT = {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}}
QUESTION = user("What is the capital of Australia, and since when?")

NEEDS = {
    "a plain question": (asked(QUESTION), set()),
    "tools": (asked(QUESTION, tools=[TOOL]), {Ability.TOOLS}),
    "tools that must not be called": (asked(QUESTION, tools=[TOOL], tool_choice="none"), set()),
    "a JSON object": (asked(QUESTION, response_format={"type": "json_object"}), {Ability.JSON}),
    "a JSON schema": (asked(QUESTION, response_format=FORMAT), {Ability.JSON}),
    "text said outright": (asked(QUESTION, response_format={"type": "text"}), set()),
    "reasoning": (asked(QUESTION, reasoning_effort="high"), {Ability.REASONING}),
    "no reasoning": (asked(QUESTION, reasoning_effort="none"), set()),
    "an image": (
        asked(user([{"type": "image_url", "image_url": "https://example.com/a.png"}])),
        {Ability.VISION},
    ),
    "a document": (
        asked(user([{"type": "document_url", "document_url": "https://example.com/a.pdf"}])),
        {Ability.DOCUMENTS},
    ),
    "a recording": (asked(user([{"type": "input_audio", "input_audio": "AAAA"}])), {Ability.AUDIO}),
    "a begun answer": (asked(QUESTION, {"role": "assistant", "content": "Can", "prefix": True}), {Ability.PREFIX}),
    "a prediction": (asked(QUESTION, prediction={"type": "content", "content": "Canberra"}), {Ability.PREDICTION}),
    "one call so far": (
        asked(
            QUESTION,
            {"role": "assistant", "tool_calls": [call("aaaaaaaaa")]},
            {"role": "tool", "content": "x", "tool_call_id": "aaaaaaaaa"},
            tools=[TOOL],
        ),
        {Ability.TOOLS},
    ),
    "two calls at once": (
        asked(
            QUESTION,
            {"role": "assistant", "tool_calls": [call("aaaaaaaaa"), call("bbbbbbbbb")]},
            {"role": "tool", "content": "x", "tool_call_id": "aaaaaaaaa"},
            {"role": "tool", "content": "y", "tool_call_id": "bbbbbbbbb"},
            tools=[TOOL],
        ),
        {Ability.TOOLS, Ability.PARALLEL_TOOLS},
    ),
    "several calls asked for": (
        asked(QUESTION, tools=[TOOL], parallel_tool_calls=True),
        {Ability.TOOLS, Ability.PARALLEL_TOOLS},
    ),
    "one call at a time": (asked(QUESTION, tools=[TOOL], parallel_tool_calls=False), {Ability.TOOLS}),
    "several calls of no tools": (asked(QUESTION, parallel_tool_calls=True), set()),
    "several calls of tools that must not be called": (
        asked(QUESTION, tools=[TOOL], tool_choice="none", parallel_tool_calls=True),
        set(),
    ),
}


@pytest.mark.parametrize("title", NEEDS)
def test_needs_are_read_from_the_request(title: str) -> None:
    classification, more = NEEDS[title]
    assert classification.needs == {Ability.CHAT} | more


TREE = {"type": "object", "properties": {"kids": {"items": {"$ref": "#"}}}}


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        (
            {"tools": [{"type": "function", "function": {"name": "look_up", "parameters": TREE}}]},
            "tools[0].function.parameters/properties/kids/items",
        ),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": TREE}}},
            "response_format.json_schema.schema/properties/kids/items",
        ),
    ],
)
def test_profiles_that_cannot_take_a_schema_are_named(fields: dict[str, Any], place: str) -> None:
    misfits = asked(QUESTION, **fields).misfits
    assert misfits.keys() == {SchemaProfile.NO_REF, SchemaProfile.STRICT_SUBSET}
    assert {misfit.place for misfit in misfits.values()} == {place}


def test_profiles_that_no_model_has_are_not_looked_at() -> None:
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": TREE}}
    body = {"model": "auto", "messages": [QUESTION], "response_format": form}
    request = parse_chat(json.dumps(body).encode(), Bounds())
    assert classify(request, TOKENIZER, DETECTOR, {SchemaProfile.FULL}).misfits == {}


def test_a_request_is_described_whole() -> None:
    classification = asked(QUESTION, max_tokens=20, n=3, metadata={"tags": ["search"]})
    assert classification.kind is Kind.SHORT_QA
    assert (classification.output_tokens_max, classification.output_tokens_expected) == (20, 20)
    assert (classification.answers, classification.tags) == (3, ("search",))
    assert classification.input_tokens_method == "exact"
    assert classification.size.on(Template.V13) == classification.input_tokens
    assert classification.size.on(Template.V15) == classification.input_tokens + 12


def test_without_a_bound_the_kind_says_how_long_the_answer_will_be() -> None:
    classification = asked(user("Write a short poem about the sea."))
    assert classification.output_tokens_max is None
    assert classification.output_tokens_expected == EXPECTED_OUTPUT[Kind.WRITING]


def test_the_last_user_turn_decides_and_the_system_prompt_does_not() -> None:
    classification = asked(
        {"role": "system", "content": "You write Python code and solve equations. Translate when asked to."},
        user("Write a function that adds two numbers."),
        {"role": "assistant", "content": "def add(a, b): return a + b"},
        user("Thanks, that is all for today."),
    )
    assert classification.kind is Kind.CHAT


@pytest.mark.skipif(not DETECTOR.detects, reason="the detector has no wheel for this platform")
class TestLanguages:
    def test_a_turn_too_short_to_tell_takes_the_language_of_the_turns_before(self) -> None:
        german = user("Kannst du mir bitte erklären, wie eine Wärmepumpe im Winter funktioniert?")
        classification = asked(german, {"role": "assistant", "content": "Gern."}, user("ok, 2?"))
        assert (classification.language, classification.language_source) == ("de", Source.DETECTOR)

    def test_the_answers_language_is_the_one_asked_for(self) -> None:
        classification = asked(user("Please translate this sentence to Polish: The bridge is closed today."))
        assert (classification.language, classification.answer_language) == ("en", "pl")

    def test_a_wish_in_the_system_prompt_counts(self) -> None:
        wish = {"role": "system", "content": "You are a helpful assistant. Always answer in French."}
        assert asked(wish, user("When does the next train to the coast leave?")).answer_language == "fr"

    def test_a_wish_in_the_turn_overrules_the_system_prompt(self) -> None:
        wish = {"role": "system", "content": "Always answer in French."}
        question = user("When does the next train to the coast leave? Answer in English, please.")
        assert asked(wish, question).answer_language == "en"


TEXTS = st.text(max_size=40)
PARTS = st.one_of(
    st.builds(TextPart, text=TEXTS),
    st.builds(ImagePart, image_url=TEXTS),
    st.builds(AudioPart, input_audio=TEXTS),
    st.builds(DocumentPart, document_url=TEXTS),
    st.builds(FilePart, file_id=TEXTS),
    st.builds(ThinkingPart, thinking=st.lists(st.builds(TextPart, text=TEXTS), max_size=2)),
)
MESSAGES = st.builds(
    Message,
    role=st.sampled_from(["system", "user", "assistant", "tool"]),
    content=st.one_of(st.none(), TEXTS, st.lists(PARTS, max_size=4)),
    prefix=st.sampled_from([None, True]),
)


@given(st.lists(MESSAGES, max_size=6), st.sampled_from([None, "none", "high"]), st.sampled_from([None, 1, 9_000]))
def test_any_conversation_is_classified_and_always_the_same(
    messages: list[Message], reasoning: str | None, max_tokens: int | None
) -> None:
    request = ChatRequest(model="auto", messages=tuple(messages), reasoning=reasoning, max_tokens=max_tokens)
    first = classify(request, TOKENIZER, DETECTOR)
    assert first == classify(request, TOKENIZER, DETECTOR)
    assert first.input_tokens > 0
    assert max_tokens is None or first.output_tokens_expected <= max_tokens
    assert all(first.size.on(template) > 0 for template in Template)


@given(st.recursive(st.none() | st.booleans() | st.integers() | TEXTS, lambda inner: st.lists(inner, max_size=3)))
def test_what_was_parsed_is_classified(content: Any) -> None:
    try:
        asked(user(content))
    except RouterError:
        return


def test_without_a_detector_requests_are_still_classified() -> None:
    request = parse_chat(b'{"model": "auto", "messages": [{"role": "user", "content": "Bonjour"}]}', Bounds())
    classification = classify(request, TOKENIZER, Detector())
    assert (classification.language, classification.language_source) == ("und", Source.NONE)


class TestCounted:
    LONG = "Translate into German: " + "The council met to discuss the new tram line to the harbour. " * 100

    def request(self, text: str, **fields: Any) -> ChatRequest:
        return parse_chat(json.dumps({"model": "auto", "messages": [user(text)], **fields}).encode(), Bounds())

    def test_a_long_prompt_is_estimated_first_and_then_counted_whole(self) -> None:
        request = self.request(self.LONG)
        first = classify(request, TOKENIZER, DETECTOR)
        then = counted(first, request, TOKENIZER, window_max=128_000)
        assert (first.input_tokens_method, then.input_tokens_method) == ("sampled", "exact")
        assert then.size == prompt_size(request, TOKENIZER)
        assert then.input_tokens == then.size.tokens
        # A translation is as long as its text, so what to expect of it follows from the count.
        assert then.output_tokens_expected == then.input_tokens
        assert (then.kind, then.language, then.needs) == (first.kind, first.language, first.needs)

    def test_a_short_prompt_is_counted_at_once(self) -> None:
        request = self.request("Hello")
        first = classify(request, TOKENIZER, DETECTOR)
        assert counted(first, request, TOKENIZER, window_max=1) is first

    def test_a_prompt_that_surely_fits_no_window_is_not_counted(self) -> None:
        request = self.request(self.LONG)
        first = classify(request, TOKENIZER, DETECTOR)
        assert counted(first, request, TOKENIZER, window_max=first.input_tokens // 2) is first
        assert counted(first, request, TOKENIZER, window_max=first.input_tokens).input_tokens_method == "exact"

    def test_a_document_does_not_hide_that_the_text_beside_it_was_only_sampled(self) -> None:
        document = {"type": "document_url", "document_url": "https://example.com/a.pdf"}
        content = [document, {"type": "text", "text": self.LONG}]
        request = parse_chat(json.dumps({"model": "auto", "messages": [user(content)]}).encode(), Bounds())
        first = classify(request, TOKENIZER, DETECTOR)
        then = counted(first, request, TOKENIZER, window_max=128_000)
        assert first.input_tokens_method == then.input_tokens_method == "estimate"
        assert (first.size.counted, then.size.counted) == (False, True)

    def test_without_a_vocabulary_there_is_nothing_better_than_the_estimate(self) -> None:
        request, lost = self.request(self.LONG), Tokenizer(None)
        first = classify(request, lost, DETECTOR)
        assert first.size.method is Method.LINEAR
        assert counted(first, request, lost, window_max=128_000) is first


def test_the_teams_own_mean_is_expected_where_it_is_known() -> None:
    asked = parse_chat(b'{"model": "auto", "messages": [{"role": "user", "content": "Who wrote Faust?"}]}', Bounds())
    plain = classify(asked, TOKENIZER, DETECTOR)
    learned = classify(asked, TOKENIZER, DETECTOR, usual={plain.kind: 7, Kind.CODE: 9})
    assert learned.output_tokens_expected == 7 != plain.output_tokens_expected
    assert classify(asked, TOKENIZER, DETECTOR, usual={Kind.CODE: 9}) == plain
