"""How many tokens the prompts have that are no conversations: fill-in-the-middle, and texts to embed or to judge."""

from __future__ import annotations

from typing import Final

from router.core.tokens import Method, PromptSize, Tokenizer
from router.wire.fim import FimRequest

# The beginning of the sequence, and the two marks around the suffix (mistral-common 1.13.1, seen 2026-11).
_FIM_FRAME: Final = 3
# Each text has a beginning and an end: two recorded embeddings are met exactly (openllmetry, 2025-09).
_TEXT_FRAME: Final = 2


def fim_size(request: FimRequest, tokenizer: Tokenizer) -> PromptSize:
    return _size(_FIM_FRAME + tokenizer.count(request.suffix or "") + tokenizer.count(request.prompt))


def texts_size(texts: tuple[str, ...], tokenizer: Tokenizer) -> tuple[PromptSize, int]:
    """The size of all texts together, as they are billed, and of the longest, which has the window to itself."""
    counts = [_TEXT_FRAME + tokenizer.count(text) for text in texts]
    return _size(sum(counts)), max(counts)


def _size(tokens: int) -> PromptSize:
    return PromptSize(tokens=tokens, settings_tokens=0, thinking_tokens=0, images=0, method=Method.EXACT)
