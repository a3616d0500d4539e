"""The operations plane's part about grants: more money for a team, for a while."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.handlers import HTTPRouteHandler

from router.api.asking import check_reason, check_team, stamp
from router.api.changes import Changes
from router.core.grants import Grant
from router.core.instants import instant
from router.core.key_rules import with_key
from router.core.money import parse_usd, usd
from router.core.policy import DEFAULT_TEAM, Scope
from router.core.rules import Rules
from router.errors import BadRequest, NotFound
from router.store.grants import GRANTS_MAX, GrantBook, TooManyGrants
from router.store.keyring import Keyring

DAYS_MAX: Final = 400


class NewGrant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`target` is the key, model or tag; `until` a date or time; without a `window` every budget of the scope rises."""

    usd: str
    until: str
    reason: str
    scope: Scope = Scope.TEAM
    target: str | None = None
    window: str | None = None


def grant_routes(
    rules: Callable[[], Rules], keyring: Keyring, book: GrantBook, changes: Changes
) -> list[HTTPRouteHandler]:
    @post("/admin/v1/policies/{team:str}/grants", status_code=201)
    async def give_grant(request: Request[Any, Any, Any], team: str, data: NewGrant) -> Response[dict[str, Any]]:
        """Raise the limit of the team's budgets until a time, on every replica within 5 s."""
        grant = _grant(check_team(team), data, changes.by, time.time())
        policy = rules().policy_of(team)
        if grant.scope is Scope.KEY and grant.target is not None:
            key = await keyring.find(grant.target)
            if key is None or key.team != team:
                raise NotFound(f"Team {team} has no key {grant.target!r}.", param="target")
            policy = with_key(policy, key.id, key.own)
        if not grant.meant_by(policy):
            window = f" over {grant.window}" if grant.window else ""
            target = f" {grant.target}" if grant.target else ""
            text = f"The policy of team {team} has no budget of scope {grant.scope.value}{target}{window} to raise."
            raise BadRequest(text, code="no_budget", param="scope")
        try:
            await book.give(grant)
        except TooManyGrants:
            text = f"There are {GRANTS_MAX} grants already: write lasting ones into the policy's file."
            raise BadRequest(text, code="too_many_grants") from None
        return await changes.told(request, shown(grant), "grant.given", grant.id, _details(grant))

    @get("/admin/v1/policies/{team:str}/grants")
    async def list_grants(team: str) -> dict[str, Any]:
        """The team's grants that have not ended, oldest first; revoked ones too."""
        return {"grants": [shown(grant) for grant in await book.read() if grant.team == team]}

    @delete("/admin/v1/policies/{team:str}/grants/{grant_id:str}", status_code=200)
    async def revoke_grant(request: Request[Any, Any, Any], team: str, grant_id: str) -> Response[dict[str, Any]]:
        """End a grant now. What is held under it stays held."""
        grant = await book.revoke(team, grant_id)
        if grant is None:
            raise NotFound(f"Team {team} has no grant {grant_id!r}.", param="id")
        return await changes.told(request, shown(grant), "grant.revoked", grant.id, _details(grant))

    return [give_grant, list_grants, revoke_grant]


def _grant(team: str, data: NewGrant, by: str, now_s: float) -> Grant:
    check_reason(data.reason)
    try:
        nano = parse_usd(data.usd)
    except ValueError as error:
        raise BadRequest(f"{error}.", code="invalid_value", param="usd") from None
    if nano == 0:
        raise BadRequest("usd must be above 0.", code="invalid_value", param="usd")
    until_s = instant("until", data.until, 0) / 1000
    if not now_s < until_s <= now_s + DAYS_MAX * 86_400:
        text = f"until must be in the future, and at most {DAYS_MAX} days from now."
        raise BadRequest(text, code="invalid_value", param="until")
    if data.scope is Scope.ORGANISATION and team != DEFAULT_TEAM:
        text = "A grant of scope organisation is for all teams: give it to team default, whose file has the rule."
        raise BadRequest(text, code="invalid_value", param="scope")
    if data.scope in (Scope.ORGANISATION, Scope.TEAM) and data.target is not None:
        raise BadRequest(f"A grant of scope {data.scope.value} has no target.", code="invalid_value", param="target")
    if data.scope in (Scope.MODEL, Scope.TAG) and data.target is None:
        text = f"A grant of scope {data.scope.value} names its target: which {data.scope.value}."
        raise BadRequest(text, code="invalid_value", param="target")
    return Grant(
        id=f"grant-{secrets.token_hex(6)}",
        team=team,
        nano=nano,
        scope=data.scope,
        target=data.target,
        window=data.window,
        since=now_s,
        until=until_s,
        reason=data.reason,
        by=by,
    )


def _details(grant: Grant) -> dict[str, str | float | bool | None]:
    told = shown(grant)
    return {name: told[name] for name in ("team", "usd", "scope", "target", "window", "until", "reason")}


def shown(grant: Grant) -> dict[str, Any]:
    return {
        "id": grant.id,
        "team": grant.team,
        "usd": usd(grant.nano),
        "scope": grant.scope.value,
        "target": grant.target,
        "window": grant.window,
        "since": stamp(grant.since),
        "until": stamp(grant.until),
        "reason": grant.reason,
        "by": grant.by,
        "revoked_at": stamp(grant.revoked_at),
    }
