"""How each model does at the moment, as this process sees it: who rests, and who may be asked twice.

Local on purpose: no round trip, no shared fate, and right about faults of this machine's own network.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from router.core.attempts import Outcome
from router.core.reasons import Why

# A repeat costs 10 of 100 tokens and a success brings 1, so repeats settle at a tenth of successes (Google SRE: 10 %).
RETRY_TOKENS_MAX: Final = 100
RETRY_COST: Final = 10
# Five failures in a row open the circuit (Envoy's figure); it closes by itself, longer each time.
FAILURES_IN_ROW: Final = 5
REST_FIRST_S: Final = 2.0
REST_MAX_S: Final = 30.0
NOT_ON_PLAN_REST_S: Final = 600.0
# A refused key or an unpaid account is mended by people, and found mended without a restart.
PAYER_RESTS_S: Final = {Outcome.AUTH_REFUSED: 60.0, Outcome.BILLING_REFUSED: 300.0}

_FAILURES: Final = frozenset(
    {
        Outcome.CONNECT_FAILED, Outcome.RESET, Outcome.TIMED_OUT, Outcome.BAD_RESPONSE, Outcome.SERVER_ERROR,
        Outcome.UNAVAILABLE, Outcome.BAD_GATEWAY, Outcome.GATEWAY_TIMEOUT, Outcome.CAPACITY, Outcome.CUT,
        Outcome.FINISHED_IN_ERROR, Outcome.FORBIDDEN,  # one 403 may be a guardrail that one app asked for
    }
)  # fmt: skip
_OFF_PLAN: Final = frozenset({Outcome.NOT_ON_PLAN, Outcome.MODEL_UNKNOWN})


class _Record:
    __slots__ = ("failures", "rest_s", "rests_until", "tokens")

    def __init__(self) -> None:
        self.failures = 0
        self.tokens = float(RETRY_TOKENS_MAX)
        self.rest_s = 0.0
        self.rests_until = 0.0


class Health:
    """`clock` is monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._models: dict[str, _Record] = {}

    def note(self, model: str, outcome: Outcome, payer: str) -> None:
        """Learn from one attempt's end. `model` is told apart by its quota, `payer` is whose account it was."""
        if outcome in PAYER_RESTS_S:
            self._models.setdefault(payer, _Record()).rests_until = self._clock() + PAYER_RESTS_S[outcome]
            return
        record = self._models.setdefault(model, _Record())
        if outcome is Outcome.OK:
            self._models.pop(payer, None)
            record.failures, record.rest_s = 0, 0.0
            record.tokens = min(RETRY_TOKENS_MAX, record.tokens + 1)
        elif outcome is Outcome.RATE_LIMITED:
            self._rest(record)
        elif outcome in _OFF_PLAN:
            record.rests_until = self._clock() + NOT_ON_PLAN_REST_S
        elif outcome in _FAILURES:
            record.failures += 1
            if record.failures >= FAILURES_IN_ROW:
                self._rest(record)

    def may_retry(self, model: str) -> bool:
        """Whether the model's retry budget covers one more."""
        record = self._models.get(model)
        return record is None or record.tokens >= RETRY_COST

    def note_retry(self, model: str) -> None:
        """A repeat is sent: it comes out of the budget."""
        self._models.setdefault(model, _Record()).tokens -= RETRY_COST

    def resting(self) -> dict[str, Why]:
        """The models and payers to leave out for now."""
        now = self._clock()
        return {name: Why.RESTING for name, record in list(self._models.items()) if record.rests_until > now}

    def states(self) -> dict[str, dict[str, float | int]]:
        """For operators: per model and payer the failures in a row, the seconds it still rests, and the share of its
        retry budget that is left."""
        now = self._clock()
        return {
            name: {
                "failures_in_row": record.failures,
                "rests_s": round(max(0.0, record.rests_until - now), 3),
                "repeats_left": round(max(0.0, record.tokens) / RETRY_TOKENS_MAX, 2),
            }
            for name, record in sorted(self._models.items())
        }

    def _rest(self, record: _Record) -> None:
        record.rest_s = min(REST_MAX_S, max(REST_FIRST_S, record.rest_s * 2))
        record.rests_until = self._clock() + record.rest_s
