"""How many tokens the prompts have that are no conversations: fill-in-the-middle, and texts to embed or to judge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from router.core.tokenizer import Tokenizer
from router.core.tokens import PromptSize
from router.wire.fim import FimRequest

# The beginning of the sequence, and the two marks around the suffix (mistral-common 1.13.1, seen 2026-11).
_FIM_FRAME: Final = 3
# Each text has a beginning and an end: six recorded embeddings are met exactly (openllmetry, 2025-09).
_TEXT_FRAME: Final = 2


def fim_size(request: FimRequest, tokenizer: Tokenizer) -> PromptSize:
    return _size((request.suffix or "", request.prompt), _FIM_FRAME, tokenizer)


def texts_size(texts: Sequence[str], tokenizer: Tokenizer) -> tuple[PromptSize, int]:
    """The size of all texts together, as they are billed, and of the longest, which has the window to itself."""
    longest = max(map(tokenizer.count, texts)) + _TEXT_FRAME
    return _size(texts, _TEXT_FRAME * len(texts), tokenizer), longest


def _size(texts: Sequence[str], frame: int, tokenizer: Tokenizer) -> PromptSize:
    found = tokenizer.exactly(texts)
    return PromptSize(
        tokens=frame + found.expected,
        settings_tokens=0,
        thinking_tokens=0,
        images=0,
        method=found.method,
        under=found.expected - found.low,
        over=found.high - found.expected,
    )
