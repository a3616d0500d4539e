"""Traces as a collector receives them: an app's own continued, a span for each attempt, and no word of a prompt."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from router import settings
from router.__main__ import EXPECTED
from tests import running
from tests.http.conftest import TEAMS
from tests.running import VENDOR_KEY, Router, Simulator, wait_for

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PROMPT = "prompt-canary-5e1"


class Collector:
    """What a collector got: its spans, and all bytes."""

    def __init__(self) -> None:
        self.raw = b""
        self.spans: list[Span] = []
        self.service: dict[str, Any] = {}

    def take(self, body: bytes) -> None:
        self.raw += body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.service = told(resource.resource.attributes)
            for scope in resource.scope_spans:
                self.spans += scope.spans

    def of(self, trace: str) -> tuple[Span, list[Span]]:
        """The request's span of that trace, and its attempts' in their order."""
        found = [span for span in self.spans if span.trace_id.hex() == trace]
        (root,) = [span for span in found if span.kind == Span.SPAN_KIND_SERVER]
        attempts = [span for span in found if span.parent_span_id == root.span_id]
        assert len(found) == 1 + len(attempts)
        return root, sorted(attempts, key=lambda span: span.start_time_unix_nano)


def told(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


@contextmanager
def collecting() -> Iterator[tuple[Collector, dict[str, str]]]:
    """A collector, and the environment that sends to it at once."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            collector.take(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield (
            collector,
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": url,
                "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
                "OTEL_BSP_SCHEDULE_DELAY": "50",
            },
        )
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def traced(simulated: Simulator) -> Iterator[tuple[Router, Collector]]:
    with collecting() as (collector, environ), running.router(simulated.url, policies=TEAMS, environ=environ) as router:
        yield router, collector


def parent_of(trace: str) -> dict[str, str]:
    return {"traceparent": f"00-{trace}-{PARENT}-01"}


def test_an_apps_trace_goes_on_through_every_attempt_and_upstream(
    traced: tuple[Router, Collector], upstream: Simulator
) -> None:
    router, collector = traced
    upstream.faults({"fault": "rate_limited", "times": 1})
    reply = router.chat(
        f"Tell me about {PROMPT}.", key=router.new_key("ladder"), max_tokens=20, headers=parent_of(TRACE)
    )
    assert reply.headers["x-router-attempts"] == "2"
    wait_for(lambda: len([span for span in collector.spans if span.trace_id.hex() == TRACE]) == 3)
    root, (failed, answered) = collector.of(TRACE)
    assert root.parent_span_id.hex() == PARENT
    assert root.name == "chat auto"
    record, said = router.record(reply), told(root.attributes)
    assert said["gen_ai.operation.name"] == "chat"
    assert said["gen_ai.request.model"] == "auto"
    assert said["gen_ai.response.model"] == record["model"] == reply.headers["x-router-model"]
    assert said["gen_ai.response.id"] == reply.headers["x-request-id"]
    assert said["gen_ai.usage.input_tokens"] == record["input_tokens"]
    assert said["gen_ai.usage.output_tokens"] == record["output_tokens"]
    assert said["router.cost_nano_usd"] == record["nano_usd"]
    assert (said["router.team"], said["router.reason"], said["router.attempts"]) == ("ladder", "escalated", 2)
    assert said["http.response.status_code"] == 200
    assert (told(failed.attributes)["error.type"], failed.status.code) == ("rate_limited", 2)
    assert told(answered.attributes)["gen_ai.request.model"] == record["model"]
    assert "error.type" not in told(answered.attributes)
    for span in (failed, answered):
        assert root.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano
    sent = [entry["headers"]["traceparent"] for entry in upstream.requests if entry["path"] == "/v1/chat/completions"]
    assert sent == [f"00-{TRACE}-{span.span_id.hex()}-01" for span in (failed, answered)]
    assert PROMPT.encode() not in collector.raw
    assert VENDOR_KEY.encode() not in collector.raw
    assert router.key.encode() not in collector.raw
    assert collector.service["service.name"] == "mistral-router"


def test_a_stream_a_refusal_and_a_request_without_a_trace_have_one_each(
    traced: tuple[Router, Collector], upstream: Simulator
) -> None:
    router, collector = traced
    streamed, refused = TRACE[::-1], TRACE.replace("4", "5")
    assert router.stream("Tell me about rivers.", max_tokens=20, headers=parent_of(streamed)).done
    assert router.chat(model="nope", headers=parent_of(refused)).status == 404
    alone = router.chat(max_tokens=5)
    name = alone.headers["x-request-id"]
    wait_for(lambda: any(told(span.attributes).get("gen_ai.response.id") == name for span in collector.spans))
    root, attempts = collector.of(streamed)
    assert len(attempts) == 1
    assert told(root.attributes)["router.first_chunk_ms"] > 0
    assert told(root.attributes)["router.stream"] is True
    root, attempts = collector.of(refused)
    assert attempts == []
    assert told(root.attributes)["error.type"] == "model_not_found"
    assert root.status.code == 0, "the app's own mistake is no failure of the server"
    (own,) = [span for span in collector.spans if told(span.attributes).get("gen_ai.response.id") == name]
    assert own.parent_span_id == b""


def test_what_is_not_sent_yet_is_sent_at_a_stop(upstream: Simulator) -> None:
    with collecting() as (collector, environ):
        late = {"OTEL_BSP_SCHEDULE_DELAY": "60000", "OTEL_SERVICE_NAME": "edge"}
        with running.router(upstream.url, environ={**environ, **late}) as router:
            assert router.chat(max_tokens=5).status == 200
            assert collector.spans == []
            assert router.stop() == 0
        assert len(collector.spans) == 2
        assert collector.service["service.name"] == "edge"


def test_a_collector_that_is_away_harms_nobody(upstream: Simulator) -> None:
    environ = {"ROUTER_OTEL": "1", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_BSP_SCHEDULE_DELAY": "10"}
    with running.router(upstream.url, environ=environ) as router:
        for _ in range(5):
            assert router.chat(max_tokens=5).status == 200
        assert router.stop() == 0


def test_without_a_wish_a_trace_is_passed_on_as_it_came(router: Router, upstream: Simulator) -> None:
    assert router.chat(max_tokens=5, headers=parent_of(TRACE)).status == 200
    (entry,) = upstream.requests
    assert entry["headers"]["traceparent"] == parent_of(TRACE)["traceparent"]


def test_no_traces_are_made_where_they_are_unwanted(upstream: Simulator) -> None:
    with collecting() as (collector, environ):
        with running.router(upstream.url, environ={**environ, "ROUTER_OTEL": "0"}) as router:
            assert router.chat(max_tokens=5).status == 200
        assert collector.spans == []


def test_without_the_packages_a_wish_stops_the_start_and_an_endpoint_alone_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(settings, "find_spec", lambda _: None)

    def load(**environ: str) -> bool:
        folders = {"config_dir": running.ROOT / "config", "policies_dir": tmp_path, "data_dir": tmp_path}
        return settings.load_settings(**folders, environ={"MISTRAL_API_KEY": "k", **environ}).traces

    assert load() is False
    assert load(ROUTER_OTEL="0", OTEL_EXPORTER_OTLP_ENDPOINT="http://x") is False
    assert caplog.records == []
    assert load(OTEL_EXPORTER_OTLP_ENDPOINT="http://x") is False
    assert "constraints-otel.txt" in caplog.text
    with pytest.raises(settings.MissingExtra, match=r"constraints-otel\.txt"):
        load(ROUTER_OTEL="1")
    monkeypatch.undo()
    assert load(ROUTER_OTEL="1") is True
    assert settings.MissingExtra in EXPECTED
