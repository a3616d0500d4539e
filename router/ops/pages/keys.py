"""Virtual keys: whose they are, what they may; making one, giving it a new secret, ending it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from router.core.key_rules import KeyRules
from router.ops.figures import day, moment
from router.ops.html import Child, Html, el
from router.ops.pages.layout import (
    ROOT,
    Frame,
    asking,
    badge,
    behind,
    button,
    card,
    entry,
    hidden,
    link,
    page,
    select,
    table,
    team_link,
)

PATH = f"{ROOT}/keys"
WINDOWS = ("hour", "day", "week", "month", "total", "24h", "7d", "30d")
# How long a rotated secret works on, in seconds.
GRACES = {"0": "no more", "600": "10 minutes", "3600": "1 hour", "86400": "1 day", "604800": "7 days"}


class KeyRow(msgspec.Struct, frozen=True, kw_only=True):
    """A key as it is shown. Times are epoch seconds; `own` are the budget and the limits that it alone has."""

    id: str
    team: str
    name: str
    created_at: float
    expires_at: float | None
    revoked_at: float | None
    models: Sequence[str]
    endpoints: Sequence[str]
    unlimited: bool
    own: KeyRules | None = None


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the keys of `team`, or of all; `page_number` counts from 1. `known` are the teams there are, with keys
    or without."""

    rows: Sequence[KeyRow]
    found: int
    team: str
    teams: Sequence[str]
    page_number: int
    pages: int
    known: Sequence[str] = ()
    done: str | None = None


def keys_page(keys: Keys, frame: Frame) -> str:
    chosen = {"": "every team", **{team: team for team in keys.teams}}
    filters = asking(PATH, select("team", "team", keys.team, chosen))
    rows = [_row(key, frame) for key in keys.rows]
    heads = ("name", "id", "team", "state", "may use", "own rules", "created (UTC)", "expires (UTC)", "")
    shown = table(heads, rows, empty="There is no key yet.")
    done = el("p", keys.done, class_="notice good", role="status") if keys.done else None
    note = f"{keys.found:,} keys; a secret is shown only once, when it is made"
    every = card("Virtual keys", shown, _paged(keys), name="keys", note=note)
    return page("Keys", [done, _new(keys, frame), filters, every], frame, PATH)


def secret_page(name: str, team: str, key_id: str, secret: str, told: str, frame: Frame) -> str:
    """The answer to a form that made a secret. Nothing of it is kept fresh: asked for again, the secret is gone."""
    head = el("p", "Key ", el("b", name), " of team ", el("b", team), ", id ", el("span", key_id, class_="mono"), ".")
    warning = el("p", f"{told} Copy it now: it is shown this once, and only a hash of it is kept.", class_="notice")
    back = el("p", el("a", "To the keys", href=PATH))
    box = el("section", head, el("p", secret, class_="secret", id="secret"), warning, back, class_="card")
    return page("A new secret", [box], frame, PATH)


def _new(keys: Keys, frame: Frame) -> Html:
    """The form for a new key."""
    if frame.token is None:
        door = el("a", "Sign in", href=f"{ROOT}/sign-in")
        return el("section", el("h2", "A new key"), el("p", door, " with the admin key to make one."), class_="card")
    teams = el("datalist", [el("option", value=team) for team in keys.known], id="teams")
    first = (
        entry("team", "team", keys.team, required=True, maxlength=64, list="teams"),
        entry("name", "what it is for", required=True, maxlength=128, size=28),
    )
    windows = {"": "–", **{name: name for name in WINDOWS}}
    unlimited = el("input", type="checkbox", name="unlimited", value="yes")
    more = (
        entry("budget_usd", "its own budget, USD", hint="5.00", size=10, inputmode="decimal"),
        select("window", "over", "", windows),
        entry("requests_per_minute", "requests a minute", size=8, inputmode="numeric"),
        entry("tokens_per_minute", "tokens a minute", size=10, inputmode="numeric"),
        entry("concurrency", "at once", size=6, inputmode="numeric"),
        entry("models", "models", hint="mistral-*, codestral-*", size=24),
        entry("endpoints", "endpoints", hint="chat, embeddings", size=18),
        entry("expires_at", "expires (UTC)", hint="2027-01-31", size=18),
        el("label", unlimited, " also where the team has no hard budget", class_="tick"),
    )
    rules = el("details", el("summary", "Rules of its own"), el("div", more, class_="fields"), id="own-rules")
    form = button("Create", f"{ROOT}/create-key", frame, el("div", first, class_="fields"), rules, teams)
    note = el("p", "Its team pays, under the team's policy.", class_="soft")
    return el("section", el("div", el("h2", "A new key"), note, class_="head"), form, class_="card new")


def _paged(keys: Keys) -> Html | None:
    if keys.pages == 1:
        return None
    before, after = keys.page_number - 1, keys.page_number + 1
    newer = el("a", "Previous", href=link(PATH, team=keys.team, page=str(before))) if before else None
    older = el("a", "Next", href=link(PATH, team=keys.team, page=str(after))) if after <= keys.pages else None
    return el("p", newer, f"page {keys.page_number} of {keys.pages}", older, class_="pages")


def _row(key: KeyRow, frame: Frame) -> Sequence[Child]:
    scope = ", ".join((*key.models, *(f"/v1/{name}" for name in key.endpoints))) or "everything"
    state, kind = _state(key, frame.now_ms / 1000)
    return (
        el("a", key.name, class_="name", href=link(f"{ROOT}/requests", team=key.team, key=key.id)),
        el("span", key.id, class_="mono"),
        el("span", team_link(key.team), class_="name"),
        [badge(state, kind), " ", badge("unlimited", "warn") if key.unlimited else None],
        el("span", scope, class_="name"),
        [el("div", text) for text in _own(key.own)] or "–",
        day(key.created_at * 1000),
        moment(key.expires_at * 1000) if key.expires_at is not None else "never",
        _change(key, frame) if key.revoked_at is None else None,
    )


def _change(key: KeyRow, frame: Frame) -> Child:
    """What can be done with a key; nothing for who may only read."""
    sure = el("input", type="checkbox", name="sure", value="yes", required=True)
    last = hidden("key", key.id)
    anew = button("Rotate", f"{ROOT}/rotate", frame, last, select("grace_s", "old secret works", "3600", GRACES))
    ended = button("Revoke", f"{ROOT}/revoke", frame, last, el("label", sure, " for good"), danger=True)
    return behind("Rotate or revoke", anew, ended, name=f"change-{key.id}") if anew else None


def _own(own: KeyRules | None) -> list[str]:
    if own is None:
        return []
    told = [f"${own.usd}, {own.window}"] if own.usd is not None else []
    rates = (
        (own.requests_per_minute, "requests a minute"),
        (own.tokens_per_minute, "tokens a minute"),
        (own.concurrency, "at once"),
    )
    return told + [f"{most:,} {words}" for most, words in rates if most is not None]


def _state(key: KeyRow, now: float) -> tuple[str, str]:
    if key.revoked_at is not None:
        return f"revoked {moment(key.revoked_at * 1000)}", "bad"
    if key.expires_at is not None and key.expires_at <= now:
        return "expired", "warn"
    return "works", "good"
