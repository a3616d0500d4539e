"""How many tokens a prompt has, counted as the vendor counts them, because money is reserved from it.

The rules are the chat templates of tokenizer generations v13 and v15 (mistral-common 1.13.1, seen 2026-11), checked on
recorded exchanges. One vocabulary serves every native model tested. What cannot be known beforehand is taken at its
maximum (an image of unknown size) or at a stated guess (a document, a recording), and `method` says so.
"""

from __future__ import annotations

import enum
import hashlib
import itertools
import json
import operator
import zlib
from collections.abc import Callable, Collection
from fractions import Fraction
from math import ceil
from typing import Final

import msgspec
import tiktoken

from router.core.catalog import Template
from router.core.images import IMAGE_TOKENS_MAX, image_size, image_tokens
from router.wire.chat import ChatRequest
from router.wire.fitting import fit
from router.wire.messages import Message, ToolCall
from router.wire.parts import AudioPart, DocumentPart, FilePart, ImagePart, Part, TextPart, ThinkingPart
from router.wire.schema import SchemaProfile
from router.wire.tools import NamedChoice, Toolbox

# A document becomes its text, which only the vendor sees: about ten dense pages.
DOCUMENT_TOKENS: Final = 8_192
# Audio is 12.5 tokens a second in blocks of 30 s; speech is rarely packed tighter than 4,000 bytes a second.
AUDIO_BLOCK_TOKENS: Final = 375
AUDIO_BLOCK_BYTES: Final = 30 * 4_000
AUDIO_BLOCKS_UNSEEN: Final = 10
# Another vendor's tokenizer is not known: GLM and DeepSeek get this margin until measured.
OTHER_MARGIN: Final = Fraction(13, 10)

# Texts from this length on are remembered by digest, so that a growing conversation pays only for its new turn.
_MEMO_FROM: Final = 512
_MEMO_MAX: Final = 4_096


class Method(enum.Enum):
    """How sure a count is: as billed, never below the bill, or a guess."""

    EXACT = "exact"
    BOUND = "bound"
    ESTIMATE = "estimate"


class PromptSize(msgspec.Struct, frozen=True, kw_only=True):
    """`tokens` is the v13 template without thinking turns, as models get it that do not reason. `settings_tokens` is
    what v15 adds: its settings block, less the joints it leaves out between text parts (so it may be below zero).
    `thinking_tokens` are the thinking turns, which only reasoning models get. `tokens` has the tools as the full schema
    profile has them; `profile_tokens` is what other profiles add (below zero where they leave something out), and
    `serial_tokens` what one turn a call adds."""

    tokens: int
    settings_tokens: int
    thinking_tokens: int
    images: int
    method: Method
    profile_tokens: dict[SchemaProfile, int] = {}
    serial_tokens: int = 0

    def on(
        self,
        template: Template,
        *,
        thinks: bool | None = None,
        profile: SchemaProfile = SchemaProfile.FULL,
        serial: bool = False,
    ) -> int:
        """Prompt tokens on a model of that template and profile. `thinks` says whether it is sent thinking turns; by
        default v13 models are not, all others are. `serial` says whether each call gets a turn of its own."""
        thinking = self.thinking_tokens if (template is not Template.V13 if thinks is None else thinks) else 0
        tokens = self.tokens + self.profile_tokens.get(profile, 0) + (self.serial_tokens if serial else 0) + thinking
        match template:
            case Template.V13:
                return tokens
            case Template.V15:
                return tokens + self.settings_tokens
            case Template.OTHER:
                return ceil((tokens + max(self.settings_tokens, 0)) * OTHER_MARGIN)


class Tokenizer:
    """Counts text. `vocabulary` is the content of router/data/tekken.bin (tools/make_vocabulary.py); loading it takes
    about 0.2 s, so one serves the whole process. Counts are remembered by digest, never the text."""

    def __init__(self, vocabulary: bytes) -> None:
        content = zlib.decompress(vocabulary)
        position = 2 + int.from_bytes(content[:2], "big")
        pattern = content[2:position].decode()
        ranks: dict[bytes, int] = {}
        while position < len(content):
            start = position + 1
            position = start + content[position]
            ranks[content[start:position]] = len(ranks)
        self._encoding = tiktoken.Encoding("tekken", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
        self._memo: dict[bytes, int] = {}

    def count(self, text: str) -> int:
        """Tokens of `text`. A lone surrogate counts as the replacement character."""
        if len(text) < _MEMO_FROM:
            return self._count(text)
        return self.remember(b"text", text.encode("utf-8", "replace"), lambda: self._count(text))

    def remember(self, what: bytes, content: bytes, count: Callable[[], int]) -> int:
        """The count that belongs to `content`, made by `count` the first time; `what` keeps kinds of content apart."""
        key = hashlib.blake2b(content, digest_size=16, person=what).digest()
        known = self._memo.get(key)
        if known is None:
            if len(self._memo) >= _MEMO_MAX:
                self._memo.clear()
            known = self._memo[key] = count()
        return known

    def _count(self, text: str) -> int:
        return len(self._encoding.encode_ordinary(text))


def prompt_size(
    request: ChatRequest, tokenizer: Tokenizer, profiles: Collection[SchemaProfile] = tuple(SchemaProfile)
) -> PromptSize:
    """The size of `request` as it will be sent. `profiles` are those that a model may have."""
    v13 = _Count(tokenizer, joint="\n\n", thinking=False).conversation(request.messages, request.toolbox)
    settings = _settings_tokens(request, tokenizer)
    thinking = 0
    if any(_differs(message) for message in request.messages):
        v15 = _Count(tokenizer, joint="", thinking=True).conversation(request.messages, request.toolbox)
        thinking = v15.thinking_tokens
        settings += v15.tokens - v13.tokens
    return PromptSize(
        tokens=v13.tokens,
        settings_tokens=settings,
        thinking_tokens=thinking,
        images=v13.images,
        method=v13.method,
        profile_tokens=_profile_tokens(request, tokenizer, profiles),
        # One end of turn more for each call but the first.
        serial_tokens=sum(len(message.tool_calls) - 1 for message in request.messages if message.tool_calls),
    )


def _differs(message: Message) -> bool:
    """Whether v15 counts the turn otherwise than v13 does: thinking, or several text parts."""
    kinds = [type(part) for part in message.content] if isinstance(message.content, list) else []
    return ThinkingPart in kinds or kinds.count(TextPart) > 1


def _settings_tokens(request: ChatRequest, tokenizer: Tokenizer) -> int:
    """The v15 settings block. It was missing in every recorded exchange that asked for JSON."""
    asks_json = request.response_format is not None and request.response_format.type != "text"
    return 0 if asks_json else 2 + tokenizer.count(f'{{"reasoning_effort": "{request.reasoning or "none"}"}}')


class _Count:
    """One walk over a conversation. `joint` stands between the text parts of one message; `thinking` says whether
    thinking turns are sent."""

    def __init__(self, tokenizer: Tokenizer, *, joint: str, thinking: bool) -> None:
        self.tokenizer = tokenizer
        self.joint = joint
        self.thinking = thinking
        self.tokens = 1  # the beginning of every sequence
        self.thinking_tokens = 0  # counted apart
        self.images = 0
        self.method = Method.EXACT

    def conversation(self, messages: tuple[Message, ...], toolbox: Toolbox) -> _Count:
        tools_pending = bool(toolbox.tools)
        for role, turns in itertools.groupby(messages, key=operator.attrgetter("role")):
            if role == "user":
                # The tools stand before the first user turn, and neighbouring user turns are one.
                if tools_pending:
                    tools_pending = False
                    self.tokens += 2 + _tools_tokens(toolbox, SchemaProfile.FULL, self.tokenizer)
                self.tokens += 2
                self.content([turn.content for turn in turns])
            elif role == "assistant":
                self.assistant(list(turns))
            else:
                for turn in turns:
                    self.tokens += 2
                    self.content([turn.content])
        # A forced call is begun for the model: recorded prompts grow by its name and two, or by one.
        if isinstance(toolbox.choice, NamedChoice):
            self.tokens += 2 + self.tokenizer.count(toolbox.choice.function.name)
        elif toolbox.choice == "any" and len(toolbox.tools) == 1:
            self.tokens += 1
        return self

    def assistant(self, turns: list[Message]) -> None:
        self.content([turn.content for turn in turns])
        for turn in turns:
            for call in turn.tool_calls or ():
                self.tokens += 2 + self.tokenizer.count(call.function.name) + self.tokenizer.count(_arguments(call))
        self.tokens += not any(turn.prefix for turn in turns)  # a turn that the model is to continue stays open

    def content(self, contents: list[str | list[Part] | None]) -> None:
        """Neighbouring texts are one text: a blank line between messages, `joint` between parts of one message."""
        text = ""
        for content in contents:
            glue = "\n\n"
            for part in (content,) if isinstance(content, str) else content or ():
                if isinstance(part, ThinkingPart) and not self.thinking:
                    continue
                if not isinstance(part, str | TextPart):
                    self.tokens += self.tokenizer.count(text)
                    text = ""
                    self.other(part)
                elif words := part if isinstance(part, str) else part.text:
                    text = f"{text}{glue}{words}" if text else words
                    glue = self.joint
        self.tokens += self.tokenizer.count(text)

    def other(self, part: Part) -> None:
        match part:
            case ThinkingPart():
                # Thoughts are counted one by one: so one recorded exchange is met exactly, joined it is two short.
                size = sum(self.tokenizer.count(thought.text) for thought in part.thinking)
                self.thinking_tokens += size + (1 if part.closed is False else 2)
            case ImagePart():
                self.images += 1
                pixels = image_size(part.url)
                self.tokens += image_tokens(*pixels) if pixels else IMAGE_TOKENS_MAX
                if pixels is None and self.method is Method.EXACT:
                    self.method = Method.BOUND
            case DocumentPart() | FilePart():
                self.tokens += DOCUMENT_TOKENS
                self.method = Method.ESTIMATE
            case AudioPart():
                self.tokens += _audio_tokens(part.input_audio)
                self.method = Method.ESTIMATE


def _tools_tokens(toolbox: Toolbox, profile: SchemaProfile, tokenizer: Tokenizer) -> int:
    """The tools that a model of that profile is sent, as the template writes them: Python's JSON spacing, `strict` left
    out, no escapes."""
    sent = fit(toolbox, None, profile).tools

    def count() -> int:
        listed = [
            {
                "type": tool["type"],
                "function": {
                    "name": tool["function"]["name"],
                    "description": tool["function"].get("description", ""),
                    "parameters": tool["function"]["parameters"],
                },
            }
            for tool in msgspec.json.decode(sent)
        ]
        return tokenizer.count(json.dumps(listed, ensure_ascii=False))

    return tokenizer.remember(b"tools", sent, count)


def _profile_tokens(
    request: ChatRequest, tokenizer: Tokenizer, profiles: Collection[SchemaProfile]
) -> dict[SchemaProfile, int]:
    """What the tools take more on each profile than on the full one, where they fit it and do differ."""
    toolbox, full = request.toolbox, fit(request.toolbox, None, SchemaProfile.FULL).tools
    if not any(message.role == "user" for message in request.messages):
        return {}  # the tools stand before the first user turn
    usual = _tools_tokens(toolbox, SchemaProfile.FULL, tokenizer) if full else 0
    fitted = {profile: fit(toolbox, None, profile) for profile in profiles}
    return {
        profile: _tools_tokens(toolbox, profile, tokenizer) - usual
        for profile, made in fitted.items()
        if made.misfit is None and made.tools != full
    }


def _arguments(call: ToolCall) -> str:
    """The arguments as the template writes them anew; what is no JSON stays as it is."""
    if not call.function.arguments:
        return "{}"
    try:
        return json.dumps(json.loads(call.function.arguments), ensure_ascii=False)
    except (ValueError, RecursionError):
        return call.function.arguments


def _audio_tokens(audio: str) -> int:
    seen = not audio.startswith(("http:", "https:"))
    blocks = ceil(len(audio) * 3 / 4 / AUDIO_BLOCK_BYTES) if seen else AUDIO_BLOCKS_UNSEEN
    return max(blocks, 1) * AUDIO_BLOCK_TOKENS
