"""Keys, paths, headers, the model list, and the control plane."""

import re
import time

import httpx
import pytest

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Bearer"}, {"authorization": "Basic abc"}, {"x-api-key": "k"}]
)
def test_a_request_without_a_bearer_key_is_refused_without_rate_headers(sim, headers):
    answer = httpx.post(f"{sim.url}/v1/chat/completions", json=sim.body(), headers=headers)
    assert (answer.status_code, answer.json()) == (401, {"detail": "Invalid API Key"})
    assert not [name for name in answer.headers if "ratelimit" in name]


@pytest.mark.parametrize("path", ["/", "/v1/responses", "/v1/chat", "/v1/models/none-such", "/_sim/none"])
def test_an_unknown_path_is_not_found(sim, path):
    answer = sim.http.get(path)
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})


def test_a_body_beyond_the_cap_is_a_413(sim):
    piece = b"x" * 1024 * 1024
    answer = sim.http.post("/v1/chat/completions", content=(piece for _ in range(65)))
    assert (answer.status_code, answer.json()) == (413, {"message": "Request size limit exceeded"})
    assert sim.chat(max_tokens=1).status_code == 200


def test_a_known_path_with_the_wrong_method_says_so(sim):
    assert sim.http.get("/v1/chat/completions").status_code == 405


def test_every_answer_carries_a_time_ordered_correlation_id(sim):
    first, second = sim.chat(), sim.http.get("/v1/models")
    ids = [answer.headers["mistral-correlation-id"] for answer in (first, second)]
    assert all(UUID7.fullmatch(each) for each in ids)
    assert ids[0][:13] <= ids[1][:13]
    assert first.headers["x-kong-request-id"] == ids[0]


def test_the_model_list_has_the_fields_of_the_real_one_and_no_rate_headers(sim):
    answer = sim.http.get("/v1/models")
    models = {model["id"]: model for model in answer.json()["data"]}
    small = models["mistral-small-2603"]
    assert not [name for name in answer.headers if "ratelimit" in name]
    assert small["max_context_length"] == 262_144
    assert small["aliases"] == ["mistral-small-latest", "magistral-small-latest", "mistral-vibe-cli-fast"]
    assert small["capabilities"]["function_calling"]
    assert small["capabilities"]["vision"]
    assert not small["capabilities"]["completion_fim"]
    assert models["codestral-2508"]["capabilities"]["completion_fim"]
    assert models["mistral-ocr-4-0"]["deprecation_replacement_model"] == "mistral-ocr-4-1"


def test_a_model_is_found_by_id_and_by_alias(sim):
    by_id, by_alias = (sim.http.get(f"/v1/models/{name}").json() for name in ("mistral-large-2512", "mistral-large-3"))
    assert (by_id["id"], by_alias["id"]) == ("mistral-large-2512", "mistral-large-3")
    assert by_id["name"] == by_alias["name"] == "mistral-large-2512"


def test_an_alias_is_an_entry_of_the_list_that_names_the_model_and_its_other_names(sim):
    entries = {model["id"]: model for model in sim.http.get("/v1/models").json()["data"]}
    alias = entries["mistral-large-latest"]
    assert (alias["name"], alias["aliases"]) == ("mistral-large-2512", ["mistral-large-2512", "mistral-large-3"])
    same = {key: value for key, value in entries["mistral-large-2512"].items() if key not in ("id", "aliases")}
    assert same.items() <= alias.items()


def test_an_unknown_model_is_a_400_with_code_1500(sim):
    answer = sim.chat(model="gpt-4o")
    assert answer.status_code == 400
    error = answer.json()
    assert (error["type"], error["code"], error["message"]) == ("invalid_model", "1500", "Invalid model: gpt-4o")


def test_a_model_that_cannot_chat_is_an_invalid_model(sim):
    assert sim.chat(model="mistral-embed").json()["code"] == "1500"


def test_a_retired_model_is_gone_and_names_its_replacement(sim):
    answer = sim.chat(model="devstral-latest")
    assert answer.status_code == 404
    assert "mistral-medium-3-5" in answer.json()["message"]


def test_a_labs_model_needs_access(sim):
    answer = sim.chat(model="labs-leanstral-1-5-1")
    assert (answer.status_code, answer.json()["code"]) == (403, "1913")


def test_what_was_received_can_be_read_back(sim):
    before = int(time.time() * 1000)
    sim.chat("remember me", max_tokens=3)
    sim.http.post("/v1/chat/completions", content=b"{not json", headers={"x-odd": "yes"})
    good, broken = sim.requests()
    assert (good["method"], good["path"], good["body"]["max_tokens"]) == ("POST", "/v1/chat/completions", 3)
    assert good["headers"]["authorization"] == "Bearer any-key"
    assert before <= good["at"] <= int(time.time() * 1000)
    assert (broken["body"], broken["headers"]["x-odd"], broken["status"]) == ("{not json", "yes", 422)


def test_a_reset_forgets_bill_requests_faults_and_windows(sim):
    sim.chat()
    sim.windows(mistral_small_2603={"requests": 0, "tokens": 0})
    sim.faults({"fault": "status", "times": None})
    sim.http.post("/_sim/reset")
    assert sim.bill() == {"generations": 0, "nano_usd": 0, "by_model": {}}
    assert sim.requests() == []
    assert sim.chat().status_code == 200


def test_an_alias_can_move_while_the_process_runs(sim):
    sim.http.post("/_sim/models", json={"mistral-large-4-0": {"aliases": ["mistral-large-latest"]}}).raise_for_status()
    answer = sim.chat(model="mistral-large-latest", max_tokens=5)
    assert answer.json()["model"] == "mistral-large-latest"
    assert list(sim.bill()["by_model"]) == ["mistral-large-4-0"]
    assert "mistral-large-latest" not in sim.http.get("/v1/models/mistral-large-2512").json()["aliases"]


def test_a_model_can_be_deprecated_and_retired_while_the_process_runs(sim):
    change = {"deprecation": "2027-01-31", "replacement": "mistral-medium-3-5"}
    sim.http.post("/_sim/models", json={"mistral-small-2603": change}).raise_for_status()
    assert sim.chat(max_tokens=1).headers["x-model-deprecation-timestamp"] == "2027-01-31T12:00:00Z"
    sim.http.post("/_sim/models", json={"mistral-small-2603": {"retired": True}}).raise_for_status()
    answer = sim.chat(max_tokens=1)
    assert answer.status_code == 404
    assert "mistral-medium-3-5" in answer.json()["message"]


@pytest.mark.parametrize(
    ("path", "body", "place"),
    [
        ("/_sim/models", {"mistral-smal": {}}, "mistral-smal"),
        ("/_sim/models", {"mistral-small-2603": {"colour": 1}}, "colour"),
        ("/_sim/windows", {"mistral-small-2603": {"requests": 1}}, "tokens"),
        ("/_sim/windows", {"nobody": {"requests": 1, "tokens": 1}}, "nobody"),
        ("/_sim/faults", {"rules": [{"fault": "resett"}]}, "$.rules[0].fault"),
        ("/_sim/faults", {"rules": [{"fault": "reset"}, {"mach": {}}]}, "mach"),
        ("/_sim/faults", {"rules": [{"fault": "slow", "delay_ms": -1}]}, "$.rules[0].delay_ms"),
        ("/_sim/faults", {"rules": [{"fault": "status", "status": 200}]}, "$.rules[0].status"),
        ("/_sim/faults", {"rules": [{"fault": "answer"}]}, "$.rules[0].answer"),
        ("/_sim/faults", {"rules": [{"match": {"stream": "yes"}}]}, "$.rules[0].match.stream"),
        ("/_sim/faults", {"seed": "one"}, "$.seed"),
    ],
)
def test_a_wrong_order_to_the_control_plane_names_the_field(sim, path, body, place):
    answer = sim.post(body, path)
    assert answer.status_code == 400
    assert place in answer.json()["error"]
