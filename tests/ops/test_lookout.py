"""What a process says of itself when nobody asks it anything."""

from __future__ import annotations

import asyncio
import re
from datetime import date
from types import SimpleNamespace
from typing import Any, cast

from router.core.rules import Rules
from router.errors import StoreUnavailable
from router.ops.registry import Metrics
from router.surveying import Lookout


class Around:
    """What there is to look at; a test changes it."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.answers = True
        self.resting: list[str] = []
        self.known = ["small", "large"]
        self.windows: list[Any] = []
        self.checked = date(2026, 11, 1)
        self.lookout = Lookout(
            self.metrics,
            mode="cluster",
            version="1.2.3",
            ping=self.ping,
            resting=lambda: self.resting,
            known=lambda: self.known,
            rules=lambda: cast(Rules, SimpleNamespace(checked=self.checked)),
            today=lambda: date(2026, 12, 2),
            windows=lambda: self.windows,
        )

    async def ping(self) -> None:
        if not self.answers:
            raise StoreUnavailable("away")

    def shown(self, name: str) -> dict[str, float]:
        text = self.metrics.exposition().decode()
        return {labels: float(value) for labels, value in re.findall(rf"^{name}(\{{.*\}})? (\S+)$", text, re.MULTILINE)}


def test_models_rest_and_are_asked_again() -> None:
    around = Around()
    around.resting = ["large"]
    around.lookout.look()
    assert around.shown("router_model_resting") == {'{model="small"}': 0.0, '{model="large"}': 1.0}
    around.resting = []
    around.lookout.look()
    assert around.shown("router_model_resting") == {'{model="small"}': 0.0, '{model="large"}': 0.0}


def test_windows_at_the_vendor_are_shown_as_they_are_known_now() -> None:
    around = Around()
    around.lookout.look()
    assert around.shown("router_upstream_quota_limit") == {}
    for remaining in (900, 20):
        around.windows = [SimpleNamespace(quota="small", measure="tokens", limit=1_000, remaining=remaining)]
        around.lookout.look()
    assert around.shown("router_upstream_quota_limit") == {'{measure="tokens",model="small"}': 1_000.0}
    assert around.shown("router_upstream_quota_remaining") == {'{measure="tokens",model="small"}': 20.0}


def test_the_age_of_prices_and_the_version_are_told() -> None:
    around = Around()
    around.lookout.look()
    assert around.shown("router_price_age_days") == {"": 31.0}
    assert around.shown("router_build_info") == {'{version="1.2.3"}': 1.0}


def test_a_store_is_there_until_it_does_not_answer() -> None:
    around = Around()
    asyncio.run(around.lookout.ask())
    assert around.shown("router_store_up") == {'{mode="cluster"}': 1.0}
    around.answers = False
    asyncio.run(around.lookout.ask())
    assert around.shown("router_store_up") == {'{mode="cluster"}': 0.0}
    around.answers = True
    asyncio.run(around.lookout.ask())
    assert around.shown("router_store_up") == {'{mode="cluster"}': 1.0}
