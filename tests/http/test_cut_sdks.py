"""The upstream's stream, cut: whatever byte was the last, an SDK at the other end has the whole answer or raises.

tests/upstream/test_cut_streams.py cuts at every byte of every shape; here a sample goes all the way, over real sockets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from mistralai.client import Mistral

from tests import running
from tests.http.replay import ENDS, Replay, replaying

STREAM = (Path(__file__).parents[1] / "wire" / "recorded" / "padded.sse").read_bytes()
TEXT = "Why did OpenTelemetry day.)"
WHOLE = len(STREAM) - len(b"data: [DONE]\n\n")
# All along the stream, and more densely where it ends: in the chunk with the finish, and before and in the last line.
CUTS = [*range(0, WHOLE, 97), WHOLE - 3, WHOLE - 2, WHOLE - 1, WHOLE, WHOLE + 6, len(STREAM) - 1, len(STREAM)]
MODEL = "mistral-small-2603"
ASKED: Any = [{"role": "user", "content": "Why did OpenTelemetry cross the road?"}]


@pytest.fixture(scope="module")
def upstream_bytes() -> Iterator[Replay]:
    with replaying() as server:
        yield server


@pytest.fixture(scope="module")
def behind(upstream_bytes: Replay) -> Iterator[running.Router]:
    with running.router(upstream_bytes.url) as process:
        yield process


def by_openai(router: running.Router) -> str:
    with openai.OpenAI(base_url=f"{router.url}/v1", api_key=router.key) as client:
        events = client.chat.completions.create(model=MODEL, messages=ASKED, stream=True)
        return "".join(choice.delta.content or "" for chunk in events for choice in chunk.choices)


def by_mistral(router: running.Router) -> str:
    with (
        Mistral(server_url=router.url, api_key=router.key) as client,
        client.chat.stream(model=MODEL, messages=ASKED) as events,
    ):
        return "".join(str(event.data.choices[0].delta.content or "") for event in events)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("ask", [by_openai, by_mistral])
def test_an_sdk_has_the_whole_answer_or_raises(
    ask: Callable[[running.Router], str], end: str, behind: running.Router, upstream_bytes: Replay
) -> None:
    upstream_bytes.end = end
    ended: dict[int, bool] = {}
    for at in CUTS:
        upstream_bytes.stream = STREAM[:at]
        try:
            text = ask(behind)
        except Exception:  # each SDK has classes of its own, and some let the transport's through
            ended[at] = False
        else:
            assert text == TEXT, f"cut at {at}, half an answer was taken for a whole one"
            ended[at] = True
    # A reset may overtake what was sent before it, so then even a whole stream may be lost.
    assert not any(whole for at, whole in ended.items() if at < WHOLE)
    assert end == "with a reset" or all(whole for at, whole in ended.items() if at >= WHOLE)
