"""LangChain's standard suite for chat models, in LangChain's environment, against a router of ours."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.clients.matrix import ENVIRONMENTS, HERE
from tests.running import Router, Simulator

SUITE = HERE / "langchain_suite"


@pytest.mark.parametrize("group", ["TestOpenAI", "TestMistral"])
def test_langchains_own_suite_passes(group: str, router: Router, upstream: Simulator) -> None:
    python = str(ENVIRONMENTS / "current" / "bin" / "python")
    options = ["-c", str(SUITE / "pytest.ini"), "--confcutdir", str(SUITE)]
    where = {"ROUTER": router.url, "ROUTER_KEY": router.key, "SIMULATOR": upstream.url}
    ended = subprocess.run(
        [python, "-m", "pytest", *options, f"{SUITE / 'suite.py'}::{group}"],
        env={"PATH": os.environ["PATH"], **where},
        capture_output=True,
        text=True,
        timeout=300,
    )
    print(ended.stdout)
    assert ended.returncode == 0, ended.stdout
