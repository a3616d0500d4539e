"""`GET /v1/models` and `GET /v1/models/{id}`: no rate headers, and aliases beside the ids."""

from router.sim import errors
from router.sim.catalog import card
from router.sim.exchange import Exchange
from router.sim.transport import HungUp


async def list_models(exchange: Exchange) -> None:
    await _play_faults(exchange)
    world = exchange.world
    data = [
        card(name, model, world.profile.context(model))
        for name, model in world.catalog.names()
        if world.profile.aliases_listed or name == model.id
    ]
    await exchange.send_json({"object": "list", "data": data})


async def one_model(exchange: Exchange) -> None:
    await _play_faults(exchange)
    name = exchange.seen.path.removeprefix("/v1/models/")
    model = exchange.world.catalog.find(name)
    if model is None:
        raise errors.not_found()
    await exchange.send_json(card(name, model, exchange.world.profile.context(model)))


async def _play_faults(exchange: Exchange) -> None:
    """Only the faults that need no generation make sense here."""
    fault = exchange.world.player.next_fault(models=(), path=exchange.seen.path, stream=False)
    if fault is None:
        return
    await exchange.line.wait(fault.delay_s)
    match fault.fault:
        case "reset":
            await exchange.line.reset()
            raise HungUp
        case "stall":
            await exchange.line.wait_for_hang_up()
        case "html":
            raise errors.html_error(fault.status_code)
        case "empty":
            raise errors.empty_error(fault.status_code)
        case "rate_limited":
            raise errors.rate_limited([])
        case "status" | "capacity":
            raise errors.status_error(fault.status_code)
