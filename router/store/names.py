"""The names of everything in Redis. A team's keys share the hash tag {team}, so its ledger is one slot of a cluster."""

from __future__ import annotations

from typing import Final

KEYS: Final = "{router}:keys"  # hash: public id -> key record
KEYS_VERSION: Final = "{router}:keys-version"  # counter: goes up with every change of a key
SWITCHES: Final = "{router}:switches"  # string: what an operator has switched for a while; ends with the last of it
AUDIT: Final = "{router}:audit"  # stream: every change through the operations plane, the newest 10,000
SUMMED_DAYS: Final = 32
TEAMS: Final = "{router}:teams"  # set: every team that ever had a key or a request


def ledger(team: str) -> str:
    return f"{{{team}}}:ledger"


def leases(team: str) -> str:
    return f"{{{team}}}:leases"


def unconfirmed(team: str) -> str:
    return f"{{{team}}}:unconfirmed"


def records(team: str) -> str:
    return f"{{{team}}}:rows"


def details(team: str) -> str:
    """The router objects of the newest records, at the same places."""
    return f"{{{team}}}:details"


def hour_sums(team: str, hour: int) -> str:
    """`hour` counts from the epoch."""
    return f"{{{team}}}:sums:h{hour}"


def day_sums(team: str, day: int) -> str:
    """`day` counts from the epoch."""
    return f"{{{team}}}:sums:d{day}"


def summed(team: str, day: int) -> str:
    """The names of what is summed. Every 32 days they begin anew: those of old keys and tags go with their sums."""
    return f"{{{team}}}:summed:{day // SUMMED_DAYS}"


def sums(team: str, hour: int) -> list[str]:
    """What a record of that hour is added to, in the order in which records.lua takes it."""
    return [hour_sums(team, hour), day_sums(team, hour // 24), summed(team, hour // 24)]


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
