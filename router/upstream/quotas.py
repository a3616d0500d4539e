"""Each model's windows at the vendor, as this process knows them: counted at every attempt, corrected by every answer.

An attempt is counted before it is sent, with what it is expected to take, so that those under way are never overlooked;
when it is over it is counted as it came. What others use is heard once a second (store/quotas.py), never asked for on
a request's way.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Final

import msgspec

from router.core.attempts import CHARGES, Charge, Outcome
from router.core.judging import Verdict
from router.core.policy import Priority
from router.core.quotas import NOTHING, Opening, Shares, Window, bulk_part
from router.wire.rates import NO_RATES, Rate, Rates
from router.wire.usage import Usage

# The vendor counted nothing: the request did not reach it, or was turned away at the door.
_UNCOUNTED: Final = frozenset(
    {
        Outcome.CONNECT_FAILED,
        Outcome.RATE_LIMITED,
        Outcome.NOT_ON_PLAN,
        Outcome.AUTH_REFUSED,
        Outcome.BILLING_REFUSED,
    }
)


class Draw(msgspec.Struct, frozen=True, kw_only=True):
    """What an attempt was counted with when it was about to be sent."""

    account: str
    quota: str
    at_s: float
    tokens: int


class QuotaView(msgspec.Struct, frozen=True, kw_only=True):
    """One window for operators: `remaining` as it is believed to be now, of which bulk may use `bulk_remaining`.
    `age_s` is how long ago the vendor told the limit, `sharers` how many processes use the account's windows."""

    account: str
    quota: str
    measure: str
    limit: int
    remaining: int
    bulk_remaining: int
    age_s: float
    sharers: int = 1


class Quotas:
    """`clock` is monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._accounts: defaultdict[str, dict[str, Window]] = defaultdict(dict)
        self._windows: dict[str, Window] = {}
        self._sharers: dict[str, int] = {}

    def opening(self, priority: Priority) -> Opening:
        """When each quota has room for a request of that priority, as things are now."""
        now_s, bulk, sharers = self._clock(), priority is Priority.BULK, max(self._sharers.values(), default=1)

        def opens_in(quota: str, tokens: int) -> float:
            window = self._windows.get(quota)
            return 0.0 if window is None else window.opens_in(now_s, tokens, bulk=bulk, sharers=sharers)

        return opens_in

    def draw(self, verdict: Verdict) -> Draw:
        """An attempt is about to be sent: count it. Whoever draws ends it, whatever happens."""
        account, now_s = verdict.site.account, self._clock()
        drawn = Draw(account=account, quota=verdict.quota, at_s=now_s, tokens=verdict.minute_tokens)
        window = self._window(account, verdict.quota)
        window.under_way += 1
        window.use({Rate.REQUESTS: 1, Rate.TOKENS: drawn.tokens}, now_s)
        return drawn

    def moved(self, draw: Draw, verdict: Verdict) -> Draw:
        """The attempt goes to this model, which may be another one than it was counted for."""
        if verdict.quota == draw.quota:
            return draw
        self.give_back(draw)
        return self.draw(verdict)

    def give_back(self, draw: Draw) -> None:
        """The attempt was not sent after all."""
        self.end(draw, Outcome.CONNECT_FAILED, None)

    def end(self, draw: Draw, outcome: Outcome, usage: Usage | None, rates: Rates = NO_RATES) -> None:
        """The attempt is over: count it as it came, and take the vendor's word for the window."""
        window, now_s = self._window(draw.account, draw.quota), self._clock()
        window.under_way -= 1
        if usage is not None:
            # The vendor debits an answer when it is done.
            window.use({Rate.TOKENS: -draw.tokens}, draw.at_s)
            came = usage.input_tokens - usage.cached_tokens + usage.output_tokens
            window.use({Rate.TOKENS: came}, now_s)
        elif outcome in _UNCOUNTED:
            window.use({Rate.REQUESTS: -1, Rate.TOKENS: -draw.tokens}, draw.at_s)
        elif CHARGES[outcome] is Charge.VOID:
            window.use({Rate.TOKENS: -draw.tokens}, draw.at_s)
        window.learn(rates, now_s)

    def told(self, account: str) -> Shares:
        """What the others have not heard of the account's windows yet, by quota."""
        now_s = self._clock()
        shares = {quota: window.told(now_s) for quota, window in self._accounts[account].items()}
        return {quota: share for quota, share in shares.items() if share != NOTHING}

    def hear(self, account: str, told: Shares, heard: Shares, sharers: int) -> None:
        """`told` has been delivered; `heard` is all that counts now, with it, and told by so many processes."""
        self._sharers[account] = sharers
        for quota in {*self._accounts[account], *heard}:
            self._window(account, quota).hear(told.get(quota, NOTHING), heard.get(quota, NOTHING))

    def snapshot(self) -> list[QuotaView]:
        """Every window whose limit is known, for the operations plane and the metrics."""
        now_s = self._clock()
        return [
            QuotaView(
                account=account,
                quota=quota,
                measure=rate.value,
                limit=learned.limit,
                remaining=left,
                bulk_remaining=max(0, left - (learned.limit - bulk_part(learned.limit))),
                age_s=round(max(0.0, now_s - learned.at_s), 3),
                sharers=self._sharers.get(account, 1),
            )
            for account, windows in sorted(self._accounts.items())
            for quota, window in sorted(windows.items())
            for rate, (learned, left) in window.left(now_s).items()
        ]

    def _window(self, account: str, quota: str) -> Window:
        windows = self._accounts[account]
        found = windows.get(quota)
        if found is None:
            found = windows[quota] = self._windows[quota] = Window()
        return found
