"""The closed field lists of the API: the specification of 2026-08 plus what the vendor's SDK 3.7 declares (2026-11).

One field that is not listed, at any level, refuses the whole request with 422.
"""

from typing import Any, Final

from router.sim.errors import Problem
from router.sim.shapes import (
    anything,
    closed,
    either,
    flag,
    integer,
    list_of,
    nullable,
    number,
    one_of,
    open_map,
    tagged,
    text,
)
from router.sim.tokens import kind_of

TOOLS_MAX: Final = 128
# No limit is documented; without one a single request could ask for any amount of work.
CHOICES_MAX: Final = 64
EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
TEXTS: Final = either(str=text, list=list_of(text))

TEXT_CHUNK: Final = closed({"type": one_of("text"), "text": text}, required=("text",))
IMAGE_URL: Final = closed({"url": text, "detail": nullable(one_of("low", "auto", "high"))}, required=("url",))
REFERENCE_CHUNK: Final = closed(
    {"type": one_of("reference"), "reference_ids": list_of(either(int=integer(), str=text))},
    required=("reference_ids",),
)
THINKING_CHUNK: Final = closed(
    {
        "type": one_of("thinking"),
        "thinking": list_of(tagged("type", {"text": TEXT_CHUNK, "reference": REFERENCE_CHUNK}, guess=kind_of)),
        "closed": flag,
        "signature": nullable(text),
    },
    required=("thinking",),
)
CHUNK: Final = tagged(
    "type",
    {
        "text": TEXT_CHUNK,
        "image_url": closed(
            {"type": one_of("image_url"), "image_url": either(str=text, dict=IMAGE_URL)}, required=("image_url",)
        ),
        "document_url": closed(
            {"type": one_of("document_url"), "document_url": text, "document_name": nullable(text)},
            required=("document_url",),
        ),
        "file": closed({"type": one_of("file"), "file_id": text}, required=("file_id",)),
        "reference": REFERENCE_CHUNK,
        "thinking": THINKING_CHUNK,
        "input_audio": closed({"type": one_of("input_audio"), "input_audio": text}, required=("input_audio",)),
    },
    guess=kind_of,
)
SYSTEM_CHUNK: Final = tagged("type", {"text": TEXT_CHUNK, "thinking": THINKING_CHUNK}, guess=kind_of)
CONTENT: Final = nullable(either(str=text, list=list_of(CHUNK)))

FUNCTION_CALL: Final = closed(
    {"name": text, "arguments": either(str=text, dict=open_map)}, required=("name", "arguments")
)
TOOL_CALL: Final = closed(
    {"id": text, "type": one_of("function"), "function": FUNCTION_CALL, "index": integer()}, required=("function",)
)
MESSAGE: Final = tagged(
    "role",
    {
        "system": closed(
            {"role": text, "content": either(str=text, list=list_of(SYSTEM_CHUNK))}, required=("content",)
        ),
        "user": closed({"role": text, "content": CONTENT}, required=("content",)),
        "assistant": closed(
            {"role": text, "content": CONTENT, "tool_calls": nullable(list_of(TOOL_CALL)), "prefix": flag}
        ),
        "tool": closed(
            {"role": text, "content": CONTENT, "tool_call_id": nullable(text), "name": nullable(text)},
            required=("content",),
        ),
    },
)

FUNCTION: Final = closed(
    {"name": text, "description": text, "strict": flag, "parameters": open_map}, required=("name", "parameters")
)
TOOL: Final = tagged(
    "type",
    {
        "function": closed({"type": one_of("function"), "function": FUNCTION}, required=("function",)),
        "image_generation": closed({"type": text}),
        "document_library": closed({"type": text, "library_ids": list_of(text)}, required=("library_ids",)),
        "connector": closed({"type": text, "connector_id": text, "tool_configuration": anything}),
    },
    guess=lambda value: "function",
)
TOOL_CHOICE: Final = either(
    str=one_of("auto", "none", "any", "required"),
    dict=closed(
        {"type": one_of("function"), "function": closed({"name": text}, required=("name",))}, required=("function",)
    ),
)
RESPONSE_FORMAT: Final = closed(
    {
        "type": one_of("text", "json_object", "json_schema"),
        "json_schema": nullable(
            closed(
                {"name": text, "description": nullable(text), "schema": open_map, "strict": flag},
                required=("name", "schema"),
            )
        ),
    }
)

SAMPLING: Final = {
    "model": text,
    "temperature": nullable(number(ge=0, le=1.5)),
    "top_p": nullable(number(gt=0, le=1)),
    "max_tokens": nullable(integer(ge=0)),
    "min_tokens": nullable(integer(ge=0)),
    "stream": flag,
    "stop": nullable(TEXTS),
    "random_seed": nullable(integer(ge=0)),
    "metadata": nullable(open_map),
    "prompt_cache_key": nullable(text),
}
CHAT: Final = closed(
    {
        **SAMPLING,
        "messages": list_of(MESSAGE),
        "response_format": RESPONSE_FORMAT,
        "tools": nullable(list_of(TOOL, at_most=TOOLS_MAX)),
        "tool_choice": TOOL_CHOICE,
        "parallel_tool_calls": flag,
        "presence_penalty": nullable(number(ge=-2, le=2)),
        "frequency_penalty": nullable(number(ge=-2, le=2)),
        "repetition_penalty": nullable(number(ge=0)),
        "top_k": nullable(integer(ge=0)),
        "logprobs": nullable(flag),
        "top_logprobs": nullable(integer(ge=0)),
        "prompt_logprobs": nullable(flag),
        "top_prompt_logprobs": nullable(integer(ge=0)),
        "n": nullable(integer(ge=1, le=CHOICES_MAX)),
        "prediction": closed({"type": one_of("content"), "content": text}),
        "reasoning_effort": nullable(one_of(*EFFORTS)),
        "prompt_mode": nullable(one_of("reasoning")),
        "service_tier": nullable(one_of("auto", "standard_only")),
        "guardrails": nullable(list_of(open_map)),
        "safe_prompt": flag,
        # Absent from the specification, used by the vendor's own client in 2026.
        "stream_options": nullable(closed({"include_usage": flag, "stream_tool_calls": flag})),
    },
    required=("model", "messages"),
)
FIM: Final = closed({**SAMPLING, "prompt": text, "suffix": nullable(text)}, required=("model", "prompt"))
EMBEDDINGS: Final = closed(
    {
        "model": text,
        "input": TEXTS,
        "metadata": nullable(open_map),
        "output_dimension": nullable(integer(ge=1)),
        "output_dtype": one_of("float", "int8", "uint8", "binary", "ubinary"),
        "encoding_format": one_of("float", "base64"),
    },
    required=("model", "input"),
)
MODERATIONS: Final = closed(
    {"model": text, "input": TEXTS, "metadata": nullable(open_map)}, required=("model", "input")
)
ENDPOINT_FIELDS: Final = {
    "/v1/chat/completions": CHAT,
    "/v1/fim/completions": FIM,
    "/v1/embeddings": EMBEDDINGS,
    "/v1/moderations": MODERATIONS,
}


def problems_of(path: str, body: Any) -> list[Problem]:
    found: list[Problem] = []
    ENDPOINT_FIELDS[path](body, ("body",), found)
    return found
