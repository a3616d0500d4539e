"""The wiring: every part is made here, handed what it needs, and closed in turn. Nothing else knows all of them."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import random
import secrets
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any

from litestar import Litestar, asgi
from litestar.exceptions import HTTPException
from watchfiles import awatch

from router.api.admin import admin_routes
from router.api.auth import AdminGuard
from router.api.backup import backup_routes
from router.api.calls import Works, call
from router.api.changes import Changes
from router.api.count import count_tokens
from router.api.dashboard import dashboard
from router.api.dashboard.answers import refused_by_litestar
from router.api.dashboard.desk import Desk
from router.api.edge import Receive, Scope, Send, guarded
from router.api.errors import router_error, unforeseen
from router.api.feedback import feedback
from router.api.models import models
from router.api.reconcile import reconcile_routes
from router.api.route import route
from router.api.session import Sessions
from router.api.status import status_routes
from router.api.switches import switch_routes
from router.api.switching import Switching
from router.api.unsupported import unsupported
from router.attempting import Attempting
from router.collecting import Collection
from router.core.language import best_detector
from router.core.policy import StoreAway
from router.errors import RouterError
from router.ops.metrics import Metrics
from router.pipeline import Line
from router.recording import Recorder
from router.rulebook import Rulebook
from router.serving import Serving
from router.settings import Settings
from router.store.audit import Audit, fingerprint
from router.store.connect import STORE_ERRORS, Door, connect, deadline_of
from router.store.keyring import Keyring
from router.store.leases import Leases
from router.store.ledger import Ledger
from router.store.outputs import Outputs
from router.store.reconciling import Reconciler
from router.store.records import Records
from router.store.settler import Settler
from router.store.switchboard import Switchboard
from router.store.warmth import Warmth
from router.upstream.client import Upstream
from router.upstream.clients import Clients
from router.upstream.health import Health
from router.vocabulary import load_tokenizer

log = logging.getLogger("router.app")


DRAIN_S = 30.0
# An operator's question waits this long for what this process has answered but not booked yet.
READ_S = 1.0
CHORE_PAUSE_S = 1.0
CALL_PATHS = (
    ("/v1/chat/completions", "chat"),
    ("/v1/responses", "responses"),
    ("/v1/messages", "messages"),
    ("/v1/fim/completions", "fim"),
    ("/v1/embeddings", "embeddings"),
    ("/v1/moderations", "moderations"),
)


def create_app(settings: Settings) -> Litestar:
    """The application for one process. Raises ConfigError for rules that cannot be meant."""
    assert settings.redis_url is not None, "whoever starts the app has found or started a store"
    metrics = Metrics(multiprocess="PROMETHEUS_MULTIPROC_DIR" in os.environ)
    rulebook = Rulebook(
        settings.config_dir,
        settings.policies_dir,
        _today,
        lambda result: metrics.child("router_reloads_total", result).inc(),
    )
    client = connect(settings.redis_url, timeout_s=settings.store_timeout_s)
    longest_s = deadline_of(settings.store_timeout_s)
    ledger, health = Ledger(Door(client, longest_s)), Health()
    leases, works = Leases(ledger), Works()
    settler = Settler(
        metrics.child("router_settlements_waiting").set, metrics.child("router_settlements_lost_total").inc
    )
    keyring = Keyring(client, settings.pepper.reveal().encode(), deadline_s=longest_s)
    board = Switchboard(client, deadline_s=longest_s)
    changes = Changes(Audit(client, deadline_s=longest_s), fingerprint(settings.admin_key.reveal()))
    records = Records(client, ledger)
    warmth, outputs = Warmth(ledger.door), Outputs(records)
    recorder = Recorder(metrics, time.monotonic)
    clients = Clients(Upstream(settings.upstream_url, settings.api_key.reveal()), settings.upstream_key)
    tokenizer = load_tokenizer(seed=secrets.randbits(32))
    serving = Serving(
        attempting=Attempting(clients, settings.timing, recorder.clock),
        ledger=ledger,
        leases=leases,
        settler=settler,
        warmth=warmth,
        health=health,
        recorder=recorder,
        jitter=random.random,
        count=tokenizer.count,
    )
    line = Line(
        rules=lambda: rulebook.current,
        keyring=keyring,
        ledger=ledger,
        settler=settler,
        warmth=warmth,
        outputs=outputs,
        serving=serving,
        recorder=recorder,
        tokenizer=tokenizer,
        detector=best_detector(),
        bounds=settings.edge.bounds,
        main=settings.main,
        resting=health.resting,
        switches=board.current,
        wall=time.time,
        noise=secrets.token_bytes,
    )

    async def ready() -> str | None:
        try:
            await client.ping()
        except STORE_ERRORS:
            rules = rulebook.current
            served = any(policy.when_store_away is StoreAway.ALLOW for policy in rules.policies.values())
            return None if served else "the store does not answer, and no policy serves without it"
        return None

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        jobs = (
            keyring.watch,
            board.watch,
            leases.watch,
            outputs.watch,
            lambda: _watch_files(rulebook),
            lambda: _turn_days(rulebook),
        )
        chores = [asyncio.create_task(_for_ever(job)) for job in jobs]
        gc.collect()
        gc.freeze()  # what is there now stays; the collector need not walk it with every full round
        try:
            yield
        finally:
            for chore in chores:
                chore.cancel()
            await works.ended(DRAIN_S)  # cut off or not, each has a hold to end
            if not await settler.drain(DRAIN_S):
                log.error("%d ends of holds were not delivered before the stop", settler.waiting)
            await clients.close()
            await client.aclose()

    edge, collection = settings.edge, Collection(time.monotonic)
    data_plane = {
        **{path: guarded(call(name, line, collection, works, edge), edge, ("POST",)) for path, name in CALL_PATHS},
        "/v1/messages/count_tokens": guarded(count_tokens(line, edge), edge, ("POST",)),
        "/v1/route": guarded(route(line, edge), edge, ("POST",)),
        "/v1/feedback": guarded(feedback(line, records, edge), edge, ("POST",)),
        "/v1/models": guarded(models(line), edge, ("GET", "HEAD")),
    }
    one_model = guarded(models(line), edge, ("GET", "HEAD"))
    any_other = guarded(unsupported, edge, ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"))

    async def rest(scope: Scope, receive: Receive, send: Send) -> None:
        # Mounted, because Litestar takes no path parameters on an ASGI route; it hands on the path behind the mount.
        scope["path"] = f"/v1{scope['path'].rstrip('/')}"
        await (one_model if scope["path"].startswith("/v1/models/") else any_other)(scope, receive, send)

    guard = AdminGuard(settings.admin_key)
    admin = admin_routes(
        lambda: rulebook.current,
        keyring,
        records,
        health,
        lambda: rulebook.refused,
        lambda: settler.drain(READ_S),
        changes,
    )
    by_hand = reconcile_routes(Reconciler(ledger), records, lambda: settler.drain(READ_S), changes)
    saved = backup_routes(keyring, changes)
    switching = Switching(lambda: rulebook.current, board, changes)
    switches = switch_routes(lambda: rulebook.current, settings.main, switching, health, changes)
    status = status_routes(ready, metrics)
    sessions = Sessions(settings.admin_key)
    desk = Desk(
        rulebook=rulebook,
        records=records,
        ledger=ledger,
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
            *(asgi(path, copy_scope=False)(handler) for path, handler in data_plane.items()),
            asgi("/v1", is_mount=True, copy_scope=False)(rest),
            *(_behind(handler, guard) for handler in (*admin, *switches, *by_hand, *saved)),
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


def _behind(handler: Any, guard: AdminGuard) -> Any:
    handler.guards = [*(handler.guards or ()), guard]
    return handler


def _today() -> date:
    return datetime.now(UTC).date()


async def _for_ever(job: Callable[[], Coroutine[None, None, None]]) -> None:
    """Keep a chore going: what goes wrong in one round must not end it for good."""
    while True:
        try:
            await job()
        except Exception:
            log.exception("a chore stumbled; it goes on")
        await asyncio.sleep(CHORE_PAUSE_S)


async def _watch_files(rulebook: Rulebook) -> None:
    async for _ in awatch(rulebook.config_dir, rulebook.policies_dir, recursive=False):
        rulebook.reload()


async def _turn_days(rulebook: Rulebook) -> None:
    while True:
        await asyncio.sleep(1.0)
        rulebook.turn_day()
