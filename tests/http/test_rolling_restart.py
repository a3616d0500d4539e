"""Two replicas behind a balancer, restarted one after the other under load: no request fails, no money is lost."""

from __future__ import annotations

import itertools
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException

import pytest

from tests import running
from tests.running import Router, Simulator, call, wait_for

ASKING = 6


class Balancer:
    """Sends a request to a replica that says that it is ready, as a load balancer's health check does."""

    def __init__(self) -> None:
        self.replicas: list[Router] = []
        self.turn = itertools.count()

    def pick(self) -> Router:
        while True:
            ready = [one for one in self.replicas if self.ready(one)]
            if ready:
                return ready[next(self.turn) % len(ready)]
            time.sleep(0.05)

    @staticmethod
    def ready(one: Router) -> bool:
        try:
            return call(f"{one.url}/readyz").ok
        except (OSError, HTTPException):
            return False


@pytest.mark.slow
def test_a_rolling_restart_fails_no_request(upstream: Simulator) -> None:
    with running.valkey() as store:
        environ = {"ROUTER_REDIS_URL": store, "ROUTER_KEY_PEPPER": "pepper-for-tests"}
        balancer, statuses, stopping = Balancer(), list[int](), threading.Event()

        def replica() -> running.Router:
            one = running.router(upstream.url, environ=environ)
            opened.append(one)
            made = one.__enter__()
            balancer.replicas.append(made)
            return made

        opened: list = []
        first, second = replica(), replica()
        key = first.key

        def ask(index: int) -> None:
            for turn in itertools.count():
                if stopping.is_set():
                    return
                one = balancer.pick()
                text = f"App {index}, turn {turn}."
                if turn % 2:
                    streamed = one.stream(text, key=key, max_tokens=20)
                    statuses.append(200 if streamed.status == 200 and streamed.done else 599)
                else:
                    statuses.append(one.chat(text, key=key, max_tokens=20).status)

        apps = [threading.Thread(target=ask, args=(index,)) for index in range(ASKING)]
        for app in apps:
            app.start()
        try:
            for old in (first, second):
                wait_for(_more_than(statuses, 40), seconds=60)
                replica()
                balancer.replicas.remove(old)  # first no more new requests, then the stop
                time.sleep(0.3)
                assert old.stop() == 0
            wait_for(_more_than(statuses, 40), seconds=60)
        finally:
            stopping.set()
            for app in apps:
                app.join()
        assert set(statuses) == {200}, statuses
        bill = upstream.bill["nano_usd"]
        wait_for(lambda: balancer.replicas[0].usage()["total"]["nano_usd"] == bill)
        for one in opened:
            one.__exit__(None, None, None)


def test_a_replica_that_stops_says_so_and_serves_while_something_is_under_way(upstream: Simulator) -> None:
    with running.router(upstream.url) as one:
        upstream.faults({"fault": "slow", "delay_ms": 5_000})
        with ThreadPoolExecutor() as pool:
            slow = pool.submit(one.chat, "A slow one.", max_tokens=5)
            wait_for(lambda: len(upstream.requests) == 1)
            one.child.send_signal(signal.SIGTERM)
            wait_for(lambda: call(f"{one.url}/readyz").status == 503)
            assert call(f"{one.url}/readyz").json == {"status": "unavailable", "cause": "draining"}
            assert one.chat("Somebody who did not know.", max_tokens=5).status == 200
            assert not slow.done()
            assert slow.result().status == 200
        assert one.child.wait(30) == 0


def _more_than(statuses: list[int], number: int) -> Callable[[], bool]:
    began = len(statuses)
    return lambda: len(statuses) >= began + number
