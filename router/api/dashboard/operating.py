"""The pages on which something can be changed: keys, the upstream's models; and the policies with who changed what."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from router.api.dashboard.answers import html
from router.api.dashboard.asked import asked, number_of, one_of
from router.api.dashboard.changing import DONE
from router.api.dashboard.desk import Desk
from router.api.dashboard.sums import over
from router.core.catalog import ModelCard, Stage
from router.core.keys import KeyRecord
from router.core.policy import DEFAULT_TEAM
from router.core.rollup import Rollup
from router.ops.pages.keys import KeyRow, Keys, keys_page
from router.ops.pages.policies import ChangeRow, InForce, Refusal, policies_page
from router.ops.pages.upstream import ModelState, Upstreams, upstream_page
from router.ops.pages.windows import Measured, Window
from router.store.audit import Line
from router.upstream.quotas import QuotaView

KEYS_SHOWN: Final = 100
# Whom the default policy is for.
OTHERS: Final = "those without a policy of their own"
CHANGES_SHOWN: Final = 20


def operating_routes(desk: Desk) -> list[HTTPRouteHandler]:
    @get("/dashboard/keys")
    async def dashboard_keys(request: Request[Any, Any, Any]) -> Response[str]:
        """Every key, a page at a time, newest first."""
        given = asked(request, "team", "page", "done")
        every = await desk.keyring.list()
        teams = sorted({key.team for key in every})
        team = one_of("team", given, teams, "")
        chosen = [key for key in reversed(every) if team in ("", key.team)]
        pages = max(1, math.ceil(len(chosen) / KEYS_SHOWN))
        number = number_of("page", given, pages)
        shown = chosen[(number - 1) * KEYS_SHOWN : number * KEYS_SHOWN]
        keys = Keys(
            rows=[_key_row(key) for key in shown],
            found=len(chosen),
            team=team,
            teams=teams,
            page_number=number,
            pages=pages,
            known=await desk.teams(),
            done=DONE.get(one_of("done", given, DONE, "")),
        )
        return html(keys_page(keys, desk.frame(request)))

    @get("/dashboard/upstream")
    async def dashboard_upstream(request: Request[Any, Any, Any]) -> Response[str]:
        """How each model does, and the switches."""
        given = asked(request, "done")
        switches = await desk.switching.board.read()
        day = await over(desk, "24h", await desk.teams())
        cards = [card for card in desk.rules.shelf.cards.values() if card.stage is not Stage.RETIRED]
        states = [_model_state(desk, card, day) for card in cards]
        states.sort(key=lambda state: (-sum(state.attempts.values()), state.card.price is None, state.card.name))
        now = Upstreams(
            models=states,
            switches=switches,
            windows=_windows(desk),
            done=DONE.get(one_of("done", given, DONE, "")),
        )
        return html(upstream_page(now, desk.frame(request)))

    @get("/dashboard/policies")
    async def dashboard_policies(request: Request[Any, Any, Any]) -> Response[str]:
        """The policies in force, the last reloads, the newest changes."""
        asked(request)
        book = desk.rulebook
        lines, _ = await desk.changes.audit.query(since_ms=0, until_ms=None, cursor=None, limit=CHANGES_SHOWN)
        last = book.last_refused
        now = InForce(
            rules=book.current,
            applied_at=book.applied_at,
            refused=Refusal(at=last.at, mistake=last.mistake) if last is not None else None,
            standing=book.refused is not None,
            teams=[team for team in await desk.teams() if team not in book.current.policies],
            changes=[_change_row(line) for line in lines],
        )
        return html(policies_page(now, desk.frame(request)))

    return [dashboard_keys, dashboard_upstream, dashboard_policies]


def _key_row(key: KeyRecord) -> KeyRow:
    return KeyRow(
        id=key.id,
        team=key.team,
        name=key.name,
        created_at=key.created_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        models=key.models,
        endpoints=key.endpoints,
        unlimited=key.unlimited,
        own=key.own,
    )


def _model_state(desk: Desk, card: ModelCard, day: Rollup) -> ModelState:
    known = desk.health.states()
    sites = [site for site in (desk.main, *desk.rules.sites) if site.offers(card.upstream)]
    seen = {site.name: known[site.label(card.name)] for site in sites if site.label(card.name) in known}
    latency = day.latency.get(card.name)
    return ModelState(
        card=card,
        sites={name: state["rests_s"] for name, state in seen.items()},
        failures=max((int(state["failures_in_row"]) for state in seen.values()), default=0),
        repeats=min((state["repeats_left"] for state in seen.values()), default=1.0),
        attempts={outcome: number for (model, outcome), number in day.attempts.items() if model == card.name},
        p95_s=latency.quantile(0.95) if latency is not None else None,
    )


def _windows(desk: Desk) -> list[Window]:
    """The vendor's windows, those of the house first, the least room first."""
    own: dict[str, list[str]] = {}
    for team, policy in sorted(desk.rules.policies.items()):
        if policy.upstream_key is not None:
            own.setdefault(policy.upstream_key, []).append(OTHERS if team == DEFAULT_TEAM else team)
    found: dict[tuple[str, str], list[QuotaView]] = {}
    for view in desk.windows():
        found.setdefault((view.account, view.quota), []).append(view)
    windows = [_window(views, own) for views in found.values()]
    return sorted(windows, key=lambda window: (window.key or "", _room(window), window.model))


def _window(views: Sequence[QuotaView], own: Mapping[str, Sequence[str]]) -> Window:
    first = views[0]
    model, _, key = first.quota.partition("#")
    others = [team for teams in own.values() for team in teams]
    return Window(
        model=model,
        key=key or None,
        teams=own.get(key, ()) if key else others or None,
        sharers=first.sharers,
        measures={
            view.measure: Measured(limit=view.limit, remaining=view.remaining, bulk=view.bulk_remaining)
            for view in views
        },
        age_s=min(view.age_s for view in views),
    )


def _room(window: Window) -> float:
    return min(one.remaining / max(1, one.limit) for one in window.measures.values())


def _change_row(line: Line) -> ChangeRow:
    details = ", ".join(
        f"{name} {value}" for name, value in line.details.items() if value is not None and value is not False
    )
    at = line.at.replace("T", " ").partition(".")[0]
    return ChangeRow(at=at, what=line.what, target=line.target, details=details, by=line.by, source=line.source)
