"""The openai SDK over what the voice says: its accumulator, its parsed objects, its errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx2
import openai
import pytest
from openai.types.responses import ParsedResponse
from pydantic import BaseModel

from router.errors import RouterError, UpstreamBadResponse
from router.wire.reading import Bounds
from router.wire.responses.format import Responses, ResponsesVoice
from tests.wire.responses.speaking import Body, answer, call, chunk, last, streamed

Speaks = Callable[[ResponsesVoice], bytes]


def client(speaks: Speaks) -> openai.OpenAI:
    """An SDK whose requests are read by the format, and answered with what `speaks` has the voice say."""

    def serve(request: httpx2.Request) -> httpx2.Response:
        try:
            wanted, voice = Responses().read(request.read(), Bounds())
        except RouterError as error:
            return httpx2.Response(error.status, content=Responses().refusal(error, "req_1"))
        kind = "text/event-stream" if wanted.stream else "application/json"
        return httpx2.Response(200, headers={"content-type": kind}, content=speaks(voice))

    transport = httpx2.Client(transport=httpx2.MockTransport(serve))
    return openai.OpenAI(base_url="http://router.test/v1", api_key="k", max_retries=0, http_client=transport)


def plain(finish: str = "stop", **fields: Any) -> Speaks:
    return lambda voice: voice.whole(answer(finish, **fields))


def stream(*chunks: Body, finish: str = "stop") -> Speaks:
    return lambda voice: streamed(voice, *chunks, end=last(finish))


CALLED = call(0, "aaaaaaaaa", '{"word":"a"}')
# A stream's chunks, and the fields of the plain answer that says the same.
SAID: dict[str, tuple[list[Body], Body]] = {
    "a text": ([chunk(content="Hel"), chunk(content="lo.")], {"content": "Hello."}),
    "a thought and a text": (
        [chunk(reasoning_content="Hm"), chunk(reasoning_content="."), chunk(content="Yes.")],
        {"reasoning_content": "Hm.", "content": "Yes."},
    ),
    "a text and a whole call": (
        [chunk(content="Wait."), chunk(tool_calls=[CALLED])],
        {"content": "Wait.", "tool_calls": [CALLED]},
    ),
    "two calls in turns": (
        [
            chunk(tool_calls=[call(0, "aaaaaaaaa", '{"word"')]),
            chunk(tool_calls=[call(1, "bbbbbbbbb", "{")]),
            chunk(tool_calls=[call(0, None, ':"a"}', None)]),
            chunk(tool_calls=[call(1, None, "}", None)]),
        ],
        {"content": "", "tool_calls": [CALLED, call(1, "bbbbbbbbb", "{}")]},
    ),
    "nothing": ([chunk(role="assistant", content="")], {"content": ""}),
}


@pytest.mark.parametrize("title", SAID)
def test_the_sdk_gathers_from_a_stream_what_a_plain_answer_says(title: str) -> None:
    chunks, fields = SAID[title]
    with client(plain(**fields)) as asking:
        whole = asking.responses.parse(model="auto", input="hi")
    with client(stream(*chunks)) as asking, asking.responses.stream(model="auto", input="hi") as events:
        gathered: ParsedResponse[None] = events.get_final_response()
    assert gathered.to_dict() == whole.to_dict()
    assert gathered.output_text == fields["content"]


def test_the_sdk_shows_the_text_as_it_grows() -> None:
    with (
        client(stream(chunk(content="Hel"), chunk(content="lo."))) as asking,
        asking.responses.stream(model="auto", input="hi") as events,
    ):
        grown = [event.snapshot for event in events if event.type == "response.output_text.delta"]
    assert grown == ["Hel", "Hello."]


def test_the_sdk_sees_that_a_stream_was_cut_short() -> None:
    with client(stream(chunk(content="Hel"), finish="length")) as asking:
        *_, end = asking.responses.create(model="auto", input="hi", stream=True)
    assert end.type == "response.incomplete"
    assert end.response.output_text == "Hel"
    assert end.response.incomplete_details is not None
    assert end.response.incomplete_details.reason == "max_output_tokens"


class Word(BaseModel):
    word: str


def test_the_sdk_parses_an_answer_in_the_form_it_asked_for() -> None:
    with client(plain(content='{"word": "a"}')) as asking:
        assert asking.responses.parse(model="auto", input="hi", text_format=Word).output_parsed == Word(word="a")


def test_the_sdk_runs_a_tool_and_goes_on() -> None:
    tools: Any = [openai.pydantic_function_tool(Word, name="look_up")]
    tools = [{"type": "function", **tools[0]["function"]}]
    with client(plain("tool_calls", content="", reasoning_content="Hm.", tool_calls=[CALLED])) as asking:
        first = asking.responses.create(model="auto", input="hi", tools=tools)
    history: Any = [{"role": "user", "content": "hi"}, *(item.to_dict() for item in first.output)]
    (made,) = (item for item in first.output if item.type == "function_call")
    history.append({"type": "function_call_output", "call_id": made.call_id, "output": "found"})
    with client(plain(content="Found.")) as asking:
        assert asking.responses.create(model="auto", input=history, tools=tools).output_text == "Found."


def test_the_sdk_raises_when_a_stream_breaks_off() -> None:
    def broken(voice: ResponsesVoice) -> bytes:
        error = UpstreamBadResponse("The upstream broke off.", code="stream_broken")
        return voice.chunk(chunk(content="x")) + voice.broken(error)

    with (
        client(broken) as asking,
        pytest.raises(openai.APIError, match="broke off") as caught,
        asking.responses.stream(model="auto", input="hi") as events,
    ):
        events.until_done()
    assert caught.value.code == "stream_broken"


def test_the_sdk_says_what_is_wrong_with_a_request() -> None:
    with client(plain(content="x")) as asking, pytest.raises(openai.BadRequestError) as caught:
        asking.responses.create(model="auto", input="hi", previous_response_id="resp_1")
    assert (caught.value.code, caught.value.param) == ("nothing_stored", "previous_response_id")
    assert "send the conversation" in json.dumps(caught.value.body)
