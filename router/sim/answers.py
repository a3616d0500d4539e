"""What is generated: an answer that depends on the prompt alone, so that the same question costs the same every time.

An answer is a list of parts, each with its number of tokens, because a cut stream is billed for what was sent. The
end of the answer is a token too (recorded answers count it) unless the answer was cut at its limit.
"""

import hashlib
import json
from typing import Any, Final, Literal

import msgspec

from router.sim.catalog import Model
from router.sim.instances import instance
from router.sim.profiles import Profile
from router.sim.tokens import offered_tools
from router.sim.tooling import first_keyword
from router.sim.vocabulary import Vocabulary
from router.sim.words import WordList

# Answers are between these lengths, thoughts about as long as the shorter half of them.
ANSWER_TOKENS_MIN: Final = 20
ANSWER_TOKENS_MAX: Final = 400
THOUGHT_TOKENS_MAX: Final = 160
# Stream chunks hold several tokens at times.
PART_TOKENS_MAX: Final = 4
ID_LETTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# Control tokens around a call: one before the name, one before the arguments.
CALL_TOKENS: Final = 2
END_TOKENS: Final = 1
# A thought is framed by two.
THOUGHT_FRAME_TOKENS: Final = 2
# More calls at once are on no record.
CALLS_MAX: Final = 3
# What the early models did not understand in a tool's schema, and did not refuse either.
UNHEARD_KEYWORDS: Final = ("additionalProperties", "$ref")

End = Literal["whole", "stopped", "cut"]
Finish = Literal["stop", "length", "model_length", "tool_calls", "error"]


class Part(msgspec.Struct, frozen=True):
    text: str
    tokens: int


class Call(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    arguments: str
    tokens: int


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    thoughts: tuple[Part, ...] = ()
    parts: tuple[Part, ...] = ()
    calls: tuple[Call, ...] = ()
    finish: Finish = "stop"
    # All of the parts and calls, and the end-of-answer token where there is one.
    tokens: int

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts)


class Author:
    """Writes answers; knows the vocabulary, and no request but the one it is given."""

    def __init__(self, vocabulary: Vocabulary, words: WordList) -> None:
        self._vocabulary = vocabulary
        self._words = words

    def answer(self, body: dict[str, Any], model: Model, profile: Profile, *, room: int, choice: int = 0) -> Answer:
        """`room` is what the context window leaves for the answer."""
        seed = seed_of(body, choice)
        limit = body.get("max_tokens")
        limit = room if limit is None else min(limit, room)
        finish: Finish = "length" if limit == body.get("max_tokens") else "model_length"
        if names := _calls_wanted(body, model, profile):
            return self._calling(names, body, model, seed, limit)
        thoughts = self._thoughts(body, seed, limit)
        left = limit - sum(part.tokens for part in thoughts)
        parts, unsaid, end = self._parts(body, seed, left)
        tokens = sum(part.tokens for part in (*thoughts, *parts)) + unsaid
        return Answer(thoughts=thoughts, parts=parts, finish=finish if end == "cut" else "stop", tokens=tokens)

    def sentences(self, tokens: int, seed: int) -> tuple[Part, ...]:
        return (*_grouped(tuple(Part(piece, 1) for piece in self._words.pieces(tokens, seed)), seed),)

    def written(self, text: str) -> tuple[Part, ...]:
        """A given text as parts of whole characters."""
        parts: list[Part] = []
        held, tokens = b"", 0
        for token in self._vocabulary.encode(text):
            held += self._vocabulary.token_bytes(token)
            tokens += 1
            try:
                parts.append(Part(held.decode(), tokens))
            except UnicodeDecodeError:
                continue
            held, tokens = b"", 0
        return tuple(parts)

    def call(self, name: str, arguments: str, call_id: str) -> Call:
        tokens = CALL_TOKENS + self._vocabulary.count(name) + self._vocabulary.count(arguments)
        return Call(id=call_id, name=name, arguments=arguments, tokens=tokens)

    def _parts(self, body: dict[str, Any], seed: int, limit: int) -> tuple[tuple[Part, ...], int, End]:
        """The text, the tokens generated but not said (a stop sequence, the end of the answer), and how it ended."""
        wanted = body.get("response_format") or {}
        if wanted.get("type") in ("json_object", "json_schema"):
            schema = (wanted.get("json_schema") or {}).get("schema")
            value = {"answer": "value"} if schema is None else instance(schema)
            whole = self.written(json.dumps(value, ensure_ascii=False))
        else:
            natural = ANSWER_TOKENS_MIN + seed % (ANSWER_TOKENS_MAX - ANSWER_TOKENS_MIN)
            whole = tuple(Part(piece, 1) for piece in self._words.pieces(min(natural, limit), seed))
        kept = _fitting(whole, limit)
        stopped = _stopped(kept, body.get("stop"))
        if stopped is not None:
            return (*_grouped(stopped[0], seed),), stopped[1], "stopped"
        if len(kept) == len(whole) and sum(part.tokens for part in kept) < limit:
            return (*_grouped(kept, seed),), END_TOKENS, "whole"
        return (*_grouped(kept, seed),), 0, "cut"

    def _thoughts(self, body: dict[str, Any], seed: int, limit: int) -> tuple[Part, ...]:
        if body.get("reasoning_effort") in (None, "none"):
            return ()
        natural = ANSWER_TOKENS_MIN + seed % (THOUGHT_TOKENS_MAX - ANSWER_TOKENS_MIN)
        return framed(self.sentences(min(natural, limit - THOUGHT_FRAME_TOKENS), seed + 1))

    def _calling(self, names: list[str], body: dict[str, Any], model: Model, seed: int, limit: int) -> Answer:
        schemas = {tool["function"]["name"]: tool["function"]["parameters"] for tool in offered_tools(body)}
        calls: list[Call] = []
        left = limit
        for place, name in enumerate(names):
            value = instance(schemas[name])
            # Arguments are an object, whatever a schema without properties would allow.
            arguments = json.dumps(value if isinstance(value, dict) else {}, ensure_ascii=False)
            call = self.call(name, arguments, call_id(seed, place, model))
            if call.tokens >= left:
                # The limit cuts the arguments off, and what arrives is no JSON.
                room = max(0, left - (call.tokens - self._vocabulary.count(arguments)))
                kept = "".join(part.text for part in _fitting(self.written(arguments), room))
                cut = Call(id=call.id, name=name, arguments=kept, tokens=left)
                return Answer(calls=(*calls, cut), finish="length", tokens=limit)
            calls.append(call)
            left -= call.tokens
        tokens = sum(call.tokens for call in calls) + END_TOKENS
        return Answer(calls=tuple(calls), finish="tool_calls", tokens=tokens)


def _calls_wanted(body: dict[str, Any], model: Model, profile: Profile) -> list[str]:
    """The names of the tools that are called: one, or as many as the text joins wishes with "and"."""
    tools = [tool["function"] for tool in offered_tools(body)]
    if profile.silent_schemas:
        tools = [tool for tool in tools if not first_keyword(tool["parameters"], UNHEARD_KEYWORDS)]
    names = [str(tool["name"]) for tool in tools]
    if not names:
        return []
    match body.get("tool_choice"):
        case {"function": {"name": str(name)}}:
            return [name] if name in names else []
        case "any" | "required":
            pass
        case _ if body["messages"][-1]["role"] != "user":
            return []
    able = model.can("parallel_tools") and (profile.parallel_calls_on_small or not model.is_small)
    wishes = 1 + last_user_text(body).count(" and ")
    at_once = min(wishes, CALLS_MAX) if able and body.get("parallel_tool_calls") is not False else 1
    return names[:at_once]


def seed_of(body: dict[str, Any], choice: int) -> int:
    """The prompt decides; the sampling settings of the real API are ignored but for the seed."""
    prompt = body.get("messages", [body.get("prompt"), body.get("suffix")])
    told = json.dumps([prompt, body.get("random_seed"), choice], sort_keys=True).encode()
    return int.from_bytes(hashlib.blake2b(told, digest_size=6).digest(), "big")


def call_id(seed: int, place: int, model: Model) -> str:
    """Nine letters and digits on native models, another shape on the others."""
    digest = hashlib.blake2b(f"{seed} {place}".encode(), digest_size=9).digest()
    if model.family != "mistral":
        return f"chatcmpl-tool-{digest[:8].hex()}"
    return "".join(ID_LETTERS[byte % len(ID_LETTERS)] for byte in digest)


def framed(thought: tuple[Part, ...]) -> tuple[Part, ...]:
    """A thought with the tokens before and after it, which no text shows."""
    if not thought:
        return ()
    *opening, last = thought
    return (*opening, Part(last.text, last.tokens + THOUGHT_FRAME_TOKENS))


def last_user_text(body: dict[str, Any]) -> str:
    for message in reversed(body.get("messages", [])):
        if message["role"] == "user":
            content = message.get("content") or ""
            if isinstance(content, str):
                return content
            return " ".join(chunk["text"] for chunk in content if "text" in chunk)
    return ""


def _fitting(parts: tuple[Part, ...], limit: int) -> tuple[Part, ...]:
    kept: list[Part] = []
    for part in parts:
        limit -= part.tokens
        if limit < 0:
            break
        kept.append(part)
    return tuple(kept)


def _stopped(parts: tuple[Part, ...], stop: str | list[str] | None) -> tuple[tuple[Part, ...], int] | None:
    """The parts before the first stop sequence, and how many more tokens were generated until it was complete."""
    stops = [stop] if isinstance(stop, str) else stop or []
    text = "".join(part.text for part in parts)
    places = [(place, len(wanted)) for wanted in stops if wanted and (place := text.find(wanted)) >= 0]
    if not places:
        return None
    place, length = min(places)
    kept: list[Part] = []
    start = generated = 0
    for part in parts:
        if start >= place + length:
            break
        generated += part.tokens
        end = start + len(part.text)
        if start < place:
            kept.append(part if end <= place else Part(part.text[: place - start], part.tokens))
        start = end
    return tuple(kept), generated - sum(part.tokens for part in kept)


def _grouped(parts: tuple[Part, ...], seed: int) -> list[Part]:
    grouped: list[Part] = []
    start = 0
    while start < len(parts):
        size = 1 + (seed + start) % PART_TOKENS_MAX
        group = parts[start : start + size]
        grouped.append(Part("".join(part.text for part in group), sum(part.tokens for part in group)))
        start += size
    return grouped
