"""How many tokens the tools have that a prompt offers, as a model of each schema profile is sent them."""

from __future__ import annotations

import json
from collections.abc import Collection

import msgspec

from router.core.tokenizer import Tokenizer
from router.wire.chat import ChatRequest
from router.wire.fitting import fit
from router.wire.schema import SchemaProfile
from router.wire.tools import Toolbox


def tools_tokens(toolbox: Toolbox, profile: SchemaProfile, tokenizer: Tokenizer) -> int:
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


def profile_tokens(
    request: ChatRequest, tokenizer: Tokenizer, profiles: Collection[SchemaProfile]
) -> dict[SchemaProfile, int]:
    """What the tools take more on each profile than on the full one, where they fit it and do differ."""
    toolbox = request.toolbox
    if not toolbox.tools or not any(message.role == "user" for message in request.messages):
        return {}  # the tools stand before the first user turn
    full = fit(toolbox, None, SchemaProfile.FULL).tools
    usual = tools_tokens(toolbox, SchemaProfile.FULL, tokenizer)
    fitted = {profile: fit(toolbox, None, profile) for profile in profiles}
    return {
        profile: tools_tokens(toolbox, profile, tokenizer) - usual
        for profile, made in fitted.items()
        if made.misfit is None and made.tools != full
    }
