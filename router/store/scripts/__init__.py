"""The scripts that run inside the store: one file a verb; the ledger's stand behind three that they share."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from typing import Final

import msgspec

_CLOCK: Final = "local now = server_ms() --@clock"
# In a test build, and only there, the last argument is the time.
_TEST_CLOCK: Final = "local now = tonumber(ARGV[#ARGV])"


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """A script and the SHA-1 under which the store keeps it. The hash is its version: old and new live side by side
    while replicas are replaced."""

    name: str
    source: str
    sha: str


def load(name: str, *, test_clock: bool = False) -> Script:
    """The ledger verb's script, whole."""
    source = _source("accounts", "holds", "records", name)
    if test_clock:
        assert _CLOCK in source, "accounts.lua reads the clock in another way than the test build expects"
        source = source.replace(_CLOCK, _TEST_CLOCK)
    return _script(name, source)


def load_alone(name: str) -> Script:
    """A script that has nothing to do with the ledger."""
    return _script(name, _source(name))


def _source(*parts: str) -> str:
    """The `#!lua` line makes the store refuse keys of another cluster slot."""
    return "#!lua\n" + "\n".join((files(__name__) / f"{part}.lua").read_text() for part in parts)


def _script(name: str, source: str) -> Script:
    return Script(name=name, source=source, sha=hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())
