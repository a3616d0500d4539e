"""Money budgets as they fill over recorded time, for a replay. The ledger's own arithmetic is in the store's scripts;
this one has no concurrency to think of, because a replay sends one request after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import msgspec

from router.core.charges import ROLLING_BUCKETS, Account, Kind, Measure
from router.core.policy import Scope


class _Purse(msgspec.Struct, kw_only=True):
    """`begin` is the calendar window that `spent` belongs to; `charges` are a rolling window's, by bucket."""

    begin: int = 0
    spent: int = 0
    charges: deque[tuple[int, int]] = msgspec.field(default_factory=deque)


class Purses:
    """What has been spent on each money account; all begin empty."""

    def __init__(self) -> None:
        self._purses: dict[tuple[str, str], _Purse] = {}

    def pay(self, accounts: Iterable[Account], team: str, at_ms: int, *, held: int, nano: int) -> bool:
        """Charge `nano` on every money account of the team, or on none when an enforced one has no room for `held`.
        Times never go back."""
        paid = []
        for account in accounts:
            if account.measure is not Measure.USD:
                continue
            payer = "" if account.scope is Scope.ORGANISATION else team
            purse = self._purses.setdefault((payer, account.name), _Purse())
            _advance(purse, account, at_ms)
            if account.enforced and purse.spent + held > account.limit:
                return False
            paid.append((purse, account))
        for purse, account in paid:
            purse.spent += nano
            if account.kind is Kind.RING:
                purse.charges.append((at_ms // _bucket_ms(account), nano))
        return True


def _advance(purse: _Purse, account: Account, at_ms: int) -> None:
    """Forget what no longer counts at `at_ms`."""
    if account.kind is Kind.RING:
        # As in the ledger, the oldest bucket counts whole until all of it is outside the window.
        first = at_ms // _bucket_ms(account) - ROLLING_BUCKETS
        while purse.charges and purse.charges[0][0] < first:
            purse.spent -= purse.charges.popleft()[1]
    elif purse.begin != account.begin:
        purse.begin, purse.spent = account.begin, 0


def _bucket_ms(account: Account) -> int:
    return account.begin // ROLLING_BUCKETS
