"""The kind of work a prompt asks for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.kind import kind_of
from router.core.kind_rules import RULES
from router.core.kinds import EXPECTED_OUTPUT, THINKING_TOKENS, WIDER, Kind, expected_output


def kind(text: str) -> Kind:
    return kind_of(text, tools=0, wants_json=False)


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
    "SELECT name FROM users WHERE id = 7": Kind.CODE,
    "I have 12 eggs and use 5. How many are left?": Kind.ARITHMETIC,
    "J'ai 12 œufs et j'en utilise 5. Combien en reste-t-il ?": Kind.ARITHMETIC,
    "Ein Heft kostet 2 Euro, ein Stift 3. Wie viel kosten 4 Hefte?": Kind.ARITHMETIC,
    "Six pens of 2 grams cost 12 cents. What is the price of one?": Kind.ARITHMETIC,
    "Solve 3x + 4 = 19 for x.": Kind.ARITHMETIC,
    "リンゴが12個あり、5個食べました。残りを計算してください。2人で分けます。": Kind.ARITHMETIC,
    r"Evaluate \frac{3}{4} of the following sum.": Kind.MATHS,
    "Given that f(x) = 4x^3 - 9x - 14, find the value of f(2).": Kind.ARITHMETIC,
    "Prove the mean value theorem.": Kind.MATHS,
    r"Find \[\int_0^1 x^2 dx.\]": Kind.MATHS,
    "Three boxes stand in a row.\nClues:\n1. The red one is left of the blue one.\nWhich one is in the middle?": (
        Kind.REASONING
    ),
    "Which planet is the largest?\nA. Mars\nB. Jupiter\nC. Venus": Kind.MULTIPLE_CHOICE,
    "Which planet is the largest?\n(A) Mars\n(B) Jupiter": Kind.MULTIPLE_CHOICE,
    "The moon is visible at night because it": Kind.MULTIPLE_CHOICE,
    "Which of these would most likely help a plant survive a dry season?": Kind.MULTIPLE_CHOICE,
    "The largest planet is ____ by far.": Kind.MULTIPLE_CHOICE,
    "who won the world cup in 1998": Kind.SHORT_QA,
    "In which year did Marie Curie win her second Nobel Prize?": Kind.SHORT_QA,
    "What should I cook for my parents tonight?": Kind.SHORT_QA,
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
    assert kind_of("Write a poem", tools=1, wants_json=True) is Kind.TOOL_USE


def test_a_choice_between_tools_is_another_kind_than_one_tool() -> None:
    assert kind_of("What is the weather in Rome?", tools=1, wants_json=False) is Kind.TOOL_USE
    assert kind_of("What is the weather in Rome?", tools=2, wants_json=False) is Kind.TOOL_CHOICE


def test_several_calls_at_once_are_a_kind_unless_the_app_forbids_them() -> None:
    text = "What is the weather in Rome and in Oslo?"
    assert kind_of(text, tools=1, wants_json=False) is Kind.PARALLEL_TOOLS
    assert kind_of(text, tools=3, wants_json=False) is Kind.PARALLEL_TOOLS
    assert kind_of(text, tools=1, wants_json=False, several_calls=False) is Kind.TOOL_USE


def test_a_wanted_json_answer_is_extraction() -> None:
    assert kind_of("Tell me about Paris", tools=0, wants_json=True) is Kind.EXTRACTION


def test_a_long_text_with_a_question_at_its_end_wants_a_long_answer() -> None:
    assert kind("The harbour was quiet that morning. " * 40 + "What was the harbour like?") is Kind.LONG_QA


def test_an_instruction_is_read_at_either_end_and_not_in_the_middle() -> None:
    filler = "The harbour was quiet that morning. " * 40
    assert kind("Translate this: " + filler) is Kind.TRANSLATION
    assert kind(filler + " Translate this.") is Kind.TRANSLATION
    assert kind(filler + " Translate this. " + filler) is Kind.CHAT


def test_a_story_that_ends_with_a_question_is_read_and_not_reckoned() -> None:
    story = "In 1998 the 12 pupils wrote a letter to their teacher. " * 20
    assert kind(story + "How many pupils were there?") is Kind.LONG_QA


def test_lettered_answers_are_seen_at_the_end_of_a_long_question() -> None:
    story = "The harbour was quiet that morning. " * 60
    assert kind(story + "\nWhat was it like?\nA. Loud\nB. Quiet\nC. Closed") is Kind.MULTIPLE_CHOICE


def test_what_stands_in_the_middle_of_a_long_text_changes_nothing() -> None:
    edge = "The harbour was quiet that morning. " * 40
    assert len({kind(edge + middle + edge) for middle in ("", "def f(x):\n    return x\n" * 5_000, "x" * 100_000)}) == 1


@pytest.mark.parametrize("word", ["rewritten", "gitter", "javanese", "decode", "ranking"])
def test_a_word_inside_another_word_says_nothing(word: str) -> None:
    assert kind(f"The {word}.") is Kind.CHAT


def test_every_rule_gives_its_reason() -> None:
    assert all(rule.reason and (rule.words or (rule.marks and rule.pattern)) for rule in RULES)


def test_every_kind_has_an_expected_answer() -> None:
    assert EXPECTED_OUTPUT.keys() == set(Kind)


def test_a_wider_kind_is_no_narrower_one_itself() -> None:
    assert WIDER.keys().isdisjoint(WIDER.values())


def test_a_translation_is_about_as_long_as_its_text() -> None:
    assert expected_output(Kind.TRANSLATION, 3_000, wants_reasoning=False) == 3_000
    assert expected_output(Kind.TRANSLATION, 5, wants_reasoning=False) == EXPECTED_OUTPUT[Kind.TRANSLATION]


def test_thinking_comes_on_top() -> None:
    plain = expected_output(Kind.MATHS, 50, wants_reasoning=False)
    assert expected_output(Kind.MATHS, 50, wants_reasoning=True) == plain + THINKING_TOKENS


@given(st.text(max_size=3_000), st.integers(0, 3), st.booleans())
def test_any_text_has_a_kind(text: str, tools: int, wants_json: bool) -> None:
    kinds = {kind_of(text, tools=tools, wants_json=wants_json) for _ in range(2)}
    assert len(kinds) == 1
