"""Every other path under /v1: a 404 that says what to use instead."""

from __future__ import annotations

from typing import Final

from router.api.edge import Receive, Scope, Send
from router.errors import UnsupportedEndpoint

_INSTEAD: Final = {
    "/v1/responses": "nothing is stored: POST /v1/responses with the conversation as input",
    "/v1/messages": "POST /v1/messages answers at once; batches are not served",
    "/v1/completions": "use /v1/chat/completions",
    "/v1/chat/completions": "nothing is stored: POST /v1/chat/completions answers at once",
    "/v1/chat/moderations": "use /v1/moderations with the texts",
    "/v1/chat/classifications": "call Mistral directly for classifiers",
    "/v1/classifications": "call Mistral directly for classifiers",
    "/v1/ocr": "call Mistral directly for OCR",
    "/v1/audio": "call Mistral directly for audio",
    "/v1/images": "Mistral's API makes no images",
    "/v1/files": "call Mistral directly for files",
    "/v1/batch": "call Mistral directly for batch jobs",
    "/v1/batches": "call Mistral directly for batch jobs",
    "/v1/fine_tuning": "call Mistral directly for fine-tuning",
    "/v1/agents": "use /v1/chat/completions with tools",
    "/v1/conversations": "use /v1/chat/completions and send the conversation along",
    "/v1/assistants": "use /v1/chat/completions with tools",
    "/v1/threads": "use /v1/chat/completions and send the conversation along",
    "/v1/realtime": "use /v1/chat/completions with stream: true",
    "/v1/libraries": "call Mistral directly for libraries",
    "/v1/connectors": "call Mistral directly for connectors, or use /v1/chat/completions with tools of your own",
    "/v1/workflows": "call Mistral directly for workflows",
    "/v1/observability": "call Mistral directly; what passes here is on the router's dashboard",
    "/v1/vector_stores": "use /v1/embeddings, and a store of your own",
    "/v1/uploads": "call Mistral directly for files",
    "/v1/containers": "use /v1/chat/completions with tools of your own",
    "/v1/evals": "Mistral's API has no evals; /v1/feedback takes the app's verdict on an answer",
    "/v1/videos": "Mistral's API makes no videos",
    "/v1/organization": "an operator has usage and keys under /admin/v1",
    "/v1/projects": "a project is a team here: an operator makes its keys under /admin/v1",
    "/v1/skills": "use /v1/chat/completions with tools of your own",
    "/v1/chatkit": "use /v1/chat/completions and send the conversation along",
}
# A base URL with a part too many is a common slip of a first try.
_TWICE: Final = "the base URL has one /v1 too many, for Mistral's and Anthropic's SDKs take it without"
SERVED: Final = (
    "POST /v1/chat/completions, /v1/responses, /v1/messages, /v1/fim/completions, /v1/embeddings, /v1/moderations, "
    "/v1/route, /v1/feedback; GET /v1/models"
)


async def unsupported(scope: Scope, receive: Receive, send: Send) -> None:
    path = scope["path"].rstrip("/")
    if path.startswith("/v1/v1/"):
        raise UnsupportedEndpoint(f"{path} is not served: {_TWICE}.")
    known = next((advice for start, advice in _INSTEAD.items() if path == start or path.startswith(f"{start}/")), None)
    raise UnsupportedEndpoint(f"{path} is not served: {known or 'there is no such endpoint'}. Served are {SERVED}.")
