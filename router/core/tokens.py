"""How many tokens a prompt has, counted as the vendor counts them, because money is reserved from it.

The rules are the chat templates of tokenizer generations v13 and v15 (mistral-common 1.13.1, seen 2026-11), checked on
recorded exchanges. One vocabulary serves every native model tested. What cannot be known beforehand is taken at its
maximum (an image of unknown size) or at a stated guess (a document, a recording), and `method` says so.
"""

from __future__ import annotations

import itertools
import json
import operator
from collections.abc import Callable, Collection, Sequence
from fractions import Fraction
from math import ceil
from typing import Final

import msgspec

from router.core.catalog import Template
from router.core.images import IMAGE_TOKENS_MAX, image_size, image_tokens
from router.core.tokenizer import NOTHING, ByteCounter, Interval, Method, Tokenizer
from router.core.tool_tokens import profile_tokens, tools_tokens
from router.wire.adapt import changes, without_reasoning
from router.wire.chat import ChatRequest
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

# The v15 settings block, for either effort; it was missing in every recorded exchange that asked for JSON.
SETTINGS_TOKENS: Final = 12

_SURENESS: Final = tuple(Method)
_BYTES: Final = ByteCounter()


class PromptSize(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`tokens` is the v13 template without thinking turns, as models get it that do not reason. `settings_tokens` is
    what v15 adds: its settings block, less the joints it leaves out between text parts (so it may be below zero).
    `thinking_tokens` are the thinking turns, which only reasoning models get. `tokens` has the tools as the full schema
    profile has them; `profile_tokens` is what other profiles add (below zero where they leave something out), and
    `serial_tokens` what one turn a call adds.

    Where nothing was counted exactly, the truth may be `under` tokens lower and is at most `over` tokens higher."""

    tokens: int
    settings_tokens: int
    thinking_tokens: int
    images: int
    method: Method
    profile_tokens: dict[SchemaProfile, int] = {}
    serial_tokens: int = 0
    under: int = 0
    over: int = 0

    @property
    def counted(self) -> bool:
        """Whether every text was counted whole."""
        return self.under == self.over == 0

    def on(
        self,
        template: Template,
        *,
        thinks: bool | None = None,
        profile: SchemaProfile = SchemaProfile.FULL,
        serial: bool = False,
    ) -> int:
        """Prompt tokens to expect on a model of that template and profile. `thinks` says whether it is sent thinking
        turns; by default v13 models are not, all others are. `serial` says whether each call gets a turn of its own."""
        return _margined(self._sum(template, thinks, profile, serial), template)

    def most_on(
        self,
        template: Template,
        *,
        thinks: bool | None = None,
        profile: SchemaProfile = SchemaProfile.FULL,
        serial: bool = False,
    ) -> int:
        """The most that they can be: what is held. The same as `on` where everything was counted exactly."""
        return _margined(self._sum(template, thinks, profile, serial) + self.over, template)

    def least_on(self, template: Template, *, thinks: bool | None = None) -> int:
        """What nobody has seen a prompt of this estimate below."""
        return _margined(max(1, self._sum(template, thinks, SchemaProfile.FULL, False) - self.under), template)

    def _sum(self, template: Template, thinks: bool | None, profile: SchemaProfile, serial: bool) -> int:
        thinking = self.thinking_tokens if (template is not Template.V13 if thinks is None else thinks) else 0
        tokens = self.tokens + self.profile_tokens.get(profile, 0) + (self.serial_tokens if serial else 0) + thinking
        match template:
            case Template.V13:
                return tokens
            case Template.V15:
                return tokens + self.settings_tokens
            case Template.OTHER:
                return tokens + max(self.settings_tokens, 0)


def _margined(tokens: int, template: Template) -> int:
    return ceil(tokens * OTHER_MARGIN) if template is Template.OTHER else tokens


def prompt_size(
    request: ChatRequest, tokenizer: Tokenizer, profiles: Collection[SchemaProfile] = tuple(SchemaProfile)
) -> PromptSize:
    """The size of `request` as it will be sent, counted whole: what money is held from. `profiles` are those that a
    model may have."""
    return _size(request, tokenizer, tokenizer.exactly, profiles)


def rough_size(
    request: ChatRequest, tokenizer: Tokenizer, profiles: Collection[SchemaProfile] = tuple(SchemaProfile)
) -> PromptSize:
    """The same, in less than a tenth of a millisecond: exact for short prompts, of long ones a sample is counted."""
    return _size(request, tokenizer, tokenizer.roughly, profiles)


def _size(
    request: ChatRequest,
    tokenizer: Tokenizer,
    measure: Callable[[Sequence[str]], Interval],
    profiles: Collection[SchemaProfile],
) -> PromptSize:
    plainer = tuple(without_reasoning(request.messages)) if any(map(changes, request.messages)) else request.messages
    v13 = _Prompt(tokenizer, joint="\n\n", thinking=False).conversation(plainer, request.toolbox)
    words, thoughts = measure(v13.texts), NOTHING
    asks_json = request.response_format is not None and request.response_format.type != "text"
    settings = 0 if asks_json else SETTINGS_TOKENS
    thinking_fixed = 0
    if any(map(_differs, request.messages)):
        v15 = _Prompt(tokenizer, joint="", thinking=True).conversation(request.messages, request.toolbox)
        thoughts, thinking_fixed = measure(v15.thoughts), v15.thinking_fixed
        if words.method is Method.EXACT:  # a sample is too coarse to see the joints, and its bound covers them
            settings += v15.fixed + measure(v15.texts).expected - v13.fixed - words.expected
    return PromptSize(
        tokens=v13.fixed + words.expected,
        settings_tokens=settings,
        thinking_tokens=thinking_fixed + thoughts.expected,
        images=v13.images,
        method=max(v13.method, words.method, thoughts.method, key=_SURENESS.index),
        profile_tokens=profile_tokens(request, tokenizer, profiles),
        # One end of turn more for each call but the first.
        serial_tokens=sum([len(message.tool_calls) - 1 for message in request.messages if message.tool_calls]),
        under=words.expected - words.low + thoughts.expected - thoughts.low + v13.under,
        over=words.high - words.expected + thoughts.high - thoughts.expected + v13.over,
    )


def _differs(message: Message) -> bool:
    """Whether v15 counts the turn otherwise than v13 does: what v13 is not sent, or several text parts."""
    if not isinstance(message.content, list):
        return False
    return changes(message) or [type(part) for part in message.content].count(TextPart) > 1


class _Prompt:
    """What the template makes of a conversation: texts that are tokenised each by itself, and `fixed` tokens around
    them. `joint` stands between the text parts of one message; `thinking` says whether thinking turns are sent."""

    def __init__(self, tokenizer: Tokenizer, *, joint: str, thinking: bool) -> None:
        self.tokenizer = tokenizer
        self.joint = joint
        self.thinking = thinking
        self.fixed = 1  # the beginning of every sequence
        self.under = self.over = 0  # how far `fixed` may be beside the bill: above it, below it
        self.texts: list[str] = []
        self.thinking_fixed = 0  # thinking turns are kept apart
        self.thoughts: list[str] = []
        self.images = 0
        self.method = Method.EXACT

    def conversation(self, messages: tuple[Message, ...], toolbox: Toolbox) -> _Prompt:
        tools_pending = bool(toolbox.tools)
        for role, turns in itertools.groupby(messages, key=operator.attrgetter("role")):
            if role == "user":
                # The tools stand before the first user turn, and neighbouring user turns are one.
                if tools_pending:
                    tools_pending = False
                    self.tools(toolbox)
                self.fixed += 2
                self.content([turn.content for turn in turns])
            elif role == "assistant":
                self.assistant(list(turns))
            else:
                for turn in turns:
                    self.fixed += 2
                    self.content([turn.content])
        # A forced call is begun for the model: recorded prompts grow by its name and two, or by one.
        if isinstance(toolbox.choice, NamedChoice):
            self.fixed += 2
            self.text(toolbox.choice.function.name)
        elif toolbox.choice == "any" and len(toolbox.tools) == 1:
            self.fixed += 1
        return self

    def tools(self, toolbox: Toolbox) -> None:
        """Agents send the same tools with every request, so they are counted whole, and once."""
        size = tools_tokens(toolbox, SchemaProfile.FULL, self.tokenizer)
        self.fixed += 2 + size
        if self.tokenizer.method is not Method.EXACT:
            self.under, self.over = size // 2, max(0, tools_tokens(toolbox, SchemaProfile.FULL, _BYTES) - size)

    def assistant(self, turns: list[Message]) -> None:
        self.content([turn.content for turn in turns])
        for turn in turns:
            for call in turn.tool_calls or ():
                self.fixed += 2
                self.text(call.function.name)
                self.text(_arguments(call))
        self.fixed += not any(turn.prefix for turn in turns)  # a turn that the model is to continue stays open

    def content(self, contents: list[str | list[Part] | None]) -> None:
        """Neighbouring texts are one text: a blank line between messages, `joint` between parts of one message."""
        text: list[str] = []
        for content in contents:
            glue = "\n\n"
            for part in (content,) if isinstance(content, str) else content or ():
                if isinstance(part, ThinkingPart) and not self.thinking:
                    continue
                if not isinstance(part, str | TextPart):
                    self.text("".join(text))
                    text = []
                    self.other(part)
                elif words := part if isinstance(part, str) else part.text:
                    text += (glue, words) if text else (words,)
                    glue = self.joint
        self.text("".join(text))

    def text(self, text: str) -> None:
        if text:
            self.texts.append(text)

    def other(self, part: Part) -> None:
        match part:
            case ThinkingPart():
                # Thoughts are counted one by one: so one recorded exchange is met exactly, joined it is two short.
                self.thoughts += [thought.text for thought in part.thinking]
                self.thinking_fixed += 1 if part.closed is False else 2
            case ImagePart():
                self.images += 1
                pixels = image_size(part.url)
                self.fixed += image_tokens(*pixels) if pixels else IMAGE_TOKENS_MAX
                if pixels is None and self.method is Method.EXACT:
                    self.method = Method.BOUND
            case DocumentPart() | FilePart():
                self.fixed += DOCUMENT_TOKENS
                self.method = Method.ESTIMATE
            case AudioPart():
                self.fixed += _audio_tokens(part.input_audio)
                self.method = Method.ESTIMATE


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
