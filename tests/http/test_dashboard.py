"""The dashboard as a program sees it: who is let in, what a form needs, what a wrong question earns, that its sums are
those of the ledger."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Iterator
from urllib.parse import quote, urlencode

import pytest

from router.api.session import LASTS_S, Sessions
from router.settings import Secret
from tests import running
from tests.http.visiting import ask, change, newest, proof, sign_in
from tests.running import ADMIN_KEY, Router, Simulator, call, wait_for

PAGES = ("", "/budgets", "/routing", "/requests", "/upstream", "/keys", "/policies")
CHANGES = ("/create-key", "/rotate", "/revoke", "/disable", "/enable", "/pin-all", "/unpin", "/sign-out")


@pytest.fixture(scope="module")
def watched(simulated: Simulator) -> Iterator[Router]:
    """A router of this file's own, whose switches and keys no other test needs."""
    with running.router(simulated.url) as process:
        process.chat("What is the capital of Portugal?", max_tokens=20)
        process.chat("Hello", model="nope")
        process.settled(1)
        yield process


@pytest.fixture
def cookie(watched: Router) -> str:
    return sign_in(watched).headers["set-cookie"].partition(";")[0]


@pytest.mark.parametrize("path", PAGES)
def test_each_page_opens_with_the_key_in_any_way_and_not_without(watched: Router, cookie: str, path: str) -> None:
    basic = "Basic " + base64.b64encode(f"x:{ADMIN_KEY}".encode()).decode()
    for headers in ({"authorization": f"Bearer {ADMIN_KEY}"}, {"authorization": basic}, {"cookie": cookie}):
        page = ask(watched, path, headers=headers)
        assert (page.status, page.headers["cache-control"]) == (200, "no-store")
        policy = page.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert " style=" not in page.body.decode()
    for wrong in (
        {},
        {"authorization": "Bearer x"},
        {"authorization": f"Bearer {watched.key}"},
        {"cookie": "router_session=1.x.y"},
    ):
        program = call(f"{watched.url}/dashboard{path}", headers={**wrong, "accept": "*/*"})
        assert (program.status, program.error["code"]) == (401, "invalid_api_key")
        assert program.headers["www-authenticate"].startswith("Basic")
        person = ask(watched, path, headers=wrong)
        assert (person.status, person.headers["location"]) == (
            303,
            f"/dashboard/sign-in?to={quote(f'/dashboard{path}', safe='')}",
        )


def test_the_session_is_a_strict_cookie_that_scripts_cannot_read(watched: Router) -> None:
    told = sign_in(watched).headers["set-cookie"]
    assert re.fullmatch(r"router_session=\S+; Path=/dashboard; Max-Age=43200; HttpOnly; SameSite=Strict", told), told
    assert sign_in(watched, **{"x-forwarded-proto": "https"}).headers["set-cookie"].endswith("; Secure")
    assert ADMIN_KEY not in told


def test_a_wrong_key_is_told_so_and_gets_no_cookie(watched: Router) -> None:
    refused = sign_in(watched, key="guess")
    assert (refused.status, "set-cookie" in refused.headers) == (401, False)
    assert "not the admin key" in refused.body.decode()
    assert sign_in(watched, key=watched.key).status == 401


ELSEWHERE = ("//evil.example", "https://evil.example/", "/admin", "/dashboardx", "/dashboard/\r\nx: y", "/dashboard/é")


@pytest.mark.parametrize("to", ELSEWHERE)
def test_a_sign_in_leads_nowhere_else(watched: Router, to: str) -> None:
    assert sign_in(watched, to=to).headers["location"] == "/dashboard"
    assert f'href="{to}"' not in ask(watched, f"/sign-in?to={quote(to)}").body.decode()


def test_a_sign_in_leads_back_to_what_was_asked_for(watched: Router) -> None:
    to = "/dashboard/requests?team=apps"
    assert sign_in(watched, to=to).headers["location"] == to


def test_a_session_ends_and_is_of_one_admin_key() -> None:
    now = 1_000_000.0
    ours, other = Sessions(Secret("a"), lambda: now), Sessions(Secret("b"), lambda: now)
    session = ours.begin()
    assert ours.holds(session)
    assert not other.holds(session)
    assert ours.proves(session, ours.token(session))
    assert not ours.proves(session, ours.token(ours.begin()))
    for changed in (None, "", "x", session[:-1], session.replace("1", "2", 1), f"9{session}"):
        assert not ours.holds(changed)
    now += LASTS_S - 1
    assert ours.holds(session)
    now += 1
    assert not ours.holds(session)


@pytest.mark.parametrize("path", CHANGES)
def test_nothing_is_changed_without_the_forms_own_proof(watched: Router, cookie: str, path: str) -> None:
    before = watched.admin("GET", "/audit").json["changes"]
    other = sign_in(watched).headers["set-cookie"].partition(";")[0]
    for body in ("", "form=", "form=x", urlencode({"form": proof(watched, other)})):
        assert ask(watched, path, "POST", body, {"cookie": cookie}).status == 403
    # The key alone is not enough either: a browser sends Basic along with what another site makes it send.
    right = urlencode({"form": proof(watched, cookie)})
    assert ask(watched, path, "POST", right, {"authorization": f"Bearer {ADMIN_KEY}"}).status == 403
    assert ask(watched, path, "POST", right).status == 303
    assert ask(watched, path, headers={"cookie": cookie}).status in (404, 405)
    assert watched.admin("GET", "/audit").json["changes"] == before


def test_who_only_reads_is_shown_no_form_that_changes_anything(watched: Router) -> None:
    for path in PAGES:
        page = ask(watched, path, headers={"authorization": f"Bearer {ADMIN_KEY}"}).body.decode()
        assert 'method="post"' not in page


def test_a_model_is_switched_on_the_page_and_the_audit_knows(watched: Router, cookie: str) -> None:
    wish = {"model": "mistral-small-2603", "for_s": "900", "reason": "it <b>babbles</b>"}
    assert change(watched, cookie, "/disable", **wish).status == 303
    assert newest(watched) == ("model.disabled", "mistral-small-2603")
    page = ask(watched, "/upstream?done=disabled", headers={"cookie": cookie}).body.decode()
    assert "it &lt;b&gt;babbles&lt;/b&gt;" in page
    assert "switched off on every replica" in page
    assert change(watched, cookie, "/pin-all", **wish).status == 400, "a model that is off"
    assert change(watched, cookie, "/enable", model="mistral-small-2603").status == 303
    assert newest(watched) == ("model.enabled", "mistral-small-2603")
    assert change(watched, cookie, "/pin-all", **wish).status == 303
    assert newest(watched) == ("pin_all.set", "mistral-small-2603")
    assert "Every chat request is served by" in ask(watched, "/upstream", headers={"cookie": cookie}).body.decode()
    assert change(watched, cookie, "/unpin").status == 303
    assert newest(watched) == ("pin_all.ended", "mistral-small-2603")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"for_s": "soon"}, "whole number of seconds"),
        ({"for_s": "0"}, "above 0"),
        ({"for_s": "99999999"}, "30 days"),
        ({"reason": " "}, "printable characters"),
        ({"model": "mistral-smal"}, "Did you mean"),
    ],
)
def test_a_form_that_is_filled_in_wrong_is_told_so(
    watched: Router, cookie: str, fields: dict[str, str], told: str
) -> None:
    wish = {"model": "mistral-small-2603", "for_s": "900", "reason": "why", **fields}
    refused = change(watched, cookie, "/disable", **wish)
    assert refused.status in (400, 404)
    assert told in refused.body.decode()


def test_signing_out_ends_the_session_in_this_browser(watched: Router, cookie: str) -> None:
    done = change(watched, cookie, "/sign-out")
    assert (done.status, done.headers["location"]) == (303, "/dashboard/sign-in")
    assert "router_session=; " in done.headers["set-cookie"]
    assert "Max-Age=0" in done.headers["set-cookie"]


@pytest.mark.parametrize("path", ["/sign-in", "/unpin"])
def test_a_body_that_is_no_form_is_refused_before_it_is_read(watched: Router, cookie: str, path: str) -> None:
    headers = {"cookie": cookie, "content-type": "application/json"}
    assert ask(watched, path, "POST", "{}", headers).status == 415
    assert ask(watched, path, "POST", "x=" + "y" * 20_000, {"cookie": cookie}).status == 400


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("?range=1y", "24h, 30d, 7d"),
        ("?by=colour", "key, model, team"),
        ("?team=nobody", "there are apps"),
        ("?taem=apps", "range, team, by"),
        ("/budgets?page=0", "a number from 1 to 1"),
        ("/budgets?page=2", "a number from 1 to 1"),
        ("/budgets?page=x", "a number from 1 to 1"),
        ("/keys?page=99", "a number from 1 to 1"),
        ("/keys?done=everything", "disabled, enabled"),
        ("/requests?model=gpt-4o", "codestral-2508"),
        ("/requests?since=yesterday", "a date such as 2026-11-23"),
        ("/requests?until=1-2-3", "a date such as 2026-11-23"),
        ("/requests?cursor=x", "an earlier page"),
        ("/requests?status=soon", "status must be"),
        ("/requests?since=2026-11-24&until=2026-11-23", "since must not be later than until"),
        ("/nothing", "There is nothing at /dashboard/nothing"),
        ("/policies?x=1", "there are none"),
        ("/requests/req_unknown", "No request"),
    ],
)
def test_a_wrong_question_earns_the_answers_that_there_are(watched: Router, path: str, told: str) -> None:
    key = {"authorization": f"Bearer {ADMIN_KEY}"}
    page = ask(watched, path, headers=key)
    assert page.status in (400, 404)
    assert page.headers["content-type"].startswith("text/html")
    assert told in page.body.decode()
    program = call(f"{watched.url}/dashboard{path}", key=ADMIN_KEY)
    assert told in program.error["message"]


@pytest.mark.parametrize("path", CHANGES)
def test_what_takes_a_form_is_nothing_to_read_and_says_so(watched: Router, path: str) -> None:
    page = ask(watched, path, headers={"authorization": f"Bearer {ADMIN_KEY}"})
    assert page.status == 405
    assert f"Nothing can be read at /dashboard{path}: it takes what a form sends." in page.body.decode()


@pytest.mark.parametrize("path", PAGES)
def test_what_is_read_takes_no_form_and_says_so(watched: Router, path: str) -> None:
    page = ask(watched, path, "POST", "a=b", {"authorization": f"Bearer {ADMIN_KEY}"})
    assert page.status == 405
    assert f"Nothing can be sent to /dashboard{path}: it can only be read." in page.body.decode()


def shown(page: str, name: str) -> int:
    """The exact amount on a tile, in nano-USD."""
    (amount,) = re.findall(rf'<span class="name">{name}</span><b[^>]*><data value="(-?\d+)"', page)
    return int(amount)


def test_the_sums_are_those_of_usage_ledger_and_metrics_to_the_nano(watched: Router) -> None:
    watched.chat("Name three rivers.", max_tokens=30)
    watched.settled(2)
    page = ask(watched, "", headers={"authorization": f"Bearer {ADMIN_KEY}"}).body.decode()
    total = watched.usage()["total"]
    budgets = ask(watched, "/budgets", headers={"authorization": f"Bearer {ADMIN_KEY}"}).body.decode()
    assert shown(page, "spent this month") == total["nano_usd"] > 0
    assert shown(page, "saved") == total["saved_nano_usd"]
    assert f'<data value="{total["nano_usd"]}"' in budgets
    metrics = call(f"{watched.url}/metrics").body.decode()
    told = re.findall(r"^router_cost_usd_total\{.*\} (\S+)$", metrics, re.MULTILINE)
    assert round(sum(map(float, told)) * 1e9) == total["nano_usd"]


def test_the_tail_keeps_its_filters_and_turns_its_pages(watched: Router) -> None:
    for _ in range(3):
        watched.chat("Hello", max_tokens=2)
    watched.settled(5)
    key = {"authorization": f"Bearer {ADMIN_KEY}"}
    everything = ask(watched, "/requests?team=apps", headers=key).body.decode()
    served = ask(watched, "/requests?team=apps&model=ministral-3b-2512", headers=key).body.decode()
    assert "nope" in everything
    assert "nope" not in served
    assert '<option value="apps" selected>' in served
    none = ask(watched, f"/requests?until={int(time.time() * 1000) - 86_400_000}", headers=key).body.decode()
    assert "No request matches" in none


def test_a_refused_reload_is_shown_until_it_is_mended_and_remembered_after(upstream: Simulator) -> None:
    with running.router(upstream.url) as router:
        key = {"authorization": f"Bearer {ADMIN_KEY}"}
        bad = router.home / "policies" / "zz.toml"
        bad.write_text('team = "zz"\nqualty = 1\n')
        wait_for(lambda: "not mended yet" in ask(router, "/policies", headers=key).body.decode())
        page = ask(router, "/policies", headers=key).body.decode()
        assert "zz.toml" in page
        assert "qualty" in page
        bad.unlink()
        wait_for(lambda: "not mended yet" not in ask(router, "/policies", headers=key).body.decode())
        assert "qualty" in ask(router, "/policies", headers=key).body.decode()


def test_what_pages_load_is_kept_by_browsers_until_it_changes(watched: Router) -> None:
    page = ask(watched, "/sign-in").body.decode()
    for name, kind in (("style.css", "text/css"), ("icon.svg", "image/svg+xml")):
        (address,) = re.findall(rf'href="/dashboard(/{re.escape(name)}\?v=[0-9a-f]{{12}})"', page)
        asset = ask(watched, address)
        assert (asset.status, asset.headers["content-type"].partition(";")[0]) == (200, kind)
        assert "immutable" in asset.headers["cache-control"]
    assert ask(watched, "/script.js").headers["content-type"].startswith("text/javascript")
