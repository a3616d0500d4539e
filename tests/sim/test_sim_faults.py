"""Every fault as a client sees it, and what it costs."""

import json
import time

import httpx
import pytest

from router.sim.vocabulary import vocabulary


@pytest.mark.parametrize("stream", [False, True])
def test_a_rate_limit_names_the_empty_dimension_and_no_waiting_time(sim, stream):
    sim.faults({"fault": "rate_limited"})
    answer = sim.chat(stream=stream)
    assert answer.status_code == 429
    error = answer.json()
    assert (error["message"], error["type"], error["code"]) == ("Rate limit exceeded", "rate_limited", "1300")
    rates = {name: value for name, value in answer.headers.items() if "ratelimit" in name}
    assert rates == {"x-ratelimit-limit-req-minute": "100", "x-ratelimit-remaining-req-minute": "0"}
    assert "retry-after" not in answer.headers
    assert sim.chat(stream=stream).status_code == 200


def test_a_model_that_is_not_on_the_plan_has_a_limit_of_zero(sim):
    sim.faults({"fault": "not_on_plan"})
    answer = sim.chat()
    assert (answer.status_code, answer.json()["code"]) == (429, "1300")
    assert answer.headers["x-ratelimit-limit-req-minute"] == "0"


@pytest.mark.parametrize(("fields", "status"), [({}, 429), ({"status": 503}, 503)])
def test_missing_capacity_is_code_3505(sim, fields, status):
    sim.faults({"fault": "capacity", **fields})
    answer = sim.chat()
    assert (answer.status_code, answer.json()["code"]) == (status, "3505")
    assert answer.json()["type"] == "service_tier_capacity_exceeded"


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 408, 422, 500, 503, 504, 520, 529])
def test_any_status_comes_in_the_shape_of_an_error(sim, status):
    sim.faults({"fault": "status", "status": status})
    answer = sim.chat()
    assert answer.status_code == answer.json()["raw_status_code"] == status
    assert answer.json()["object"] == "error"


def test_the_content_network_answers_in_html(sim):
    sim.faults({"fault": "html", "status": 504})
    answer = sim.chat()
    assert (answer.status_code, answer.headers["content-type"]) == (504, "text/html; charset=UTF-8")
    assert "cloudflare" in answer.text


@pytest.mark.parametrize("fault", ["rate_limited", "not_on_plan", "capacity", "status", "html", "reset"])
@pytest.mark.parametrize("stream", [False, True])
def test_what_never_began_is_not_billed(sim, fault, stream):
    sim.faults({"fault": fault})
    try:
        sim.chat(stream=stream)
    except httpx.TransportError:
        assert fault == "reset"
    assert sim.bill()["generations"] == 0


@pytest.mark.parametrize("stream", [False, True])
def test_a_reset_before_the_first_byte_leaves_nothing(sim, stream):
    sim.faults({"fault": "reset"})
    with pytest.raises(httpx.ReadError):
        sim.chat(stream=stream)
    assert sim.chat(stream=stream).status_code == 200


def received(sim, **fields):
    """The bytes that arrive, and the error that ends them, if one does."""
    data = b""
    try:
        with sim.http.stream("POST", "/v1/chat/completions", json=sim.body(**fields), timeout=0.5) as answer:
            assert answer.status_code == 200
            for part in answer.iter_raw():
                data += part
    except httpx.TransportError as error:
        return data, type(error)
    return data, None


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fault", "error"),
    [("reset", httpx.ReadError), ("stall", httpx.ReadTimeout), ("truncate", httpx.RemoteProtocolError)],
)
def test_a_broken_answer_breaks_after_exactly_so_many_bytes(sim, stream, fault, error):
    sim.faults({"fault": fault, "after_bytes": 400})
    data, ended = received(sim, stream=stream)
    assert len(data) == 400
    # A truncated stream ends politely; a truncated plain answer owes what its length promised.
    assert ended is (None if stream and fault == "truncate" else error)


def test_a_stall_without_bytes_does_not_even_send_headers(sim):
    sim.faults({"fault": "stall"})
    with pytest.raises(httpx.ReadTimeout):
        sim.http.post("/v1/chat/completions", json=sim.body(), timeout=0.3)


def test_by_default_a_stream_is_truncated_in_the_frame_with_the_usage(sim):
    whole = sim.chat(stream=True).content
    sim.faults({"fault": "truncate"})
    data, ended = received(sim, stream=True)
    assert ended is None
    last = data.split(b"\n\n")[-1]
    assert last.startswith(b"data: {")
    with pytest.raises(json.JSONDecodeError):
        json.loads(last.removeprefix(b"data: "))
    assert len(whole) - len(data) < 600


def test_by_default_a_plain_answer_is_truncated_in_the_middle(sim):
    sim.faults({"fault": "truncate"})
    data, ended = received(sim)
    assert data
    assert ended is httpx.RemoteProtocolError


def test_a_broken_plain_answer_is_billed_in_full(sim):
    usage = sim.chat().json()["usage"]
    for fault in ("reset", "truncate", "stall"):
        sim.http.post("/_sim/reset")
        sim.faults({"fault": fault, "after_bytes": 100})
        received(sim)
        line = sim.bill()["by_model"]["mistral-small-2603"]
        assert (line["generations"], line["output_tokens"]) == (1, usage["completion_tokens"])


def test_a_cut_stream_is_billed_for_what_was_sent(sim):
    sim.faults({"fault": "reset", "after_bytes": 3000})
    data, _ = received(sim, stream=True)
    texts = [
        json.loads(frame.removeprefix("data: "))["choices"][0]["delta"]["content"]
        for frame in data.decode().split("\n\n")[:-1]
    ]
    line = sim.bill()["by_model"]["mistral-small-2603"]
    sent = vocabulary().count("".join(texts))
    # The frame that was cut had been generated too; it holds at most four tokens.
    assert sent < line["output_tokens"] <= sent + 4
    assert line["output_tokens"] < sim.chat().json()["usage"]["completion_tokens"]
    assert line["input_tokens"] > 0


def test_an_early_finish_comes_before_the_last_piece_of_a_call(sim, weather):
    plain = sim.chat("Weather?", tools=[weather]).json()
    sim.faults({"fault": "finish_early"})
    chunks = sim.chunks("Weather?", tools=[weather])
    reasons = [chunk["choices"][0]["finish_reason"] for chunk in chunks]
    assert reasons.index("tool_calls") == len(chunks) - 2
    assert chunks[-1]["choices"][0]["delta"]["tool_calls"]
    arguments = "".join(
        call["function"]["arguments"] for chunk in chunks for call in chunk["choices"][0]["delta"].get("tool_calls", [])
    )
    assert arguments == plain["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]
    assert chunks[-1]["usage"] == plain["usage"]


def test_a_slow_answer_waits_before_the_first_byte(sim):
    sim.faults({"fault": "slow", "delay_ms": 150})
    began = time.monotonic()
    assert sim.chat().status_code == 200
    assert time.monotonic() - began >= 0.14


def test_a_slow_stream_waits_between_its_chunks_too(sim):
    sim.faults({"fault": "slow", "delay_ms": 30})
    began = time.monotonic()
    chunks = sim.chunks(max_tokens=6)
    assert time.monotonic() - began >= 0.025 * len(chunks)


def test_a_client_that_hangs_up_stops_the_generation(sim):
    sim.faults({"fault": "slow", "delay_ms": 40})
    whole = sim.chat().json()["usage"]["completion_tokens"]
    sim.http.post("/_sim/reset")
    sim.faults({"fault": "slow", "delay_ms": 40})
    with sim.http.stream("POST", "/v1/chat/completions", json=sim.body(stream=True)) as answer:
        next(answer.iter_raw())
    deadline = time.monotonic() + 5
    while not sim.bill()["generations"] and time.monotonic() < deadline:
        time.sleep(0.01)
    line = sim.bill()["by_model"]["mistral-small-2603"]
    assert line["output_tokens"] < whole // 2
    assert line["input_tokens"] > 0


def test_a_scripted_answer_is_given_word_for_word(sim):
    sim.faults({"fault": "answer", "answer": {"content": "Grüße, 世界 🧪"}, "times": 2})
    assert sim.chat().json()["choices"][0]["message"]["content"] == "Grüße, 世界 🧪"
    streamed = "".join(chunk["choices"][0]["delta"]["content"] for chunk in sim.chunks())
    assert streamed == "Grüße, 世界 🧪"


@pytest.mark.parametrize("stream", [False, True])
def test_scripted_output_tokens_are_exactly_what_is_reported_and_billed(sim, stream):
    sim.faults({"fault": "answer", "answer": {"content": "short", "output_tokens": 12_345}})
    answer = sim.chat(stream=stream)
    usage = answer.json()["usage"] if not stream else json.loads(answer.text.split("\n\n")[-3][6:])["usage"]
    assert usage["completion_tokens"] == 12_345
    assert sim.bill()["by_model"]["mistral-small-2603"]["output_tokens"] == 12_345


def test_scripted_tokens_alone_make_as_many_words(sim):
    sim.faults({"fault": "answer", "answer": {"output_tokens": 30}})
    answer = sim.chat().json()
    assert answer["usage"]["completion_tokens"] == 30
    assert vocabulary().count(answer["choices"][0]["message"]["content"]) == 29


@pytest.mark.parametrize(
    "call",
    [
        {"name": "f", "arguments": {"a": 1}},
        {"id": "x", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}},
    ],
)
def test_scripted_calls_may_be_flat_or_in_the_shape_of_the_api(sim, call):
    sim.faults({"fault": "answer", "answer": {"tool_calls": [call]}})
    choice = sim.chat().json()["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a": 1}'}


@pytest.mark.parametrize("stream", [False, True])
def test_a_model_may_break_inside_a_200(sim, stream):
    sim.faults({"fault": "error_finish"})
    choice = (sim.chunks()[-1] if stream else sim.chat().json())["choices"][0]
    assert choice["finish_reason"] == "error"


def test_a_stream_may_lack_its_usage_and_is_billed_all_the_same(sim):
    sim.faults({"fault": "no_usage"})
    assert not [chunk for chunk in sim.chunks() if "usage" in chunk]
    assert sim.bill()["by_model"]["mistral-small-2603"]["output_tokens"] > 20


def test_split_segments_do_not_change_what_is_said(sim):
    answer = {"content": "Grüße, 世界 🧪"}
    sim.faults({"fault": "split", "answer": answer})
    streamed = "".join(chunk["choices"][0]["delta"]["content"] for chunk in sim.chunks())
    assert streamed == answer["content"]


def test_the_first_matching_rule_wins_and_is_counted(sim):
    sim.faults(
        {"match": {"model": "mistral-large-*"}, "fault": "status", "status": 500},
        {"match": {"stream": True}, "fault": "status", "status": 502},
        {"skip": 1, "times": 2, "fault": "status", "status": 503},
    )
    asked = [{"stream": True}, {}, {"model": "mistral-large-latest"}, {}, {"stream": True}, {}]
    assert [sim.chat(max_tokens=1, **fields).status_code for fields in asked] == [502, 200, 500, 503, 503, 200]
    report = sim.http.get("/_sim/faults").json()["rules"]
    assert [rule["fired"] for rule in report] == [1, 1, 2]


def test_a_rule_matches_the_alias_and_the_model_behind_it(sim):
    for name in ("mistral-small-latest", "mistral-small-2603", "*small*"):
        sim.faults({"match": {"model": name}, "fault": "status"})
        assert sim.chat(max_tokens=1).status_code == 503
    sim.faults({"match": {"model": "mistral-large-*"}, "fault": "status"})
    assert sim.chat(max_tokens=1).status_code == 200


def test_the_model_list_fails_only_when_a_rule_names_its_path(sim):
    sim.faults({"fault": "status"})
    assert sim.http.get("/v1/models").status_code == 200
    assert sim.chat().status_code == 503
    sim.faults({"match": {"path": "/v1/models"}, "fault": "html"})
    assert sim.chat().status_code == 200
    assert sim.http.get("/v1/models").status_code == 502


def test_a_rule_without_a_number_of_times_fires_for_ever(sim):
    sim.faults({"fault": "status", "times": None})
    assert {sim.chat().status_code for _ in range(5)} == {503}


def test_dice_fall_alike_for_the_same_seed(sim):
    def falls(seed):
        sim.faults({"fault": "status", "times": None, "probability": 0.5}, seed=seed)
        return [sim.chat(max_tokens=1).status_code for _ in range(20)]

    assert falls(7) == falls(7) != falls(8)


def test_embeddings_fail_by_script_too(sim):
    sim.faults({"match": {"path": "/v1/embeddings"}, "fault": "status"})
    assert sim.chat().status_code == 200
    assert sim.post({"model": "mistral-embed", "input": "a"}, "/v1/embeddings").status_code == 503


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", ["slow", "truncate", "finish_early", "no_usage"])
def test_a_rule_written_with_every_field_means_what_it_says(sim, fault, stream):
    empty = {"content": None, "tool_calls": None, "output_tokens": None}
    sim.faults(
        {
            "match": {"model": "*", "path": "*", "stream": None},
            "skip": 0,
            "times": 1,
            "fault": fault,
            "status": 503,
            "after_bytes": 0,
            "delay_ms": 0,
            "answer": empty,
        }
    )
    data, ended = received(sim, stream=stream)
    assert len(data) > 100
    assert ended is (httpx.RemoteProtocolError if fault == "truncate" and not stream else None)


def test_a_scripted_answer_may_be_cut_as_well(sim):
    sim.faults({"fault": "truncate", "answer": {"content": "never heard to the end", "output_tokens": 500}})
    data, _ = received(sim, stream=True)
    assert b"never" in data
    assert sim.bill()["by_model"]["mistral-small-2603"]["output_tokens"] < 500


@pytest.mark.parametrize("fault", ["reset", "stall"])
def test_the_model_list_can_break_too(sim, fault):
    sim.faults({"match": {"path": "/v1/models*"}, "fault": fault})
    with pytest.raises(httpx.TransportError):
        sim.http.get("/v1/models", timeout=0.2)
    assert sim.http.get("/v1/models").status_code == 200
