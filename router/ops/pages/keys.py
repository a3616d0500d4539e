"""Virtual keys: whose they are, what they may, and the way to end one."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from router.ops.figures import moment
from router.ops.html import Child, Html, el
from router.ops.pages.layout import (
    ROOT,
    Frame,
    asking,
    badge,
    button,
    card,
    hidden,
    link,
    page,
    select,
    table,
    team_link,
)

PATH = f"{ROOT}/keys"


class KeyRow(msgspec.Struct, frozen=True, kw_only=True):
    """A key as it is shown. Times are epoch seconds; `nano_usd` is what it spent today."""

    id: str
    team: str
    name: str
    created_at: float
    expires_at: float | None
    revoked_at: float | None
    models: Sequence[str]
    endpoints: Sequence[str]
    unlimited: bool


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the keys of `team`, or of all; `page_number` counts from 1."""

    rows: Sequence[KeyRow]
    found: int
    team: str
    teams: Sequence[str]
    page_number: int
    pages: int
    done: str | None = None


def keys_page(keys: Keys, frame: Frame) -> str:
    chosen = {"": "every team", **{team: team for team in keys.teams}}
    filters = asking(PATH, select("team", "team", keys.team, chosen))
    rows = [_row(key, frame) for key in keys.rows]
    heads = ("name", "id", "team", "state", "may use", "created (UTC)", "expires (UTC)", "")
    shown = table(heads, rows, empty="There is no key yet: mistral-router keys create.")
    done = el("p", keys.done, class_="notice good", role="status") if keys.done else None
    note = f"{keys.found:,} keys; a secret is shown only once, when its key is made"
    return page("Keys", [done, filters, card("Virtual keys", shown, _paged(keys), name="keys", note=note)], frame, PATH)


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
    ended: Child = None
    if key.revoked_at is None:
        sure = el("input", type="checkbox", name="sure", value="yes", required=True)
        fields = (hidden("key", key.id), el("label", sure, " for good"))
        ended = button("Revoke", f"{ROOT}/revoke", frame, fields, danger=True)
    return (
        el("a", key.name, class_="name", href=link(f"{ROOT}/requests", team=key.team, key=key.id)),
        el("span", key.id, class_="mono"),
        el("span", team_link(key.team), class_="name"),
        [badge(state, kind), " ", badge("unlimited", "warn") if key.unlimited else None],
        el("span", scope, class_="name"),
        moment(key.created_at * 1000),
        moment(key.expires_at * 1000) if key.expires_at is not None else "never",
        ended,
    )


def _state(key: KeyRow, now: float) -> tuple[str, str]:
    if key.revoked_at is not None:
        return f"revoked {moment(key.revoked_at * 1000)}", "bad"
    if key.expires_at is not None and key.expires_at <= now:
        return "expired", "warn"
    return "works", "good"
