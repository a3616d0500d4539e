"""Failures by script: which request gets which, in what order, and for how long.

The first rule that matches wins and is counted. Only requests the API would have accepted are matched, so an
invalid one uses nothing up. `GET` requests carry no model; a rule reaches them only when its path names them, so
that a router reading the model list in the background does not use up a fault meant for a generation.
"""

import fnmatch
import hashlib
from typing import Any, Final, Literal

import msgspec

FaultName = Literal[
    "rate_limited", "not_on_plan", "capacity", "status", "html", "reset", "stall", "truncate", "finish_early", "slow",
    "answer", "error_finish", "no_usage", "split", "empty", "crlf", "comments", "no_done", "usage_apart",
]  # fmt: skip
DEFAULT_STATUS: Final[dict[str, int]] = {"capacity": 429, "status": 503, "html": 502, "empty": 504}


class Match(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    model: str = "*"
    path: str = "*"
    stream: bool | None = None


class ScriptedAnswer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    content: str | None = None
    # Either the API's own shape ({"id", "function": {"name", "arguments"}}) or a flat {"name", "arguments"}.
    tool_calls: tuple[dict[str, Any], ...] | None = None
    output_tokens: int | None = None
    finish_reason: Literal["stop", "length", "model_length", "tool_calls", "error"] | None = None
    thinking: str | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.content or self.tool_calls or self.output_tokens or self.finish_reason or self.thinking)


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every field may be left out or null, so that a rule can be written from a template with all of them."""

    match: Match | None = None
    skip: int | None = None
    # Null is for ever.
    times: int | None = 1
    fault: FaultName = "status"
    status: int | None = None
    after_bytes: int | None = None
    delay_ms: float | None = None
    answer: ScriptedAnswer | None = None
    # How likely the rule fires on a request it matches; the script's seed makes the draws repeatable.
    probability: float = 1.0

    @property
    def status_code(self) -> int:
        return self.status or DEFAULT_STATUS.get(self.fault, 500)

    @property
    def delay_s(self) -> float:
        return (self.delay_ms or 0) / 1000

    @property
    def script(self) -> ScriptedAnswer | None:
        """The answer to give, under any fault: a scripted answer may also be cut. An empty one counts only alone."""
        if self.answer is None or (self.answer.is_empty and self.fault != "answer"):
            return None
        return self.answer


class Script(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    seed: int = 1
    rules: tuple[Rule, ...] = ()


class BadScript(ValueError):
    """The script cannot be played; the message names the field."""


def parse_script(body: bytes) -> Script:
    try:
        script = msgspec.json.decode(body or b"{}", type=Script)
    except msgspec.DecodeError as error:
        raise BadScript(str(error)) from error
    for index, rule in enumerate(script.rules):
        for name, wrong in (
            ("skip", (rule.skip or 0) < 0),
            ("times", rule.times is not None and rule.times < 0),
            ("status", bool(rule.status) and not 400 <= (rule.status or 0) <= 599),
            ("after_bytes", rule.after_bytes is not None and rule.after_bytes < 0),
            ("delay_ms", rule.delay_s < 0),
            ("probability", not 0 <= rule.probability <= 1),
            ("answer", rule.fault == "answer" and rule.answer is None),
            ("answer.output_tokens", rule.answer is not None and (rule.answer.output_tokens or 0) < 0),
        ):
            if wrong:
                raise BadScript(f"Value out of range or missing - at `$.rules[{index}].{name}`")
        for place, call in enumerate((rule.answer.tool_calls if rule.answer else None) or ()):
            if not isinstance(call.get("function", call).get("name"), str):
                raise BadScript(f"A tool call needs a name - at `$.rules[{index}].answer.tool_calls[{place}]`")
    return script


class Player:
    """Plays a script: counts matches and firings."""

    def __init__(self, script: Script) -> None:
        self._rules = script.rules
        self._matched = [0] * len(script.rules)
        self._fired = [0] * len(script.rules)
        self._seed = script.seed
        self._throws = 0

    def next_fault(self, *, models: tuple[str, ...], path: str, stream: bool) -> Rule | None:
        """`models` are the names a request goes by: the one it asked for and the id behind it."""
        for index, rule in enumerate(self._rules):
            if not self._matches(rule, models, path, stream):
                continue
            if rule.times is not None and self._fired[index] >= rule.times:
                continue
            self._matched[index] += 1
            if self._matched[index] <= (rule.skip or 0) or self._throw() >= rule.probability:
                continue
            self._fired[index] += 1
            return rule
        return None

    def _throw(self) -> float:
        """A number from 0 to 1, the next one of a row that the script's seed decides."""
        self._throws += 1
        digest = hashlib.blake2b(f"{self._seed} {self._throws}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**64

    def _matches(self, rule: Rule, models: tuple[str, ...], path: str, stream: bool) -> bool:
        match = rule.match or Match()
        if not models and match.path == "*":
            return False
        named = not models or any(fnmatch.fnmatchcase(model, match.model) for model in models)
        return named and match.stream in (None, stream) and fnmatch.fnmatchcase(path, match.path)

    def report(self) -> list[dict[str, Any]]:
        return [
            {"rule": msgspec.to_builtins(rule), "matched": matched, "fired": fired}
            for rule, matched, fired in zip(self._rules, self._matched, self._fired, strict=True)
        ]
