"""A small made-up world for decisions: a few models, a table of scores, a policy, a request. Prices are USD per million
tokens."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec

from router.core.asked import Wishes, understand
from router.core.catalog import Catalogue, Shelf, Template
from router.core.classify import Classification
from router.core.kinds import Kind
from router.core.language import Source
from router.core.plan import Plan, make_plan
from router.core.policy import Policy
from router.core.quality import QualityFile, QualityTable
from router.core.reasons import Why
from router.core.rules import Rules
from router.core.sites import UpstreamRow, main_site, sites_of
from router.core.switches import NONE_SWITCHED, PinAll, Switch, Switches
from router.core.tokenizer import Method
from router.core.tokens import PromptSize
from router.core.warmth import Warm

TODAY = date(2026, 11, 23)
ALL = ["chat", "tools", "parallel_tools", "json", "vision", "documents", "reasoning", "prefix"]

# Prices rise with the scores, except that large is cheaper than medium: nothing may assume a ladder.
MODELS: dict[str, dict[str, Any]] = {
    "small": {"context_tokens": 8_192, "abilities": ["chat", "tools", "json"], "input": "0.10", "output": "0.10"},
    "medium": {"context_tokens": 128_000, "abilities": ALL, "input": "0.40", "output": "2.00", "aliases": ["mid"]},
    "large": {"context_tokens": 128_000, "abilities": ALL[:-2], "input": "0.30", "output": "1.00"},
    "giant": {"context_tokens": 256_000, "abilities": ALL, "input": "2.00", "output": "6.00", "stage": "preview"},
    "ears": {"context_tokens": 32_000, "abilities": ["chat", "audio"], "input": "0.10", "output": "0.30"},
    "vectors": {"context_tokens": 8_192, "abilities": ["embeddings"], "input": "0.01", "output": "0.00"},
    "old": {"context_tokens": 8_192, "stage": "retired", "replacement": "medium", "aliases": ["older"]},
}
SCORES = {"small": 60.0, "medium": 80.0, "large": 82.0, "giant": 90.0, "ears": 40.0}
POLICY = {"team": "apps", "baseline_model": "giant", "quality": 0.85, "models": {"allow": ["*"]}}


def rules(
    models: Mapping[str, Mapping[str, Any]] = MODELS,
    scores: Mapping[str, float] = SCORES,
    policy: Mapping[str, Any] = POLICY,
    upstreams: Mapping[str, Any] | None = None,
) -> Rules:
    rows = {name: _row(dict(fields)) for name, fields in models.items()}
    table = {
        "checked": TODAY,
        "sources": {"trial": {"name": "trial", "basis": "measured", "reference": "made up", "date": TODAY}},
        "general": {name: {"score": score, "source": "trial"} for name, score in scores.items()},
    }
    return Rules(
        shelf=Shelf(msgspec.convert({"checked": TODAY, "models": rows}, Catalogue).models, TODAY),
        sites=sites_of(msgspec.convert(upstreams or {}, dict[str, UpstreamRow])),
        quality=QualityTable(msgspec.convert(table, QualityFile)),
        policies={},
        default=msgspec.convert(policy, Policy),
        version="made-up",
        checked=TODAY,
        day=TODAY,
    )


def switched(disabled: Mapping[str, str], pin_all: str | None = None) -> Switches:
    """Models switched off until 2026-11-23 12:00 UTC, each with its reason, and the one pinned for all."""
    common = {"since": 1_795_431_600.0, "until": 1_795_435_200.0, "by": "0a1b2c3d"}
    return Switches(
        disabled={name: Switch(reason=reason, **common) for name, reason in disabled.items()},
        pin_all=PinAll(model=pin_all, reason="an incident", **common) if pin_all else None,
    )


def _row(fields: dict[str, Any]) -> dict[str, Any]:
    """A catalogue row; `input` and `output` are its price today."""
    prices = {name: fields.pop(name) for name in ("input", "cached", "output") if name in fields}
    priced = {"prices": [{"since": TODAY, "source": "made up", **prices}]} if prices else {}
    return {**fields, **priced}


def ask(**fields: Any) -> Classification:
    """A classified request: 1,000 tokens in, 200 expected out, of no special kind. `needs` are names of abilities,
    `purpose` is the one that the model must be made for."""
    size = PromptSize(
        tokens=fields.pop("input_tokens", 1_000),
        settings_tokens=0,
        thinking_tokens=0,
        images=0,
        method=Method(fields.pop("method", "exact")),
        over=fields.pop("over", 0),
    )
    given = {
        "output_tokens_max": None,
        "output_tokens_expected": 200,
        "language": "en",
        "language_source": Source.NONE,
        "answer_language": "en",
        "kind": Kind.CHAT,
        "needs": [],
        "purpose": "chat",
        "answers": 1,
        "images": 0,
        "tags": (),
        **fields,
    }
    given["needs"] = {given.pop("purpose"), *given["needs"]}
    return msgspec.convert(
        {
            **given,
            "input_tokens": size.on(Template.V13),
            "settings_tokens": 0,
            "input_tokens_method": size.method.value,
            "size": size,
        },
        Classification,
    )


def plan(
    asked: Classification,
    model: str = "auto",
    *,
    world: Rules | None = None,
    wishes: Wishes | None = None,
    resting: Mapping[str, Why] | None = None,
    opens_in: Mapping[str, float] | None = None,
    switches: Switches = NONE_SWITCHED,
    region: str = "global",
    warm: Warm | None = None,
) -> Plan:
    world, wishes = world or rules(), wishes or Wishes()
    policy = world.policy_of("apps")
    return make_plan(
        asked,
        understand(model, world, policy, wishes),
        rules=world,
        policy=policy,
        wishes=wishes,
        sites=(main_site("http://mistral", region), *world.sites),
        resting=resting or {},
        opens_in=lambda quota, tokens: (opens_in or {}).get(quota, 0.0),
        switches=switches,
        warm=warm,
    )
