"""What a request is: its size, its language, its kind of work, and what a model must be able to do for it.

Everything is read from the request itself; nothing is guessed that can be read. Only size and abilities ever exclude a
model; kind and language choose the cell of the quality table.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

import msgspec

from router.core.answer_language import answer_language
from router.core.catalog import Ability, Template
from router.core.kind import kind_of
from router.core.kinds import Kind, expected_output
from router.core.language import NOBODY, Detector, Language, Source, language_of
from router.core.text_size import fim_size, texts_size
from router.core.tokenizer import Method, Tokenizer
from router.core.tokens import PromptSize, prompt_size, rough_size
from router.core.words import end_words
from router.wire.chat import ChatRequest
from router.wire.fim import FimRequest
from router.wire.fitting import Misfit, fit
from router.wire.messages import Message
from router.wire.parts import AudioPart, DocumentPart, FilePart, ImagePart, TextPart
from router.wire.requests import AnyRequest
from router.wire.schema import SchemaProfile
from router.wire.texts import EmbeddingsRequest, ModerationRequest
from router.wire.tools import NamedChoice

# What is expected of a team that nothing is known of.
NOTHING_LEARNED: Final[Mapping[Kind, int]] = {}
# Where the last turn is too short to tell its language, this many earlier user turns are asked.
_EARLIER_MAX: Final = 3

_PART_ABILITY: Final[dict[type, Ability]] = {
    ImagePart: Ability.VISION,
    AudioPart: Ability.AUDIO,
    DocumentPart: Ability.DOCUMENTS,
    FilePart: Ability.DOCUMENTS,
}


class Classification(msgspec.Struct, frozen=True, kw_only=True):
    """`input_tokens` is the v13 count, `size` what is known of it for each model. `language` is what the person writes,
    `answer_language` what they want to read; "und" when not certain. `answers` is how many are asked for.
    `window_tokens` is what must fit into a model's window, where that is less than all the input. `misfits` has the
    schema profiles that cannot take the request."""

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
    window_tokens: int | None = None
    misfits: dict[SchemaProfile, Misfit] = {}


def classify(
    request: AnyRequest,
    tokenizer: Tokenizer,
    detector: Detector,
    profiles: Collection[SchemaProfile] = tuple(SchemaProfile),
    usual: Mapping[Kind, int] = NOTHING_LEARNED,
) -> Classification:
    """What the request is, in a fraction of a millisecond for any length: the size of a long conversation is an
    estimate, for `counted` to replace. `profiles` are those that a model may have; others are not looked at. `usual` is
    how many output tokens the team's answers have had, by kind.

    Never raises for a request that was parsed, and says the same of the same request."""
    match request:
        case ChatRequest():
            return _chat(request, tokenizer, detector, profiles, usual)
        case FimRequest():
            return _fim(request, tokenizer)
        case EmbeddingsRequest():
            return _texts(request, Kind.EMBEDDING, Ability.EMBEDDINGS, tokenizer, detector)
        case ModerationRequest():
            return _texts(request, Kind.MODERATION, Ability.MODERATION, tokenizer, detector)


def _chat(
    request: ChatRequest,
    tokenizer: Tokenizer,
    detector: Detector,
    profiles: Collection[SchemaProfile],
    usual: Mapping[Kind, int],
) -> Classification:
    size = rough_size(request, tokenizer, profiles)
    asked = _user_texts(request.messages)
    last = asked[-1] if asked else ""
    language = _language(asked, detector)
    needs = _needs(request)
    words = end_words(last)
    kind = kind_of(
        last,
        words,
        tools=_choosable(request),
        wants_json=request.response_format is not None,
        several_calls=request.parallel_tool_calls is not False,
    )
    return Classification(
        **_sizes(size, kind, needs, request.max_tokens, usual),
        output_tokens_max=request.max_tokens,
        language=language.code,
        language_source=language.source,
        answer_language=_answer_language(request.messages, last, words, language),
        kind=kind,
        needs=needs,
        answers=request.answers,
        tags=request.tags,
        misfits=_misfits(request, profiles),
    )


def _fim(request: FimRequest, tokenizer: Tokenizer) -> Classification:
    size = fim_size(request, tokenizer)
    return _without_turns(request, size, Kind.CODE, Ability.FIM, NOBODY, request.max_tokens)


def _texts(
    request: EmbeddingsRequest | ModerationRequest,
    kind: Kind,
    need: Ability,
    tokenizer: Tokenizer,
    detector: Detector,
) -> Classification:
    size, longest = texts_size(request.texts, tokenizer)
    made = _without_turns(request, size, kind, need, language_of(request.texts[0], detector), 0)
    return msgspec.structs.replace(made, window_tokens=longest)


def _without_turns(
    request: AnyRequest, size: PromptSize, kind: Kind, need: Ability, language: Language, output_tokens_max: int | None
) -> Classification:
    needs = frozenset({need})
    return Classification(
        **_sizes(size, kind, needs, output_tokens_max, {}),
        output_tokens_max=output_tokens_max,
        language=language.code,
        language_source=language.source,
        answer_language=language.code,
        kind=kind,
        needs=needs,
        answers=1,
        tags=request.tags,
    )


def counted(
    ask: Classification,
    request: AnyRequest,
    tokenizer: Tokenizer,
    profiles: Collection[SchemaProfile] = tuple(SchemaProfile),
    usual: Mapping[Kind, int] = NOTHING_LEARNED,
    *,
    window_max: int,
) -> Classification:
    """`ask` with the prompt counted whole, which money is held from.

    A prompt that surely fits no window, of which the largest has `window_max` tokens, keeps its estimate: nothing will
    be held for it, and counting megabytes takes seconds. Takes about 4 ms for 100 kB of text seen for the first time.
    """
    hopeless = ask.size.least_on(Template.V13) >= window_max
    if not isinstance(request, ChatRequest) or ask.size.counted or hopeless or tokenizer.method is Method.LINEAR:
        return ask
    size = prompt_size(request, tokenizer, profiles)
    return msgspec.structs.replace(ask, **_sizes(size, ask.kind, ask.needs, ask.output_tokens_max, usual))


def _sizes(
    size: PromptSize,
    kind: Kind,
    needs: frozenset[Ability],
    output_tokens_max: int | None,
    usual: Mapping[Kind, int],
) -> dict[str, Any]:
    """The fields that follow from the size. A translation is as long as its text, and thoughts are asked for too rarely
    to be in a team's mean."""
    reasons = Ability.REASONING in needs
    expected = expected_output(kind, size.tokens, wants_reasoning=reasons)
    if kind in usual and kind is not Kind.TRANSLATION and not reasons:
        expected = usual[kind]
    return {
        "size": size,
        "input_tokens": size.tokens,
        "settings_tokens": size.settings_tokens,
        "input_tokens_method": size.method.value,
        "output_tokens_expected": expected if output_tokens_max is None else min(expected, output_tokens_max),
        "images": size.images,
    }


def _misfits(request: ChatRequest, profiles: Collection[SchemaProfile]) -> dict[SchemaProfile, Misfit]:
    if not request.toolbox.tools and request.response_format is None:
        return {}  # most requests
    fitted = {profile: fit(request.toolbox, request.response_format, profile) for profile in profiles}
    return {profile: made.misfit for profile, made in fitted.items() if made.misfit is not None}


def _user_texts(messages: tuple[Message, ...]) -> list[str]:
    """What the user wrote, turn by turn, without the turns that hold no text."""
    return [text for message in messages if message.role == "user" and (text := _text(message))]


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


def _answer_language(messages: tuple[Message, ...], last: str, words: list[str], language: Language) -> str:
    """A wish in the last turn counts first, then one in the system prompt, else the input's language."""
    wanted = answer_language(last, "", words)
    for message in messages:
        if not wanted and message.role == "system":
            wanted = answer_language(_text(message), "")
    return wanted or language.code


def _choosable(request: ChatRequest) -> int:
    """How many tools the model has to choose from: a named one is chosen already."""
    named = isinstance(request.toolbox.choice, NamedChoice)
    return min(len(request.toolbox.tools), 1) if named else len(request.toolbox.tools)


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
