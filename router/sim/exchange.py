"""One request on its way through: who asks, for which model, and the headers every answer carries."""

import gzip
import os
import time
import uuid
from typing import Any

import msgspec

from router.sim import errors
from router.sim.catalog import Ability, Model
from router.sim.errors import Problem
from router.sim.faults import Rule
from router.sim.fields import problems_of
from router.sim.transport import Line
from router.sim.world import Seen, World

JSON = "application/json"
EVENTS = "text/event-stream; charset=utf-8"
# `api.eu.mistral.ai` and `api.us.mistral.ai`.
REGIONS = ("eu", "us")


class Exchange:
    def __init__(self, world: World, line: Line, seen: Seen) -> None:
        self.world = world
        self.line = line
        self.seen = seen
        self.model: Model | None = None
        self._began = time.monotonic()
        self._correlation_id = uuid7()

    def read(self) -> dict[str, Any]:
        """The body, decoded and held against the closed field list of its endpoint."""
        if not self.world.profile.organization_headers:
            for name in ("openai-organization", "openai-project"):
                if name in self.seen.headers:
                    raise errors.wrong_request(f"Header {name} is not supported")
        try:
            body = msgspec.json.decode(self.seen.raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self.invalid([Problem(type="json_invalid", loc=("body", 0), msg=str(error))]) from error
        if found := problems_of(self.seen.path, body):
            raise self.invalid(found)
        return dict(body)

    def invalid(self, problems: list[Problem]) -> errors.Refused:
        return errors.invalid_fields(problems, self.world.profile.validation_body)

    def resolve(self, name: str, ability: Ability) -> Model:
        model = self.world.catalog.find(name) or self._in_place_of(name)
        if not model.can(ability):
            raise errors.invalid_model(name)
        if model.labs and not self.world.settings.labs:
            raise errors.labs_model(name)
        self.model = model
        return model

    def _in_place_of(self, name: str) -> Model:
        """What answers for a name that is not in the catalogue."""
        retired = self.world.catalog.find_retired(name)
        mode = self.world.profile.retired
        if retired is None or mode == "unknown":
            raise errors.invalid_model(name)
        replacement = self.world.catalog.find(retired.replacement)
        if mode == "gone" or replacement is None:
            raise errors.retired_model(name, retired.replacement)
        return replacement

    @property
    def region(self) -> str | None:
        """Which regional host was spoken to: they cost a tenth more and have windows of their own."""
        host = self.seen.headers.get("host", "").removeprefix("api.")
        return next((region for region in REGIONS if host.startswith(f"{region}.")), None)

    def fault(self, body: dict[str, Any], model: Model) -> Rule | None:
        names = (body["model"], model.id)
        stream = bool(body.get("stream"))
        return self.world.player.next_fault(models=names, path=self.seen.path, stream=stream)

    def headers(self, content_type: str, extra: list[tuple[str, str]] | None = None) -> list[tuple[str, str]]:
        elapsed_ms = round((time.monotonic() - self._began) * 1000)
        headers = [
            ("content-type", content_type),
            ("server", "cloudflare"),
            ("cf-ray", f"{os.urandom(8).hex()}-CDG"),
            ("mistral-correlation-id", self._correlation_id),
            ("x-kong-request-id", self._correlation_id),
            ("x-envoy-upstream-service-time", str(elapsed_ms)),
            ("x-kong-upstream-latency", str(elapsed_ms)),
            ("x-kong-proxy-latency", "1"),
            ("x-max-retry-attempts-reached", "false"),
            ("strict-transport-security", "max-age=15552000; includeSubDomains; preload"),
            ("access-control-allow-origin", "*"),
            ("alt-svc", 'h3=":443"; ma=86400'),
        ]
        if self.model is not None and self.model.deprecation is not None:
            headers.append(("x-model-deprecation-timestamp", f"{self.model.deprecation}T12:00:00Z"))
        return headers + (extra or [])

    async def begin(self, status: int, headers: list[tuple[str, str]]) -> None:
        self.seen.status = status
        await self.line.begin(status, headers)

    async def send_json(self, body: Any, *, status: int = 200, extra: list[tuple[str, str]] | None = None) -> None:
        await self.send(status, msgspec.json.encode(body), JSON, extra)

    async def send(
        self, status: int, data: bytes, content_type: str, extra: list[tuple[str, str]] | None = None
    ) -> None:
        headers = self.headers(content_type, extra)
        if self.world.settings.gzip and "gzip" in self.seen.headers.get("accept-encoding", ""):
            data = gzip.compress(data, compresslevel=1)
            # The content network compresses as it goes, so the length is not known when the headers leave.
            headers.append(("content-encoding", "gzip"))
        else:
            headers.append(("content-length", str(len(data))))
        await self.begin(status, headers)
        await self.line.write(data, more=False)

    async def refuse(self, refused: errors.Refused) -> None:
        if isinstance(refused.body, bytes):
            await self.send(refused.status, refused.body, "text/html; charset=UTF-8", refused.headers)
        else:
            await self.send_json(refused.body, status=refused.status, extra=refused.headers)


def uuid7() -> str:
    """A time-ordered UUID, as the vendor's correlation ids are."""
    value = int(time.time() * 1000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))
