"""Every kind of request that is served upstream."""

from __future__ import annotations

from router.wire.chat import ChatRequest
from router.wire.fim import FimRequest
from router.wire.texts import EmbeddingsRequest, ModerationRequest

AnyRequest = ChatRequest | FimRequest | EmbeddingsRequest | ModerationRequest
