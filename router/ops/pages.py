"""The dashboard's pages: HTML made on the server, every text escaped, nothing from outside and no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Final

from router.core.money import usd
from router.core.record import RequestRecord, Sums

STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --soft: #7a7a7a; --good: #1a7f4b; --bad: #c0392b; }
@media (prefers-color-scheme: dark) { :root { --soft: #a0a0a0; --good: #4cc38a; --bad: #ff7b6b; } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 72rem; padding: 1.5rem; }
h1 { font-size: 1.3rem; } h2 { font-size: 1.05rem; margin-top: 2rem; }
.tiles { display: flex; flex-wrap: wrap; gap: 1rem; }
.tile { border: 1px solid var(--line); border-radius: .6rem; padding: .8rem 1.2rem; flex: 1 1 9rem; }
.tile b { display: block; font-size: 1.5rem; font-variant-numeric: tabular-nums; }
.tile span, .soft { color: var(--soft); } .good { color: var(--good); } .bad { color: var(--bad); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { font-weight: 600; color: var(--soft); } td.number, th.number { text-align: right; }
"""


def overview(today: Sums, by: Mapping[str, Mapping[str, Sums]], recent: Sequence[RequestRecord], rules: str) -> str:
    """Today's tiles, the day's spend by team and model, the newest requests."""
    baseline = today.nano_usd + today.saved_nano_usd
    share = f"{today.saved_nano_usd / baseline:.0%} of the baseline" if baseline > 0 else "nothing spent yet"
    tiles = [
        _tile("spent today", f"${usd(today.nano_usd, 4)}", f"{usd(today.unconfirmed_nano_usd, 4)} of it unconfirmed"),
        _tile("saved today", f"${usd(today.saved_nano_usd, 4)}", share, "good" if today.saved_nano_usd >= 0 else "bad"),
        _tile("requests today", f"{today.requests:,}", f"{today.input_tokens + today.output_tokens:,} tokens"),
    ]
    tables = "".join(f"<h2>Today by {escape(name)}</h2>{_sums(name, groups)}" for name, groups in by.items())
    rows = [_request_row(record) for record in recent]
    heads = ("when", "team", "asked for", "served by", "reason", "status", "cost USD", "saved USD", "ms")
    newest = _table(heads, rows, numbers=(6, 7, 8))
    body = f'<div class="tiles">{"".join(tiles)}</div>{tables}<h2>Newest requests</h2>{newest}'
    return _page("mistral-router", body, f"rules {escape(rules)}; days are UTC")


def request_page(record: RequestRecord) -> str:
    """One request, explained."""
    facts = {
        "when": _when(record.at_ms),
        "team, key": f"{record.team}, {record.key}",
        "asked for": record.requested_model,
        "served by": f"{record.model or 'nobody'} ({record.reason or record.code or '-'})",
        "kind, language": f"{record.kind}, {record.language}",
        "tokens": f"{record.input_tokens:,} in ({record.cached_tokens:,} cached), {record.output_tokens:,} out",
        "cost": f"{usd(record.nano_usd)} USD, saved {usd(record.saved_nano_usd)} USD",
        "time": f"{record.duration_ms} ms, {record.overhead_ms:.1f} ms of it the router's",
    }
    listed = "".join(f"<tr><th>{name}</th><td>{escape(value)}</td></tr>" for name, value in facts.items())
    body = f'<p><a href="/dashboard">All requests</a></p><div class="wide"><table>{listed}</table></div>'
    told = record.router
    if told is not None:
        attempts = [
            (a.model, a.outcome.value, f"{a.wait_ms}", f"{a.duration_ms}", usd(a.nano_usd) + " ?" * a.unconfirmed)
            for a in told.attempts
        ]
        heads = ("model", "outcome", "waited ms", "took ms", "USD (? unconfirmed)")
        body += f"<h2>Attempts</h2>{_table(heads, [tuple(map(escape, row)) for row in attempts], numbers=(2, 3, 4))}"
        body += f"<h2>Every model</h2>{_models(record)}"
        bar = f"{told.threshold:.2f}" if told.threshold is not None else "none: the app named its model"
        body += f'<p class="soft">Threshold {bar}. Rules {escape(told.rules)}.</p>'
    return _page(record.request_id, body, "")


def _models(record: RequestRecord) -> str:
    told = record.router
    assert told is not None, "the caller has looked"
    place = {name: number for number, name in enumerate(told.order, 1)}
    views = sorted(told.models, key=lambda view: (place.get(view.model, 999), view.expected_nano_usd or 0, view.model))
    rows = [
        (
            escape(view.model),
            f"{view.score:.1f}" if view.score is not None else "-",
            usd(view.expected_nano_usd) if view.expected_nano_usd is not None else "-",
            usd(view.max_nano_usd) if view.max_nano_usd is not None else "-",
            escape(view.objection or f"choice {place.get(view.model, '')}"),
        )
        for view in views
    ]
    return _table(("model", "score", "expected USD", "at most USD", "verdict"), rows, numbers=(1, 2, 3))


def _request_row(record: RequestRecord) -> tuple[str, ...]:
    name = escape(record.request_id)
    mark = "good" if record.status < 400 else "bad"
    return (
        f'<a href="/dashboard/requests/{name}">{_when(record.at_ms)}</a>',
        escape(record.team),
        escape(record.requested_model[:60]),
        escape(record.model or "-"),
        escape(record.reason or record.code or "-"),
        f'<span class="{mark}">{record.status}</span>',
        usd(record.nano_usd, 6),
        usd(record.saved_nano_usd, 6),
        f"{record.duration_ms:,}",
    )


def _sums(name: str, groups: Mapping[str, Sums]) -> str:
    ordered = sorted(groups.items(), key=lambda pair: (-pair[1].nano_usd, pair[0]))[:20]
    rows = [
        (escape(group or "-"), f"{sums.requests:,}", usd(sums.nano_usd, 6), usd(sums.saved_nano_usd, 6))
        for group, sums in ordered
    ]
    return _table((name, "requests", "cost USD", "saved USD"), rows, numbers=(1, 2, 3))


def _tile(name: str, figure: str, note: str, mark: str = "") -> str:
    return (
        f'<div class="tile"><span>{name}</span><b class="{mark}">{escape(figure)}</b><span>{escape(note)}</span></div>'
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int]) -> str:
    """`rows` are escaped already; `numbers` are the columns to set flush right."""
    kinds = [' class="number"' if index in numbers else "" for index in range(len(heads))]
    head = "".join(f"<th{kind}>{escape(text)}</th>" for text, kind in zip(heads, kinds, strict=True))
    body = "".join(
        f"<tr>{''.join(f'<td{kind}>{cell}</td>' for cell, kind in zip(row, kinds, strict=True))}</tr>" for row in rows
    )
    empty = f'<tr><td colspan="{len(heads)}" class="soft">Nothing yet.</td></tr>'
    return f'<div class="wide"><table><tr>{head}</tr>{body or empty}</table></div>'


def _when(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _page(title: str, body: str, foot: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="stylesheet" href="/dashboard/style.css"></head>'
        f'<body><h1>{escape(title)}</h1>{body}<p class="soft">{foot}</p></body></html>'
    )
