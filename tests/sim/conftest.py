"""A simulator per profile, spawned once for all tests over a real socket; each test finds it fresh."""

import collections.abc
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import typing

import httpx
import pytest

ROOT = pathlib.Path(__file__).parents[2]
KEY = {"authorization": "Bearer any-key"}
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"enum": ["celsius", "fahrenheit"]}},
            "required": ["city", "unit"],
        },
    },
}
CLOCK = {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object", "properties": {}}}}


class Simulator:
    """What a test does with the simulator, in few words."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.Client(base_url=url, headers=KEY, timeout=10)

    def body(self, text: str = "Tell me a story.", **fields: typing.Any) -> dict[str, typing.Any]:
        return {"model": "mistral-small-latest", "messages": [{"role": "user", "content": text}], **fields}

    def chat(self, text: str = "Tell me a story.", **fields: typing.Any) -> httpx.Response:
        return self.post(self.body(text, **fields))

    def post(self, body: typing.Any, path: str = "/v1/chat/completions", **options: typing.Any) -> httpx.Response:
        return self.http.post(path, json=body, **options)

    def chunks(self, text: str = "Tell me a story.", **fields: typing.Any) -> list[dict[str, typing.Any]]:
        return events(self.chat(text, stream=True, **fields).text)

    def faults(self, *rules: dict[str, typing.Any], seed: int = 1) -> None:
        self.http.post("/_sim/faults", json={"seed": seed, "rules": rules}).raise_for_status()

    def windows(self, **limits: dict[str, int]) -> None:
        named = {name.replace("_", "-"): limit for name, limit in limits.items()}
        self.http.post("/_sim/windows", json=named).raise_for_status()

    def switch(self, **switches: typing.Any) -> dict[str, typing.Any]:
        answer = self.http.post("/_sim/switches", json=switches)
        answer.raise_for_status()
        return answer.json()

    def bill(self) -> dict[str, typing.Any]:
        return self.http.get("/_sim/bill").json()

    def requests(self) -> list[dict[str, typing.Any]]:
        return self.http.get("/_sim/requests").json()["requests"]


def events(text: str) -> list[dict[str, typing.Any]]:
    """The chunks of a whole stream; it must end as the API ends one."""
    frames = text.split("\n\n")
    assert frames[-2:] == ["data: [DONE]", ""], frames[-2:]
    return [json.loads(frame.removeprefix("data: ")) for frame in frames[:-2]]


@contextlib.contextmanager
def spawned(*options: str) -> collections.abc.Iterator[tuple[str, "subprocess.Popen[str]"]]:
    command = [sys.executable, "-m", "router.sim", "--port", "0", "--die-with-parent", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            assert line.startswith("SIMULATOR_URL=http://"), line
            yield line.strip().removeprefix("SIMULATOR_URL="), process
        finally:
            process.terminate()
            process.wait(timeout=10)


@pytest.fixture(scope="session")
def spawn() -> typing.Any:
    """For tests that need a process of their own."""
    return spawned


@pytest.fixture(scope="session")
def current_simulator() -> collections.abc.Iterator[Simulator]:
    with spawned() as (url, _):
        simulator = Simulator(url)
        yield simulator
        simulator.http.close()


@pytest.fixture(scope="session")
def seed_simulator() -> collections.abc.Iterator[Simulator]:
    with spawned("--profile", "seed") as (url, _):
        simulator = Simulator(url)
        yield simulator
        simulator.http.close()


@pytest.fixture
def sim(current_simulator: Simulator) -> Simulator:
    current_simulator.http.post("/_sim/reset").raise_for_status()
    return current_simulator


@pytest.fixture
def seed_sim(seed_simulator: Simulator) -> Simulator:
    seed_simulator.http.post("/_sim/reset").raise_for_status()
    return seed_simulator


@pytest.fixture(scope="session")
def weather() -> dict[str, typing.Any]:
    return WEATHER


@pytest.fixture(scope="session")
def clock() -> dict[str, typing.Any]:
    return CLOCK
