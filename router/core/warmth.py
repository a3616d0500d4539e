"""Which conversation a request belongs to, and what it saves to go on with the model that has read it already.

Cached input costs a tenth, so a conversation is cheaper on its model than its next turn alone would tell. It is known
by what the app says (an affinity header, a prompt_cache_key), else by how it begins: system turns, tools, first user
turn.
"""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

from router.core.sites import Site
from router.wire.chat import ChatRequest

# The vendor caches in blocks of this size, and the last block begun is not among them (recorded 2025 to 2026).
BLOCK: Final = 16
# From this many characters on, what stands before the first user turn is worth more as a prefix that conversations
# share than as the beginning of one of them.
SHARED_FROM: Final = 4_096
_encode: Final = msgspec.json.encode


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """`cache_key` is what Mistral is told, the same for all that share a prefix. `goes_on` says that this is not its
    first turn. Digests, so that no prompt can be read from them."""

    id: str
    cache_key: str
    goes_on: bool


class Warm(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Where the last turn of a conversation was answered, and how many prompt tokens it had there."""

    model: str
    upstream: str
    tokens: int

    def cached_tokens(self, model: str, site: Site, input_tokens: int) -> int:
        """How many tokens of a prompt are likely to be cached at that model."""
        if (model, site.name) != (self.model, self.upstream):
            return 0
        return max(0, min(self.tokens, input_tokens) // BLOCK - 1) * BLOCK


def conversation_of(request: ChatRequest, key_id: str, affinity: str | None) -> Conversation:
    """The conversation of a request, of that virtual key alone."""
    spoken = [index for index, message in enumerate(request.messages) if message.role != "system"]
    first = spoken[0] if spoken else 0
    shared = _encode(request.messages[:first]) + request.toolbox.source
    begun = _encode(request.messages[first : first + 1])
    named = affinity or request.sampling.prompt_cache_key
    own = _digest(key_id, named.encode()) if named else _digest(key_id, shared, begun)
    return Conversation(
        id=own,
        cache_key=_digest(key_id, shared) if named is None and len(shared) >= SHARED_FROM else own,
        goes_on=any(message.role in ("assistant", "tool") for message in request.messages),
    )


def _digest(key_id: str, *parts: bytes) -> str:
    digest = hashlib.blake2b(key_id.encode(), digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()
