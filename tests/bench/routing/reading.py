"""The folder of recorded outcomes that the bench measures against: one gzipped file of JSON lines for each source."""

from __future__ import annotations

import gzip
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

Row = dict[str, Any]


@cache
def rows(folder: Path, name: str) -> list[Row]:
    """The rows of one source. A folder without it raises FileNotFoundError with what is missing."""
    path = folder / f"{name}.jsonl.gz"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; docs/quality.md tells how the folder is laid out")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def half_of(prompt: str, purpose: str) -> int:
    """0 or 1, for learning on one half and testing on the other. `purpose` keeps this half free of any other split."""
    digest = hashlib.md5(f"{purpose}\n{prompt.strip()}".encode(), usedforsecurity=False).digest()
    return digest[0] & 1
