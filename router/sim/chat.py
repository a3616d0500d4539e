"""`POST /v1/chat/completions` and `POST /v1/fim/completions`: check, count, answer."""

import asyncio
import json
import time
import uuid
from typing import Any, Final

from router.sim import errors
from router.sim.answers import END_TOKENS, Answer, Call, Finish, Part, call_id, framed, seed_of
from router.sim.catalog import Model
from router.sim.delivery import Job, admit, choices_tokens, deliver_plain, deliver_stream
from router.sim.errors import Problem
from router.sim.exchange import Exchange
from router.sim.faults import Rule, ScriptedAnswer
from router.sim.rules import check_chat
from router.sim.streams import Envelope, Shape, completion, frames
from router.sim.tokens import BOS, CLOSE, OPEN, chat_tokens
from router.sim.world import World

# Beyond this a prompt is counted beside the event loop: 100,000 tokens take about 70 ms.
INLINE_BYTES_MAX: Final = 64 * 1024


async def chat(exchange: Exchange) -> None:
    body = exchange.read()
    model = exchange.resolve(body["model"], "chat")
    check_chat(body, model, exchange.world.profile)
    await _generate(exchange, body, model, await _prompt_tokens(exchange, body, model))


async def fim(exchange: Exchange) -> None:
    body = exchange.read()
    model = exchange.resolve(body["model"], "fim")
    words = exchange.world.vocabulary
    suffix = words.encode(body.get("suffix") or "")
    await _generate(exchange, body, model, [BOS, OPEN, *suffix, CLOSE, *words.encode(body["prompt"])])


async def _prompt_tokens(exchange: Exchange, body: dict[str, Any], model: Model) -> list[int]:
    count = (body, exchange.world.profile.tokenizer_of(model), exchange.world.vocabulary)
    if len(exchange.seen.raw) <= INLINE_BYTES_MAX:
        return chat_tokens(*count)
    return await asyncio.to_thread(chat_tokens, *count)


async def _generate(exchange: Exchange, body: dict[str, Any], model: Model, prompt: list[int]) -> None:
    world = exchange.world
    context = world.profile.context(model)
    _check_room(exchange, body, len(prompt), context)
    fault = exchange.fault(body, model)
    await admit(exchange, model, fault)
    answers = _answers(world, body, model, context - len(prompt), fault)
    job = Job(
        model=model,
        input_tokens=len(prompt),
        cached_tokens=world.prefixes.cached_tokens(
            model.id, body.get("prompt_cache_key"), prompt, unkeyed_from=world.profile.cached_from_tokens
        ),
        output_tokens=choices_tokens(answers),
        # The simulated workspace has bought the priority tier, so `auto` gets it.
        priority=body.get("service_tier") == "auto",
        fault=fault,
    )
    envelope = Envelope(id=uuid.uuid4().hex, created=int(time.time()), model=body["model"])
    usage, shape = job.usage(world.profile), _shape(world, body, model, fault)
    if body.get("stream"):
        await deliver_stream(exchange, job, frames(envelope, answers, usage, shape))
    else:
        await deliver_plain(exchange, job, completion(envelope, answers, usage, shape))


def _check_room(exchange: Exchange, body: dict[str, Any], prompt_tokens: int, context: int) -> None:
    if prompt_tokens >= context:
        raise errors.prompt_too_long(prompt_tokens, context)
    max_tokens = body.get("max_tokens") or 0
    if prompt_tokens + max_tokens > context:
        message = f"Prompt of {prompt_tokens} tokens and max_tokens {max_tokens} exceed the context of {context} tokens"
        loc = ("body", "max_tokens")
        raise exchange.invalid([Problem(type="value_error", loc=loc, msg=message, input=max_tokens)])


def _answers(world: World, body: dict[str, Any], model: Model, room: int, fault: Rule | None) -> list[Answer]:
    if fault is not None and fault.script is not None:
        return [_scripted(world, body, model, fault.script)]
    choices = range(body.get("n") or 1)
    answers = [world.author.answer(body, model, world.profile, room=room, choice=choice) for choice in choices]
    if fault is not None and fault.fault == "error_finish":
        return [_failed(answer) for answer in answers]
    return answers


def _scripted(world: World, body: dict[str, Any], model: Model, script: ScriptedAnswer) -> Answer:
    """What the script says, word for word; with `output_tokens` alone, as many words as it asks for."""
    seed = seed_of(body, 0)
    calls = tuple(_scripted_call(world, call, seed, place, model) for place, call in enumerate(script.tool_calls or ()))
    content = script.content
    if content is None and not calls:
        count = 20 if script.output_tokens is None else max(0, script.output_tokens - 1)
        parts = world.author.sentences(count, seed)
    else:
        parts = world.author.written(content or "")
    thoughts = framed(world.author.written(script.thinking or ""))
    finish: Finish = script.finish_reason or ("tool_calls" if calls else "stop")
    counted = sum(part.tokens for part in (*thoughts, *parts)) + sum(call.tokens for call in calls) + END_TOKENS
    tokens = counted if script.output_tokens is None else script.output_tokens
    return Answer(thoughts=thoughts, parts=parts, calls=calls, finish=finish, tokens=tokens)


def _scripted_call(world: World, call: dict[str, Any], seed: int, place: int, model: Model) -> Call:
    function = call.get("function", call)
    arguments = function.get("arguments", {})
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return world.author.call(function["name"], text, call.get("id") or call_id(seed, place, model))


def _failed(answer: Answer) -> Answer:
    """The first half of an answer, after which the model broke: a 200 all the same."""
    half: tuple[Part, ...] = answer.parts[: len(answer.parts) // 2]
    return Answer(parts=half, finish="error", tokens=sum(part.tokens for part in half))


def _shape(world: World, body: dict[str, Any], model: Model, fault: Rule | None) -> Shape:
    name = fault.fault if fault else None
    asked = body.get("stream_options") or {}
    return Shape(
        third_party=model.family != "mistral",
        fragmented_calls=model.family != "mistral" or bool(asked.get("stream_tool_calls")),
        typed_calls=world.profile.typed_calls,
        padded=world.profile.padded,
        early_finish=world.profile.early_finish or name == "finish_early",
        usage="none" if name == "no_usage" else "apart" if name == "usage_apart" else "with_reason",
        nulls=model.nulls,
    )
