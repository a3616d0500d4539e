"""What is known afterwards: records, usage by every group, feedback, metrics; and that all of them agree."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests import running
from tests.http.test_rules import metric
from tests.running import Router, Simulator, call

FIELDS = {
    "nano_usd", "saved_nano_usd", "requests", "input_tokens", "cached_tokens", "output_tokens", "unconfirmed_nano_usd",
}  # fmt: skip


@pytest.fixture(scope="module")
def busy(simulated: Simulator) -> running.Router:
    """A router of this file's own, after seven requests of two teams, and its bill in `bill`."""
    simulated.reset()
    with running.router(simulated.url) as router:
        second = router.new_key("apps")
        other = router.new_key("search")
        router.chat("What is the capital of Portugal?", max_tokens=30)
        router.chat("Traduis en anglais : le chat dort sur la chaise.", max_tokens=30, key=second)
        router.chat("Write a Python function that adds two numbers.", max_tokens=60, metadata={"tags": ["nightly"]})
        router.chat("Hello", model="mistral-large-2512", max_tokens=20, metadata={"tags": ["nightly", "batch"]})
        router.stream("Tell me about rivers.", max_tokens=40, key=other)
        router.chat("Hello", model="nope")
        router.chat("Hello", key=other, max_tokens=10**7)
        router.settled(5)
        router.bill = simulated.bill  # type: ignore[attr-defined]
        yield router


@pytest.mark.parametrize("group", ["team", "key", "model", "tag", "kind", "language", "day"])
def test_usage_adds_up_by_every_group(busy: Router, group: str) -> None:
    usage = busy.usage(group)
    total, groups = usage["total"], usage["groups"]
    assert set(total) == FIELDS
    assert total["requests"] == 5, "a refusal is on record, but no usage"
    assert total["nano_usd"] == busy.bill["nano_usd"]  # type: ignore[attr-defined]
    assert all(set(one) == {"key", *FIELDS} and list(one["key"]) == [group] for one in groups)
    if group != "tag":
        for field in FIELDS:
            assert sum(one[field] for one in groups) == total[field], field
    names = {one["key"][group] for one in groups}
    expected = {
        "team": {"apps", "search"},
        "tag": {"nightly", "batch"},
        "day": {datetime.now(UTC).date().isoformat(), (datetime.now(UTC) - timedelta(hours=1)).date().isoformat()},
        "model": set(busy.bill["by_model"]),  # type: ignore[attr-defined]
    }
    assert names <= expected.get(group, names)
    assert group == "day" or names >= expected.get(group, names)
    if group == "tag":
        assert {one["key"]["tag"]: one["requests"] for one in groups} == {"nightly": 2, "batch": 1}


def test_usage_is_bounded_by_since_until_and_team(busy: Router) -> None:
    now = datetime.now(UTC)
    tomorrow, yesterday = (now + timedelta(days=1)).date(), (now - timedelta(days=1)).date()
    assert busy.usage(since=str(tomorrow))["total"]["requests"] == 0
    assert busy.usage(until=str(yesterday))["total"]["requests"] == 0
    assert busy.usage(since=str(yesterday), until=str(tomorrow + timedelta(days=1)))["total"]["requests"] == 5
    assert busy.usage(team="search")["total"]["requests"] == 1
    assert busy.usage(team="nobody")["total"]["requests"] == 0


def test_records_come_newest_first_by_page_and_by_filter(busy: Router) -> None:
    whole = busy.admin("GET", "/records").json
    assert whole["next"] is None
    stamps = [record["at_ms"] for record in whole["records"]]
    assert stamps[0] > stamps[-1]
    assert len(stamps) == 7
    seen, cursor = [], ""
    while True:
        page = busy.admin("GET", f"/records?limit=3{cursor}").json
        seen += page["records"]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == whole["records"]
    assert {r["team"] for r in busy.admin("GET", "/records?team=search").json["records"]} == {"search"}
    large = busy.admin("GET", "/records?model=mistral-large-2512").json["records"]
    assert [record["tags"] for record in large] == [["nightly", "batch"]]
    key = seen[-2]["key"]
    assert {r["key"] for r in busy.admin("GET", f"/records?key={key}").json["records"]} == {key}
    refused = [record for record in seen if record["status"] != 200]
    assert {(record["status"], record["code"]) for record in refused} == {
        (404, "model_not_found"),
        (400, "no_suitable_model"),
    }
    assert sum(record["nano_usd"] for record in seen) == busy.bill["nano_usd"]  # type: ignore[attr-defined]


def test_records_are_found_by_tag_kind_language_status_and_code(busy: Router) -> None:
    whole = busy.admin("GET", "/records").json["records"]
    for query, meant in {
        "tag=nightly": lambda one: "nightly" in one["tags"],
        "tag=nightly&model=mistral-large-2512": lambda one: "batch" in one["tags"],
        "kind=code": lambda one: one["kind"] == "code",
        "language=fr": lambda one: one["language"] == "fr",
        "language=en&tag=": lambda one: one["language"] == "en",
        "status=404": lambda one: one["status"] == 404,
        "status=4xx": lambda one: one["status"] >= 400,
        "code=no_suitable_model": lambda one: one["code"] == "no_suitable_model",
        "status=200&code=model_not_found": lambda one: False,
        "tag=nobody": lambda one: False,
    }.items():
        found = busy.admin("GET", f"/records?{query}").json["records"]
        assert found == [one for one in whole if meant(one)], query
    assert busy.admin("GET", "/records?status=4xx").json["records"], "there are refusals to find"


@pytest.mark.parametrize(
    ("path", "param", "named"),
    [
        ("/records?kind=poems", "kind", "code, maths, arithmetic"),
        ("/records?language=English", "language", "en or fr"),
        ("/records?status=7xx", "status", "402"),
        ("/records?code=Budget%20Exceeded", "code", "budget_exceeded"),
        ("/records?tags=nightly", "tags", "team, key, model, tag"),
        ("/records?cursor=yesterday", "cursor", "next"),
        ("/records?cursor=00-0", "cursor", "next"),
        ("/records?since=yesterday", "since", "2026-11-23"),
        ("/records?since=2026-11-02&until=2026-11-01", "since", "later"),
        ("/records?limit=0", "limit", "1 to 1000"),
        ("/records?team=a/b", "team", "letters"),
        ("/usage?group_by=team,colour", "group_by", "team, key, model"),
        ("/usage?groupby=team", "groupby", "since, until, group_by, team"),
    ],
)
def test_a_question_that_cannot_be_meant_is_told_what_it_may_be(
    router: Router, path: str, param: str, named: str
) -> None:
    reply = router.admin("GET", path)
    assert (reply.status, reply.error["code"], reply.error["param"]) == (400, "invalid_value", param)
    assert named in reply.error["message"]


def test_usage_adds_up_by_several_groups_together(busy: Router) -> None:
    usage = busy.usage("day,team,key,model,tag")
    rows = usage["groups"]
    assert {tuple(row["key"]) for row in rows} == {("day", "team", "key", "model", "tag")}
    untagged_or_first = [row for row in rows if row["key"]["tag"] != "batch"]
    for field in FIELDS:
        assert sum(row[field] for row in untagged_or_first) == usage["total"][field], field
    by_model = busy.usage("team,model")
    assert {(row["key"]["team"], row["key"]["model"]) for row in rows} == {
        (row["key"]["team"], row["key"]["model"]) for row in by_model["groups"]
    }
    assert by_model["total"] == usage["total"] == busy.usage("day")["total"]


def test_usage_and_records_agree_team_by_team(busy: Router) -> None:
    records = busy.admin("GET", "/records").json["records"]
    for group in busy.usage("team")["groups"]:
        team = group["key"]["team"]
        assert group["nano_usd"] == sum(one["nano_usd"] for one in records if one["team"] == team)
        assert group["saved_nano_usd"] == sum(one["saved_nano_usd"] for one in records if one["team"] == team)


def test_a_stream_tells_when_it_showed_its_first_content(busy: Router) -> None:
    for one in busy.admin("GET", "/records").json["records"]:
        assert (one["first_chunk_ms"] is not None) is one["stream"]
        if one["stream"]:
            assert 0 < one["first_chunk_ms"] <= one["duration_ms"] + 1


def test_a_record_explains_its_request_as_the_answer_did(router: Router) -> None:
    reply = router.chat("Hello", max_tokens=5, headers={"x-router-explain": "enabled"})
    record = router.record(reply)
    assert record["router"] == reply.json["router"]
    assert record["request_id"] == reply.headers["x-request-id"]
    assert record["nano_usd"] == int(reply.headers["x-router-cost-usd"].replace(".", ""))
    assert record["saved_nano_usd"] == int(reply.headers["x-router-saved-usd"].replace(".", ""))
    assert record["output_tokens"] == reply.json["usage"]["completion_tokens"]
    assert "Hello" not in str(record)


@pytest.mark.parametrize("good", [True, False, 0, 0.25, 1])
def test_feedback_is_attached_to_its_record(router: Router, good: float) -> None:
    reply = router.chat(max_tokens=5)
    router.record(reply)
    body = {"request_id": reply.headers["x-request-id"], "good": good, "note": "as expected"}
    said = router.post("/v1/feedback", body)
    assert said.status == 200, said.body
    assert router.record(reply)["feedback"] == {"good": float(good), "note": "as expected"}
    assert router.post("/v1/feedback", {**body, "good": 0.5}).status == 200
    assert router.record(reply)["feedback"]["good"] == 0.5, "the last word counts"


def test_feedback_that_cannot_be_meant_is_refused_and_strangers_learn_nothing(router: Router) -> None:
    reply = router.chat(max_tokens=5)
    name = reply.headers["x-request-id"]
    router.record(reply)
    for body, status, code in (
        ({"request_id": name}, 400, "missing_field"),
        ({"request_id": name, "good": 2}, 400, "invalid_value"),
        ({"request_id": name, "good": "yes"}, 400, "invalid_type"),
        ({"request_id": name, "good": True, "note": "x" * 3_000}, 400, "invalid_value"),
        ({"request_id": "req_nonsense", "good": True}, 404, "not_found"),
        (b"{", 400, "invalid_json"),
    ):
        said = router.post("/v1/feedback", body)
        assert (said.status, said.error["code"]) == (status, code), said.body
    stranger = router.post("/v1/feedback", {"request_id": name, "good": True}, router.new_key("search"))
    assert (stranger.status, stranger.error["code"]) == (404, "not_found")
    assert router.record(reply)["feedback"] is None


def test_the_metrics_agree_with_the_usage(busy: Router) -> None:
    total = busy.usage()["total"]
    assert metric(busy, "router_requests_total", status="200") == total["requests"] == 5
    assert metric(busy, "router_requests_total", status="404") == 1
    assert metric(busy, "router_refusals_total", reason="no_suitable_model") == 1
    assert metric(busy, "router_attempts_total", outcome="ok") == 5
    assert round(metric(busy, "router_cost_usd_total") * 1e9) == total["nano_usd"]
    saved = metric(busy, "router_saved_usd_total") - metric(busy, "router_lost_usd_total")
    assert round(saved * 1e9) == total["saved_nano_usd"]
    assert metric(busy, "router_tokens_total", type="output") == total["output_tokens"]
    assert metric(busy, "router_tokens_total", type="input") == total["input_tokens"] - total["cached_tokens"]
    assert metric(busy, "router_added_latency_seconds_count") == 7
    for group in busy.usage("team")["groups"]:
        cost = metric(busy, "router_cost_usd_total", team=group["key"]["team"])
        assert round(cost * 1e9) == group["nano_usd"]


def test_health_readiness_and_metrics_answer_without_a_key_on_loopback(router: Router) -> None:
    assert call(f"{router.url}/healthz").json == {"status": "ok"}
    assert call(f"{router.url}/readyz").json["status"] == "ready"
    page = call(f"{router.url}/metrics")
    assert page.status == 200
    assert page.headers["content-type"].startswith("text/plain; version=0.0.4")
