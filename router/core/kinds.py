"""The kinds of work, and how long an answer each of them usually wants."""

from __future__ import annotations

import enum
from typing import Final

SCORE_MAX: Final = 100


class Kind(enum.Enum):
    """What a prompt asks for; the rows of config/quality.toml, but for the two that generate nothing."""

    CODE = "code"
    # Formulas, and the words of higher mathematics; reckoning with the numbers of every day.
    MATHS = "maths"
    ARITHMETIC = "arithmetic"
    REASONING = "reasoning"
    # A test's question, with its lettered answers or as its stem alone: what one has understood, or everyone knows.
    MULTIPLE_CHOICE = "multiple_choice"
    EXTRACTION = "extraction"
    WRITING = "writing"
    # A fact that one looks up: a name, a date, a place.
    SHORT_QA = "short_qa"
    # About a given text, or to be explained.
    LONG_QA = "long_qa"
    TRANSLATION = "translation"
    # One tool is offered; one of several is to be chosen; several calls are wanted at once.
    TOOL_USE = "tool_use"
    TOOL_CHOICE = "tool_choice"
    PARALLEL_TOOLS = "parallel_tools"
    CHAT = "chat"
    # No generation, so nothing that a table of quality could tell apart.
    EMBEDDING = "embedding"
    MODERATION = "moderation"


# Where a table has no column for a kind, it is judged by the wider one.
WIDER: Final = {Kind.ARITHMETIC: Kind.MATHS, Kind.TOOL_CHOICE: Kind.TOOL_USE, Kind.PARALLEL_TOOLS: Kind.TOOL_USE}

# Output tokens to expect where the app sets no lower bound. Sources: answer lengths in public runs (GSM8K about 100
# tokens of plain working, several times that with today's models; functions 150 to 800) and, where there are none, the
# length a person would ask for. They order candidates by expected cost; nothing is reserved from them.
EXPECTED_OUTPUT: Final[dict[Kind, int]] = {
    Kind.CODE: 500,  # a function with a paragraph around it
    Kind.MATHS: 500,  # the working, step by step
    Kind.ARITHMETIC: 250,  # a few lines, then the number
    Kind.REASONING: 600,  # cases are gone through one by one
    Kind.MULTIPLE_CHOICE: 40,  # a letter and a sentence
    Kind.EXTRACTION: 60,  # a few fields
    Kind.WRITING: 600,  # a page
    Kind.SHORT_QA: 120,  # a sentence or three
    Kind.LONG_QA: 400,  # several paragraphs
    Kind.TRANSLATION: 60,  # at least a sentence; see expected_output
    Kind.TOOL_USE: 80,  # a call with its arguments
    Kind.TOOL_CHOICE: 80,
    Kind.PARALLEL_TOOLS: 160,  # two or three of them
    Kind.CHAT: 250,  # a paragraph
    Kind.EMBEDDING: 0,
    Kind.MODERATION: 0,
}
# Thinking comes on top of the answer: recorded thinking had several times the answer's tokens.
THINKING_TOKENS: Final = 2_000


def expected_output(kind: Kind, input_tokens: int, *, wants_reasoning: bool) -> int:
    """Output tokens to expect from a prompt of that kind and size. A translation is about as long as its text."""
    answer = max(EXPECTED_OUTPUT[kind], input_tokens) if kind is Kind.TRANSLATION else EXPECTED_OUTPUT[kind]
    return answer + (THINKING_TOKENS if wants_reasoning else 0)
