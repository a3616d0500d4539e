"""Where traces are made, when an operator asks for them: an attempt is about to be sent, and a request has ended.

This module makes none, and knows nothing of OpenTelemetry; ops/spans.py does, and is imported only where it is wanted.
"""

from __future__ import annotations

from router.core.journey import Journey
from router.core.judging import Verdict
from router.core.record import RequestRecord


class Traces:
    """No traces: one that an app began is passed on as it came."""

    def asks(self, journey: Journey, verdict: Verdict) -> str | None:
        """An attempt begins: the `traceparent` that goes upstream with it."""
        return journey.wanted.traceparent

    def finished(self, journey: Journey, record: RequestRecord) -> None:
        """The request has ended; called once."""

    def close(self) -> None:
        """Send what has not been sent, and stop. May take seconds."""
