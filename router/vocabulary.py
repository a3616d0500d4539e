"""The vocabulary that counts tokens: a file of the package, whose loss the router survives."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

from router.core.tokenizer import Tokenizer

VOCABULARY: Final = Path(__file__).parent / "data" / "tekken.bin"
WITHOUT: Final = "prompts are estimated, and far more is held for each than it costs: install the package anew"

log = logging.getLogger("router.vocabulary")


def load_tokenizer(*, seed: int = 0, path: Path = VOCABULARY) -> Tokenizer:
    """A tokenizer with the vocabulary at `path`; one that estimates when the file is missing or damaged."""
    try:
        return Tokenizer(path.read_bytes(), seed=seed)
    except (OSError, ValueError) as error:
        log.warning("%s cannot be used (%s): %s", path, error, WITHOUT)
        return Tokenizer(None)
