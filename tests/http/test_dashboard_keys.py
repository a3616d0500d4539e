"""The forms of the page of keys: a key is made, gets another secret, ends; each once, on record, and with nothing that
the admin API would refuse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

import pytest

from tests import running
from tests.http.visiting import ask, change, newest, sign_in
from tests.running import Reply, Router, Simulator, wait_for

HOSTILE = '"><img src=x onerror=alert(1)>'
FREE = 'team = "free"\n'


@pytest.fixture(scope="module")
def kept(simulated: Simulator) -> Iterator[Router]:
    with running.router(simulated.url, policies={"free": FREE}) as process:
        yield process


@pytest.fixture
def cookie(kept: Router) -> str:
    return sign_in(kept).headers["set-cookie"].partition(";")[0]


def secret(reply: Reply) -> str:
    assert (reply.status, reply.headers["cache-control"]) == (200, "no-store"), reply.body
    (found,) = re.findall(r'id="secret">(sk-mr-[A-Za-z0-9]{12}-[A-Za-z0-9_-]{43})<', reply.body.decode())
    return str(found)


def page(router: Router, cookie: str, path: str = "/keys") -> str:
    return ask(router, path, headers={"cookie": cookie}).body.decode()


def test_a_key_is_made_on_the_page_shown_once_and_put_on_record(kept: Router, cookie: str) -> None:
    key = secret(change(kept, cookie, "/create-key", team="apps", name="a new app"))
    name = key.split("-")[2]
    assert newest(kept) == ("key.created", name)
    assert kept.chat(key=key, max_tokens=5).status == 200
    listed = page(kept, cookie)
    assert "a new app" in listed
    assert key not in listed
    assert key not in page(kept, cookie, "/policies"), "the audit holds no secret"


def test_a_key_gets_the_rules_that_the_form_gives_it(kept: Router, cookie: str) -> None:
    fields = {
        "team": "free",
        "name": "narrow",
        "models": "ministral-*, mistral-small-2603",
        "endpoints": "chat /v1/embeddings",
        "expires_at": "2999-01-31",
        "budget_usd": "0.50",
        "window": "day",
        "requests_per_minute": "60",
        "concurrency": " 2 ",
    }
    name = secret(change(kept, cookie, "/create-key", **fields)).split("-")[2]
    told = kept.admin("GET", f"/keys/{name}").json
    assert (told["models"], told["endpoints"]) == (["ministral-*", "mistral-small-2603"], ["chat", "embeddings"])
    assert told["expires_at"] == "2999-01-31T00:00:00Z"
    assert (told["budget_usd"], told["window"], told["unlimited"]) == ("0.50", "day", False)
    assert (told["requests_per_minute"], told["tokens_per_minute"], told["concurrency"]) == (60, None, 2)
    for text in ("$0.50, day", "60 requests a minute", "2 at once"):
        assert text in page(kept, cookie)
    assert secret(change(kept, cookie, "/create-key", team="free", name="all", unlimited="yes"))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"team": ""}, "team must be"),
        ({"team": "a b"}, "team must be"),
        ({"name": " "}, "name must be"),
        ({"team": "free"}, "has no hard budget"),
        ({"budget_usd": "5.00"}, "goes together with budget_usd"),
        ({"budget_usd": "lots", "window": "day"}, "lots"),
        ({"requests_per_minute": "many"}, "requests_per_minute must be a whole number"),
        ({"concurrency": "-1"}, "concurrency must be a whole number"),
        ({"expires_at": "tomorrow"}, "a date such as"),
        ({"expires_at": "999999999999999"}, "from now to 2999"),
        ({"expires_at": "3000-01-01"}, "from now to 2999"),
        ({"expires_at": "1960-01-01"}, "from now to 2999"),
        ({"expires_at": "2026-01-01"}, "from now to 2999"),
        ({"endpoints": "files"}, "endpoints must be among"),
        ({"models": "auto"}, "a way to choose among them"),
        ({"models": "mistral-*, \x1b[2J"}, "printable characters"),
    ],
)
def test_a_form_that_is_filled_in_wrong_makes_no_key_and_is_told_so(
    kept: Router, cookie: str, fields: dict[str, str], told: str
) -> None:
    before = kept.admin("GET", "/keys").json
    refused = change(kept, cookie, "/create-key", **{"team": "apps", "name": "x", **fields})
    assert refused.status == 400
    assert told in unescape(refused.body.decode())
    assert 'href="/dashboard/keys"' in refused.body.decode()
    assert kept.admin("GET", "/keys").json == before


def test_a_misspelt_team_is_told_whose_policy_holds(kept: Router, cookie: str) -> None:
    for team, policy in (("free", "free.toml"), ("serch", "default.toml")):
        made = change(kept, cookie, "/create-key", team=team, name="x", unlimited="yes")
        assert f"held to the policy {policy}" in made.body.decode()


def test_a_key_gets_another_secret_on_the_page_and_the_old_one_ends(kept: Router, cookie: str) -> None:
    old = kept.new_key("apps")
    name = old.split("-")[2]
    new = secret(change(kept, cookie, "/rotate", key=name, grace_s="3600"))
    assert new.split("-")[2] == name
    assert newest(kept) == ("key.rotated", name)
    for key in (old, new):
        assert kept.chat(key=key, max_tokens=5).status == 200
    newer = secret(change(kept, cookie, "/rotate", key=name, grace_s="0"))
    assert "grace_s 0.0" in page(kept, cookie, "/policies"), "that there was none is told too"
    wait_for(lambda: {kept.chat(key=key, max_tokens=5).status for key in (old, new)} == {401})
    assert kept.chat(key=newer, max_tokens=5).status == 200


@pytest.mark.parametrize(
    ("fields", "status", "told"),
    [
        ({"key": "nobody", "grace_s": "0"}, 404, "could be rotated"),
        ({"grace_s": "0"}, 404, "could be rotated"),
        ({"grace_s": "soon"}, 400, "grace_s must be a whole number of seconds"),
        ({"grace_s": "9999999"}, 400, "30 days"),
    ],
)
def test_a_key_that_cannot_be_rotated_is_told_so(
    kept: Router, cookie: str, fields: dict[str, str], status: int, told: str
) -> None:
    refused = change(kept, cookie, "/rotate", **fields)
    assert refused.status == status
    assert told in refused.body.decode()


def test_a_key_is_revoked_on_the_page_and_the_audit_knows(kept: Router, cookie: str) -> None:
    key = kept.new_key("apps")
    name = key.split("-")[2]
    assert change(kept, cookie, "/revoke", key=name).status == 400, "not without the tick"
    done = change(kept, cookie, "/revoke", key=name, sure="yes")
    assert (done.status, done.headers["location"]) == (303, "/dashboard/keys?done=revoked")
    assert newest(kept) == ("key.revoked", name)
    wait_for(lambda: kept.chat(key=key).status == 401)
    assert change(kept, cookie, "/rotate", key=name, grace_s="0").status == 404, "it has ended"
    assert change(kept, cookie, "/revoke", key="nobody", sure="yes").status == 404


def test_a_hostile_name_is_text_on_every_page_that_shows_it(kept: Router, cookie: str) -> None:
    made = change(kept, cookie, "/create-key", team="apps", name=HOSTILE)
    name = secret(made).split("-")[2]
    rotated = change(kept, cookie, "/rotate", key=name, grace_s="0")
    for text in (made.body.decode(), rotated.body.decode(), page(kept, cookie), page(kept, cookie, "/policies")):
        assert "<img" not in text
        assert HOSTILE in unescape(text)
