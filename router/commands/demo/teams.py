"""The demo's other teams, so that the dashboard has something to show: each has a policy of its own in policies/,
and asks over HTTP as any app does, many times at the start and a little for ever after."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import urllib.error
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import msgspec

from router.commands.demo.requests import INVOICE, REPORT, WEATHER, post, says

POLICIES: Final = Path(__file__).parent / "policies"


class Team(msgspec.Struct, frozen=True, kw_only=True):
    """`first` is asked at once, one after the other; then `later` in turn, one every `every_s` seconds."""

    name: str
    first: tuple[dict[str, Any], ...]
    later: tuple[dict[str, Any], ...]
    every_s: float


_GOODS: Final = ("kettle", "toaster", "lamp", "fan", "scale", "mixer", "radio", "drill")
_MINUTES: Final = (
    "The board resolved to postpone the purchase of the second ferry until the survey has been read. " * 400
)


def _manual(thing: str, question: str) -> dict[str, Any]:
    """A question about a long manual, which the upstream has in its cache from the second time on."""
    text = (
        f"The {thing} switches itself off when it is hot. Clean the {thing} every month, and never with vinegar. " * 90
    )
    return says(f"{text}\n\n{question}", stream=True)


def _nightly(question: str) -> dict[str, Any]:
    return says(f"{_MINUTES}\n\n{question}", metadata={"tags": ["nightly"]})


_SUPPORT: Final = (
    says("Where is my parcel? It was sent on Monday.", stream=True),
    says("¿Puedo devolver los zapatos si no me quedan bien?", stream=True, model="gpt-4o", max_tokens=120),
    says("What will the weather be for the delivery to Lyon?", tools=[WEATHER]),
    says("Sort this message: 'The zip broke after two days.' Answer refund, repair or other.", max_tokens=10),
    says("Bonjour, ma commande est arrivée cassée. Que dois-je faire ?", stream=True),
    _manual("kettle", "May I use vinegar?"),
)
_DOCUMENTS: Final = (
    _nightly("Summarise the minutes in five sentences."),
    says("Invoice: Harbour Works, total 18,400.00 EUR. Extract it.", response_format=INVOICE),
    _nightly("Which decisions were taken?"),
    says(f"Translate to German.\n\n{REPORT[:3000]}"),
)
_CODING: Final = (
    says("Write a Python function that parses ISO 8601 durations, with tests.", max_tokens=900),
    says("Complete the SQL query for the ten best customers.", model="codestral-2501", max_tokens=200),
    says("Why does this loop never end? while i < 10: print(i)", max_tokens=400),
    says("Name the bug: for x in xs: xs.remove(x)", model="codestral-latest", max_tokens=200),
)
_MARKETING: Final = (
    says("Write a slogan for a kettle that never boils over, and explain it.", max_tokens=600),
    says("Write three headlines for the autumn sale.", max_tokens=60),
    says("Write a headline for the kettle.", max_tokens=16),
    says("One word for a fast kettle?", max_tokens=8),
)
_RESEARCH: Final = (
    says("A train leaves at 9:40 at 80 km/h, another at 10:10 at 120 km/h. When do they meet?"),
    says("Compare two explanations of the Bronze Age collapse.", max_tokens=500),
    says("Is 2,147,483,647 prime? Think first.", reasoning_effort="high", max_tokens=500),
)
TEAMS: Final = (
    Team(
        name="support",
        first=(*_SUPPORT, *(_manual(thing, "How is it cleaned?") for thing in _GOODS), *_SUPPORT),
        later=_SUPPORT,
        every_s=12,
    ),
    Team(name="documents", first=_DOCUMENTS * 3, later=_DOCUMENTS, every_s=45),
    Team(name="coding", first=_CODING * 4, later=_CODING, every_s=20),
    Team(name="marketing", first=_MARKETING * 10, later=_MARKETING, every_s=30),
    Team(name="research", first=_RESEARCH * 4, later=_RESEARCH, every_s=8),
)
# What the simulator does to some of the first attempts at the coding team's own model, so that others follow.
_FAILING: Final = {"match": {"model": "codestral-2508"}, "times": None}
FAULTS: Final = {
    "rules": [
        {**_FAILING, "fault": "rate_limited", "probability": 0.25},
        {**_FAILING, "fault": "capacity", "probability": 0.2},
        {**_FAILING, "fault": "status", "status": 502, "probability": 0.2},
    ]
}


async def go_on(url: str, keys: Mapping[str, str]) -> None:
    """Have every team ask for ever."""
    # Threads of their own: the router, which answers them in this very process, needs those of the loop.
    pool = ThreadPoolExecutor(len(TEAMS))
    try:
        async with asyncio.TaskGroup() as group:
            for team in TEAMS:
                group.create_task(_ask(pool, f"{url}/v1/chat/completions", keys[team.name], team))
    finally:
        pool.shutdown(wait=False)


async def _ask(pool: ThreadPoolExecutor, url: str, key: str, team: Team) -> None:
    loop = asyncio.get_running_loop()
    for body in team.first:
        await loop.run_in_executor(pool, _send, url, key, body)
    for body in itertools.cycle(team.later):
        await asyncio.sleep(team.every_s)
        await loop.run_in_executor(pool, _send, url, key, body)


def _send(url: str, key: str, body: dict[str, Any]) -> None:
    """Whatever becomes of it: refusals are what there is to see, and at the end nobody answers any more."""
    try:
        post(url, key, body)
    except urllib.error.HTTPError as refused:
        refused.close()
    except (OSError, http.client.HTTPException):
        pass
