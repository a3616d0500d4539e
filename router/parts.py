"""The parts of one process: each is made here, handed what it needs, and closed in turn. Nothing else knows all."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import secrets
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, date, datetime
from typing import Final

from router import __version__
from router.admitting import Admitting
from router.alarming import Alarms
from router.api.calls import Works
from router.attempting import Attempting
from router.chores import turn_days, watch_files
from router.core.habits import Habits
from router.core.language import best_detector
from router.core.policy import StoreAway
from router.core.rules import Rules
from router.errors import StoreUnavailable
from router.holding import Holding
from router.ops.registry import Metrics
from router.ops.traces import Traces
from router.pipeline import Line
from router.recording import Recorder
from router.rulebook import Rulebook
from router.serving import Serving
from router.settings import Settings
from router.store.alarms import AlarmBook
from router.store.audit import Audit
from router.store.connect import Door, connect, deadline_of, mode_of, opened, ping
from router.store.grants import GrantBook
from router.store.journal import Journal
from router.store.keyring import Keyring
from router.store.leases import Leases
from router.store.ledger import Ledger
from router.store.outputs import Outputs
from router.store.quotas import SharedQuotas
from router.store.reconciling import Reconciler
from router.store.records import Records
from router.store.replaying import Replaying
from router.store.settler import Settler
from router.store.shares import Shares
from router.store.switchboard import Switchboard
from router.store.warmth import Warmth
from router.surveying import Lookout, Surveyor
from router.upstream.client import Upstream
from router.upstream.clients import Clients
from router.upstream.health import Health
from router.upstream.quotas import Quotas
from router.upstream.webhooks import Webhooks
from router.vocabulary import load_tokenizer

log = logging.getLogger("router.parts")

DRAIN_S: Final = 30.0
# An operator's question waits this long for what this process has answered but not booked yet.
READ_S: Final = 1.0


class Parts:
    """All parts, wired but not at work: `open` comes first, then every one of `jobs` for ever, `close` at the end.

    Raises ConfigError for rules that cannot be meant.
    """

    def __init__(self, settings: Settings) -> None:
        assert settings.redis_url is not None, "whoever starts the app has found or started a store"
        self.settings = settings
        self.metrics = metrics = Metrics(os.environ.get("PROMETHEUS_MULTIPROC_DIR"))
        self.rulebook = Rulebook(
            settings.config_dir,
            settings.policies_dir,
            _today,
            metrics.reloaded,
            lambda name: settings.upstream_key(name) is not None,
            beside=settings.policies_beside,
        )
        # The store, and what stands in it.
        self._client = client = connect(settings.redis_url, timeout_s=settings.store_timeout_s)
        self.longest_s = longest_s = deadline_of(settings.store_timeout_s)
        self.ledger = ledger = Ledger(Door(client, longest_s, metrics.store_called))
        self.keyring = Keyring(client, settings.pepper.reveal().encode(), deadline_s=longest_s)
        self.board = Switchboard(client, deadline_s=longest_s)
        self.grants = GrantBook(client, deadline_s=longest_s)
        self.audit = Audit(client, deadline_s=longest_s)
        self.records = Records(client, ledger)
        self.reconciler = Reconciler(ledger)
        self.warmth, self.outputs = Warmth(ledger.door), Outputs(self.records)
        # Money that is held, and its way to the store when that is slow, away or gone.
        self.leases = Leases(ledger)
        self.settler = Settler(
            metrics.child("router_settlements_waiting").set, metrics.child("router_settlements_lost_total").inc
        )
        journal = Journal(
            settings.data_dir / "journal" if settings.journal.mode == "on" else None,
            segment_bytes=settings.journal.segment_bytes,
            on_failed=metrics.child("router_journal_failed_total").inc,
        )
        self.replaying = Replaying(
            journal,
            ledger,
            self.leases,
            self.records,
            on_replayed=lambda kind: metrics.child("router_journal_replayed_total", kind).inc(),
            on_turned=metrics.journal,
        )
        self.shares = Shares(ledger, self.leases, self.settler, journal)
        self.holding = Holding(ledger, self.leases, self.settler, self.shares, journal)
        # Mistral, and what is known of it.
        self.health, self.quotas = Health(), Quotas()
        self.shared_quotas = SharedQuotas(client, deadline_s=longest_s)
        self.clients = Clients(Upstream(settings.upstream_url, settings.api_key.reveal()), settings.upstream_key)
        # The line that every request takes.
        self.works, self.traces = Works(), _traces(settings)
        self.line = self._line()
        # What watches over it all.
        self.surveyor = Surveyor(
            metrics=metrics,
            rules=self.rules,
            records=self.records,
            twins=self.holding.twins,
            grants=self.grants.of,
            reconciler=self.reconciler,
        )
        self.lookout = Lookout(
            metrics,
            mode=mode_of(settings.redis_url),
            version=__version__,
            ping=lambda: ping(client, longest_s),
            resting=self.health.resting,
            known=self.health.states,
            rules=self.rules,
            today=_today,
            windows=self.quotas.snapshot,
        )
        self.webhooks = Webhooks(settings.webhooks, time.time)
        self.alarms = Alarms(
            rules=self.rules,
            teams=self.records.teams,
            keyring=self.keyring,
            twins=self.holding.twins,
            grants=self.grants,
            book=AlarmBook(client, deadline_s=longest_s),
            webhooks=self.webhooks,
            metrics=metrics,
        )

    def _line(self) -> Line:
        recorder = Recorder(self.metrics, time.monotonic, self.traces)
        tokenizer, habits = load_tokenizer(seed=secrets.randbits(32)), Habits()
        serving = Serving(
            attempting=Attempting(self.clients, self.settings.timing, recorder.clock, self.traces),
            holding=self.holding,
            habits=habits,
            settler=self.settler,
            warmth=self.warmth,
            health=self.health,
            quotas=self.quotas,
            recorder=recorder,
            jitter=random.random,
            count=tokenizer.count,
        )
        return Line(
            rules=self.rules,
            keyring=self.keyring,
            holding=self.holding,
            admitting=Admitting(self.holding, habits, recorder.clock),
            warmth=self.warmth,
            outputs=self.outputs,
            serving=serving,
            recorder=recorder,
            tokenizer=tokenizer,
            detector=best_detector(),
            bounds=self.settings.edge.bounds,
            main=self.settings.main,
            resting=self.health.resting,
            quotas=self.quotas,
            switches=self.board.current,
            grants=self.grants.of,
            wall=time.time,
            noise=secrets.token_bytes,
        )

    def rules(self) -> Rules:
        """Those in force now."""
        return self.rulebook.current

    async def settled(self) -> bool:
        """True when what this process has answered is booked; an operator's question waits for that, not for long."""
        return await self.settler.drain(READ_S)

    async def trouble(self) -> str | None:
        """Why this process should get no requests now; None when it can serve some."""
        try:
            await ping(self._client, self.longest_s)
        except StoreUnavailable:
            served = any(policy.when_store_away is not StoreAway.DENY for policy in self.rules().policies.values())
            return None if served else "the store does not answer, and no policy serves without it"
        return None

    async def open(self) -> None:
        await opened(self._client)

    @property
    def jobs(self) -> tuple[Callable[[], Coroutine[None, None, None]], ...]:
        """What runs beside the requests."""
        return (
            self.keyring.watch,
            self.board.watch,
            self.grants.watch,
            self.alarms.watch,
            self.leases.watch,
            self.shares.watch,
            self.replaying.watch,
            self.outputs.watch,
            lambda: self.shared_quotas.watch(self._accounts, self.quotas),
            self.surveyor.watch,
            self.lookout.watch,
            lambda: watch_files(self.rulebook),
            lambda: turn_days(self.rulebook),
        )

    def _accounts(self) -> list[str]:
        return [site.account for site in self.rules().sites_under(self.settings.main)]

    async def close(self) -> None:
        """Every request ends, every end of a hold is delivered; then the connections go."""
        await self.works.ended(DRAIN_S)  # cut off or not, each has a hold to end
        self.shares.give_back()
        if not await self.settler.drain(DRAIN_S):
            log.error("%d ends of holds were not delivered before the stop", self.settler.waiting)
        await self.replaying.finish()
        await self.clients.close()
        await self.webhooks.close()
        await self._client.aclose()
        await asyncio.to_thread(self.traces.close)


def _traces(settings: Settings) -> Traces:
    if not settings.traces:
        return Traces()
    from router.ops.spans import Spans  # the packages of the extra `otel`, which need not be there

    return Spans()


def _today() -> date:
    return datetime.now(UTC).date()
