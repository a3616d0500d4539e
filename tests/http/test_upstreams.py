"""Further upstreams: a regional twin of Mistral's API, and a server of one's own with an open-weight model."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import running
from tests.openai_server import open_server
from tests.running import ROOT, Router, Simulator

TWIN = '\n[upstreams.twin]\nurl = "{url}"\nkey = "TWIN_API_KEY"\nregion = "eu"\nmirrors = "mistral"\n'
OWN = """
[upstreams.gpu]
url = "{url}/v1"
key = "GPU_API_KEY"
dialect = "openai"
region = "eu"

[models.open-mistral]
context_tokens = 32_768
abilities = ["chat", "tools", "parallel_tools", "json"]
template = "other"
upstream = "gpu"
served_as = "mistralai/Open-Mistral"
prices = [{{ since = 2026-01-01, input = "0.02", output = "0.04", source = "what the machine costs" }}]
"""
TEAM = 'team = "{team}"\n{more}\n[models]\nallow = ["*"]\n[[budget]]\nscope = "team"\nusd = "10.00"\nwindow = "day"\n'
POLICIES = {
    "eu": TEAM.format(team="eu", more='region = "eu"'),
    "own": TEAM.format(team="own", more=""),
}
ENVIRON = {"TWIN_API_KEY": "twin-canary", "GPU_API_KEY": "gpu-canary"}


@contextmanager
def serving(upstream: str, more: str) -> Iterator[Router]:
    """A router whose catalogue has `more` at its end."""
    with tempfile.TemporaryDirectory() as made:
        home = Path(made)
        shutil.copytree(ROOT / "config", home / "config")
        with (home / "config/models.toml").open("a") as file:
            file.write(more)
        with running.router(upstream, home=home, policies=POLICIES, environ=ENVIRON) as router:
            yield router


def test_a_policy_bound_to_a_region_is_served_there_at_its_price(simulated: Simulator) -> None:
    simulated.reset()
    with running.simulator("--regional") as twin, serving(simulated.url, TWIN.format(url=twin.url)) as router:
        key = router.new_key("eu")
        reply = router.chat(key=key, max_tokens=20)
        assert reply.status == 200, reply.body
        assert simulated.requests == []
        [seen] = twin.requests
        assert seen["headers"]["authorization"] == "Bearer twin-canary"
        assert router.settled(1, team="eu")["nano_usd"] == twin.bill["nano_usd"] > 0
        record = router.record(reply)
        assert record["router"]["attempts"][0]["upstream"] == "twin"
        assert record["router"]["order"][0].endswith("@twin")
        assert router.chat(max_tokens=5).status == 200, "who has no region is served by the cheaper one"
        assert len(simulated.requests) == 1


def test_where_one_address_fails_the_pinned_model_is_tried_at_the_other(simulated: Simulator) -> None:
    simulated.reset()
    with running.simulator("--regional") as twin, serving(simulated.url, TWIN.format(url=twin.url)) as router:
        for fault in ({"fault": "capacity"}, {"fault": "status", "status": 401}, {"fault": "rate_limited"}):
            simulated.faults(fault)
            reply = router.chat(model="mistral-large-2512", max_tokens=5, key=router.new_key("own"))
            assert (reply.status, reply.headers["x-router-attempts"]) == (200, "2"), reply.body
            attempts = router.record(reply)["router"]["attempts"]
            assert [attempt["upstream"] for attempt in attempts] == ["mistral", "twin"]
            assert {attempt["model"] for attempt in attempts} == {"mistral-large-2512"}
    simulated.reset()


def test_a_server_of_ones_own_hears_openais_names_and_is_charged_its_own_price(simulated: Simulator) -> None:
    simulated.reset()
    with open_server() as server, serving(simulated.url, OWN.format(url=server.url)) as router:
        key = router.new_key("own")
        fields = {"model": "open-mistral", "max_tokens": 50, "random_seed": 7, "safe_prompt": True, "n": 1}
        tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
        reply = router.chat(key=key, tools=[tool], tool_choice="any", **fields)
        assert reply.status == 200, reply.body
        assert reply.json["choices"][0]["message"]["content"] == "Open words."
        assert reply.json["model"] == "open-mistral"
        headers, body = server.seen[-1]
        assert headers["authorization"] == "Bearer gpu-canary"
        assert (body["model"], body["seed"], body["tool_choice"]) == ("mistralai/Open-Mistral", 7, "required")
        assert reply.headers["x-router-cost-usd"] == f"{(11 * 20 + 5 * 40) / 1e9:.9f}"
        streamed = router.stream(key=key, **fields)
        assert (streamed.done, streamed.text) == (True, "Open words.")
        assert streamed.chunks[-1]["usage"]["cost"] == (11 * 20 + 5 * 40) / 1e9
        assert router.settled(2, team="own")["unconfirmed_nano_usd"] == 0
        server.status = 500
        refused = router.chat(key=key, **fields)
        assert (refused.status, refused.error["code"]) == (503, "upstream_unavailable")
        server.status = 400
        refused = router.chat(key=key, **fields)
        assert (refused.status, refused.error["code"]) == (400, "upstream_refused")
        assert "no []" in refused.error["message"]
        assert simulated.requests == []


def test_a_model_of_an_unknown_upstream_or_beyond_its_dialect_stops_the_start(simulated: Simulator) -> None:
    for text, what in (
        (OWN.format(url="http://x").replace('"gpu"', '"gp"', 1), "'gp' is not under [upstreams]"),
        (OWN.format(url="http://x").replace('"chat",', '"fim",'), "has no fim"),
        (OWN.format(url="ftp://x"), "is not an http or https address"),
    ):
        with tempfile.TemporaryDirectory() as made:
            shutil.copytree(ROOT / "config", Path(made) / "config")
            with (Path(made) / "config/models.toml").open("a") as file:
                file.write(text)
            code, told, _ = running.command("check", "--config", f"{made}/config")
            assert code == 1
            assert what in told
