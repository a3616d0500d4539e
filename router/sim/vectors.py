"""`POST /v1/embeddings` and `POST /v1/moderations`: answers without a generation of text."""

import base64
import hashlib
import math
import struct
import uuid
from typing import Any, Final

import msgspec

from router.sim import errors
from router.sim.delivery import Job, admit, deliver_plain
from router.sim.exchange import Exchange
from router.sim.profiles import Profile

DIMENSIONS: Final = {"mistral-embed-2312": 1024, "codestral-embed-2505": 1536}
CATEGORIES: Final = (
    "sexual", "hate_and_discrimination", "violence_and_threats", "dangerous_and_criminal_content", "selfharm", "health",
    "financial", "law", "pii",
)  # fmt: skip


async def embeddings(exchange: Exchange) -> None:
    body = exchange.read()
    model = exchange.resolve(body["model"], "embed")
    texts = _texts(body)
    input_tokens = _counted(exchange, texts, model.context)
    fault = exchange.fault(body, model)
    await admit(exchange, model, fault)
    job = Job(model=model, input_tokens=input_tokens, fault=fault, token_headers=False)
    size = body.get("output_dimension") or DIMENSIONS.get(model.id, 1024)
    as_base64 = body.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "embedding": _encoded(vector(text, size), as_base64), "index": index}
        for index, text in enumerate(texts)
    ]
    usage = _usage(job, exchange.world.profile)
    answer = {"id": uuid.uuid4().hex, "object": "list", "data": data, "model": body["model"], "usage": usage}
    await deliver_plain(exchange, job, msgspec.json.encode(answer))


async def moderations(exchange: Exchange) -> None:
    body = exchange.read()
    model = exchange.resolve(body["model"], "moderation")
    texts = _texts(body)
    input_tokens = _counted(exchange, texts, model.context)
    fault = exchange.fault(body, model)
    await admit(exchange, model, fault)
    job = Job(model=model, input_tokens=input_tokens, fault=fault)
    results = [
        {
            "categories": dict.fromkeys(CATEGORIES, False),
            "category_scores": dict(zip(CATEGORIES, map(abs, vector(text, len(CATEGORIES), 0.01)), strict=True)),
        }
        for text in texts
    ]
    answer = {
        "id": uuid.uuid4().hex,
        "model": body["model"],
        "results": results,
        "usage": job.usage(exchange.world.profile),
    }
    await deliver_plain(exchange, job, msgspec.json.encode(answer))


def _usage(job: Job, profile: Profile) -> dict[str, Any]:
    """Embeddings tell fields that are always null (seen 2025-09; `prompt_tokens_details` in 2026)."""
    details = {} if profile.usage == "2025" else {"prompt_tokens_details": None}
    return {
        "prompt_audio_seconds": None,
        "prompt_tokens": job.input_tokens,
        "total_tokens": job.input_tokens,
        "completion_tokens": 0,
        "request_count": None,
        **details,
        "prompt_token_details": None,
    }


def _texts(body: dict[str, Any]) -> list[str]:
    given = body["input"]
    return [given] if isinstance(given, str) else given


def _counted(exchange: Exchange, texts: list[str], context: int) -> int:
    # Each text is framed by a token that begins it and one that ends it.
    counts = [exchange.world.vocabulary.count(text) + 2 for text in texts]
    if too_long := next((count for count in counts if count > context), None):
        raise errors.prompt_too_long(too_long, context)
    return sum(counts)


def vector(text: str, size: int, length: float = 1.0) -> list[float]:
    """The same text points the same way."""
    digest = hashlib.shake_128(text.encode("utf-8", "replace")).digest(4 * size)
    values = [number / 2**31 for number in struct.unpack(f"<{size}i", digest)]
    norm = math.sqrt(sum(value * value for value in values)) or 1.0
    return [value / norm * length for value in values]


def _encoded(values: list[float], as_base64: bool) -> list[float] | str:
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode() if as_base64 else values
