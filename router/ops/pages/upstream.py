"""How Mistral does: each model's health and quota of repeats, its windows there, what an operator switched off, and the
switches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from router.core.catalog import ModelCard
from router.core.money import usd
from router.core.switches import Switch, Switches
from router.ops.charts import gauge
from router.ops.figures import count, millis, share, span
from router.ops.html import Child, Html, el
from router.ops.pages.layout import ROOT, Frame, badge, button, card, entry, hidden, link, page, select, table
from router.ops.pages.windows import Window, windows_card

PATH = f"{ROOT}/upstream"
DURATIONS = {"900": "15 minutes", "3600": "1 hour", "14400": "4 hours", "86400": "1 day", "604800": "7 days"}


class ModelState(msgspec.Struct, frozen=True, kw_only=True):
    """A model as it is shown. `sites` are the upstreams that offer it and the seconds it rests there; `attempts` counts
    the last day's by outcome; `p95_s` is in seconds. `repeats` is what is left of its retry budget, 0 to 1."""

    card: ModelCard
    sites: Mapping[str, float]
    failures: int
    repeats: float
    attempts: Mapping[str, int]
    p95_s: float | None


class Upstreams(msgspec.Struct, frozen=True, kw_only=True):
    models: Sequence[ModelState]
    switches: Switches
    windows: Sequence[Window] = ()
    done: str | None = None


def upstream_page(now: Upstreams, frame: Frame) -> str:
    done = el("p", now.done, class_="notice good", role="status") if now.done else None
    body = [done, _pinned(now, frame), _models(now, frame), windows_card(now.windows), _switching(now, frame)]
    return page("Upstream", body, frame, PATH)


def _pinned(now: Upstreams, frame: Frame) -> Html | None:
    pin = now.switches.pin_all
    if pin is None:
        return None
    text = el("span", "Every chat request is served by ", el("b", pin.model), f" until {pin.ends}: {pin.reason} ")
    return el("div", text, button("Route again", f"{ROOT}/unpin", frame), class_="notice", id="pinned", data_live=True)


def _models(now: Upstreams, frame: Frame) -> Html:
    rows = [_row(state, now.switches.disabled.get(state.card.name), frame) for state in now.models]
    heads = (
        "model",
        "state",
        "attempts",
        "answered",
        "p95",
        "failures in a row",
        "repeats left",
        "$ in, cached, out",
        "",
    )
    note = "attempts of the last 24 h; state and repeats as this process sees them"
    return card("Models", table(heads, rows, numbers=(2, 4, 5)), name="models", note=note)


def _row(state: ModelState, off: Switch | None, frame: Frame) -> Sequence[Child]:
    tried = sum(state.attempts.values())
    answered = state.attempts.get("ok", 0)
    told = ", ".join(f"{number:,} {outcome}" for outcome, number in sorted(state.attempts.items()))
    well = answered / tried if tried else 0.0
    bar = gauge(((well, "good"), (1 - well, "bad")), told) if tried else None
    price = state.card.price
    prices = " · ".join(_price(nano) for nano in (price.input, price.cached, price.output)) if price else "no price"
    again = button("Enable", f"{ROOT}/enable", frame, hidden("model", state.card.name), quiet=True) if off else None
    return (
        el("a", state.card.name, href=link(f"{ROOT}/requests", model=state.card.name)),
        _state(state, off),
        count(tried),
        [bar, " ", share(answered, tried)] if tried else "–",
        millis(state.p95_s * 1000) if state.p95_s is not None else "–",
        state.failures,
        gauge(((state.repeats, "c1"),), f"{state.repeats:.0%} of the retry budget is left"),
        prices,
        again,
    )


def _price(nano: int) -> str:
    """USD per million tokens, with at least two decimals."""
    whole, _, rest = usd(nano).partition(".")
    return f"{whole}.{rest.rstrip('0').ljust(2, '0')}"


def _state(state: ModelState, off: Switch | None) -> Child:
    if off is not None:
        return [badge("off", "bad"), f" until {off.ends}: ", el("span", off.reason, class_="name")]
    resting = [f"{name} {span(rests_s)}" for name, rests_s in state.sites.items() if rests_s > 0]
    if resting:
        return [badge("rests", "warn"), f" {', '.join(resting)}"]
    return badge("up", "good") if state.card.price else badge("never chosen")


def _switching(now: Upstreams, frame: Frame) -> Html:
    if frame.token is None:
        door = el("a", "Sign in", href=f"{ROOT}/sign-in")
        return card("Switches", el("p", door, " with the admin key to switch anything."), name="switches")
    models = {state.card.name: state.card.name for state in now.models if state.card.price}

    def fields(name: str) -> Sequence[Html]:
        return (
            select(name, "model", "", models),
            select("for_s", "for", "3600", DURATIONS),
            entry("reason", "why (apps are told)", required=True, maxlength=256, size=28),
        )

    off = button("Switch off", f"{ROOT}/disable", frame, fields("model"))
    pin = button("Pin for all", f"{ROOT}/pin-all", frame, fields("model"))
    return el(
        "div",
        el(
            "section",
            el("h2", "Switch a model off"),
            el("p", "No request is served by it, on every replica within 5 s.", class_="soft"),
            off,
            class_="card",
        ),
        el(
            "section",
            el("h2", "Have one model serve all"),
            el("p", "Every chat request that pins no model itself.", class_="soft"),
            pin,
            class_="card",
        ),
        class_="cards",
    )
