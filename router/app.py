"""The application of one process: the parts behind their routes, at work from its start to its end."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar
from litestar.exceptions import HTTPException

from router.api.admin import admin_routes
from router.api.asking import known_only
from router.api.auth import AdminGuard
from router.api.backup import backup_routes
from router.api.changes import Changes
from router.api.dashboard import dashboard
from router.api.dashboard.answers import refused_by_litestar
from router.api.dashboard.desk import Desk
from router.api.data_plane import data_plane
from router.api.errors import router_error, unforeseen
from router.api.keychain import Keychain
from router.api.openapi import description_route
from router.api.policies import policy_routes
from router.api.reconcile import reconcile_routes
from router.api.session import Sessions
from router.api.status import status_routes
from router.api.switches import switch_routes
from router.api.switching import Switching
from router.api.upstream import upstream_routes
from router.chores import for_ever
from router.errors import RouterError
from router.parts import Parts
from router.settings import Settings
from router.store.audit import fingerprint
from router.store.saving import Saving


def create_app(settings: Settings) -> Litestar:
    """The application for one process. Raises ConfigError for rules that cannot be meant."""
    parts = Parts(settings)

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        await parts.open()
        chores = [asyncio.create_task(for_ever(job)) for job in parts.jobs]
        gc.collect()
        gc.freeze()  # what is there now stays; the collector need not walk it with every full round
        try:
            yield
        finally:
            for chore in chores:
                chore.cancel()
            await parts.close()

    return Litestar(
        route_handlers=[
            *data_plane(parts.line, parts.records, parts.works, settings.edge),
            *_operations(parts),
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


def _operations(parts: Parts) -> list[Any]:
    """The routes of who pays and who is paged."""
    settings, rules, twins = parts.settings, parts.rules, parts.holding.twins
    changes = Changes(parts.audit, fingerprint(settings.admin_key.reveal()))
    switching = Switching(rules, parts.board, changes)
    keychain = Keychain(rules, parts.keyring, changes)
    plane = (
        *admin_routes(rules, keychain, parts.records, lambda: parts.rulebook.refused, parts.settled),
        *upstream_routes(parts.health, parts.quotas),
        *switch_routes(rules, settings.main, switching, parts.health, changes),
        *reconcile_routes(parts.reconciler, parts.records, parts.settled, changes),
        *backup_routes(parts.keyring, parts.grants, Saving(parts.ledger), changes),
        *policy_routes(rules, parts.keyring, twins, parts.grants, parts.settled, changes),
    )
    sessions = Sessions(settings.admin_key)
    desk = Desk(
        rulebook=parts.rulebook,
        records=parts.records,
        twins=twins,
        grants=parts.grants.of,
        keychain=keychain,
        health=parts.health,
        windows=parts.quotas.snapshot,
        main=settings.main,
        switching=switching,
        changes=changes,
        sessions=sessions,
        settle=parts.settled,
    )
    guard = AdminGuard(settings.admin_key)
    *health, metrics = status_routes(parts.trouble, parts.metrics)
    return [
        *(_behind(handler, guard, known_only) for handler in (*plane, description_route(plane))),
        dashboard(desk, AdminGuard(settings.admin_key, sessions=sessions)),
        *health,
        metrics if settings.loopback or settings.ops_port is not None else _behind(metrics, guard),
    ]


def _behind(handler: Any, *guards: Any) -> Any:
    handler.guards = [*(handler.guards or ()), *guards]
    return handler
