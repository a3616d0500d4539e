"""POST /v1/feedback: the app's verdict on an answer, attached to the request's record."""

from __future__ import annotations

import msgspec

from router.api.edge import Handler, Receive, Scope, Send, answer, read_json
from router.errors import BadRequest, NotFound
from router.pipeline import FEEDBACK, Line
from router.settings import Edge
from router.store.records import Records
from router.wire.headers import read_headers
from router.wire.reading import unreadable

NOTE_MAX = 2_000


class Feedback(msgspec.Struct, frozen=True, kw_only=True):
    """`good` is a yes or no, or a degree from 0 to 1."""

    request_id: str
    good: bool | float
    note: str = ""


def feedback(line: Line, records: Records, edge: Edge) -> Handler:
    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        journey = line.begin(read_headers(scope["headers"]), FEEDBACK)
        principal = await line.authenticate(journey)
        body = await read_json(scope, receive, edge)
        try:
            said = msgspec.json.decode(body, type=Feedback)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise unreadable(error) from error
        if not 0 <= said.good <= 1:
            raise BadRequest("good must be true, false or a number from 0 to 1.", code="invalid_value", param="good")
        if len(said.note) > NOTE_MAX:
            raise BadRequest(f"note is longer than {NOTE_MAX} characters.", code="invalid_value", param="note")
        # Looked up among the caller's own requests only: another team's id is as unknown as a wrong one.
        record = await records.find(said.request_id, principal.team)
        if record is None:
            raise NotFound(f"No request {said.request_id!r} of team {principal.team} is on record.", param="request_id")
        verdict = {"good": float(said.good), "note": said.note}
        await records.note_feedback(principal.team, said.request_id, verdict)
        body = msgspec.json.encode({"request_id": said.request_id, "recorded": True})
        await answer(send, 200, body, {"x-request-id": journey.request_id})

    return handle
