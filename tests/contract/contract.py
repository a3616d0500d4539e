"""The vendor's contract: what its OpenAPI file says, and what was seen beyond it."""

from __future__ import annotations

import copy
import functools
import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema_rs

HERE = Path(__file__).parent

Schema = dict[str, Any]


@functools.cache
def from_the_file() -> Schema:
    loaded: Schema = json.loads((HERE / "mistral.json").read_text())
    return loaded


@functools.cache
def additions() -> Schema:
    return tomllib.loads((HERE / "additions.toml").read_text())


@functools.cache
def schemas() -> Schema:
    """Every named schema, with the fields that were added since."""
    merged: Schema = copy.deepcopy(from_the_file()["$defs"])
    for field in additions()["field"]:
        fields = merged[field["of"]]["properties"]
        assert field["name"] not in fields, f"{field['of']}.{field['name']} is in the file itself"
        fields[field["name"]] = field["is"]
    return merged


@functools.cache
def validator(path: str, part: str) -> jsonschema_rs.Draft202012Validator:
    """`part` is request, response, chunk, or invalid, the body of a 422."""
    schema = from_the_file()["endpoints"][path][part]
    return jsonschema_rs.Draft202012Validator({**schema, "$defs": schemas()}, validate_formats=True)


def faults(path: str, part: str, body: Any) -> list[str]:
    """Where and how `body` breaks the contract."""
    try:
        found = list(validator(path, part).iter_errors(body))
    except UnicodeEncodeError:
        return ["body: half of a pair of letters, which UTF-8 cannot hold"]
    return [
        f"{'.'.join(str(step) for step in error.instance_path) or 'body'}: {error.message[:300]}" for error in found
    ]
