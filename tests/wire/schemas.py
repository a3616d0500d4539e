"""Schemas in few words, what becomes of them, and how they are refused."""

from __future__ import annotations

from typing import Any

import pytest

from router.wire.schema import Room, SchemaProfile, Unfit, rewrite

FULL, NO_REF, STRICT_SUBSET = SchemaProfile

Schema = dict[str, Any]
TEXT = {"type": "string"}


def safe(schema: Schema, profile: SchemaProfile = FULL) -> Schema:
    made = rewrite(schema, profile, Room())
    assert made.widened == ()
    return made.schema


def refused(schema: Schema, profile: SchemaProfile = FULL) -> tuple[str, str]:
    """The code and the pointer of the refusal."""
    with pytest.raises(Unfit) as caught:
        rewrite(schema, profile, Room())
    return caught.value.code, caught.value.pointer
