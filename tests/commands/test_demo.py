"""mistral-router demo: one command to a first answer, and nothing left running afterwards."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import running
from tests.running import alive, call, command, family, wait_for

LINES = ("OPENAI_BASE_URL", "OPENAI_API_KEY", "ROUTER_ADMIN_KEY", "SIMULATOR_URL")


def told(text: str) -> dict[str, str]:
    """The addresses that the demo prints, each on a line of its own."""
    return dict(re.findall(rf"^({'|'.join(LINES)})=(\S+)$", text, re.MULTILINE))


def demo(data: Path, log: Path, *more: str) -> running.Process:
    arguments = ["demo", "--port", "0", "--data-dir", str(data), *more]
    return running.start(arguments, r"SIMULATOR_URL=(\S+)", {}, log)


def test_once_prints_the_table_and_the_lines_and_keeps_its_key_and_leaves_nothing(tmp_path: Path) -> None:
    keys = []
    for _ in range(2):
        code, out, err = command("demo", "--once", "--port", "0", "--data-dir", str(tmp_path / "data"))
        assert (code, err) == (0, "")
        assert "SIMULATED" in out.splitlines()[0]
        for heading in ("request", "model", "reason", "cost USD", "at baseline", "attempts", "saved"):
            assert heading in out
        for request in ("Short question", "Call a tool", "Reasoning", "Upstream says 429"):
            assert request in out
        addresses = told(out)
        assert set(addresses) == set(LINES)
        assert addresses["OPENAI_BASE_URL"].endswith("/v1")
        assert "/dashboard" in out
        assert "curl http" in out
        keys.append((addresses["OPENAI_API_KEY"], addresses["ROUTER_ADMIN_KEY"]))
    assert keys[0] == keys[1]
    assert (tmp_path / "data" / "demo.key").stat().st_mode & 0o777 == 0o600


def test_once_ends_with_several_workers_too(tmp_path: Path) -> None:
    arguments = ("demo", "--once", "--port", "0", "--workers", "2", "--data-dir", str(tmp_path / "data"))
    code, out, err = command(*arguments)
    assert (code, err) == (0, "")
    assert set(told(out)) == set(LINES)


@pytest.mark.parametrize("workers", [1, 2])
def test_the_printed_lines_work(tmp_path: Path, workers: int) -> None:
    process = demo(tmp_path / "data", tmp_path / "log", "--workers", str(workers))
    try:
        addresses = told(process.said)
        base, key = addresses["OPENAI_BASE_URL"], addresses["OPENAI_API_KEY"]
        body = {"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}
        assert call(f"{base}/chat/completions", "POST", body, key).status == 200
        usage = call(f"{base.removesuffix('/v1')}/admin/v1/usage", key=addresses["ROUTER_ADMIN_KEY"]).json["total"]
        assert usage["requests"] >= 10
        (curl,) = [line for line in process.said.splitlines() if line.startswith("curl ")]
        answer = subprocess.run(curl, shell=True, capture_output=True, timeout=30, check=True)
        assert b"chat.completion" in answer.stdout
        pids = family(process.child.pid)
        assert len(pids) >= 3, "router, simulator, store"
    finally:
        code = process.stop()
    assert code == 0
    wait_for(lambda: not alive(pids))
    assert "Traceback" not in process.said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_whatever_ends_it_takes_its_children_along(tmp_path: Path, number: signal.Signals) -> None:
    process = demo(tmp_path / "data", tmp_path / "log")
    pids = family(process.child.pid)
    process.child.send_signal(number)
    code = process.child.wait(30)
    assert code == (-9 if number is signal.SIGKILL else 0)
    wait_for(lambda: not alive(pids))
    assert "Traceback" not in process.said


def test_it_stops_when_it_is_interrupted_before_it_is_up(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = running.start(["demo", "--port", "0", "--data-dir", str(tmp_path / "data")], "(SIMULATED)", {}, log)
    pids = family(process.child.pid)
    process.child.send_signal(signal.SIGTERM)
    process.child.wait(30)
    wait_for(lambda: not alive(pids))
    assert "Traceback" not in process.said


def test_with_die_with_parent_it_ends_when_whoever_started_it_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = (
        "import subprocess, sys, time\n"
        "subprocess.Popen([sys.executable, '-m', 'router', 'demo', '--port', '0', '--die-with-parent',"
        " '--data-dir', sys.argv[1]], stdout=open(sys.argv[2], 'wb'), stderr=subprocess.STDOUT)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "data"), str(log)],
        cwd=running.ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"},
    ) as parent:
        try:
            wait_for(lambda: log.exists() and "SIMULATOR_URL" in log.read_text(), 60)
            pids = family(parent.pid)
            assert len(pids) >= 4
        finally:
            parent.kill()
    wait_for(lambda: not alive(pids), 20)


def test_a_key_or_a_store_in_the_environment_is_not_used(tmp_path: Path) -> None:
    environ = {"MISTRAL_API_KEY": "real", "ROUTER_REDIS_URL": "redis://127.0.0.1:9", "ROUTER_UPSTREAM_URL": "http://x"}
    code, out, _ = command("demo", "--once", "--port", "0", "--data-dir", str(tmp_path), environ=environ)
    assert code == 0
    assert set(told(out)) == set(LINES)


def test_a_wrong_policy_stops_it_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "default.toml").write_text("qualtiy = 1\n")
    folders = ("--policies", str(tmp_path), "--data-dir", str(tmp_path / "data"))
    code, out, err = command("demo", "--workers", "2", "--port", "0", *folders)
    assert (code, "qualtiy" in err, "Traceback" in out + err) == (1, True, False)


def test_an_interrupt_stops_a_job_that_a_script_started_in_the_background(tmp_path: Path) -> None:
    log = tmp_path / "log"
    # A shell without job control starts what it puts behind it with SIGINT ignored.
    script = f"{sys.executable} -m router demo --port 0 --data-dir {tmp_path / 'data'} > {log} 2>&1 & echo $!; wait"
    with subprocess.Popen(["/bin/sh", "-c", script], stdout=subprocess.PIPE, cwd=running.ROOT) as shell:
        assert shell.stdout is not None
        pid = int(shell.stdout.readline())
        try:
            wait_for(lambda: log.exists() and "SIMULATOR_URL=" in log.read_text(), 60)
            os.kill(pid, signal.SIGINT)
            assert shell.wait(30) == 0
        finally:
            if shell.poll() is None:
                os.kill(pid, signal.SIGTERM)
