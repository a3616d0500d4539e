"""Budgets burning down: what is spent of each, and when it runs out if it goes on like that. The first to run out
stands first."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from router.core.forecast import Forecast, Outlook
from router.core.policy import Scope
from router.ops.charts import Point, burning, gauge
from router.ops.figures import dollars, minute, money, share, span
from router.ops.html import Child, Html, el
from router.ops.pages.layout import ROOT, Frame, asking, badge, card, link, page, select, table, team_link

PATH = f"{ROOT}/budgets"
# What lasts no longer at its pace is as good as used up.
OVER_MS = 60_000


class Burning(msgspec.Struct, frozen=True, kw_only=True):
    """One budget. Money is nano-USD, times epoch ms. `called` names whom it counts, where that is not the team;
    `granted` is what the limit has of grants; `window` is as the policy says it; `ends_ms` is None for a window without
    an end, `begins_ms` when the chart begins. `steps` are instants and what had been spent by then."""

    team: str
    scope: Scope
    id: str
    called: str
    window: str
    limit: int
    spent: int
    held: int
    kind: str
    forecast: Forecast
    begins_ms: int
    ends_ms: int | None
    rolling: bool = False
    granted: int = 0
    steps: Sequence[tuple[int, int]] = ()


class Budgets(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the budgets of `team`, or of all. The first few come with `steps`."""

    rows: Sequence[Burning]
    found: int
    team: str
    teams: Sequence[str]
    page_number: int
    pages: int


def budgets_page(budgets: Budgets, frame: Frame) -> str:
    chosen = {"": "every team", **{team: team for team in budgets.teams}}
    filters = asking(PATH, select("team", "team", budgets.team, chosen))
    drawn = [one for one in budgets.rows if one.steps]
    charts = burns(drawn, frame.now_ms, title="First to run out", note="the top line is the limit") if drawn else None
    rows = [_row(one, frame.now_ms) for one in budgets.rows]
    heads = ("team", "what", "outlook", "used", "spent", "under way", "limit", "pace", "ends (UTC)")
    shown = table(heads, rows, numbers=(4, 5, 6, 7), empty="No policy has a budget in USD.")
    note = f"{budgets.found:,} budgets; the first to run out first"
    return page(
        "Budgets",
        [filters, charts, card("Every budget", shown, _paged(budgets), name="budgets", note=note)],
        frame,
        PATH,
    )


def burns(shown: Sequence[Burning], now_ms: int, *, title: str, note: Child) -> Html:
    """Charts of budgets, side by side."""
    return card(title, el("div", [_burn(one, now_ms) for one in shown], class_="burns"), name="burns", note=note)


def outlook(one: Burning, now_ms: int) -> str:
    """When it runs out, and at what time or when it renews."""
    told = one.forecast
    brief = briefly(one, now_ms)
    if is_over(one, now_ms):
        return f"{brief}; renews {minute(told.until_ms)}" if told.until_ms and not one.rolling else brief
    return f"{brief}: {minute(told.at_ms)}" if told.at_ms is not None else brief


def briefly(one: Burning, now_ms: int) -> str:
    """When it runs out, in a few words."""
    told = one.forecast
    match told.outlook:
        case Outlook.EXHAUSTED:
            return "used up"
        case Outlook.RUNS_OUT:
            assert told.at_ms is not None, "what runs out does so at an instant"
            if is_over(one, now_ms):
                return "all but used up"
            minutes = (told.at_ms - now_ms) // 60_000  # a pace foretells no seconds
            return f"runs out in {span(minutes * 60)}"
        case Outlook.UNSPENT:
            return "nothing spent"
        case Outlook.LASTS if one.rolling or one.ends_ms is None:
            return "not at this pace"
        case Outlook.LASTS:
            return "not before it renews"


def is_over(one: Burning, now_ms: int) -> bool:
    """Whether it is used up, or less is left than a minute's pace: too little for most requests, which are refused."""
    told = one.forecast
    return told.outlook is Outlook.EXHAUSTED or (told.at_ms is not None and told.at_ms - now_ms < OVER_MS)


def mark(one: Burning, now_ms: int) -> str:
    """good, warn or bad."""
    if is_over(one, now_ms):
        return "bad"
    return "warn" if one.forecast.outlook is Outlook.RUNS_OUT else "good"


def named(one: Burning) -> str:
    """What a budget counts: `month`, or `day of key nightly job`."""
    return (
        one.window
        if one.scope in (Scope.TEAM, Scope.ORGANISATION)
        else f"{one.window} of {one.scope.value} {one.called}"
    )


def _burn(one: Burning, now_ms: int) -> Html:
    ends = one.ends_ms if one.ends_ms is not None else now_ms + max(1, now_ms - one.begins_ms)
    if one.rolling and one.forecast.at_ms is not None:
        ends = one.forecast.at_ms  # a rolling window ends now, and what is ahead is what one wants to see
    length = max(1, ends - one.begins_ms)

    def place(at_ms: float, nano: float) -> Point:
        return Point(x=min(1.0, max(0.0, (at_ms - one.begins_ms) / length)), y=nano / max(1, one.limit))

    spent = [place(at_ms, nano) for at_ms, nano in (*one.steps, (now_ms, one.spent))]
    told = one.forecast
    ahead: list[Point] = []
    if told.pace_nano and told.outlook in (Outlook.RUNS_OUT, Outlook.LASTS):
        until = min(told.at_ms or ends, ends)
        reached = one.spent + one.held + told.pace_nano * (until - now_ms) / 3_600_000
        ahead = [place(now_ms, one.spent), place(until, min(reached, one.limit))]
    kind = mark(one, now_ms)
    title = el("h3", team_link(one.team), " · ", named(one))
    said = el("p", badge(outlook(one, now_ms), kind))
    used = el("p", f"{dollars(one.spent)} of {dollars(one.limit)} ({share(one.spent, one.limit)})", class_="soft")
    drawn = burning(spent, ahead, place(now_ms, 0).x, kind)
    marks = el(
        "div",
        el("span", minute(one.begins_ms)),
        el("span", minute(ends) if one.ends_ms is not None else "no end"),
        class_="marks",
    )
    return el("div", title, said, drawn, marks, used, class_="burn")


def _row(one: Burning, now_ms: int) -> Sequence[Child]:
    used, held = one.spent / max(1, one.limit), one.held / max(1, one.limit)
    bar = gauge(
        ((used, mark(one, now_ms)), (held, "held")),
        f"{share(one.spent, one.limit)} spent, {share(one.held, one.limit)} under way",
    )
    ends = "never" if one.ends_ms is None else "rolling" if one.rolling else minute(one.ends_ms)
    return (
        el("span", team_link(one.team), class_="name"),
        [el("span", named(one), class_="name"), " ", badge(one.kind) if one.kind != "hard" else None],
        el("span", badge(briefly(one, now_ms), mark(one, now_ms)), title=outlook(one, now_ms)),
        [bar, " ", share(one.spent, one.limit)],
        money(one.spent),
        money(one.held),
        [money(one.limit), el("div", money(one.granted), " granted", class_="soft") if one.granted else None],
        f"{dollars(one.forecast.pace_nano)}/h" if one.forecast.pace_nano else "–",
        ends,
    )


def _paged(budgets: Budgets) -> Html | None:
    if budgets.pages == 1:
        return None
    before, after = budgets.page_number - 1, budgets.page_number + 1
    nearer = el("a", "Previous", href=link(PATH, team=budgets.team, page=str(before))) if before else None
    later = el("a", "Next", href=link(PATH, team=budgets.team, page=str(after))) if after <= budgets.pages else None
    return el("p", nearer, f"page {budgets.page_number} of {budgets.pages}", later, class_="pages")
