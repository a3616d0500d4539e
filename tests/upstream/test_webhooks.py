"""Messages are signed so that any receiver of Standard Webhooks can check them."""

from __future__ import annotations

import asyncio
import time

import pytest

from router.settings import Secret, Webhook
from router.upstream.webhooks import Webhooks, signature


def test_the_signature_is_that_of_the_standards_own_example() -> None:
    # https://github.com/standard-webhooks/standard-webhooks, the example of its libraries (seen 2026-11).
    signed = signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, '{"test": 2432232314}'
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_any_text_is_a_secret_and_all_that_is_signed_counts() -> None:
    given = ("plain text", "alarm_1", 1_700_000_000, "{}")
    others = [
        ("whsec_no base64", *given[1:]), (given[0], "alarm_2", *given[2:]), (*given[:2], 1_700_000_001, given[3]),
        (*given[:3], "{ }"),
    ]  # fmt: skip
    assert len({signature(*one) for one in [given, *others]}) == 5


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://[", "http://no such host/"])
def test_an_address_that_does_not_answer_is_a_reason_and_no_error(url: str) -> None:
    async def main() -> str | None:
        webhooks = Webhooks({"x": Webhook(url=Secret(url), secret=Secret("s"))}, time.time)
        try:
            assert webhooks.knows("x")
            assert not webhooks.knows("y")
            return await webhooks.send("x", "alarm_1", "{}")
        finally:
            await webhooks.close()

    assert asyncio.run(main())
