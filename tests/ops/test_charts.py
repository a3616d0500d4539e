"""Charts: shapes of the right size, and nothing in them that a visitor's name could break out of."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.ops.charts import (
    HEIGHT,
    WIDTH,
    Bar,
    Column,
    Line,
    Point,
    burning,
    ceiling,
    gauge,
    legend,
    lines,
    stacked,
    waterfall,
)
from router.ops.html import Html, breakable, el, join

HOSTILE = "\"><script>alert('x')</script>&amp;"


def drawn(markup: Html) -> ET.Element:
    return ET.fromstring(markup)


def shapes(markup: Html, name: str) -> list[ET.Element]:
    return [one for one in drawn(markup).iter(name) if one.get("class") != "grid"]


def number(shape: ET.Element, name: str) -> float:
    return float(shape.get(name, "nan"))


def test_bars_are_as_high_as_their_share_of_the_top_and_pile_up() -> None:
    columns = [Column(label="mon", values=(25.0, 50.0)), Column(label="tue", values=(0.0, 100.0))]
    bars = shapes(stacked(columns, ("a", "b"), 100.0, [("25", "50"), ("0", "100")]), "rect")
    assert [number(bar, "height") for bar in bars] == [HEIGHT / 4, HEIGHT / 2, HEIGHT]
    assert [number(bar, "y") for bar in bars] == [HEIGHT * 3 / 4, HEIGHT / 4, 0]
    assert [bar.get("class") for bar in bars] == ["c0", "c1", "c1"]
    assert [bar[0].text for bar in bars] == ["mon · a: 25", "mon · b: 50", "tue · b: 100"]
    assert number(bars[2], "x") >= WIDTH / 2


def test_a_line_is_broken_where_nothing_is_known() -> None:
    line = Line(name="p95", colour=0, values=(1.0, 2.0, None, 4.0))
    shown = lines([line], 4.0, ["a", "b", "c", "d"], [["1", "2", "–", "4"]])
    assert [one.get("points") for one in shapes(shown, "polyline")] == ["125,150 375,100"]
    assert len([one for one in shapes(shown, "path") if one.get("class") == "dot l0"]) == 3


def test_a_budget_is_drawn_to_now_and_from_there_as_it_is_foretold() -> None:
    spent = [Point(x=0, y=0), Point(x=0.5, y=0.5)]
    ahead = [Point(x=0.5, y=0.5), Point(x=0.8, y=1.2)]
    solid, dashed = shapes(burning(spent, ahead, 0.5, "warn"), "polyline")
    assert (solid.get("points"), solid.get("class")) == ("0,200 500,100", "line warn")
    assert (dashed.get("points"), dashed.get("class")) == ("500,100 800,0", "line ahead warn")


def test_nothing_spent_leaves_an_empty_chart() -> None:
    assert shapes(burning([], [], 0.1, "good"), "polyline") == []


def test_a_waterfall_keeps_its_scale_and_shows_even_the_shortest() -> None:
    bars = shapes(
        waterfall(
            [Bar(start=0, length=50, kind="ok", title="x"), Bar(start=50, length=0, kind="wait", title="y")], 100
        ),
        "rect",
    )
    assert [(number(bar, "x"), number(bar, "width")) for bar in bars] == [(0, 500), (500, 3)]


def test_a_gauge_never_runs_over() -> None:
    parts = shapes(gauge(((0.8, "good"), (0.9, "held")), "told"), "rect")[1:]
    assert sum(number(part, "width") for part in parts) == 100


@pytest.mark.parametrize(
    "shown",
    [
        stacked([Column(label=HOSTILE, values=(1.0,))], [HOSTILE], 1.0, [[HOSTILE]]),
        lines([Line(name=HOSTILE, colour=0, values=(1.0,))], 1.0, [HOSTILE], [[HOSTILE]]),
        waterfall([Bar(start=0, length=1, kind="ok", title=HOSTILE)], 1),
        gauge(((1.0, "good"),), HOSTILE),
        legend([HOSTILE]),
    ],
)
def test_hostile_names_are_text(shown: Html) -> None:
    assert HOSTILE in "".join(drawn(shown).itertext())
    assert not list(drawn(shown).iter("script"))


def test_a_chart_has_no_style_of_its_own() -> None:
    shown = stacked([Column(label="a", values=(1.0,))], ["a"], 1.0, [["1"]])
    assert "style" not in shown


@given(st.lists(st.floats(0, 1e15), max_size=5))
def test_the_top_of_a_scale_is_round_and_no_lower_than_anything(values: list[float]) -> None:
    top = ceiling(values)
    assert top >= max(values, default=0.0) * 0.999_999
    assert top <= max([*values, 0.0]) * 2.6 or max(values, default=0.0) == 0


@given(st.recursive(st.text(), lambda inner: st.lists(inner, max_size=3), max_leaves=8))
def test_text_comes_out_as_it_went_in(children: Sequence[object] | str) -> None:
    shown = el("p", children, title="".join(_texts(children)))  # type: ignore[arg-type]
    printable = all(" " <= letter < "\ud800" for letter in "".join(_texts(children)))
    if printable:  # XML knows no control characters
        assert "".join(drawn(shown).itertext()) == "".join(_texts(children))
        assert drawn(shown).get("title") == "".join(_texts(children))
    assert shown.count("<") == 2


def _texts(children: object) -> list[str]:
    if isinstance(children, str):
        return [children]
    assert isinstance(children, list)
    return [text for child in children for text in _texts(child)]


def test_attributes_that_are_not_given_are_left_out() -> None:
    assert (
        el("a", "x", href=None, hidden=True, class_="c", aria_label='"')
        == '<a hidden class="c" aria-label="&quot;">x</a>'
    )
    assert join([el("br"), "<", None, 3]) == "<br>&lt;3"


def test_a_long_name_breaks_behind_its_underscores_and_is_escaped() -> None:
    assert breakable("no_suitable_model") == "no_<wbr>suitable_<wbr>model"
    assert breakable("<b>_") == "&lt;b&gt;_<wbr>"
