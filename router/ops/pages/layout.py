"""What every page has: its head, the way to the other pages, and the parts that they are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote, urlencode

import msgspec

from router.ops.html import Child, Html, el, svg
from router.ops.pages.assets import address

ROOT: Final = "/dashboard"
ROOMS: Final = (
    (ROOT, "Overview"),
    (f"{ROOT}/budgets", "Budgets"),
    (f"{ROOT}/routing", "Routing"),
    (f"{ROOT}/requests", "Requests"),
    (f"{ROOT}/upstream", "Upstream"),
    (f"{ROOT}/keys", "Keys"),
    (f"{ROOT}/policies", "Policies"),
)
# The field that holds the proof that a form is ours, without which nothing is changed.
PROOF: Final = "form"


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What a page knows of its visitor: `token` proves a form to be ours, and is None for who did not sign in on the
    sign-in page and so may only read. `now_ms` is epoch ms."""

    now_ms: int
    token: str | None = None


def link(path: str, **query: str | None) -> str:
    """An address with its query; what is None or empty is left out."""
    given = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(given)}" if given else path


def team_link(team: str) -> Html:
    """The team's requests; without a name those of all."""
    return el("a", team or "every team", href=link(f"{ROOT}/requests", team=team or None))


def request_link(request_id: str, text: str) -> Html:
    return el("a", text, href=f"{ROOT}/requests/{quote(request_id, safe='')}")


def page(title: str, body: Sequence[Child], frame: Frame | None, here: str = "") -> str:
    """A whole page; without a frame it has neither a heading nor a way to the others."""
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("title", f"{title} · mistral-router"),
        el("link", rel="icon", href=address("icon.svg"), type="image/svg+xml"),
        el("link", rel="stylesheet", href=address("style.css")),
        el("script", src=address("script.js"), defer=True) if frame else None,
    )
    main = el("main", el("h1", title) if frame else None, body)
    return "<!doctype html>" + el("html", head, el("body", _top(frame, here) if frame else None, main), lang="en")


def _top(frame: Frame, here: str) -> Html:
    rooms = [el("a", name, href=path, aria_current="page" if path == here else None) for path, name in ROOMS]
    leave = button("Sign out", f"{ROOT}/sign-out", frame, quiet=True) or el("a", "Sign in", href=f"{ROOT}/sign-in")
    return el(
        "header",
        el("a", mark(), "mistral-router", href=ROOT, class_="brand"),
        el("nav", rooms, aria_label="Pages"),
        el("div", el("span", id="live", class_="live"), leave, class_="corner"),
    )


def mark() -> Html:
    """The sign before the name."""
    route = svg("path", d="M4 12h6m0 0 6-6h4M10 12l6 6h4M10 12h10", class_="mark")
    return svg("svg", route, view_box="0 0 24 24", class_="logo", aria_hidden="true")


def card(title: str, *children: Child, name: str, note: Child = None, wide: bool = True) -> Html:
    """A part of a page that is kept fresh under its `name`, which is unique on the page."""
    head = el("div", el("h2", title), el("p", note, class_="soft") if note is not None else None, class_="head")
    return el("section", head, children, id=name, data_live=True, class_="card" if wide else "card half")


def tile(
    name: str,
    figure: Child,
    note: Child = None,
    mark: str | None = None,
    href: str | None = None,
    *,
    wide: bool = False,
) -> Html:
    """One figure. `mark` is good, warn or bad."""
    inside = (el("span", name, class_="name"), el("b", figure, class_=mark), el("span", note, class_="soft"))
    return el("a" if href else "div", inside, href=href, class_="tile wider" if wide else "tile")


def tiles(*shown: Html, name: str = "tiles") -> Html:
    return el("div", shown, class_="tiles", id=name, data_live=True)


def table(
    heads: Sequence[str], rows: Sequence[Sequence[Child]], *, numbers: Sequence[int] = (), empty: str = "Nothing yet."
) -> Html:
    """`numbers` are the columns to set flush right. It scrolls by itself where the page is narrow."""
    kinds = ["number" if index in numbers else None for index in range(len(heads))]
    head = el("tr", [el("th", text, class_=kind, scope="col") for text, kind in zip(heads, kinds, strict=True)])
    body = [el("tr", [el("td", cell, class_=kind) for cell, kind in zip(row, kinds, strict=True)]) for row in rows]
    if not rows:
        return el("p", empty, class_="soft")
    return el("div", el("table", el("thead", head), el("tbody", body)), class_="wide", tabindex=0)


def facts(pairs: Mapping[str, Child]) -> Html:
    """Names and what they are."""
    return el("dl", [el("div", el("dt", name), el("dd", value)) for name, value in pairs.items()], class_="facts")


def plot(drawn: Html, *, scale: Sequence[str], marks: Sequence[str], key: Child = None, told: str) -> Html:
    """A chart with its `scale` beside it, from the top down, and its `marks` below; `told` says what it shows."""
    beside = el("div", [el("span", figure) for figure in scale], class_="scale", aria_hidden="true")
    below = el("div", [el("span", mark) for mark in marks], class_="marks", aria_hidden="true")
    return el("figure", beside, drawn, below, el("figcaption", told, class_="unseen"), key, class_="chart")


def behind(title: str, *children: Child, name: str) -> Html:
    """What is shown when it is asked for; `name` is unique on the page."""
    return el("details", el("summary", title), children, id=name)


def badge(text: str, kind: str = "") -> Html:
    """A word in a box. `kind` is good, warn, bad or nothing."""
    return el("span", text, class_=f"badge {kind}".strip())


def button(
    label: str, action: str, frame: Frame, *fields: Child, quiet: bool = False, danger: bool = False
) -> Html | None:
    """A form that changes something; nothing for who may only read. `fields` are its inputs."""
    if frame.token is None:
        return None
    kind = "danger" if danger else "quiet" if quiet else None
    return el(
        "form",
        hidden(PROOF, frame.token),
        fields,
        el("button", label, class_=kind),
        method="post",
        action=action,
        class_="change",
    )


def hidden(name: str, value: str) -> Html:
    """A field that nobody fills in."""
    return el("input", type="hidden", name=name, value=value)


def choices(name: str, chosen: str, allowed: Mapping[str, str], path: str, query: Mapping[str, str | None]) -> Html:
    """Links that choose one value of a filter, the others kept. `allowed` maps a value to its words."""
    return el(
        "nav",
        [
            el("a", words, href=link(path, **{**query, name: value}), aria_current="true" if value == chosen else None)
            for value, words in allowed.items()
        ],
        class_="choices",
        aria_label=name,
    )


def select(name: str, label: str, chosen: str, allowed: Mapping[str, str]) -> Html:
    """One of several values; `allowed` maps a value to its words."""
    options = [el("option", words, value=value, selected=value == chosen) for value, words in allowed.items()]
    return el("label", el("span", label), el("select", options, name=name))


def entry(name: str, label: str, value: str = "", *, hint: str | None = None, **more: str | int | bool | None) -> Html:
    field = el("input", name=name, value=value, placeholder=hint, autocomplete="off", **more)
    return el("label", el("span", label), field)


def asking(path: str, *fields: Child) -> Html:
    """A form that only asks: its fields are in the address of what it finds."""
    return el("form", fields, el("button", "Show"), method="get", action=path, class_="filters")
