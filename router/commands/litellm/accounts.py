"""A cap of the proxy's as a rule of a policy: its window, and which of two goes first."""

from __future__ import annotations

import re
from decimal import ROUND_UP, Decimal
from typing import Final

from router.commands.litellm.drafts import Budget, Draft, Limit
from router.commands.litellm.reading import Node
from router.commands.litellm.report import Fate, Report
from router.core.money import USD_MAX

# What LiteLLM renews on the calendar (docs, budget reset times, seen 2026-11-25) is a calendar window here too.
_CALENDAR: Final = {"1h": "hour", "1d": "day", "24h": "day", "7d": "week", "1w": "week", "30d": "month", "1mo": "month"}
_DURATION = re.compile(r"([1-9][0-9]*)(s|m|h|d|w|mo)\Z")
_ROLLING_MAX: Final = 999
_NANO: Final = Decimal("1e-9")
LIMITS: Final = ("rpm_limit", "tpm_limit", "max_parallel_requests")


class Accounts:
    def __init__(self, report: Report) -> None:
        self._report = report

    def budget(self, draft: Draft, node: Node, scope: str, id_: str | None, *, add: bool = False) -> None:
        """A rule that stands already goes first; `add` makes the sum of both."""
        amount, duration = node.get("max_budget"), node.get("budget_duration")
        if amount is None:
            return
        window = self._window(duration) if duration is not None else "total"
        if window is None:
            self._report.say(Fate.DROPPED, amount, "its window has no counterpart, see budget_duration.")
            return
        usd = amount.number().quantize(_NANO, ROUND_UP) if amount.number() <= USD_MAX else None
        if usd is None:
            self._report.say(
                Fate.DROPPED, amount, f"is above {USD_MAX:,} USD, the most that a budget counts: as good as none."
            )
            return
        there = draft.budgets.get((scope, id_, window))
        if there is not None and add:
            there.usd = min(there.usd + usd, Decimal(USD_MAX))
        elif there is None:
            draft.budgets[(scope, id_, window)] = Budget(scope=scope, id=id_, usd=usd, window=window, node=amount)
        elif there.usd != usd:
            self._report.say(
                Fate.CHANGED, amount, f"the rule of line {there.node.line} for the same window goes first."
            )
            return
        whose = {"model": id_, "organisation": "all teams together"}.get(scope, f"each {scope}")
        self._report.say(Fate.CARRIED, amount, f"a budget of {whose} and window {window}.")

    def _window(self, node: Node) -> str | None:
        text = node.text()
        if text in _CALENDAR:
            self._report.say(Fate.CARRIED, node, f'window = "{_CALENDAR[text]}".')
            return _CALENDAR[text]
        match = _DURATION.match(text)
        if match is None:
            raise node.wrong("a duration such as 24h, 7d or 1mo")
        number, unit = int(match[1]) * (7 if match[2] == "w" else 1), "d" if match[2] == "w" else match[2]
        if unit in ("h", "d") and number <= _ROLLING_MAX:
            self._report.say(
                Fate.CHANGED, node, f"the last {number}{unit} at any time, instead of blocks of that length."
            )
            return f"{number}{unit}"
        self._report.say(Fate.DROPPED, node, "a window is an hour to 999 days, a calendar month, or everything.")
        return None

    def limit(
        self, draft: Draft, node: Node, scope: str, id_: str | None, fields: tuple[str, ...], *, add: bool = False
    ) -> None:
        ours = ("requests_per_minute", "tokens_per_minute", "concurrency")
        for field, name in zip(fields, ours, strict=True):
            found = node.get(field) if field else None
            if found is None:
                continue
            limit = draft.limits.setdefault((scope, id_), Limit(scope=scope, id=id_, node=found))
            there, value = getattr(limit, name), found.whole()
            if there is None or add:
                setattr(limit, name, value + (there or 0))
                whose = f"for {id_} in each team" if scope == "model" else f"of each {scope}"
                fate = Fate.CHANGED if scope == "model" else Fate.CARRIED
                self._report.say(fate, found, f"{name} {whose}.")
            elif there != value:
                self._report.say(Fate.CHANGED, found, f"the rule of line {limit.node.line} goes first.")
            else:
                self._report.known(found)
