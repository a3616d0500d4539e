"""The door, and what is shown where something was asked for that is not there."""

from __future__ import annotations

from router.ops.html import el
from router.ops.pages.layout import ROOT, mark, page


def sign_in_page(to: str, refused: str | None = None) -> str:
    """`to` is the address that was asked for, `refused` why the last try failed."""
    brand = el("p", mark(), "mistral-router", class_="brand")
    why = el("p", refused, class_="notice bad", role="alert") if refused else None
    field = el(
        "input",
        type="password",
        name="key",
        id="key",
        required=True,
        autofocus=True,
        autocomplete="current-password",
    )
    label = el("label", el("span", "Admin key"), field)
    form = el(
        "form",
        el("input", type="hidden", name="to", value=to),
        label,
        el("button", "Sign in"),
        method="post",
        action=f"{ROOT}/sign-in",
    )
    hint = el(
        "p",
        "It is printed by the demo as ",
        el("code", "ROUTER_ADMIN_KEY"),
        " and stands in ",
        el("code", "admin.key"),
        " of the data directory. Signed in already? ",
        el("a", "Go on", href=to),
        ".",
        class_="soft",
    )
    return page(
        "Sign in",
        [el("div", brand, el("div", el("h1", "Sign in"), why, form, hint, class_="card"), class_="door")],
        None,
    )


def failed_page(message: str, back_to: tuple[str, str] = ("the overview", "")) -> str:
    """What went wrong, and what to do. `back_to` is a page's name and its path within the dashboard."""
    title = "That did not work"
    name, path = back_to
    back = el("p", el("a", f"Back to {name}", href=f"{ROOT}{path}"))
    return page(title, [el("h1", title), el("p", message, class_="notice bad"), back], None)
