"""Which prompts begin as an earlier one did: the vendor's prefix cache, in blocks of 16 tokens, per model.

Hits were recorded with and without a `prompt_cache_key`. Lifetime and size are undocumented; here the cache is only
bounded.
"""

import collections
from typing import Final

BLOCK_TOKENS: Final = 16
# Without a key only long prompts are cached, so that short tests see the same bill in any order. The real API
# caches shorter ones too (a hit of 16 tokens is on record).
UNKEYED_TOKENS_MIN: Final = 1024
BLOCKS_MAX: Final = 200_000


class PrefixCache:
    def __init__(self) -> None:
        self._blocks: collections.OrderedDict[int, None] = collections.OrderedDict()

    def cached_tokens(self, model: str, key: str | None, tokens: list[int]) -> int:
        """How many leading tokens are known; from now on the whole prompt is."""
        spaces = [f"key {key}"] if key else []
        if len(tokens) >= UNKEYED_TOKENS_MIN:
            spaces.append("any")
        return max((self._walk(hash((model, space)), tokens) for space in spaces), default=0)

    def _walk(self, chain: int, tokens: list[int]) -> int:
        known_blocks, unbroken = 0, True
        # The last token is always computed afresh, for the answer starts from it.
        for start in range(0, (len(tokens) - 1) // BLOCK_TOKENS * BLOCK_TOKENS, BLOCK_TOKENS):
            chain = hash((chain, *tokens[start : start + BLOCK_TOKENS]))
            if chain in self._blocks:
                self._blocks.move_to_end(chain)
            else:
                self._blocks[chain] = None
                unbroken = False
            known_blocks += unbroken
        while len(self._blocks) > BLOCKS_MAX:
            self._blocks.popitem(last=False)
        return known_blocks * BLOCK_TOKENS
