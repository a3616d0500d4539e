"""How one attempt asks: which model, how long the answer may be, and what that model takes."""

from __future__ import annotations

import msgspec

from router.wire.schema import SchemaProfile


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """`reasons` says whether the model takes an effort, thinking turns, and images in the results of tools; `profile`
    what schemas it takes; `serial` that it is to make one tool call at a time, whatever the app said."""

    model: str
    max_tokens: int
    reasons: bool = False
    profile: SchemaProfile = SchemaProfile.FULL
    serial: bool = False
