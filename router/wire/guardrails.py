"""Guardrails: read strictly, because a check that is misspelled and left out would check nothing.

Fields: Mistral's OpenAPI file of 2026-08-21, GuardrailConfig.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from router.errors import BadRequest

CategoryV1 = Literal[
    "sexual", "hate_and_discrimination", "violence_and_threats", "dangerous_and_criminal_content", "selfharm", "health",
    "financial", "law", "pii",
]  # fmt: skip
CategoryV2 = Literal[
    "sexual", "hate_and_discrimination", "violence_and_threats", "dangerous", "criminal", "selfharm", "health",
    "financial", "law", "pii", "jailbreaking",
]  # fmt: skip


class _Moderation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    model_name: str | None = None
    ignore_other_categories: bool | None = None
    action: Literal["none", "block"] | None = None


class ModerationV1(_Moderation, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    custom_category_thresholds: dict[CategoryV1, float | None] | None = None


class ModerationV2(_Moderation, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    custom_category_thresholds: dict[CategoryV2, float | None] | None = None


class Guardrail(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    block_on_error: bool | None = None
    moderation_llm_v1: ModerationV1 | None = None
    moderation_llm_v2: ModerationV2 | None = None


def read_guardrails(raw: list[dict[str, Any]] | None) -> list[Guardrail] | None:
    """The guardrails, or None when there are none. Raises `BadRequest` with the place of what is no guardrail."""
    return [_guardrail(given, f"guardrails[{index}]") for index, given in enumerate(raw or ())] or None


def _guardrail(given: dict[str, Any], place: str) -> Guardrail:
    try:
        return msgspec.convert(given, Guardrail)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at ")
        where = place + path.removesuffix("`").partition("$")[2]  # of a wrong key, msgspec names the map that holds it
        raise BadRequest(f"{where} is no guardrail: {what}.", code="invalid_value", param=where) from error
