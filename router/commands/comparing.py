"""The same requests planned under two policies, side by side: as JSON and as a person reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
from rich.console import Console
from rich.table import Table

from router.commands.cases import Cases, Unread
from router.commands.desk import Desk
from router.core.money import usd
from router.core.policy import Policy
from router.core.replay import Tally, moved, replay, tally

PolicyOf = Callable[[str], Policy]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """`changed` requests are decided otherwise, `estimated` had no usage. `charged_nano_usd` is what recorded requests
    really cost, failed attempts and unconfirmed holds included; None for a file. `assumed` are sentences for people."""

    source: str
    rules: str
    requests: int
    estimated: int
    left_out: int
    unread_lines: int
    unread: list[Unread]
    charged_nano_usd: int | None
    old: Tally
    new: Tally
    changed: int
    assumed: list[str]


def compare(cases: Cases, desk: Desk, old: PolicyOf, new: PolicyOf) -> Comparison:
    before = replay(cases.cases, old, rules=desk.rules, sites=desk.sites)
    after = replay(cases.cases, new, rules=desk.rules, sites=desk.sites)
    return Comparison(
        source=cases.source,
        rules=desk.rules.version,
        requests=len(cases.cases),
        estimated=sum(case.usage is None for case in cases.cases),
        left_out=cases.left_out,
        unread_lines=cases.unread_lines,
        unread=cases.unread,
        charged_nano_usd=cases.charged_nano,
        old=tally(before),
        new=tally(after),
        changed=moved(before, after),
        assumed=list(_assumed(cases)),
    )


def as_policy_of(draft: Policy) -> PolicyOf:
    """The draft in place of any team's policy."""
    return lambda team: msgspec.structs.replace(draft, team=team)


def _assumed(cases: Cases) -> Iterator[str]:
    yield "An answer is as long on every model as it really was; without usage it has the length expected of its kind."
    yield "Input has as many tokens on every model, and what was cached is cached on every model: no cache effects."
    yield "No model rests, fails or is escalated to, and rate limits refuse nobody."
    yield "Prices, scores and models are those of today's files."
    yield "As batches half is paid where Mistral's Batch API takes the model; apps send batches, not the router."
    if cases.charged_nano is not None:
        yield "Money budgets begin empty with the first of these requests, which come one after the other."
    else:
        yield "Budgets are not counted: a file says no times."


def show(found: Comparison, console: Console) -> None:
    told = [f"{found.requests:,} requests from {found.source}", f"{found.estimated:,} without usage"]
    told += [f"{found.left_out:,} records cannot be planned again"] if found.left_out else []
    told += [f"{found.unread_lines:,} lines are no request"] if found.unread_lines else []
    console.print("; ".join(told))
    for unread in found.unread:
        console.print(f"  line {unread.line}: {unread.reason}")
    if not found.requests:
        where = ": --since goes further back, --team names a team that has a policy of its own"
        console.print(f"Nothing to plan{where if found.charged_nano_usd is not None else ''}.")
        return
    table = Table("", "old policy", "new policy")
    for name, *cells in _rows(found):
        table.add_row(name, *cells)
    console.print(table)
    if found.charged_nano_usd is not None:
        console.print(f"really charged: {usd(found.charged_nano_usd, 6)} USD")
    console.print(f"{found.changed:,} requests would be decided otherwise")
    console.print("Assumed:")
    for sentence in found.assumed:
        console.print(f"- {sentence}")


def _rows(found: Comparison) -> Iterator[tuple[str, str, str]]:
    old, new = found.old, found.new
    yield "USD", usd(old.nano_usd, 6), usd(new.nano_usd, 6)
    yield "USD as batches", usd(old.batch_nano_usd, 6), usd(new.batch_nano_usd, 6)
    yield "served", f"{old.served:,}", f"{new.served:,}"
    for model in {**old.models, **new.models}:
        yield model, _share(old, model), _share(new, model)
    for code in {**old.refusals, **new.refusals}:
        yield f"refused: {code}", f"{old.refusals.get(code, 0):,}", f"{new.refusals.get(code, 0):,}"
    yield "lowest score", _score(old.lowest_score), _score(new.lowest_score)
    yield "mean score", _score(old.mean_score), _score(new.mean_score)


def _share(tally: Tally, model: str) -> str:
    share = tally.models.get(model)
    return f"{share.requests:,} for {usd(share.nano_usd, 6)}" if share else "-"


def _score(score: float | None) -> str:
    return f"{score:.1f}" if score is not None else "-"
