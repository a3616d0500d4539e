"""Everything the simulated vendor remembers: windows, caches, the bill, the script, and what it was asked.

One object, made once per process and handed to the endpoints; `reset` makes it new.
"""

import collections
import datetime
import time
from typing import Any, Final, Literal, Protocol

import msgspec

from router.sim.answers import Author
from router.sim.bill import Bill
from router.sim.catalog import Catalog, Change, Model, load_prices
from router.sim.faults import Player, Script
from router.sim.prefixes import PrefixCache
from router.sim.profiles import PROFILES
from router.sim.vocabulary import vocabulary
from router.sim.windows import WIDE_REQUESTS, WIDE_TOKENS, Limits, Window
from router.sim.words import word_list

REQUESTS_KEPT: Final = 10_000
REQUEST_BYTES_KEPT: Final = 256 * 1024 * 1024


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    profile: Literal["current", "seed"] = "current"
    # Windows too wide to meet.
    wide: bool = False
    first_token_ms: float = 0
    per_token_ms: float = 0
    # The regional hosts cost a tenth more.
    regional: bool = False
    # Labs models need access; without it they are a 403.
    labs: bool = False
    # Plain answers come compressed to whoever accepts that, as from the real API.
    gzip: bool = False


class Seen(msgspec.Struct, kw_only=True):
    """A request as it arrived. The body stays raw until somebody asks."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    raw: bytes
    at: int
    status: int | None = None
    # What was generated for it, and charged; both grow with its answer.
    generations: int = 0
    nano_usd: int = 0

    def told(self) -> dict[str, Any]:
        try:
            body: Any = msgspec.json.decode(self.raw) if self.raw else None
        except (msgspec.DecodeError, UnicodeDecodeError):
            body = self.raw.decode("utf-8", "replace")
        return {
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "headers": self.headers,
            "body": body,
            "at": self.at,
            "status": self.status,
            "generations": self.generations,
            "nano_usd": self.nano_usd,
        }


class Door(Protocol):
    """The port that clients come in by."""

    def shut(self, seconds: float) -> None: ...


class World:
    # The server sets it when it is there.
    door: Door

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.vocabulary = vocabulary()
        self.author = Author(self.vocabulary, word_list())
        self._prices = load_prices()
        self.reset()

    def reset(self) -> None:
        self.profile = PROFILES[self.settings.profile]
        self.catalog = Catalog(self._prices.model, self._prices.retired)
        self.bill = Bill()
        self.prefixes = PrefixCache()
        self.player = Player(Script())
        self._windows: dict[tuple[str | None, str], Window] = {}
        self._limits: dict[str, Limits] = {}
        self._seen: collections.deque[Seen] = collections.deque()
        self._seen_bytes = 0

    def now(self) -> float:
        return time.monotonic()

    def window(self, model: Model, region: str | None = None) -> Window:
        """Each host counts for itself: the global one, and those of the regions."""
        if (region, model.id) not in self._windows:
            self._windows[region, model.id] = Window(self._limits_of(model))
        return self._windows[region, model.id]

    def narrow(self, limits: dict[str, Limits]) -> None:
        """Give models other windows, empty ones; `*` means all. Until the next reset."""
        self._limits |= limits
        for region, name in list(self._windows):
            if name in limits or "*" in limits:
                del self._windows[region, name]

    def _limits_of(self, model: Model) -> Limits:
        if given := self._limits.get(model.id) or self._limits.get("*"):
            return given
        if self.settings.wide:
            return Limits(requests=WIDE_REQUESTS, tokens=WIDE_TOKENS)
        return Limits(requests=model.requests_per_minute, tokens=model.tokens_per_minute)

    def change(self, changes: dict[str, Change]) -> None:
        """Move aliases, prices or dates of models while the process runs. Until the next reset."""
        self.catalog = self.catalog.changed(changes, today=datetime.date.today())

    def remember(self, seen: Seen) -> None:
        self._seen.append(seen)
        self._seen_bytes += len(seen.raw)
        while len(self._seen) > REQUESTS_KEPT or (self._seen_bytes > REQUEST_BYTES_KEPT and len(self._seen) > 1):
            self._seen_bytes -= len(self._seen.popleft().raw)

    def requests(self) -> list[dict[str, Any]]:
        return [seen.told() for seen in self._seen]
