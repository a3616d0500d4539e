"""Conversations of any order: what the router lets pass, the vendor's own validators accept."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from router.errors import BadRequest
from tests.contract.judge import CHAT, problems_of
from tests.wire.turns import Turn, calls, read, result, sent, system, user

TURNS = st.lists(
    st.one_of(
        st.builds(system, st.sampled_from(["Be kind.", "Be quick."])),
        st.builds(user, st.sampled_from(["hi", "", [{"type": "text", "text": "x"}]])),
        st.builds(lambda text: {"role": "assistant", "content": text}, st.sampled_from(["x", "", None])),
        st.builds(lambda text: {"role": "assistant", "content": text, "prefix": True}, st.sampled_from(["x", ""])),
        st.builds(calls, st.sampled_from(["aaaaaaaaa", "call_1"])),
        st.builds(calls, st.just("call_1"), st.just("bbbbbbbbb")),
        st.builds(result, st.sampled_from(["aaaaaaaaa", "call_1", "bbbbbbbbb"]), st.sampled_from(["x", "", None])),
    ),
    max_size=7,
)


@given(st.lists(st.just(system()), max_size=2), TURNS)
def test_what_the_router_lets_pass_the_vendors_own_validators_accept(first: list[Turn], turns: list[Turn]) -> None:
    try:
        messages = sent(*first, *turns)
    except BadRequest:
        return
    assert problems_of(CHAT, {"model": "m", "messages": messages}) == []


@given(st.lists(st.just(system()), max_size=2), TURNS)
def test_a_conversation_read_once_is_not_changed_by_reading_it_again(first: list[Turn], turns: list[Turn]) -> None:
    try:
        messages = sent(*first, *turns)
    except BadRequest:
        return
    assert read(*messages) == (messages, [])
