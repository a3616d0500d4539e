"""The wiring: every part is made here, handed what it needs, and closed in turn. Nothing else knows all of them."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import random
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any

from litestar import Litestar
from litestar.exceptions import HTTPException

from router import __version__
from router.admitting import Admitting
from router.alarming import Alarms
from router.api.admin import admin_routes
from router.api.asking import known_only
from router.api.auth import AdminGuard
from router.api.backup import backup_routes
from router.api.calls import Works
from router.api.changes import Changes
from router.api.dashboard import dashboard
from router.api.dashboard.answers import refused_by_litestar
from router.api.dashboard.desk import Desk
from router.api.data_plane import data_plane
from router.api.errors import router_error, unforeseen
from router.api.openapi import description_route
from router.api.policies import policy_routes
from router.api.reconcile import reconcile_routes
from router.api.session import Sessions
from router.api.status import status_routes
from router.api.switches import switch_routes
from router.api.switching import Switching
from router.api.upstream import upstream_routes
from router.attempting import Attempting
from router.chores import for_ever, turn_days, watch_files
from router.core.habits import Habits
from router.core.language import best_detector
from router.core.policy import StoreAway
from router.errors import RouterError, StoreUnavailable
from router.holding import Holding
from router.ops.registry import Metrics
from router.ops.traces import Traces
from router.pipeline import Line
from router.recording import Recorder
from router.rulebook import Rulebook
from router.serving import Serving
from router.settings import Settings
from router.store.alarms import AlarmBook
from router.store.audit import Audit, fingerprint
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
from router.store.saving import Saving
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

log = logging.getLogger("router.app")


DRAIN_S = 30.0
# An operator's question waits this long for what this process has answered but not booked yet.
READ_S = 1.0


def create_app(settings: Settings) -> Litestar:
    """The application for one process. Raises ConfigError for rules that cannot be meant."""
    assert settings.redis_url is not None, "whoever starts the app has found or started a store"
    metrics = Metrics(os.environ.get("PROMETHEUS_MULTIPROC_DIR"))
    rulebook = Rulebook(
        settings.config_dir,
        settings.policies_dir,
        _today,
        metrics.reloaded,
        lambda name: settings.upstream_key(name) is not None,
    )
    client = connect(settings.redis_url, timeout_s=settings.store_timeout_s)
    longest_s = deadline_of(settings.store_timeout_s)
    ledger, health = Ledger(Door(client, longest_s, metrics.store_called)), Health()
    leases, works = Leases(ledger), Works()
    settler = Settler(
        metrics.child("router_settlements_waiting").set, metrics.child("router_settlements_lost_total").inc
    )
    keyring = Keyring(client, settings.pepper.reveal().encode(), deadline_s=longest_s)
    board = Switchboard(client, deadline_s=longest_s)
    quotas, shared_quotas = Quotas(), SharedQuotas(client, deadline_s=longest_s)
    book = GrantBook(client, deadline_s=longest_s)
    changes = Changes(Audit(client, deadline_s=longest_s), fingerprint(settings.admin_key.reveal()))
    records = Records(client, ledger)
    warmth, outputs = Warmth(ledger.door), Outputs(records)
    traces = _traces(settings)
    recorder = Recorder(metrics, time.monotonic, traces)
    clients = Clients(Upstream(settings.upstream_url, settings.api_key.reveal()), settings.upstream_key)
    tokenizer = load_tokenizer(seed=secrets.randbits(32))
    journal = Journal(
        settings.data_dir / "journal" if settings.journal.mode == "on" else None,
        segment_bytes=settings.journal.segment_bytes,
        on_failed=metrics.child("router_journal_failed_total").inc,
    )
    replaying = Replaying(
        journal,
        ledger,
        leases,
        records,
        on_replayed=lambda kind: metrics.child("router_journal_replayed_total", kind).inc(),
        on_turned=metrics.journal,
    )
    shares = Shares(ledger, leases, settler, journal)
    holding, habits = Holding(ledger, leases, settler, shares, journal), Habits()
    serving = Serving(
        attempting=Attempting(clients, settings.timing, recorder.clock, traces),
        holding=holding,
        habits=habits,
        settler=settler,
        warmth=warmth,
        health=health,
        quotas=quotas,
        recorder=recorder,
        jitter=random.random,
        count=tokenizer.count,
    )
    line = Line(
        rules=lambda: rulebook.current,
        keyring=keyring,
        holding=holding,
        admitting=Admitting(holding, habits, recorder.clock),
        warmth=warmth,
        outputs=outputs,
        serving=serving,
        recorder=recorder,
        tokenizer=tokenizer,
        detector=best_detector(),
        bounds=settings.edge.bounds,
        main=settings.main,
        resting=health.resting,
        quotas=quotas,
        switches=board.current,
        grants=book.of,
        wall=time.time,
        noise=secrets.token_bytes,
    )

    reconciler = Reconciler(ledger)
    surveyor = Surveyor(
        metrics=metrics,
        rules=lambda: rulebook.current,
        records=records,
        twins=holding.twins,
        grants=book.of,
        reconciler=reconciler,
    )
    lookout = Lookout(
        metrics,
        mode=mode_of(settings.redis_url),
        version=__version__,
        ping=lambda: ping(client, longest_s),
        resting=health.resting,
        known=health.states,
        rules=lambda: rulebook.current,
        today=_today,
        windows=quotas.snapshot,
    )

    def accounts() -> list[str]:
        return [site.account for site in rulebook.current.sites_under(settings.main)]

    webhooks = Webhooks(settings.webhooks, time.time)
    alarms = Alarms(
        rules=lambda: rulebook.current,
        teams=records.teams,
        keyring=keyring,
        twins=holding.twins,
        grants=book,
        book=AlarmBook(client, deadline_s=longest_s),
        webhooks=webhooks,
        metrics=metrics,
    )

    async def ready() -> str | None:
        try:
            await ping(client, longest_s)
        except StoreUnavailable:
            rules = rulebook.current
            served = any(policy.when_store_away is not StoreAway.DENY for policy in rules.policies.values())
            return None if served else "the store does not answer, and no policy serves without it"
        return None

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        await opened(client)
        jobs = (
            keyring.watch,
            board.watch,
            book.watch,
            alarms.watch,
            leases.watch,
            shares.watch,
            replaying.watch,
            outputs.watch,
            lambda: shared_quotas.watch(accounts, quotas),
            surveyor.watch,
            lookout.watch,
            lambda: watch_files(rulebook),
            lambda: turn_days(rulebook),
        )
        chores = [asyncio.create_task(for_ever(job)) for job in jobs]
        gc.collect()
        gc.freeze()  # what is there now stays; the collector need not walk it with every full round
        try:
            yield
        finally:
            for chore in chores:
                chore.cancel()
            await works.ended(DRAIN_S)  # cut off or not, each has a hold to end
            shares.give_back()
            if not await settler.drain(DRAIN_S):
                log.error("%d ends of holds were not delivered before the stop", settler.waiting)
            await replaying.finish()
            await clients.close()
            await webhooks.close()
            await client.aclose()
            await asyncio.to_thread(traces.close)

    guard = AdminGuard(settings.admin_key)
    admin = admin_routes(
        lambda: rulebook.current,
        keyring,
        records,
        lambda: rulebook.refused,
        lambda: settler.drain(READ_S),
        changes,
    )
    by_hand = reconcile_routes(reconciler, records, lambda: settler.drain(READ_S), changes)
    saved = backup_routes(keyring, book, Saving(ledger), changes)
    budgets = policy_routes(
        lambda: rulebook.current, keyring, holding.twins, book, lambda: settler.drain(READ_S), changes
    )
    windows = upstream_routes(health, quotas)
    switching = Switching(lambda: rulebook.current, board, changes)
    switches = switch_routes(lambda: rulebook.current, settings.main, switching, health, changes)
    plane = (*admin, *windows, *switches, *by_hand, *saved, *budgets)
    status = status_routes(ready, metrics)
    sessions = Sessions(settings.admin_key)
    desk = Desk(
        rulebook=rulebook,
        records=records,
        twins=holding.twins,
        grants=book.of,
        keyring=keyring,
        health=health,
        main=settings.main,
        switching=switching,
        changes=changes,
        sessions=sessions,
        settle=lambda: settler.drain(READ_S),
    )
    return Litestar(
        route_handlers=[
            *data_plane(line, records, works, settings.edge),
            *(_behind(handler, guard, known_only) for handler in (*plane, description_route(plane))),
            dashboard(desk, AdminGuard(settings.admin_key, sessions=sessions)),
            *status[:2],
            status[2] if settings.loopback or settings.ops_port is not None else _behind(status[2], guard),
        ],
        lifespan=[lifespan],
        exception_handlers={
            RouterError: router_error,
            HTTPException: refused_by_litestar,
            Exception: unforeseen,
        },
        openapi_config=None,
        request_max_body_size=settings.edge.body_bytes_max,
        logging_config=None,
    )


def _traces(settings: Settings) -> Traces:
    if not settings.traces:
        return Traces()
    from router.ops.spans import Spans  # the packages of the extra `otel`, which need not be there

    return Spans()


def _behind(handler: Any, *guards: Any) -> Any:
    handler.guards = [*(handler.guards or ()), *guards]
    return handler


def _today() -> date:
    return datetime.now(UTC).date()
