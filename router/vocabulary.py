"""Where the vocabulary lies that counts tokens. Made by tools/make_vocabulary.py."""

from pathlib import Path
from typing import Final

VOCABULARY: Final = Path(__file__).parent / "data" / "tekken.bin"
