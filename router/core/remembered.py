"""What of a request is kept so that it can be planned again under other rules: `basis_of` writes, `remembered` reads.

The router object tells what was decided; this is what the decision was made from, beyond what stands there already. No
text is in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from router.core.asked import Wishes
from router.core.catalog import Ability
from router.core.classify import Classification
from router.core.kinds import Kind
from router.core.language import Source
from router.core.tokens import PromptSize
from router.wire.fitting import Misfit
from router.wire.schema import SchemaProfile


class Basis(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`max_tokens` is the app's own number, `needs` what it needed before any policy did without, `misfits` the error
    codes of the schema profiles that cannot take the request."""

    size: PromptSize
    needs: tuple[Ability, ...]
    max_tokens: int | None = None
    answers: int = 1
    window_tokens: int | None = None
    language_source: Source = Source.NONE
    misfits: dict[SchemaProfile, str] = {}
    wishes: Wishes = Wishes()


def basis_of(ask: Classification, wishes: Wishes) -> Basis:
    return Basis(
        size=ask.size,
        needs=tuple(sorted(ask.needs, key=lambda need: need.value)),
        max_tokens=ask.output_tokens_max,
        answers=ask.answers,
        window_tokens=ask.window_tokens,
        language_source=ask.language_source,
        misfits={profile: misfit.code for profile, misfit in ask.misfits.items()},
        wishes=wishes,
    )


def remembered(basis: Basis, told: Mapping[str, Any], tags: tuple[str, ...]) -> Classification:
    """The classification that `basis` and the router object's `classification` were made from. The places of misfits
    are not kept: they are needed for words only, never for a choice. Raises ValueError for a kind that is not known."""
    size = basis.size
    return Classification(
        input_tokens=size.tokens,
        settings_tokens=size.settings_tokens,
        input_tokens_method=size.method.value,
        output_tokens_max=basis.max_tokens,
        output_tokens_expected=int(told["output_tokens_expected"]),
        language=str(told["language"]),
        language_source=basis.language_source,
        answer_language=str(told["answer_language"]),
        kind=Kind(told["kind"]),
        needs=frozenset(basis.needs),
        answers=basis.answers,
        images=size.images,
        tags=tags,
        size=size,
        window_tokens=basis.window_tokens,
        misfits={profile: Misfit(code=code, place="", what="") for profile, code in basis.misfits.items()},
    )
