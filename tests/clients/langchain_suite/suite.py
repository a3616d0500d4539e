"""LangChain's standard suite for chat models, against the router; ../test_langchain.py runs it and says where that is.

The simulator answers by itself. Where a test of the suite asks for something that only a model can know, its answer is
scripted here.
"""

from __future__ import annotations

import json
import os
import urllib.request
from typing import Any, ClassVar

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_mistralai import ChatMistralAI
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests

URL, KEY, SIMULATOR = (os.environ[name] for name in ("ROUTER", "ROUTER_KEY", "SIMULATOR"))


def call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"tool_calls": [{"name": name, "arguments": json.dumps(arguments, ensure_ascii=False)}]}


# By the test's name: what a model would have understood.
SAID: dict[str, dict[str, Any]] = {
    "test_tool_calling": call("magic_function", input=3),
    "test_tool_calling_async": call("magic_function", input=3),
    "test_unicode_tool_call_integration": call(
        "unicode_customer", customer_name="你好こんにちは", description="株式会社"
    ),
    "test_json_mode": {"content": '{"setup": "Why?", "punchline": "Because."}'},
}


@pytest.fixture(autouse=True)
def script(request: pytest.FixtureRequest) -> None:
    answer = SAID.get(request.node.originalname)
    rules = [{"fault": "answer", "times": None, "answer": answer}] if answer else []
    data = json.dumps({"rules": rules}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{SIMULATOR}/_sim/faults", data=data)).close()


NAMES_ITSELF = "ChatMistralAI tells the model it was made for, not the one that the answer names (1.1.6)"


class Suite(ChatModelIntegrationTests):
    """What images, sounds and documents there are in the suite it fetches from the web. No test of ours leaves the
    machine, so their `supports_…` stay false, and pytest names them as skipped."""

    supports_json_mode = True
    model_override_value = "mistral-small-2603"


class TestOpenAI(Suite):
    chat_model_class = ChatOpenAI
    chat_model_params: ClassVar[dict[str, Any]] = {"model": "auto", "base_url": f"{URL}/v1", "api_key": KEY}


class TestMistral(Suite):
    chat_model_class = ChatMistralAI
    chat_model_params: ClassVar[dict[str, Any]] = {"model": "auto", "endpoint": f"{URL}/v1", "api_key": KEY}

    @pytest.mark.xfail(strict=True, reason=NAMES_ITSELF)
    def test_invoke_with_model_override(self, model: BaseChatModel) -> None:
        super().test_invoke_with_model_override(model)

    @pytest.mark.xfail(strict=True, reason=NAMES_ITSELF)
    async def test_ainvoke_with_model_override(self, model: BaseChatModel) -> None:
        await super().test_ainvoke_with_model_override(model)
