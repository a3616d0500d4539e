"""GET /admin/v1/upstream: how each model does, and how much of its windows at the vendor is left."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from litestar import get
from litestar.handlers import HTTPRouteHandler

from router.api.asking import stamp
from router.core.quotas import BULK_PERCENT
from router.upstream.health import Health
from router.upstream.quotas import Quotas, QuotaView


def upstream_routes(health: Health, quotas: Quotas) -> list[HTTPRouteHandler]:
    @get("/admin/v1/upstream", sync_to_thread=False)
    def upstream() -> dict[str, Any]:
        """How each model does as this process sees it, and its windows as far as all processes have told."""
        states, windows = health.states(), defaultdict[str, list[QuotaView]](list)
        for view in quotas.snapshot():
            windows[view.quota].append(view)
        return {
            "bulk_percent": BULK_PERCENT,
            "models": {
                name: _shown(
                    states.get(name, {"failures_in_row": 0, "rests_s": 0.0, "repeats_left": 1.0}), windows.get(name, ())
                )
                for name in sorted({*states, *windows})
            },
        }

    return [upstream]


def _shown(state: dict[str, float | int], views: Iterable[QuotaView]) -> dict[str, Any]:
    windows = {
        view.measure: {
            "limit": view.limit,
            "remaining": view.remaining,
            "bulk_remaining": view.bulk_remaining,
            "learned_at": stamp(time.time() - view.age_s),
        }
        for view in views
    }
    if any(window["limit"] == 0 for window in windows.values()):
        told = "not_on_plan"
    elif state["rests_s"]:
        told = "resting"
    else:
        told = "full" if any(window["remaining"] == 0 for window in windows.values()) else "open"
    return {"state": told, **state, "quota": windows}
