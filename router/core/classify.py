"""What a request is: its size, its language, its kind of work, and what a model must be able to do for it.

Everything is read from the request itself; nothing is guessed that can be read. Only size and abilities ever exclude a
model; kind and language choose the cell of the quality table.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import msgspec

from router.core.answer_language import answer_language
from router.core.catalog import Ability, Template
from router.core.kind import Kind, expected_output, kind_of
from router.core.language import NOBODY, Detector, Language, Source, language_of
from router.core.tokens import PromptSize, Tokenizer, prompt_size
from router.wire.chat import ChatRequest
from router.wire.fitting import Misfit, fit
from router.wire.messages import Message
from router.wire.parts import AudioPart, DocumentPart, FilePart, ImagePart, TextPart
from router.wire.schema import SchemaProfile

# Where the last turn is too short to tell its language, this many earlier user turns are asked.
_EARLIER_MAX: Final = 3

_PART_ABILITY: Final[dict[type, Ability]] = {
    ImagePart: Ability.VISION,
    AudioPart: Ability.AUDIO,
    DocumentPart: Ability.DOCUMENTS,
    FilePart: Ability.DOCUMENTS,
}


class Classification(msgspec.Struct, frozen=True, kw_only=True):
    """`input_tokens` is the v13 count, `input_tokens_on` the one for a given model. `language` is what the person
    writes, `answer_language` what they want to read; "und" when not certain. `answers` is how many are asked for.
    `misfits` has the schema profiles that cannot take the request."""

    input_tokens: int
    settings_tokens: int
    input_tokens_method: str
    output_tokens_max: int | None
    output_tokens_expected: int
    language: str
    language_source: Source
    answer_language: str
    kind: Kind
    needs: frozenset[Ability]
    answers: int
    images: int
    tags: tuple[str, ...]
    size: PromptSize
    misfits: dict[SchemaProfile, Misfit] = {}

    def input_tokens_on(
        self,
        template: Template,
        *,
        thinks: bool | None = None,
        profile: SchemaProfile = SchemaProfile.FULL,
        serial: bool = False,
    ) -> int:
        """Prompt tokens on a model of that template and profile; see PromptSize.on."""
        return self.size.on(template, thinks=thinks, profile=profile, serial=serial)


def classify(
    request: ChatRequest,
    tokenizer: Tokenizer,
    detector: Detector,
    profiles: Collection[SchemaProfile] = tuple(SchemaProfile),
) -> Classification:
    """Never raises for a request that was parsed, and says the same of the same request. `profiles` are those that a
    model may have; others are not looked at."""
    size = prompt_size(request, tokenizer, profiles)
    asked = _user_texts(request.messages)
    last = asked[-1] if asked else ""
    language = _language(asked, detector)
    wants_reasoning = request.reasoning == "high"
    kind = kind_of(last, has_tools=bool(request.toolbox.tools), wants_json=request.response_format is not None)
    expected = expected_output(kind, size.tokens, wants_reasoning=wants_reasoning)
    return Classification(
        input_tokens=size.tokens,
        settings_tokens=size.settings_tokens,
        input_tokens_method=size.method.value,
        output_tokens_max=request.max_tokens,
        output_tokens_expected=min(expected, request.max_tokens) if request.max_tokens is not None else expected,
        language=language.code,
        language_source=language.source,
        answer_language=_answer_language(request.messages, last, language),
        kind=kind,
        needs=_needs(request),
        answers=request.answers,
        images=size.images,
        tags=request.tags,
        size=size,
        misfits=_misfits(request, profiles),
    )


def _misfits(request: ChatRequest, profiles: Collection[SchemaProfile]) -> dict[SchemaProfile, Misfit]:
    fitted = {profile: fit(request.toolbox, request.response_format, profile) for profile in profiles}
    return {profile: made.misfit for profile, made in fitted.items() if made.misfit is not None}


def _user_texts(messages: tuple[Message, ...]) -> list[str]:
    """What the user wrote, turn by turn, without the turns that hold no text."""
    texts = (_text(message) for message in messages if message.role == "user")
    return [text for text in texts if text]


def _text(message: Message) -> str:
    if isinstance(message.content, str):
        return message.content
    return "\n".join(part.text for part in message.content or () if isinstance(part, TextPart))


def _language(asked: list[str], detector: Detector) -> Language:
    """The last turn's language; when it does not tell, that of the turns before it."""
    guess = NOBODY
    for text in reversed(asked[-1 - _EARLIER_MAX :]):
        found = language_of(text, detector)
        if found.source is Source.DETECTOR:
            return found
        if guess is NOBODY:
            guess = found
    return guess


def _answer_language(messages: tuple[Message, ...], last: str, language: Language) -> str:
    """A wish in the last turn counts first, then one in the system prompt, else the input's language."""
    wanted = answer_language(last, "")
    for message in messages:
        if not wanted and message.role == "system":
            wanted = answer_language(_text(message), "")
    return wanted or language.code


def _needs(request: ChatRequest) -> frozenset[Ability]:
    needs = {Ability.CHAT}
    if request.toolbox.tools:
        needs.add(Ability.TOOLS)
    if request.parallel_tool_calls:
        needs.add(Ability.PARALLEL_TOOLS)
    if request.response_format is not None and request.response_format.type != "text":
        needs.add(Ability.JSON)
    if request.reasoning == "high":
        needs.add(Ability.REASONING)
    if request.sampling.prediction is not None:
        needs.add(Ability.PREDICTION)
    if request.messages and request.messages[-1].prefix:
        needs.add(Ability.PREFIX)
    for message in request.messages:
        if len(message.tool_calls or ()) > 1:
            needs.add(Ability.PARALLEL_TOOLS)
        if isinstance(message.content, list):
            needs.update(_PART_ABILITY[type(part)] for part in message.content if type(part) in _PART_ABILITY)
    return frozenset(needs)
