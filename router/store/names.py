"""The names of everything in Redis. A team's keys share the hash tag {team}, so its ledger is one slot of a cluster."""

from __future__ import annotations

from typing import Final

KEYS: Final = "{router}:keys"  # hash: public id -> key record
KEYS_VERSION: Final = "{router}:keys-version"  # counter: goes up with every change of a key
SWITCHES: Final = "{router}:switches"  # string: what an operator has switched for a while; ends with the last of it
AUDIT: Final = "{router}:audit"  # stream: every change through the operations plane, the newest 10,000
EPOCH: Final = "{router}:epoch"  # string: made once; another one tells that the store was emptied
TEAMS: Final = "{router}:teams"  # set: every team that ever had a key or a request
# In a team's ledger: the same for that ledger alone.
LEDGER_EPOCH: Final = "!epoch"


def ledger(team: str) -> str:
    return f"{{{team}}}:ledger"


def leases(team: str) -> str:
    return f"{{{team}}}:leases"


def unconfirmed(team: str) -> str:
    return f"{{{team}}}:unconfirmed"


def records(team: str) -> str:
    return f"{{{team}}}:records"


def sums(team: str, hour: int) -> str:
    """`hour` counts from the epoch."""
    return f"{{{team}}}:sums:{hour}"


def hours(team: str) -> str:
    """The hours for which there are sums."""
    return f"{{{team}}}:hours"


def feedback(team: str, day: int) -> str:
    """`day` counts from the epoch."""
    return f"{{{team}}}:feedback:{day}"


def corrections(team: str, day: int) -> str:
    """What an operator settled by hand; `day` is that on which the request began, and counts from the epoch."""
    return f"{{{team}}}:corrections:{day}"


def warm(team: str) -> str:
    """Where conversations were answered last."""
    return f"{{{team}}}:warm"


def warm_ages(team: str) -> str:
    return f"{{{team}}}:warm-ages"


def quotas(account: str) -> str:
    """What is known of an account's windows upstream: a hash that is bounded by the number of models."""
    return f"{{router}}:quotas:{account}"
