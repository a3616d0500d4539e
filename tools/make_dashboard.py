"""Make config/grafana/dashboard.json from config/grafana/panels.toml.

    python tools/make_dashboard.py [--check]

`--check` compares with the file in the tree instead of writing it. Only fields that Grafana's own export writes are
used; what is left out takes its default. Schema version 39 is that of Grafana 11, which later ones read.
"""

import json
import pathlib
import sys
import tomllib
from typing import Any, Final

FOLDER: Final = pathlib.Path(__file__).parent.parent / "config" / "grafana"
TARGET: Final = FOLDER / "dashboard.json"
SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS: Final = 24
TILE: Final = (4, 4)  # width, height
GRAPH: Final = (8, 8)

Json = dict[str, Any]


def tile(given: Json) -> Json:
    """One value over the whole chosen time."""
    return {
        "type": "stat",
        "fieldConfig": {"defaults": {"unit": given["unit"]}, "overrides": []},
        "options": {"reduceOptions": {"calcs": ["lastNotNull"]}, "graphMode": "none"},
        "targets": [target("A", given["query"], "") | {"instant": True, "range": False}],
    }


def graph(given: Json) -> Json:
    stacked = given.get("stacked", False)
    custom = {"fillOpacity": 25 if stacked else 0, "stacking": {"mode": "normal" if stacked else "none"}}
    return {
        "type": "timeseries",
        "fieldConfig": {"defaults": {"unit": given["unit"], "custom": custom}, "overrides": []},
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom"},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        "targets": [
            target(chr(ord("A") + index), query, legend) for index, (query, legend) in enumerate(given["queries"])
        ],
    }


def target(name: str, query: str, legend: str) -> Json:
    expression = query.replace("\n", " ").replace("$range", "$__range").replace("$step", "$__rate_interval")
    return {"refId": name, "datasource": SOURCE, "expr": expression, "legendFormat": legend}


def panels(rows: list[Json]) -> list[Json]:
    """The rows' panels from left to right, each row below the last."""
    made: list[Json] = []
    y = 0
    for row in rows:
        place = {"x": 0, "y": y, "w": COLUMNS, "h": 1}
        made.append({"type": "row", "title": row["title"], "collapsed": False, "gridPos": place, "panels": []})
        x, y, height = 0, y + 1, 0
        for kind, draw, (width, height_own) in (("tile", tile, TILE), ("graph", graph, GRAPH)):
            for given in row.get(kind, ()):
                told = {"title": given["title"], "description": given["about"], "datasource": SOURCE}
                place = {"x": x, "y": y, "w": width, "h": height_own}
                made.append(told | draw(given) | {"gridPos": place})
                x, height = x + width, max(height, height_own)
        assert x <= COLUMNS, f"row {row['title']!r} is wider than the page"
        y += height
    return [{"id": number, **panel} for number, panel in enumerate(made, 1)]


def variable(name: str, query: str) -> Json:
    """A choice among the values of a label; all of them at first."""
    return {
        "type": "query",
        "name": name,
        "datasource": SOURCE,
        "query": {"query": query, "refId": name},
        "refresh": 2,  # when the chosen time changes
        "includeAll": True,
        "allValue": ".*",
        "multi": True,
        "current": {"text": "All", "value": "$__all"},
    }


def dashboard() -> Json:
    rows = tomllib.loads((FOLDER / "panels.toml").read_text())["row"]
    return {
        "uid": "mistral-router",
        "title": "mistral-router",
        "description": "Made by tools/make_dashboard.py.",
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-24h", "to": "now"},
        "templating": {
            "list": [
                {"type": "datasource", "name": "datasource", "label": "source", "query": "prometheus"},
                variable("team", "label_values(router_requests_total, team)"),
                variable("model", "label_values(router_requests_total, model)"),
                variable("instance", "label_values(router_requests_in_flight, instance)"),
            ]
        },
        "panels": panels(rows),
    }


def main() -> int:
    text = json.dumps(dashboard(), indent=1, ensure_ascii=False) + "\n"
    if "--check" in sys.argv[1:]:
        return 0 if TARGET.exists() and TARGET.read_text() == text else 1
    TARGET.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
