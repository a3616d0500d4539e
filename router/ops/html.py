"""HTML made of elements: whatever is not an element already is text, and is escaped. A page cannot forget to."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final

_VOID: Final = frozenset({"input", "link", "meta", "br", "wbr"})


class Html(str):
    """Markup that was made here, as opposed to text that came from elsewhere."""

    __slots__ = ()


Child = str | int | None | Iterable["Child"]
Attribute = str | int | float | bool | None


def el(tag: str, /, *children: Child, **attributes: Attribute) -> Html:
    """An element. `class_` and `for_` stand for class and for, an underscore for a hyphen; True is an attribute without
    a value, None and False leave it out."""
    head = "".join(_attribute(name.rstrip("_").replace("_", "-"), value) for name, value in attributes.items())
    return Html(f"<{tag}{head}>" if tag in _VOID else f"<{tag}{head}>{join(children)}</{tag}>")


def svg(tag: str, /, *children: Child, **attributes: Attribute) -> Html:
    """An element of SVG, whose attributes are spelled in camel case: `view_box` stands for viewBox."""
    spelled = {_CAMEL.get(name, name): value for name, value in attributes.items()}
    return el(tag, *children, **spelled)


_CAMEL: Final = {"view_box": "viewBox", "preserve_aspect_ratio": "preserveAspectRatio"}


def join(children: Iterable[Child]) -> Html:
    """Elements and texts, one after the other."""
    return Html("".join(_child(child) for child in children))


def breakable(name: str) -> Html:
    """A long name that may go on in the next line behind each underscore, rather than anywhere."""
    head, *rest = name.split("_")
    return join([head, *(["_", el("wbr"), part] for part in rest)])


def _child(child: Child) -> str:
    match child:
        case None:
            return ""
        case Html():
            return child
        case str():
            return escape(child)
        case int():
            return str(child)
        case _:
            return join(child)


def _attribute(name: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
