"""Whether a short question is a test's, and the words it is told by."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.question_table import BIAS, WEIGHTS
from router.core.questions import is_test_question, marks_of
from router.core.words import Vocabulary, end_words, split_words


def test_words_are_parted_from_punctuation_and_case() -> None:
    assert split_words("Why, „Anna“? C++ isn’t it!") == ["why", "anna", "c++", "isn", "t", "it"]


@pytest.mark.parametrize(
    ("text", "touched"), [("No room.", 0), ("Room 12.", 1), ("From 1 to 9.", 3), ("3 pears and 5 plums", 3), ("mp3", 1)]
)
def test_numbers_are_told_and_several_numbers_too(text: str, touched: int) -> None:
    vocabulary = Vocabulary()
    assert [vocabulary.add("#"), vocabulary.add("#+")] == [1, 2]
    assert vocabulary.touched(split_words(text), text) == touched


def test_of_a_long_text_the_words_of_both_ends_are_read() -> None:
    text = f"First {'middle ' * 500}last"
    words = end_words(text)
    assert (words[0], words[-1]) == ("first", "last")
    assert len(words) < 120
    assert end_words("A short one.") == ["a", "short", "one"]


def test_a_list_is_touched_by_words_beginnings_phrases_and_pieces() -> None:
    vocabulary = Vocabulary()
    bits = [vocabulary.add(listed) for listed in ("sea", "harb*", "old_town", "海", "", "step_by_step no_long*")]
    assert bits == [1, 2, 4, 8, 0, 16]
    for text, touched in (
        ("The sea.", 1),
        ("Two harbours", 2),
        ("the old, town", 4),
        ("the town is old", 0),
        ("北海道", 8),
        ("undersea", 0),
        ("sharb", 0),
        ("Go step by step.", 16),
        ("one step by one", 0),
        ("It is no longer there.", 16),
        ("no, not long", 0),
        ("Sea of harbour, old town!", 7),
    ):
        assert vocabulary.touched(split_words(text), text) == touched


def test_the_marks_of_a_question() -> None:
    text = "Which of these do Anna and Ben need for 2 plants?"
    marks = marks_of(text, split_words(text))
    assert {"plants", "^which", "^which_of", "plants$", "?$", "names:2", "upper", "#"} <= marks
    assert "#+" not in marks


def test_an_empty_text_has_no_marks_and_is_no_test() -> None:
    assert marks_of(" ?! ", []) == set()
    assert not is_test_question("", [])


@pytest.mark.parametrize("line", WEIGHTS.splitlines())
def test_the_table_is_weights_with_their_marks(line: str) -> None:
    weight, *marks = line.split()
    assert int(weight) != 0
    assert marks


def test_without_evidence_a_question_is_no_test() -> None:
    assert BIAS <= 0


@given(st.text(max_size=300))
def test_any_text_is_told(text: str) -> None:
    words = split_words(text)
    assert is_test_question(text, words) == is_test_question(text, words)
