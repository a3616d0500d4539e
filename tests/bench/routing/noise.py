"""Texts in no language: code, keys, addresses, numbers, tables, logs. Thrown by one seed, so always the same."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from random import Random
from typing import Final

SEED: Final = 20_261_123
OF_EACH: Final = 40
WORDS: Final = (
    *("item", "value", "node", "list", "count", "user", "data", "index", "size", "name", "path", "time", "cache"),
    *("error", "result", "token", "queue", "thread", "order", "total"),
)


def noise() -> list[tuple[str, str]]:
    """Pairs of what it is and the text."""
    throw = Random(SEED)
    return [(sort, make(throw)) for _ in range(OF_EACH) for sort, make in SORTS.items()]


def _name(throw: Random) -> str:
    return "_".join(throw.choice(WORDS) for _ in range(throw.randint(1, 3)))


def _lines(throw: Random, most: int, line: Callable[[], str], joint: str = "\n") -> str:
    return joint.join(line() for _ in range(throw.randint(1, most)))


def _python(throw: Random) -> str:
    def one() -> str:
        one, two, three = (_name(throw) for _ in range(3))
        return f"def {one}({two}, {three}=None):\n    for i in range(len({two})):\n        {two}[i] += {three}.{one}(i)"

    return _lines(throw, 6, one)


def _typescript(throw: Random) -> str:
    return _lines(
        throw, 6, lambda: f"const {_name(throw)} = async (x) => {{ await {_name(throw)}.{_name(throw)}(x); }};"
    )


def _c(throw: Random) -> str:
    return _lines(
        throw, 6, lambda: f"static int {_name(throw)}(struct {_name(throw)} *p) {{ return p->{_name(throw)}; }}"
    )


def _sql(throw: Random) -> str:
    return _lines(
        throw, 5, lambda: f"SELECT {_name(throw)}, COUNT(*) FROM {_name(throw)} WHERE {_name(throw)} = 7 GROUP BY 1;"
    )


def _json(throw: Random) -> str:
    return json.dumps({_name(throw): [throw.randint(0, 9) for _ in range(4)], _name(throw): {_name(throw): None}})


def _csv(throw: Random) -> str:
    return _lines(throw, 20, lambda: f"{_name(throw)},{throw.randint(0, 99_999)},{throw.random():.3f},2026-11-23")


def _log(throw: Random) -> str:
    return _lines(
        throw,
        12,
        lambda: f"2026-11-23T12:{throw.randint(10, 59)}:07Z INFO [{_name(throw)}] id={throw.getrandbits(32):x}",
    )


def _assembly(throw: Random) -> str:
    verbs, registers = ("mov", "lea", "add", "xor", "cmp"), ("eax", "rbx", "rdi", "r12")
    return _lines(throw, 12, lambda: f"{throw.choice(verbs)} {throw.choice(registers)}, [rsp+{throw.randint(0, 256)}]")


def _hex(throw: Random) -> str:
    return _lines(throw, 30, lambda: f"{throw.getrandbits(32):08x}", " ")


def _checksum(throw: Random) -> str:
    return f"{throw.getrandbits(256):064x}"


def _uuid(throw: Random) -> str:
    return _lines(
        throw, 8, lambda: f"{throw.getrandbits(32):08x}-{throw.getrandbits(16):04x}-{throw.getrandbits(48):012x}"
    )


def _base64(throw: Random) -> str:
    return base64.b64encode(throw.randbytes(throw.randint(12, 300))).decode()


def _address(throw: Random) -> str:
    top = throw.choice(("com", "de", "fr", "it", "es", "nl"))
    return f"https://{throw.choice(WORDS)}.example.{top}/{_name(throw)}/{_name(throw)}?{_name(throw)}={throw.random()}"


def _mail(throw: Random) -> str:
    return _lines(throw, 5, lambda: f"{_name(throw)}@{throw.choice(WORDS)}.{throw.choice(('fr', 'de', 'com'))}", " ")


def _path(throw: Random) -> str:
    return _lines(throw, 5, lambda: f"/{_name(throw)}/{_name(throw)}/{_name(throw)}.py", " ")


def _numbers(throw: Random) -> str:
    return _lines(throw, 60, lambda: str(round(throw.uniform(-1e4, 1e6), throw.randint(0, 4))), " ")


def _latex(throw: Random) -> str:
    return _lines(
        throw,
        5,
        lambda: rf"\frac{{{throw.choice('abc')}_{{{throw.randint(1, 9)}}}}}{{\sqrt{{x}}}} + \sum_{{i=1}}^n i",
        " ",
    )


def _emoji(throw: Random) -> str:
    return _lines(throw, 12, lambda: throw.choice("😀🎉🔥👍🚀✨"), "")


SORTS: Final[dict[str, Callable[[Random], str]]] = {
    "Python": _python,
    "TypeScript": _typescript,
    "C": _c,
    "SQL": _sql,
    "JSON": _json,
    "CSV": _csv,
    "a log": _log,
    "assembly": _assembly,
    "hex": _hex,
    "a checksum": _checksum,
    "UUIDs": _uuid,
    "base64": _base64,
    "an address": _address,
    "mail addresses": _mail,
    "paths": _path,
    "numbers": _numbers,
    "LaTeX": _latex,
    "emoji": _emoji,
}
