"""POST /v1/route: what would be chosen for the same body and headers; nobody is called or charged."""

from __future__ import annotations

import msgspec

from router.api.edge import Handler, Receive, Scope, Send, answer, read_json, refuse
from router.core.journey import told_headers
from router.errors import RouterError
from router.pipeline import ROUTE, Line
from router.settings import Edge
from router.wire.headers import read_headers


def route(line: Line, edge: Edge) -> Handler:
    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        journey = line.begin(read_headers(scope["headers"]), ROUTE)
        try:
            await line.authenticate(journey)
            explained = await line.route(journey, await read_json(scope, receive, edge))
        except RouterError as error:
            await refuse(send, error, told_headers(journey, line.recorder.clock()))
            return
        headers = told_headers(journey, line.recorder.clock())
        await answer(send, 200, msgspec.json.encode(explained), headers)

    return handle
