"""`/_sim/…`: how a test reads the bill and the requests, and writes the script. No key needed."""

from typing import Annotated, Any

import msgspec

from router.sim.catalog import Change
from router.sim.exchange import Exchange
from router.sim.faults import BadScript, Player, parse_script
from router.sim.profiles import Profile
from router.sim.windows import Limits


async def bill(exchange: Exchange) -> None:
    await exchange.send_json(exchange.world.bill.statement())


async def requests(exchange: Exchange) -> None:
    await exchange.send_json({"requests": exchange.world.requests()})


async def reset(exchange: Exchange) -> None:
    exchange.world.reset()
    await exchange.send_json({"ok": True})


async def faults(exchange: Exchange) -> None:
    """Replaces the script; an empty list of rules ends all faults."""
    try:
        script = parse_script(exchange.seen.raw)
    except BadScript as error:
        await _complain(exchange, str(error))
        return
    exchange.world.player = Player(script)
    await exchange.send_json({"ok": True, "rules": len(script.rules)})


async def played(exchange: Exchange) -> None:
    await exchange.send_json({"rules": exchange.world.player.report()})


async def windows(exchange: Exchange) -> None:
    """`{"mistral-small-2603": {"requests": 4, "tokens": 1000}, "*": …}`: other windows until the next reset."""
    try:
        limits = msgspec.json.decode(exchange.seen.raw, type=dict[str, Limits])
    except msgspec.DecodeError as error:
        await _complain(exchange, str(error))
        return
    resolved: dict[str, Limits] = {}
    for name, limit in limits.items():
        model = exchange.world.catalog.find(name)
        if model is None and name != "*":
            await _complain(exchange, f"No model {name} - at `$.{name}`")
            return
        resolved[model.id if model else "*"] = limit
    exchange.world.narrow(resolved)
    await exchange.send_json({"ok": True})


async def change_models(exchange: Exchange) -> None:
    """`{"mistral-large-4-0": {"aliases": ["mistral-large-latest"]}}`: what the vendor moves, until the next reset."""
    try:
        changes = msgspec.json.decode(exchange.seen.raw, type=dict[str, Change])
    except msgspec.DecodeError as error:
        await _complain(exchange, str(error))
        return
    known = {model.id for model in exchange.world.catalog.models}
    if unknown := sorted(set(changes) - known):
        await _complain(exchange, f"No model {unknown[0]} - at `$.{unknown[0]}`")
        return
    exchange.world.change(changes)
    await exchange.send_json({"ok": True})


async def switches(exchange: Exchange) -> None:
    """`{"user_after_tool": false}`: turns what it names and leaves the rest of the profile, until the next reset."""
    world = exchange.world
    try:
        given = msgspec.json.decode(exchange.seen.raw, type=dict[str, Any])
        world.profile = msgspec.convert({**msgspec.to_builtins(world.profile), **given}, Profile)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        await _complain(exchange, str(error))
        return
    await switched(exchange)


async def switched(exchange: Exchange) -> None:
    await exchange.send_json(exchange.world.profile)


async def refuse_connections(exchange: Exchange) -> None:
    """`{"for_ms": 500}`: closes every connection and the port itself, and opens it again after that time."""
    try:
        pause = msgspec.json.decode(exchange.seen.raw, type=Pause)
    except msgspec.DecodeError as error:
        await _complain(exchange, str(error))
        return
    await exchange.send_json({"ok": True})
    exchange.world.door.shut(pause.for_ms / 1000)


class Pause(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    for_ms: Annotated[float, msgspec.Meta(ge=0, le=60_000)]


async def health(exchange: Exchange) -> None:
    settings: dict[str, Any] = msgspec.to_builtins(exchange.world.settings)
    await exchange.send_json({"ok": True, "settings": settings})


async def _complain(exchange: Exchange, message: str) -> None:
    await exchange.send_json({"error": message}, status=400)
