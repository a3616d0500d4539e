"""Unconfirmed holds, and their end at an operator's word when the vendor's bill has come.

The end changes accounts, sums and the request's record in one script. Money becomes what the operator says. Tokens and
requests were counted in windows that are over by then: a release gives the tokens back, as every void does.
"""

from __future__ import annotations

import enum
from typing import Any, Final

import msgspec

from router.core.charges import Measure
from router.core.policy import USAGE_KEPT_DAYS_MAX
from router.core.record import began_ms
from router.core.sums import spent
from router.store import names
from router.store.connect import STORE_ERRORS, away
from router.store.ledger import Ending, Held, Ledger
from router.store.totals import DAY_MS, HOUR_MS, Note

# The longest that a policy may keep usage: what is settled by hand is not forgotten before.
SUMS_KEPT_MS: Final = USAGE_KEPT_DAYS_MAX * DAY_MS
_pack: Final = msgspec.msgpack.encode


class Unconfirmed(msgspec.Struct, frozen=True, kw_only=True):
    """A hold whose usage never came. `tokens` is None where no limit counts them."""

    id: str
    request_id: str
    team: str
    key: str
    model: str
    at_ms: int
    nano_usd: int
    tokens: int | None


class Status(enum.Enum):
    """What an operator's word met; the numbers are reconcile.lua's."""

    SAME = 0
    ENDED = 1
    OTHERWISE = 2
    OPEN = 3
    UNKNOWN = 4


class Reconciled(msgspec.Struct, frozen=True, kw_only=True):
    """`nano_usd` is what the hold is charged now; None when its own usage ended it, or it has not ended."""

    status: Status
    nano_usd: int | None


class Reconciler:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._client: Any = ledger.door.client

    async def unconfirmed(self, team: str) -> list[Unconfirmed]:
        """Every unconfirmed hold of the team, oldest first."""
        return [_shown(name, team, held) for name, held in (await self._ledger.unconfirmed(team)).items()]

    async def end(self, team: str, hold_id: str, nano: int | None) -> Reconciled:
        """Charge `nano` in place of the hold, or release it (None). Twice changes nothing."""
        held = await self._hold(team, hold_id)
        if held is None:
            return Reconciled(status=Status.UNKNOWN, nano_usd=None)
        ending = Ending.VOIDED if nano is None else Ending.SETTLED
        actual = [_actual(name, amount, nano) for name, _, amount, *_ in held.entries]
        note = _note(held)
        sums = spent(note.key, note.model, note.kind, note.language, note.tags, nano) if note and nano else {}
        flat = [item for pair in sums.items() for item in pair]
        hour = held.admitted_ms // HOUR_MS
        keys = [
            names.ledger(team), names.leases(team), names.unconfirmed(team),
            names.records(team), *names.sums(team, hour), names.details(team),
            names.corrections(team, (began_ms(hold_id.partition("#")[0]) or 0) // DAY_MS),
        ]  # fmt: skip
        args: list[bytes | int] = [_pack((hold_id, ending.value, nano or 0, actual, flat, SUMS_KEPT_MS))]
        if self._ledger.test_clock:
            args.append(int(self._ledger.clock() * 1000))
        status, charged = await self._ledger.door.call(self._ledger.scripts["reconcile"], keys, args)
        found = Status(status)
        known = found in (Status.ENDED, Status.SAME) or (found is Status.OTHERWISE and charged >= 0)
        return Reconciled(status=found, nano_usd=charged if known else None)

    async def _hold(self, team: str, hold_id: str) -> Held | None:
        try:
            packed = await self._client.hget(names.ledger(team), f"r:{hold_id}")
        except STORE_ERRORS as error:
            failure = away("could not be asked for a hold")
            raise failure from error
        return msgspec.msgpack.decode(packed, type=Held) if packed else None


def _note(held: Held) -> Note | None:
    return msgspec.json.decode(held.note, type=Note) if held.note else None


def _measure(account: str) -> Measure:
    """An account's name ends with its measure, but money's goes on with its window (core/charges.py)."""
    return next((measure for measure in Measure if account.endswith(f":{measure.value}")), Measure.USD)


def _actual(account: str, amount: int, nano: int | None) -> int:
    match _measure(account):
        case Measure.USD:
            return nano or 0
        case Measure.TOKENS:
            return 0 if nano is None else amount
        case Measure.REQUESTS | Measure.CONCURRENCY:
            return amount


def _shown(name: str, team: str, held: Held) -> Unconfirmed:
    note = _note(held)
    tokens = [amount for account, _, amount, *_ in held.entries if _measure(account) is Measure.TOKENS]
    money = [amount for account, _, amount, *_ in held.entries if _measure(account) is Measure.USD]
    return Unconfirmed(
        id=name,
        request_id=note.request_id if note else name.partition("#")[0],
        team=team,
        key=note.key if note else "",
        model=note.model if note else "",
        at_ms=held.admitted_ms,
        nano_usd=note.nano_usd if note else max(money, default=0),
        tokens=max(tokens, default=None),
    )
