"""Exchanges with the real API, replayed: the simulator answers the same requests in the same shape, for the same price.

What a model says is its own affair; everything around it is compared: status, header names, the keys of a body at every
level, usage, and how a stream is built. `recorded/README.md` says where the exchanges come from and what was cut.
"""

import itertools
import json
import pathlib
from typing import Any

import pytest

from tests.sim.conftest import Simulator

FOLDER = pathlib.Path(__file__).parent / "recorded"
Exchange = dict[str, Any]

# What is in a recording and not in the simulator's answer, each for its reason.
HEADERS_MISSING = {
    "connection": "an answer of HTTP/1.1 keeps the connection without saying so",
    "content-encoding": "only with --gzip, and then the recording has no length",
    "content-length": "the recorder wrote it beside the real transfer-encoding; compressed answers have none",
    "transfer-encoding": "plain answers are compressed and chunked there; here only with --gzip",
    "x-ratelimit-limit-req-10-second": "a dimension of 2025, now a minute",
    "x-ratelimit-remaining-req-10-second": "a dimension of 2025, now a minute",
    "x-ratelimit-limit-tokens-month": "a dimension of 2025, gone",
    "x-ratelimit-remaining-tokens-month": "a dimension of 2025, gone",
}
# Embeddings told their window for tokens in 2025 and do not in 2026.
EMBEDDING_HEADERS_MISSING = {"x-ratelimit-limit-tokens-minute", "x-ratelimit-remaining-tokens-minute"}


def load() -> list[Exchange]:
    return [json.loads(line) for path in sorted(FOLDER.glob("*.jsonl")) for line in path.read_text().splitlines()]


def name_of(exchange: Exchange) -> str:
    turns = len(exchange["request"].get("messages", ()))
    return f"{pathlib.PurePath(exchange['source']).stem}-{turns}"


RECORDED = load()
PLAIN = [exchange for exchange in RECORDED if "response" in exchange]
STREAMS = [exchange for exchange in RECORDED if "chunks" in exchange]


def set_clock(sim: Simulator, exchange: Exchange) -> None:
    """Turn the switches to what the API was when the exchange was recorded."""
    when = exchange["when"]
    usages = {"2025": "2026-01", "2026-01": "2026-02-17", "2026-02": "2026-08"}
    switches: dict[str, Any] = {
        "usage": next((name for name, until in usages.items() if when < until), "2026-08"),
        "typed_calls": when >= "2026-08",
        # Names that have been retired since are served by what took their place.
        "retired": "replaced",
    }
    if when < "2026-03-16":
        # Small 4 was the first of generation v15.
        switches["tokenizer"] = "v13"
    sim.switch(**switches)


def replay(sim: Simulator, exchange: Exchange) -> Any:
    set_clock(sim, exchange)
    return sim.post(exchange["request"], exchange["path"])


def counted_otherwise(exchange: Exchange) -> str | None:
    """Why a prompt's tokens cannot be known here."""
    if "document_url" in json.dumps(exchange["request"]):
        return "a document counts as the text that is read from it"
    if exchange["request"]["model"].startswith("pixtral") and "image_url" in json.dumps(exchange["request"]):
        return "Pixtral cut its images otherwise, and was retired"
    return None


def shape(value: Any) -> Any:
    """The keys at every level; of a list, those of its first item."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items() if key != "p"}
    if isinstance(value, list):
        return [shape(item) for item in value[:1]]
    return type(value).__name__


def differences(real: Any, simulated: Any, place: str = "$") -> list[str]:
    """Where two shapes differ. A model may speak or call, think or not: those two fields may be of another kind."""
    if isinstance(real, dict) and isinstance(simulated, dict):
        found = [f"{place}.{key}" for key in sorted(real.keys() ^ simulated.keys())]
        for key in sorted(real.keys() & simulated.keys()):
            found += differences(real[key], simulated[key], f"{place}.{key}")
        return found
    if isinstance(real, list) and isinstance(simulated, list):
        pairs = zip(real, simulated, strict=False)
        return [each for pair in pairs for each in differences(*pair, f"{place}[]")]
    if type(real) is not type(simulated) and place.endswith((".message.content", ".message.tool_calls")):
        return []
    return [] if real == simulated else [f"{place}: {real} and {simulated}"]


def header_differences(exchange: Exchange, answer: Any) -> list[str]:
    allowed = set(HEADERS_MISSING)
    if exchange["path"] == "/v1/embeddings":
        allowed |= EMBEDDING_HEADERS_MISSING
    return sorted(set(exchange["headers"]) - allowed - set(answer.headers))


@pytest.mark.parametrize("exchange", PLAIN, ids=name_of)
def test_a_plain_answer_has_the_recorded_shape_and_count(sim, exchange):
    answer = replay(sim, exchange)
    assert answer.status_code == exchange["status"], answer.text
    assert header_differences(exchange, answer) == []
    real, simulated = exchange["response"], answer.json()
    assert differences(shape(real), shape(simulated)) == []
    if "model" in real:
        assert simulated["model"] == real["model"]
    told, counted = real["usage"], simulated["usage"]
    assert counted["prompt_tokens"] == told["prompt_tokens"] or counted_otherwise(exchange)
    assert counted["total_tokens"] == counted["prompt_tokens"] + counted["completion_tokens"]
    if "query_cost" in exchange:
        for cost, usage in (
            (exchange["query_cost"], told),
            (int(answer.headers["x-ratelimit-tokens-query-cost"]), counted),
        ):
            assert cost == usage["total_tokens"]


def is_whole(exchange: Exchange) -> bool:
    """Whether its answer was written by a model with this vocabulary, to its end, and is here uncut."""
    model, (choice,) = exchange["request"].get("model"), exchange["response"].get("choices", [{}])
    old = model.startswith(("mistral-tiny", "pixtral"))
    return (
        bool(choice)
        and not old
        and "stop" not in exchange["request"]
        and "…" not in json.dumps(choice, ensure_ascii=False)
    )


@pytest.mark.parametrize("exchange", [*filter(is_whole, PLAIN)], ids=name_of)
def test_the_recorded_words_cost_what_they_cost_there(sim, exchange):
    (choice,) = exchange["response"]["choices"]
    content, calls = choice["message"]["content"], choice["message"]["tool_calls"]
    script = {"content": content, "tool_calls": calls}
    if isinstance(content, list):
        thought, said = content
        script = {"content": said["text"], "thinking": thought["thinking"][0]["text"]}
    set_clock(sim, exchange)
    sim.faults({"fault": "answer", "answer": script})
    answer = sim.post(exchange["request"], exchange["path"]).json()
    assert answer["choices"] == [choice]
    assert answer["usage"]["completion_tokens"] == exchange["response"]["usage"]["completion_tokens"]


def structure(chunks: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What the chunks of a stream are made of, equal neighbours told once, thoughts left out."""
    kinds = []
    for place, chunk in enumerate(chunks):
        (choice,) = chunk["choices"]
        delta = choice["delta"]
        if isinstance(delta.get("content"), list):
            continue
        keys = (tuple(sorted(chunk.keys() - {"p", "usage"})), tuple(sorted(choice)), tuple(sorted(delta)))
        kinds.append((keys, choice["finish_reason"], tuple(sorted(chunk.get("usage") or ())), place and "p" in chunk))
    return [kind for kind, _ in itertools.groupby(kinds)]


@pytest.mark.parametrize("exchange", STREAMS, ids=name_of)
def test_a_stream_is_built_as_the_recorded_one(sim, exchange):
    set_clock(sim, exchange)
    # One recording of 2025-11 has no padding.
    sim.switch(padded=any("p" in chunk for chunk in exchange["chunks"]))
    answer = sim.post(exchange["request"], exchange["path"])
    assert answer.status_code == exchange["status"]
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["transfer-encoding"] == "chunked"
    assert header_differences(exchange, answer) == []
    assert [name for name in (*exchange["headers"], *answer.headers) if "ratelimit" in name] == []
    events = answer.text.split("\n\n")
    assert exchange["done"]
    assert events[-2:] == ["data: [DONE]", ""]
    chunks = [json.loads(event.removeprefix("data: ")) for event in events[:-2]]
    assert structure(chunks) == structure(exchange["chunks"])
    told, counted = exchange["chunks"][-1]["usage"], chunks[-1]["usage"]
    assert told["prompt_tokens"] == counted["prompt_tokens"]


def test_a_conversation_hits_the_cache_as_recorded(sim):
    """Two turns under one `prompt_cache_key`: of 253 shared tokens 224 were cached (2026-07-24)."""
    turns = [exchange for exchange in PLAIN if "prompt_cache_key" in exchange["request"]]
    cached = [replay(sim, turn).json()["usage"]["prompt_tokens_details"]["cached_tokens"] for turn in turns]
    assert cached == [turn["response"]["usage"]["prompt_tokens_details"]["cached_tokens"] for turn in turns] == [0, 224]


def test_there_are_exchanges_of_every_kind():
    paths = {exchange["path"] for exchange in RECORDED}
    assert paths == {"/v1/chat/completions", "/v1/embeddings"}
    assert len(PLAIN) > 30
    assert len([exchange for exchange in PLAIN if is_whole(exchange)]) >= 20
    assert len(STREAMS) >= 2
