"""Compare the router with nginx as a bare proxy, or, without nginx, with a direct call. Ends by itself in two minutes.

Rounds alternate between the targets, and what is printed are ratios with their spread: bare times say more about the
machine than about the router.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any, Final

from tests import running
from tests.bench import targets
from tests.bench.classifying import classify_us
from tests.bench.counting import counting
from tests.bench.targets import Target

SIZES: Final = (2_000, 100_000)
ALL_S: Final = 100.0
RATE: Final = 100.0
STREAMS: Final = 32
HOW_TO_GET_NGINX: Final = (
    "nginx is not installed: on Debian, `apt-get install nginx-light`. Compared is a direct call instead."
)

Figures = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print every figure as JSON")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.5, help="of each measurement")
    parser.add_argument("--nginx", default=shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin"))
    given = parser.parse_args()
    result = measure(given.rounds, given.seconds, given.nginx)
    print(json.dumps(result, indent=1) if given.json else shown(result))


def measure(rounds: int, seconds: float, nginx: str | None) -> dict[str, Any]:
    ends_s, busy = time.monotonic() + ALL_S, os.getloadavg()[0]
    found: dict[str, list[Figures]] = defaultdict(list)
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        direct = stack.enter_context(targets.upstream(home))
        measured = [stack.enter_context(targets.router(direct.url))]
        if nginx:
            measured.insert(0, stack.enter_context(targets.nginx(direct.url, nginx)))
        cores = targets.cores()
        if cores:
            targets.pin(direct.pid, cores[1])
            for target in measured:
                targets.pin(target.pid, cores[0])
        for target in measured:
            load(target, cores, seconds=1.0)  # warm up
        done = 0
        while done < rounds and (not done or time.monotonic() + len(measured) * 4 * seconds < ends_s):
            base = latency(direct, cores, seconds)
            for target in [direct, *measured]:
                found[target.name].append(one_round(target, cores, seconds, base))
            done += 1
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, load {busy:.1f} at the start",
        "pinned": cores is not None,
        "baseline": "nginx" if nginx else direct.name,
        "upstream": direct.name,
        "rounds": found,
        "classify": [{"characters": size, "us": classify_us(size)} for size in SIZES],
        "counting": counting(),
    }


def one_round(target: Target, cores: tuple[int, int] | None, seconds: float, base: Figures) -> Figures:
    began = targets.cpu_s(target.pid)
    whole = load(target, cores, seconds=seconds)
    spent = targets.cpu_s(target.pid) - began
    slow = latency(target, cores, seconds)
    began = targets.cpu_s(target.pid)
    stream = load(target, cores, "--stream", seconds=seconds, connections=STREAMS)
    stream_spent = targets.cpu_s(target.pid) - began
    return {
        "requests_per_s": whole["requests"] / whole["seconds"],
        "cpu_us_per_request": spent / whole["requests"] * 1e6,
        "added_p50_ms": slow["p50_ms"] - base["p50_ms"],
        "added_p99_ms": slow["p99_ms"] - base["p99_ms"],
        "chunks_per_s": stream["chunks"] / stream["seconds"],
        "cpu_us_per_chunk": stream_spent / max(1.0, stream["chunks"]) * 1e6,
    }


def latency(target: Target, cores: tuple[int, int] | None, seconds: float) -> Figures:
    return load(target, cores, "--rate", str(RATE), seconds=seconds, connections=16)


def load(
    target: Target, cores: tuple[int, int] | None, *options: str, seconds: float, connections: int = 32
) -> Figures:
    command = [sys.executable, "-m", "tests.bench.load", target.url, "--key", target.key, *options]
    command += ["--seconds", str(seconds), "--connections", str(connections)]
    done = subprocess.run(
        command,
        cwd=running.ROOT,
        capture_output=True,
        timeout=seconds + 30,
        check=False,
        preexec_fn=(lambda: os.sched_setaffinity(0, {cores[1]})) if cores else None,
    )
    if done.returncode:
        sys.exit(f"{target.name} could not be measured: {done.stderr.decode().strip().splitlines()[-1]}")
    figures: Figures = json.loads(done.stdout)
    return figures


LINES: Final = (
    ("requests_per_s", "requests/s, 32 connections"),
    ("cpu_us_per_request", "processor time a request"),
    ("added_p50_ms", f"added latency p50 at {RATE:.0f}/s"),
    ("added_p99_ms", f"added latency p99 at {RATE:.0f}/s"),
    ("chunks_per_s", f"streamed chunks/s, {STREAMS} streams"),
    ("cpu_us_per_chunk", "processor time a chunk"),
)


def shown(result: dict[str, Any]) -> str:
    base, rounds = result["baseline"], result["rounds"]
    lines = [f"{result['machine']}; {len(rounds['router'])} rounds; upstream: {result['upstream']}"]
    if base != "nginx":
        lines.append(HOW_TO_GET_NGINX)
    if not result["pinned"]:
        lines.append("One core only: targets and load share it, so the ratios flatter the slower side.")
    lines += ["", f"{'median (lowest to highest)':32}  {'router':>25}  {base:>25}  {'router : ' + base:>25}"]
    for name, title in LINES:
        ours, theirs = ([one[name] for one in rounds[who]] for who in ("router", base))
        # The baseline's own added latency may be nothing: then there is no ratio to tell.
        meaningful = all(value > 0.01 for value in theirs)
        ratios = [one / other for one, other in zip(ours, theirs, strict=True)] if meaningful else []
        lines.append(f"{title:32}  {spread(ours):>25}  {spread(theirs):>25}  {spread(ratios) if ratios else '-':>25}")
    cpu = median(one["cpu_us_per_request"] for one in rounds["router"])
    for size, us in (one.values() for one in result["classify"]):
        lines.append(
            f"classify a prompt of {size:,} characters: {us:,.0f} µs, {us / cpu:.2f} of a request's processor time"
        )
    return "\n".join([*lines, *result["counting"]])


def spread(values: list[float]) -> str:
    low, middle, high = min(values), median(values), max(values)
    return f"{middle:,.4g} ({low:,.4g} to {high:,.4g})"


if __name__ == "__main__":
    main()
