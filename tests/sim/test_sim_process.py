"""The simulator as a process: how it starts, stops, keeps time, and stands a crowd."""

import asyncio
import os
import pathlib
import signal
import subprocess
import sys
import time

import aiohttp
import httpx
import pytest

ROOT = pathlib.Path(__file__).parents[2]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_even_in_the_middle_of_a_stall(spawn, sim, number):
    with spawn() as (url, process):
        httpx.post(f"{url}/_sim/faults", json={"rules": [{"fault": "stall"}]})
        with pytest.raises(httpx.ReadTimeout):
            sim.http.post(f"{url}/v1/chat/completions", json=sim.body(), timeout=0.2)
        process.send_signal(number)
        assert process.wait(timeout=5) == 0


def test_a_taken_port_is_an_error_that_names_the_option(sim):
    port = str(httpx.URL(sim.url).port)
    command = [sys.executable, "-m", "router.sim", "--port", port]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 1
    assert "--port" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_it_dies_with_its_parent():
    starter = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-m', 'router.sim', '--die-with-parent'], stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n"
    )
    ended = subprocess.run([sys.executable, "-c", starter], cwd=ROOT, capture_output=True, text=True, check=True)
    child = int(ended.stdout)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    pytest.fail(f"process {child} outlived its parent")


def test_it_takes_the_time_it_is_told_to(spawn, sim):
    with spawn("--latency-ms", "100", "--token-ms", "5") as (url, _):
        began = time.monotonic()
        sim.http.post(f"{url}/v1/chat/completions", json=sim.body(max_tokens=20)).raise_for_status()
        plain_s = time.monotonic() - began
        began = time.monotonic()
        sim.http.post(f"{url}/v1/chat/completions", json=sim.body(max_tokens=20, stream=True)).raise_for_status()
        stream_s = time.monotonic() - began
    # 100 ms and 20 times 5 ms; the loop's clock ticks in milliseconds, so a wait may end a little early.
    assert 0.18 <= plain_s < 2
    assert 0.18 <= stream_s < 2


def test_it_compresses_when_told_to(spawn, sim):
    with spawn("--gzip") as (url, _):
        answer = sim.http.post(f"{url}/v1/chat/completions", json=sim.body())
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["transfer-encoding"] == "chunked"
    assert "content-length" not in answer.headers
    assert answer.json()["usage"] == sim.chat().json()["usage"]


def test_it_stands_five_hundred_streams_at_once(spawn, sim):
    async def crowd(url):
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, headers={"authorization": "Bearer k"}) as session:

            async def one(number):
                body = sim.body(f"number {number}", stream=True, max_tokens=40)
                async with session.post(f"{url}/v1/chat/completions", json=body) as answer:
                    return (await answer.read()).endswith(b"data: [DONE]\n\n")

            return await asyncio.gather(*(one(number) for number in range(500)))

    with spawn("--wide", "--latency-ms", "200") as (url, _):
        assert all(asyncio.run(crowd(url)))
        assert httpx.get(f"{url}/_sim/bill").json()["generations"] == 500
