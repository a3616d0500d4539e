"""Make tests/contract/mistral.json, the vendor's contract as JSON Schema, from the vendor's own OpenAPI file.

Only the endpoints that the router and its simulator speak are kept, and of them names, types and bounds. Unlike the
file, every object with named fields is closed, because the API refuses unknown fields at every level; a union told
apart by a field needs that field, as the API does; and inheritance is written out, so that closing means something.

    python tools/make_contract.py openapi-public-doc.yaml [--check]

`--check` compares with the file in the tree instead of writing it. Source: mistralai/platform-docs-public on GitHub,
openapi-public-doc.yaml, commit 222f4ba of 2026-08-21. The file itself is not part of this project.
"""

import json
import pathlib
import sys
from collections.abc import Iterator
from typing import Any, Final

import yaml

TARGET: Final = pathlib.Path(__file__).parent.parent / "tests" / "contract" / "mistral.json"
SOURCE: Final = {
    "repository": "https://github.com/mistralai/platform-docs-public",
    "file": "openapi-public-doc.yaml",
    "commit": "222f4ba",
    "date": "2026-08-21",
    "licence": "none is stated there; names, types and bounds alone are kept, no prose and no examples",
    "made_by": "tools/make_contract.py",
}
ENDPOINTS: Final = {
    "/v1/chat/completions": "post",
    "/v1/fim/completions": "post",
    "/v1/embeddings": "post",
    "/v1/moderations": "post",
    "/v1/models": "get",
    "/v1/models/{model_id}": "get",
}
# What says nothing about which values are right.
PROSE: Final = {"title", "description", "example", "examples", "default", "deprecated", "x-speakeasy-name-override"}
# Fields that the file requires and no recorded answer has.
NEVER_SENT: Final = {"ChatCompletionResponse": {"data"}}
REFERENCE: Final = "#/components/schemas/"

Schema = dict[str, Any]


class Maker:
    def __init__(self, document: Schema) -> None:
        self.document = document
        self.schemas: dict[str, Schema] = document["components"]["schemas"]

    def contract(self) -> Schema:
        endpoints = {path: self.endpoint(path, method) for path, method in ENDPOINTS.items()}
        kept: dict[str, Schema] = {}
        waiting = sorted(set(references(endpoints)))
        while waiting:
            name = waiting.pop()
            if name not in kept:
                kept[name] = self.named(name)
                waiting += references(kept[name])
        return {"source": SOURCE, "endpoints": endpoints, "$defs": dict(sorted(kept.items()))}

    def endpoint(self, path: str, method: str) -> Schema:
        operation = self.document["paths"][path][method]
        answers = {kind: found["schema"] for kind, found in operation["responses"]["200"]["content"].items()}
        made = {"response": self.trimmed(answers["application/json"])}
        made["invalid"] = self.trimmed(operation["responses"]["422"]["content"]["application/json"]["schema"])
        if "requestBody" in operation:
            made["request"] = self.trimmed(operation["requestBody"]["content"]["application/json"]["schema"])
        if "text/event-stream" in answers:
            # The file wraps the chunk in an event with `data`, which is the frame around it.
            event = self.schemas[answers["text/event-stream"]["$ref"].removeprefix(REFERENCE)]
            made["chunk"] = self.trimmed(event["properties"]["data"])
        return made

    def named(self, name: str) -> Schema:
        merged = self.merged(self.schemas[name])
        unsent = NEVER_SENT.get(name, set())
        if "required" in merged:
            merged["required"] = [field for field in merged["required"] if field not in unsent]
        return self.trimmed(merged)

    def merged(self, schema: Schema) -> Schema:
        """The schema with what it inherits; only objects inherit here."""
        if "$ref" in schema:
            return self.named(schema["$ref"].removeprefix(REFERENCE))
        whole: Schema = {key: value for key, value in schema.items() if key != "allOf"}
        for parent in schema.get("allOf", ()):
            inherited = self.merged(parent)
            whole["type"] = "object"
            whole["properties"] = whole.get("properties", {}) | inherited.get("properties", {})
            required = [*whole.get("required", ()), *inherited.get("required", ())]
            whole["required"] = list(dict.fromkeys(required))
        return whole

    def trimmed(self, schema: Any) -> Any:
        if not isinstance(schema, dict):
            return schema
        if schema.get("format") == "binary":  # bytes, which JSON cannot hold
            return {"type": "string"}
        out: Schema = {}
        for key, value in schema.items():
            if key in PROSE or key == "discriminator":
                continue
            if key == "properties":
                out[key] = {name: self.trimmed(field) for name, field in value.items()}
            elif key in ("anyOf", "oneOf", "allOf"):
                out[key] = [self.trimmed(choice) for choice in value]
            elif key == "$ref":
                out[key] = value.replace(REFERENCE, "#/$defs/")
            else:
                out[key] = self.trimmed(value)
        if "discriminator" in schema:
            out.pop("oneOf")
            out |= told_apart(schema["discriminator"])
        if "properties" in out and "additionalProperties" not in out:
            out["additionalProperties"] = False
        return out


def told_apart(discriminator: Schema) -> Schema:
    """A union as conditions on the field that tells its members apart: so a fault is named where it is."""
    field, mapping = discriminator["propertyName"], discriminator["mapping"]
    conditions = [
        {
            "if": {"properties": {field: {"const": value}}, "required": [field]},
            "then": {"$ref": target.replace(REFERENCE, "#/$defs/")},
        }
        for value, target in sorted(mapping.items())
    ]
    told = {"properties": {field: {"enum": sorted(mapping)}}, "required": [field], "additionalProperties": True}
    return {"type": "object", **told, "allOf": conditions}


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].rpartition("/")[2]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def main() -> None:
    paths = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    if len(paths) != 1:
        sys.exit(__doc__)
    document = yaml.load(pathlib.Path(paths[0]).read_text(), Loader=yaml.CSafeLoader)
    new = json.dumps(Maker(document).contract(), indent=1, ensure_ascii=False) + "\n"
    if "--check" in sys.argv:
        sys.exit(None if TARGET.read_text() == new else f"{TARGET} differs: run without --check")
    TARGET.write_text(new)
    print(f"{TARGET}: {len(new):,} bytes")


if __name__ == "__main__":
    main()
