"""The card of the vendor's windows: what was learned, for whom, and that nothing was."""

from __future__ import annotations

from router.ops.pages.windows import Measured, Window, windows_card
from tests.ops.test_pages import read


def window(model: str = "large", key: str | None = None, teams: tuple[str, ...] | None = None, **more: int) -> Window:
    measures = {
        "requests": Measured(limit=100, remaining=more.get("left", 40), bulk=10),
        "tokens": Measured(limit=2_000_000, remaining=1_999_999, bulk=1_399_999),
    }
    return Window(
        model=model, key=key, teams=teams, sharers=more.get("sharers", 1), measures=measures, age_s=more.get("age", 12)
    )


def test_a_window_says_its_limits_what_is_left_and_when_it_was_told() -> None:
    text = read(windows_card([window()]))
    assert (
        "large 100 40 of 100 left 40 % 2.0 M 1,999,999 of 2,000,000 left 99.9 % 10 · 1.4 M 12 s ago every team" in text
    )


def test_who_shares_a_window_is_named() -> None:
    shown = [window(sharers=6, teams=("search",)), window(key="SEARCH_KEY", teams=("search",), sharers=2)]
    text = read(windows_card(shown))
    assert "every team but search 6 processes" in text
    assert "search , by the key in SEARCH_KEY 2 processes" in text


def test_a_model_that_is_not_on_the_plan_and_a_measure_that_was_never_told() -> None:
    none = Window(
        model="m",
        key=None,
        teams=None,
        sharers=1,
        age_s=1,
        measures={"requests": Measured(limit=0, remaining=0, bulk=0)},
    )
    text = read(windows_card([none]))
    assert "m 0 not on the plan – – 0 1 s ago every team" in text


def test_that_nothing_is_learned_is_said_in_a_sentence() -> None:
    text = read(windows_card([]))
    assert (
        "Nothing is learned yet. Mistral tells a model's window with each plain answer and never with a stream" in text
    )


def test_names_are_text() -> None:
    assert "<b>" not in windows_card([window(model="<b>", key="<b>", teams=("<b>",))]).replace("<b class", "")
