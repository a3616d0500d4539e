"""The policies in force, the last reload that was applied and the last that was refused, and who changed what."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from router.core.policy import Budget, Limit, Policy, Scope, quality_number, rolling_ms
from router.core.rules import Rules
from router.ops.figures import moment, span
from router.ops.html import Child, Html, el
from router.ops.pages.layout import ROOT, Frame, badge, behind, card, facts, link, page, table, team_link

PATH = f"{ROOT}/policies"


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A reload that was refused: when, in epoch seconds, and the mistake."""

    at: float
    mistake: str


class ChangeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the audit as it is shown."""

    at: str
    what: str
    target: str
    details: str
    by: str
    source: str


class InForce(msgspec.Struct, frozen=True, kw_only=True):
    """`applied_at` is epoch seconds; `standing` says that the last refusal has not been mended yet. `teams` have no
    policy of their own."""

    rules: Rules
    applied_at: float
    refused: Refusal | None
    standing: bool
    teams: Sequence[str]
    changes: Sequence[ChangeRow]


def policies_page(now: InForce, frame: Frame) -> str:
    return page("Policies", [_reloads(now, frame), _policies(now), _changes(now)], frame, PATH)


def _reloads(now: InForce, frame: Frame) -> Html:
    ago = span(frame.now_ms / 1000 - now.applied_at)
    applied: Child = [moment(now.applied_at * 1000), " UTC, ", ago, " ago"]
    refused: Child = "none since this process started"
    notice = None
    if now.refused is not None:
        refused = [
            moment(now.refused.at * 1000),
            " UTC ",
            badge("not mended yet" if now.standing else "mended", "bad" if now.standing else "good"),
        ]
        kind = "notice bad" if now.standing else "notice"
        notice = el("p", now.refused.mistake, class_=kind)
    shown = facts(
        {
            "rules": el("span", now.rules.version, class_="mono"),
            "last applied": applied,
            "last refused": refused,
            "prices of": f"{now.rules.day}, checked {now.rules.checked}",
        }
    )
    return card("Reloads", shown, notice, name="reloads", note="as this process sees it")


def _policies(now: InForce) -> Html:
    rules = now.rules
    own = [_row(policy) for name, policy in sorted(rules.policies.items()) if name != "default"]
    heads = ("team", "quality", "baseline model", "budgets", "limits", "routing", "region")
    rows = [*own, ("every other team", *_row(rules.default)[1:])]
    others = (
        el("p", [[team_link(team), " "] for team in now.teams[:200]])
        if now.teams
        else el("p", "none yet", class_="soft")
    )
    return card(
        "Policies",
        table(heads, rows),
        behind(f"{len(now.teams):,} teams without a policy of their own", others, name="others"),
        name="policies",
        note=f"{len(rules.policies):,} files",
    )


def _row(policy: Policy) -> Sequence[Child]:
    quality = (
        f"{policy.quality} ({quality_number(policy.quality):.2f})"
        if isinstance(policy.quality, str)
        else f"{policy.quality}"
    )
    budgets = [_budget(budget) for budget in policy.budgets]
    return (
        el("a", policy.team, href=link(f"{ROOT}/budgets", team=policy.team)),
        quality,
        policy.baseline_model,
        [el("div", text) for text in budgets] or "none",
        [el("div", text) for limit in policy.limits for text in _limits(limit)] or "none",
        policy.routing.value,
        policy.region.value,
    )


def _budget(budget: Budget) -> str:
    window = "in all" if budget.window == "total" else f"{'over' if rolling_ms(budget.window) else 'a'} {budget.window}"
    whom = f"each {budget.scope.value}" if budget.scope is Scope.KEY and not budget.id else budget.scope.value
    return f"${budget.usd} {window} for {' '.join(filter(None, (whom, budget.id)))}"


def _limits(limit: Limit) -> Sequence[str]:
    whom = f"{limit.scope.value} {limit.id or ''}".rstrip()
    rates = (
        (limit.requests_per_minute, "requests a minute"),
        (limit.tokens_per_minute, "tokens a minute"),
        (limit.concurrency, "at once"),
    )
    return [f"{most:,} {words} for {whom}" for most, words in rates if most is not None]


def _changes(now: InForce) -> Html:
    rows = [
        (
            line.at,
            badge(line.what),
            el("span", line.target, class_="name"),
            el("span", line.details, class_="text"),
            el("span", line.by, class_="mono"),
            line.source,
        )
        for line in now.changes
    ]
    heads = ("when (UTC)", "what", "to", "details", "admin key", "from")
    return card(
        "Changes",
        table(heads, rows, empty="Nobody has changed anything yet."),
        name="changes",
        note="the newest of the audit",
    )
