"""POST /v1/messages/count_tokens: how long a prompt is on the model that would serve it. Nobody is charged."""

from __future__ import annotations

from router.api.edge import Handler, Receive, Scope, Send, answer, read_json, refuse
from router.core.journey import told_headers
from router.errors import RouterError
from router.pipeline import MESSAGES, Line
from router.settings import Edge
from router.wire.anthropic.format import COUNTING, counted
from router.wire.headers import read_headers


def count_tokens(line: Line, edge: Edge) -> Handler:
    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        journey = line.begin(read_headers(scope["headers"]), MESSAGES, COUNTING)
        try:
            await line.authenticate(journey)
            plan = await line.planned(journey, await read_json(scope, receive, edge))
        except RouterError as error:
            headers = told_headers(journey, line.recorder.clock())
            await refuse(send, error, headers, journey.format.refusal(error, journey.request_id))
            return
        headers = {"x-request-id": journey.request_id, "x-router-model": plan.order[0].card.name}
        await answer(send, 200, counted(plan.order[0].input_tokens), headers)

    return handle
