"""How text becomes tokens: the Tekken vocabulary every current native model was recorded with (one file for all of
them).
"""

import functools
import pathlib
import zlib

import tiktoken

VOCABULARY_FILE = pathlib.Path(__file__).parent.parent / "data" / "tekken.bin"


class Vocabulary:
    def __init__(self, encoding: tiktoken.Encoding) -> None:
        self._encoding = encoding

    def encode(self, text: str) -> list[int]:
        # A lone surrogate is legal JSON and no text: it counts as the replacement character.
        return self._encoding.encode_ordinary(text.encode("utf-8", "replace").decode())

    def count(self, text: str) -> int:
        return len(self.encode(text))

    def token_bytes(self, token: int) -> bytes:
        return self._encoding.decode_single_token_bytes(token)


@functools.cache
def vocabulary() -> Vocabulary:
    """Loading takes about 0.3 s, so it happens once per process and not at import."""
    content = zlib.decompress(VOCABULARY_FILE.read_bytes())
    pattern_end = 2 + int.from_bytes(content[:2], "big")
    ranks: dict[bytes, int] = {}
    position = pattern_end
    while position < len(content):
        start = position + 1
        position = start + content[position]
        ranks[content[start:position]] = len(ranks)
    pattern = content[2:pattern_end].decode()
    return Vocabulary(tiktoken.Encoding("tekken", pat_str=pattern, mergeable_ranks=ranks, special_tokens={}))
