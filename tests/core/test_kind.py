"""The kind of work a prompt asks for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.kind import EXPECTED_OUTPUT, RULES, THINKING_TOKENS, Kind, expected_output, kind_of


def kind(text: str) -> Kind:
    return kind_of(text, has_tools=False, wants_json=False)


PROMPTS = {
    "What is the capital of Australia?": Kind.SHORT_QA,
    "who wrote the origin of species": Kind.SHORT_QA,
    "Qui a peint la Joconde ?": Kind.SHORT_QA,
    "Thanks, that helps a lot.": Kind.CHAT,
    "Good morning!": Kind.CHAT,
    "Explain the difference between weather and climate.": Kind.LONG_QA,
    "Erkläre mir den Unterschied zwischen Wetter und Klima.": Kind.LONG_QA,
    "Write a function that reverses a list.": Kind.CODE,
    "Schreibe eine Funktion, die eine Liste umkehrt.": Kind.CODE,
    "Escribe una función que invierta una lista.": Kind.CODE,
    "リストを反転する関数を書いてください。": Kind.CODE,
    "Why does this fail?\n```\nx = [1, 2\n```": Kind.CODE,
    "def mean(values):\n    return": Kind.CODE,
    "How do I undo the last commit in git?": Kind.CODE,
    "I have 12 eggs and use 5. How many are left?": Kind.MATHS,
    "J'ai 12 œufs et j'en utilise 5. Combien en reste-t-il ?": Kind.MATHS,
    "Solve 3x + 4 = 19 for x.": Kind.MATHS,
    r"Evaluate \frac{3}{4} of the following sum.": Kind.MATHS,
    "Given that f(x) = 4x^3 - 9x - 14, find the value of f(2).": Kind.MATHS,
    "Three boxes stand in a row.\nClues:\n1. The red one is left of the blue one.\nWhich one is in the middle?": (
        Kind.REASONING
    ),
    "Which planet is the largest?\nA. Mars\nB. Jupiter\nC. Venus": Kind.MULTIPLE_CHOICE,
    "Which planet is the largest?\n(A) Mars\n(B) Jupiter": Kind.MULTIPLE_CHOICE,
    "Extract the names and dates from the letter below.": Kind.EXTRACTION,
    "Classify each review as positive or negative.": Kind.EXTRACTION,
    "Write a short poem about the sea.": Kind.WRITING,
    "Rédige un courriel pour annoncer la réunion.": Kind.WRITING,
    "Translate to Czech: the bridge is closed.": Kind.TRANSLATION,
    "Übersetze den folgenden Satz.": Kind.TRANSLATION,
    "翻译这句话。": Kind.TRANSLATION,
}


@pytest.mark.parametrize("text", PROMPTS)
def test_a_prompt_shows_its_kind(text: str) -> None:
    assert kind(text) is PROMPTS[text]


def test_offered_tools_say_the_kind_before_any_word() -> None:
    assert kind_of("Write a poem", has_tools=True, wants_json=True) is Kind.TOOL_USE


def test_a_wanted_json_answer_is_extraction() -> None:
    assert kind_of("Tell me about Paris", has_tools=False, wants_json=True) is Kind.EXTRACTION


def test_a_long_text_with_a_question_at_its_end_wants_a_long_answer() -> None:
    assert kind("The harbour was quiet that morning. " * 40 + "What was the harbour like?") is Kind.LONG_QA


def test_only_the_beginning_is_read_for_words() -> None:
    filler = "The harbour was quiet that morning. " * 40
    assert kind("Translate this: " + filler) is Kind.TRANSLATION
    assert kind(filler + " Translate this.") is not Kind.TRANSLATION


@pytest.mark.parametrize("word", ["rewritten", "gitter", "javanese", "decode", "ranking"])
def test_a_word_inside_another_word_says_nothing(word: str) -> None:
    assert kind(f"The {word}.") is Kind.CHAT


def test_every_rule_gives_its_reason() -> None:
    assert all(rule.reason and (rule.words or (rule.marks and rule.pattern)) for rule in RULES)


def test_every_kind_has_an_expected_answer() -> None:
    assert EXPECTED_OUTPUT.keys() == set(Kind)


def test_a_translation_is_about_as_long_as_its_text() -> None:
    assert expected_output(Kind.TRANSLATION, 3_000, wants_reasoning=False) == 3_000
    assert expected_output(Kind.TRANSLATION, 5, wants_reasoning=False) == EXPECTED_OUTPUT[Kind.TRANSLATION]


def test_thinking_comes_on_top() -> None:
    plain = expected_output(Kind.MATHS, 50, wants_reasoning=False)
    assert expected_output(Kind.MATHS, 50, wants_reasoning=True) == plain + THINKING_TOKENS


@given(st.text(max_size=3_000), st.booleans(), st.booleans())
def test_any_text_has_a_kind(text: str, has_tools: bool, wants_json: bool) -> None:
    kinds = {kind_of(text, has_tools=has_tools, wants_json=wants_json) for _ in range(2)}
    assert len(kinds) == 1
