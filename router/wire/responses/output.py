"""The Response object: what the model said in output items, within what the request asked for.

Whole answers and streams are made of the same items, so that a stream ends with the object that a plain call gets.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from router.wire.usage import read_usage

# Why an answer stopped short, by its finish; every other finish is a whole answer.
_CUT_SHORT: Final = {
    "length": "max_output_tokens",
    "model_length": "max_output_tokens",
    "content_filter": "content_filter",
}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the answer repeats of its request, because OpenAI's type has it. `format` is `text.format`."""

    instructions: str | None
    tools: list[dict[str, Any]]
    tool_choice: str | dict[str, Any]
    parallel_tool_calls: bool
    temperature: float | None
    top_p: float | None
    max_output_tokens: int | None
    format: dict[str, Any]
    effort: str | None
    summary: str | None
    metadata: dict[str, str]
    prompt_cache_key: str | None


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer is known by: the upstream's id, the time it gives (epoch seconds), the model that answered."""

    id: str
    created: int
    model: str


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of text in an answer: the item and part it stands in, and the events that a stream tells it by."""

    prefix: str
    part_type: str
    part_events: str
    text_events: str
    index_name: str
    # Lists that OpenAI's types want in the part and in each event of its text, empty here.
    part_lists: tuple[str, ...] = ()
    text_lists: tuple[str, ...] = ()


MESSAGE: Final = Form(
    prefix="msg",
    part_type="output_text",
    part_events="response.content_part",
    text_events="response.output_text",
    index_name="content_index",
    part_lists=("annotations", "logprobs"),
    text_lists=("logprobs",),
)
THOUGHT: Final = Form(
    prefix="rs",
    part_type="reasoning_text",
    part_events="response.content_part",
    text_events="response.reasoning_text",
    index_name="content_index",
)
SUMMARY: Final = Form(
    prefix="rs",
    part_type="summary_text",
    part_events="response.reasoning_summary_part",
    text_events="response.reasoning_summary_text",
    index_name="summary_index",
)


def thinking(asked: Asked) -> Form:
    """Where the thinking stands. Who asks for a summary reads it in the summary's place, and often nowhere else (so
    does Vercel's `@ai-sdk/openai` 3.0, tried 2026-11): it is put there whole, for nobody shortens it."""
    return SUMMARY if asked.summary else THOUGHT


def head_of(answer: dict[str, Any]) -> Head:
    """The head of an answer or of a chunk."""
    created = answer.get("created")
    return Head(
        id=str(answer.get("id") or "unnamed"),
        created=created if isinstance(created, int) else 0,
        model=str(answer.get("model") or ""),
    )


def blank(names: tuple[str, ...]) -> dict[str, Any]:
    return {name: [] for name in names}


def part(form: Form, text: str) -> dict[str, Any]:
    return {"type": form.part_type, "text": text, **blank(form.part_lists)}


def text_item(form: Form, item_id: str, parts: list[dict[str, Any]], status: str) -> dict[str, Any]:
    if form is MESSAGE:
        return {"id": item_id, "type": "message", "status": status, "role": "assistant", "content": parts}
    item = {"id": item_id, "type": "reasoning", "status": status}
    return {**item, "summary": parts} if form is SUMMARY else {**item, "summary": [], "content": parts}


def call_item(item_id: str, call_id: str, name: str, arguments: str, status: str) -> dict[str, Any]:
    return {
        "id": item_id,
        "type": "function_call",
        "status": status,
        "call_id": call_id,
        "name": name,
        "arguments": arguments,
    }


def item_id(prefix: str, head: Head, index: int) -> str:
    return f"{prefix}_{head.id}_{index}"


def called(call: dict[str, Any], head: Head, index: int) -> tuple[str, str, str]:
    """Id, name and arguments of a tool call, or of a fragment of one. A call without an id gets one from its place."""
    raw = call.get("function")
    function = raw if isinstance(raw, dict) else {}
    arguments = function.get("arguments")
    if not isinstance(arguments, str):
        arguments = "" if arguments is None else msgspec.json.encode(arguments).decode()
    return str(call.get("id") or f"call_{head.id}_{index}"), str(function.get("name") or ""), arguments


def status_of(finish: Any) -> str:
    return "incomplete" if finish in _CUT_SHORT else "completed"


def response(
    asked: Asked,
    head: Head,
    *,
    status: str,
    output: list[dict[str, Any]],
    finish: Any = None,
    usage: Any = None,
    router: Any = None,
) -> dict[str, Any]:
    """The Response object. `status` is in_progress, completed or incomplete; `usage` as the chat answer has it."""
    reason = _CUT_SHORT.get(finish)
    return {
        "id": f"resp_{head.id}",
        "object": "response",
        "created_at": head.created,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": {"reason": reason} if reason else None,
        "instructions": asked.instructions,
        "max_output_tokens": asked.max_output_tokens,
        "metadata": asked.metadata,
        "model": head.model,
        "output": output,
        "parallel_tool_calls": asked.parallel_tool_calls,
        "previous_response_id": None,
        "prompt_cache_key": asked.prompt_cache_key,
        "reasoning": {"effort": asked.effort, "summary": asked.summary},
        "store": False,
        "temperature": asked.temperature,
        "text": {"format": asked.format},
        "tool_choice": asked.tool_choice,
        "tools": asked.tools,
        "top_p": asked.top_p,
        "truncation": "disabled",
        "usage": usage_of(usage),
        **({"router": router} if router is not None else {}),
    }


def usage_of(raw: Any) -> dict[str, Any] | None:
    """The usage under this format's names, with its cost; None when it is not known."""
    usage = read_usage(raw)
    if usage is None:
        return None
    details = raw.get("completion_tokens_details")
    reasoning = details.get("reasoning_tokens") if isinstance(details, dict) else None
    return {
        "input_tokens": usage.input_tokens,
        # Mistral bills no writing to its cache, and OpenAI's type wants the number.
        "input_tokens_details": {"cached_tokens": usage.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": reasoning if isinstance(reasoning, int) else 0},
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "cost": raw.get("cost"),
    }


def whole(asked: Asked, answer: dict[str, Any]) -> dict[str, Any]:
    """The Response object of a `chat.completion`: what was thought, then the text, then the calls."""
    head, choice = head_of(answer), answer["choices"][0]
    message, finish = choice["message"], choice.get("finish_reason")
    status = status_of(finish)
    said = [(thinking(asked), message.get("reasoning_content")), (MESSAGE, message.get("content"))]
    texts = [(form, text) for form, text in said if text]
    calls = [call for call in message.get("tool_calls") or () if isinstance(call, dict)]
    if not texts and not calls:
        texts = [(MESSAGE, "")]  # apps look for a first item
    output = [
        text_item(form, item_id(form.prefix, head, index), [part(form, text)], "completed")
        for index, (form, text) in enumerate(texts)
    ]
    for index, call in enumerate(calls, len(output)):
        output.append(call_item(item_id("fc", head, index), *called(call, head, index), "completed"))
    output[-1]["status"] = status  # what was cut short was cut at its end
    return response(
        asked,
        head,
        status=status,
        output=output,
        finish=finish,
        usage=answer.get("usage"),
        router=answer.get("router"),
    )
