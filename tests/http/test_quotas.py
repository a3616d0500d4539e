"""Windows at the vendor: learned from headers, shared among replicas, met by nobody before they are full."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import running
from tests.running import ADMIN_KEY, ROOT, Reply, Router, Simulator, call, wait_for

MONEY = '[[budget]]\nscope = "team"\nusd = "1000.00"\nwindow = "month"\n'
# Everything may serve, so that there is always a next model.
LADDER = f"quality = 0\nescalation_cost_max = 1000.0\n{MONEY}"
TEAMS = {
    "ladder": f'team = "ladder"\n{LADDER}',
    "batch": f'team = "batch"\npriority = "bulk"\n{MONEY}',
    "own": f'team = "own"\nupstream_key = "OWN_KEY"\n{LADDER}',
}
OWN_KEY = "own-key-canary-41c8"
MODEL = "mistral-small-2603"


@pytest.fixture(scope="module")
def narrow() -> Iterator[Simulator]:
    """A simulated Mistral with windows as narrow as a test makes them."""
    with running.simulator() as process:
        yield process


@pytest.fixture
def vendor(narrow: Simulator) -> Simulator:
    narrow.reset()
    return narrow


@pytest.fixture
def router(vendor: Simulator) -> Iterator[Router]:
    with running.router(vendor.url, policies=TEAMS, environ={"OWN_KEY": OWN_KEY}) as process:
        yield process


def windows(vendor: Simulator, requests: int, tokens: int = 1_000_000, model: str = MODEL) -> None:
    limits = {model: {"requests": requests, "tokens": tokens}}
    reply = call(f"{vendor.url}/_sim/windows", "POST", limits)
    assert reply.status == 200, reply.body


def state(router: Router, name: str = MODEL) -> dict[str, Any]:
    return dict(router.admin("GET", "/upstream").json["models"].get(name, {}))


def objection(router: Router, key: str, model: str = MODEL) -> str | None:
    """What planning has against a model."""
    body = {"model": "auto", "messages": [{"role": "user", "content": "Say hello."}]}
    views = router.post("/v1/route", body, key).json["models"]
    return next(view["objection"] for view in views if view["model"] == model)


def refusals(vendor: Simulator) -> int:
    return sum(entry["status"] == 429 for entry in vendor.requests)


def asked(router: Router, key: str, times: int, **fields: Any) -> list[Reply]:
    return [router.chat(key=key, max_tokens=5, **fields) for _ in range(times)]


def test_a_model_whose_window_is_full_is_passed_over_before_it_refuses(router: Router, vendor: Simulator) -> None:
    key = router.new_key("ladder")
    leads = router.chat(key=key, max_tokens=5).headers["x-router-model"]
    vendor.reset()
    windows(vendor, 5, model=leads)
    served = [reply.headers["x-router-model"] for reply in asked(router, key, 5)]
    assert leads in served
    following = router.chat(key=key, max_tokens=5, headers={"x-router-explain": "enabled"})
    assert following.status == 200
    assert following.headers["x-router-model"] != leads
    told = following.json["router"]
    assert {view["objection"] for view in told["models"] if view["model"] == leads} == {"quota_full"}
    assert len(told["attempts"]) == 1
    assert refusals(vendor) == 0
    shown = state(router, leads)
    assert (shown["state"], shown["quota"]["requests"]["limit"]) == ("full", 5)
    assert shown["quota"]["requests"]["remaining"] == shown["quota"]["requests"]["bulk_remaining"] == 0
    assert shown["quota"]["requests"]["learned_at"].startswith("20")
    assert shown["quota"]["tokens"]["limit"] == 1_000_000


def test_streams_are_counted_though_they_tell_nothing(router: Router, vendor: Simulator) -> None:
    key = router.new_key("ladder")
    windows(vendor, 100, tokens=4_000)
    assert router.chat(key=key, model=MODEL, max_tokens=5).status == 200
    before = state(router)["quota"]["tokens"]["remaining"]
    streamed = router.stream("Tell me about rivers.", key=key, model=MODEL, max_tokens=60)
    usage = streamed.chunks[-1]["usage"]
    came = usage["total_tokens"] - usage.get("prompt_tokens_details", {}).get("cached_tokens", 0)
    assert state(router)["quota"]["tokens"]["remaining"] == before - came
    assert state(router)["quota"]["requests"]["remaining"] == 98


def test_a_pinned_model_is_asked_although_its_window_is_full(router: Router, vendor: Simulator) -> None:
    windows(vendor, 2)
    statuses = [reply.status for reply in asked(router, router.key, 3, model=MODEL)]
    assert statuses == [200, 200, 429], "nobody else may serve, so the vendor has the last word"


def test_a_model_that_is_not_on_the_plan_is_left_alone_by_all(router: Router, vendor: Simulator) -> None:
    key = router.new_key("ladder")
    leads = router.chat(key=key, max_tokens=5).headers["x-router-model"]
    windows(vendor, 0, 0, model=leads)
    first, second = asked(router, key, 2)
    assert (first.status, first.headers["x-router-attempts"]) == (200, "2")
    assert (second.status, second.headers["x-router-attempts"]) == (200, "1")
    assert state(router, leads)["state"] == "not_on_plan"


def test_bulk_leaves_the_rest_of_a_window_to_the_others(router: Router, vendor: Simulator) -> None:
    batch = router.new_key("batch")
    windows(vendor, 10)
    replies = asked(router, batch, 9, model=MODEL)
    assert [reply.status for reply in replies] == [200] * 7 + [429] * 2
    refused = replies[-1]
    assert refused.error["code"] == "upstream_rate_limited"
    assert "70 %" in refused.error["message"]
    assert 1 <= int(refused.headers["retry-after"]) <= 64
    assert [reply.status for reply in asked(router, router.key, 3, model=MODEL)] == [200] * 3
    assert refusals(vendor) == 0
    assert router.record(refused)["router"]["attempts"] == []


def test_a_refused_admission_gives_its_place_in_the_window_back(router: Router, vendor: Simulator) -> None:
    windows(vendor, 10)
    router.set_policy("apps", f'team = "apps"\n{MONEY}[[limit]]\nscope = "team"\nrequests_per_minute = 1\n')
    assert [reply.status for reply in asked(router, router.key, 4, model=MODEL)] == [200, 429, 429, 429]
    assert state(router)["quota"]["requests"]["remaining"] == 9


def test_what_one_replica_learns_the_other_knows(vendor: Simulator) -> None:
    windows(vendor, 3)
    with running.valkey() as url:
        environ = {"ROUTER_REDIS_URL": url, "ROUTER_KEY_PEPPER": "pepper-0123456789", "OWN_KEY": OWN_KEY}
        common: dict[str, Any] = {"policies": TEAMS, "environ": environ}
        with running.router(vendor.url, **common) as one, running.router(vendor.url, **common) as other:
            key = one.new_key("ladder")
            assert [reply.status for reply in asked(one, key, 2, model=MODEL)] == [200, 200]
            heard = wait_for(lambda: state(other).get("quota"))
            assert (heard["requests"]["limit"], heard["requests"]["remaining"]) == (3, 1)
            assert other.chat(key=key, model=MODEL, max_tokens=5).status == 200
            wait_for(lambda: objection(one, key) == "quota_full")
            assert objection(other, key) == "quota_full"
            assert refusals(vendor) == 0


def test_a_teams_own_key_is_sent_and_has_windows_of_its_own(router: Router, vendor: Simulator) -> None:
    own, ladder = router.new_key("own"), router.new_key("ladder")
    windows(vendor, 2)
    asked(router, ladder, 2, model=MODEL)
    assert objection(router, ladder) == "quota_full"
    assert objection(router, own) is None
    vendor.reset()
    reply = router.chat(key=own, model=MODEL, max_tokens=5)
    assert reply.status == 200
    assert [entry["headers"]["authorization"] for entry in vendor.requests] == [f"Bearer {OWN_KEY}"]
    assert state(router, f"{MODEL}#OWN_KEY")["quota"]["requests"]["remaining"] == 99
    everything = str(router.record(reply)) + router.said + router.admin("GET", "/upstream").body.decode()
    assert OWN_KEY not in everything + router.admin("GET", "/policies").body.decode()


def shown(router: Router) -> str:
    """What the card of windows says, in one line."""
    page = call(f"{router.operated_at}/dashboard/upstream", key=ADMIN_KEY).body.decode()
    (card,) = re.findall(r'<section id="windows".*?</section>', page)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", card))


def test_the_dashboard_shows_what_was_learned_and_who_shares_it(router: Router, vendor: Simulator) -> None:
    assert "Nothing is learned yet." in shown(router)
    windows(vendor, 4)
    asked(router, router.new_key("ladder"), 1, model=MODEL)
    asked(router, router.new_key("own"), 1, model=MODEL)
    text = shown(router)
    assert f"{MODEL} 4 3 of 4 left 75 % 1.0 M" in text
    assert "every team but own" in text
    assert "own , by the key in OWN_KEY" in text
    assert OWN_KEY not in text


def test_a_key_of_the_default_policy_is_that_of_teams_without_one(vendor: Simulator) -> None:
    policies = {"default": f'team = "default"\nupstream_key = "OWN_KEY"\n{MONEY}'}
    with running.router(vendor.url, policies=policies, environ={"OWN_KEY": OWN_KEY}) as process:
        for key in (process.key, process.new_key("nobodys")):
            assert process.chat(key=key, model=MODEL, max_tokens=5).status == 200
        text = shown(process)
    assert "every team but those without a policy of their own" in text
    assert "those without a policy of their own , by the key in OWN_KEY" in text


@pytest.mark.parametrize(("status", "rests_s"), [(401, 60), (402, 300)])
def test_a_refused_key_rests_that_key_only(router: Router, vendor: Simulator, status: int, rests_s: int) -> None:
    vendor.faults({"fault": "status", "status": status})
    assert router.chat(key=router.new_key("own"), max_tokens=5).status in (502, 503)
    assert rests_s - 20 < state(router, "#OWN_KEY")["rests_s"] <= rests_s
    assert objection(router, router.new_key("ladder")) is None
    assert state(router, "@mistral") == {}
    assert router.chat(key=router.new_key("own"), max_tokens=5).status == 200, "nobody else may serve it"
    assert state(router, "#OWN_KEY") == {}, "an answer shows that the key is good again"


def test_a_policy_whose_key_is_not_there_is_refused_with_file_and_place(vendor: Simulator) -> None:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "default.toml").write_text((ROOT / "policies/default.toml").read_text())
        (folder / "own.toml").write_text(TEAMS["own"])
        given = ("--policies", made, "--data-dir", f"{made}/data")
        mistake = "own.toml: upstream_key: neither OWN_KEY nor OWN_KEY_FILE is set in the environment"
        code, told, _ = running.command("check", *given)
        assert (code, mistake in told) == (1, True)
        environ = {"MISTRAL_API_KEY": "made-up", "ROUTER_UPSTREAM_URL": vendor.url}
        code, _, told = running.command("serve", "--port", "0", *given, environ=environ)
        assert (code, mistake in told) == (1, True)
        code, told, _ = running.command("check", *given, environ={**environ, "OWN_KEY": OWN_KEY})
        assert f"mistral#OWN_KEY ({vendor.url})" in told
        assert OWN_KEY not in told
