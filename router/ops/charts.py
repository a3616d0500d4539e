"""Charts as SVG, drawn here: bars over time, lines, a budget burning down, a waterfall, a bar in a table's cell.

Shapes only. They are stretched to whatever width the page has, so text stands beside them in HTML, where it keeps its
size on a phone; what a shape means is its `title`, which browsers show and screen readers read. Colours are classes of
the style sheet, so that they turn with the colour scheme.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from router.ops.html import Html, el, svg

WIDTH: Final = 1000
HEIGHT: Final = 200
# Classes c0 … c7 of the style sheet; the last is for what is left over.
COLOURS: Final = 8


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One bar: its label and the values of its pieces, from the bottom up."""

    label: str
    values: tuple[float, ...]


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """`values` by column, None where there is nothing to tell; `colour` counts from 0."""

    name: str
    values: tuple[float | None, ...]
    colour: int


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a waterfall. `kind` is a class of the style sheet, `title` what it says."""

    start: float
    length: float
    kind: str
    title: str


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """`x` and `y` are shares of the chart, 0 to 1, from its lower left corner."""

    x: float
    y: float


def ceiling(values: Sequence[float]) -> float:
    """A round number that is no less than any of `values`, for the top of a scale; 1 when all are zero."""
    most = max(values, default=0.0)
    if most <= 0:
        return 1.0
    size = 1.0
    while size < most:
        size *= 10
    while size / 10 >= most:
        size /= 10
    return next(size * step for step in (0.1, 0.2, 0.25, 0.4, 0.5, 0.6, 0.8, 1.0) if size * step >= most * 0.999_999)


def colour(index: int) -> str:
    """The class of the piece or line of that number."""
    return f"c{min(index, COLOURS - 1)}"


def stacked(
    columns: Sequence[Column],
    names: Sequence[str],
    top: float,
    words: Sequence[Sequence[str]],
    colours: Sequence[str] = (),
) -> Html:
    """Bars of pieces piled up, one bar a column; `words` are the values as they are told, by column and piece;
    `colours` are classes, by piece."""
    step = WIDTH / max(1, len(columns))
    gap = min(8.0, step * 0.25)
    shapes: list[Html] = []
    for index, (column, told) in enumerate(zip(columns, words, strict=True)):
        below = 0.0
        for piece, value in enumerate(column.values):
            height = HEIGHT * value / top
            if height <= 0:
                continue
            below += height
            title = svg("title", f"{column.label} · {names[piece]}: {told[piece]}")
            shapes.append(
                svg(
                    "rect",
                    title,
                    x=_n(index * step + gap / 2),
                    y=_n(HEIGHT - below),
                    width=_n(step - gap),
                    height=_n(height),
                    class_=colours[piece] if colours else colour(piece),
                )
            )
    return _canvas(_grid(), shapes)


def lines(drawn: Sequence[Line], top: float, labels: Sequence[str], words: Sequence[Sequence[str]]) -> Html:
    """Lines over columns, broken where a value is missing; `words` are the values as they are told, by line."""
    shapes: list[Html] = []
    step = WIDTH / max(1, len(labels))
    for line, told in zip(drawn, words, strict=True):
        kind = f"l{line.colour}"
        heights = [None if value is None else HEIGHT - HEIGHT * value / top for value in line.values]
        for run in _runs(heights):
            points = " ".join(f"{_n((index + 0.5) * step)},{_n(y)}" for index, y in run)
            if len(run) > 1:  # a single one is seen by its dot
                shapes.append(svg("polyline", points=points, class_=f"line {kind}", vector_effect=_THIN))
            for index, y in run:
                title = svg("title", f"{labels[index]} · {line.name}: {told[index]}")
                place = f"M{_n((index + 0.5) * step)} {_n(y)}h0"
                shapes.append(svg("path", title, d=place, class_=f"dot {kind}", vector_effect=_THIN))
    return _canvas(_grid(), shapes)


def burning(spent: Sequence[Point], ahead: Sequence[Point], now: float, kind: str) -> Html:
    """A budget's window from its begin to its end: what was spent up to `now`, and where the pace leads. The top is
    the limit. `kind` is good, warn or bad."""
    area = [Point(x=spent[0].x, y=0.0), *spent, Point(x=spent[-1].x, y=0.0)] if spent else []
    shapes = [
        svg("polygon", points=_points(area), class_=f"area {kind}") if area else None,
        svg("polyline", points=_points(spent), class_=f"line {kind}", vector_effect=_THIN) if spent else None,
        svg("polyline", points=_points(ahead), class_=f"line ahead {kind}", vector_effect=_THIN) if ahead else None,
        svg("path", d=f"M{_n(now * WIDTH)} 0V{HEIGHT}", class_="now", vector_effect=_THIN),
        svg("path", d=f"M0 1H{WIDTH}", class_=f"limit {kind}", vector_effect=_THIN),
    ]
    return _canvas(_grid(), [shape for shape in shapes if shape is not None])


def waterfall(bars: Sequence[Bar], whole: float) -> Html:
    """One lane of a waterfall `whole` units long."""
    shapes = [
        svg(
            "rect",
            svg("title", bar.title),
            x=_n(WIDTH * bar.start / whole),
            y=0,
            # Never so short that it cannot be seen.
            width=_n(max(3.0, WIDTH * bar.length / whole)),
            height=20,
            class_=bar.kind,
        )
        for bar in bars
    ]
    return svg("svg", shapes, view_box=f"0 0 {WIDTH} 20", preserve_aspect_ratio="none", class_="lane", role="img")


def gauge(parts: Sequence[tuple[float, str]], title: str) -> Html:
    """A bar in a table's cell: shares of its length, 0 to 1, each with its class of the style sheet."""
    shapes, start = [], 0.0
    for part, kind in parts:
        width = max(0.0, min(part, 1.0 - start))
        if width > 0:
            shapes.append(svg("rect", x=_n(100 * start), y=0, width=_n(100 * width), height=8, class_=kind))
        start += width
    rail = svg("rect", x=0, y=0, width=100, height=8, class_="rail")
    told = svg("title", title)
    return svg(
        "svg", told, rail, shapes, view_box="0 0 100 8", preserve_aspect_ratio="none", class_="gauge", role="img"
    )


def legend(names: Sequence[str], colours: Sequence[str] = ()) -> Html:
    """Which colour is whose; `colours` are classes, by name."""
    items = [
        el(
            "li",
            svg(
                "svg",
                svg("rect", width=10, height=10, class_=kind),
                view_box="0 0 10 10",
                class_="key",
                aria_hidden="true",
            ),
            name,
        )
        for name, kind in zip(names, colours or map(colour, range(len(names))), strict=False)
    ]
    return el("ul", items, class_="legend")


_THIN: Final = "non-scaling-stroke"


def _canvas(*shapes: Html | Sequence[Html]) -> Html:
    return svg("svg", shapes, view_box=f"0 0 {WIDTH} {HEIGHT}", preserve_aspect_ratio="none", class_="plot")


def _grid() -> list[Html]:
    return [
        svg("path", d=f"M0 {_n(HEIGHT * share)}H{WIDTH}", class_="grid", vector_effect=_THIN) for share in (0, 0.5, 1)
    ]


def _runs(heights: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    """Neighbouring columns that have a value, together."""
    runs: list[list[tuple[int, float]]] = []
    for index, height in enumerate(heights):
        if height is None:
            continue
        if runs and runs[-1][-1][0] == index - 1:
            runs[-1].append((index, height))
        else:
            runs.append([(index, height)])
    return runs


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{_n(WIDTH * point.x)},{_n(HEIGHT * (1 - min(1.0, point.y)))}" for point in points)


def _n(number: float) -> str:
    """A coordinate, without digits that nobody sees."""
    return f"{number:.2f}".rstrip("0").rstrip(".")
