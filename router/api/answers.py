"""What each call of the operations plane answers, as shapes. The plane's description is made of them, and a test holds
real answers against them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from router.core.policy import Policy
from router.core.record import RequestRecord, Sums
from router.store.audit import Line
from router.store.keyring import KeyRecord
from router.store.reconciling import Unconfirmed


class Key(msgspec.Struct, kw_only=True):
    """A virtual key without its secret. Times are in UTC; empty lists mean all."""

    id: str
    team: str
    name: str
    models: list[str]
    endpoints: list[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    unlimited: bool


class NewSecret(Key, kw_only=True):
    """`key` is the secret, shown this once."""

    key: str


class Keys(msgspec.Struct, kw_only=True):
    keys: list[Key]


class Group(Sums, kw_only=True):
    """`key` names what the sums are of, such as {"team": "search"}."""

    key: dict[str, str]


class Usage(msgspec.Struct, kw_only=True):
    """Groups are sorted dearest first."""

    total: Sums
    groups: list[Group]


class RecordPage(msgspec.Struct, kw_only=True):
    """`next` is the cursor of the following page, null at the end."""

    records: list[RequestRecord]
    next: str | None


class Policies(msgspec.Struct, kw_only=True):
    """`policies` go by team; `refused_reload` says why the last reload was refused, if it was."""

    rules: str
    policies: dict[str, Policy]
    refused_reload: str | None


class UpstreamWindow(msgspec.Struct, kw_only=True):
    """Of a minute at the vendor, as all processes have told; bulk may use `bulk_remaining` of what is left."""

    limit: int
    remaining: int
    bulk_remaining: int
    learned_at: datetime


class Health(msgspec.Struct, kw_only=True):
    """Of a model at one upstream under one key, or of an account that was refused. `quota` is by requests and tokens,
    where the vendor has told them."""

    state: Literal["open", "resting", "full", "not_on_plan"]
    failures_in_row: int
    rests_s: float
    quota: dict[str, UpstreamWindow]


class UpstreamHealth(msgspec.Struct, kw_only=True):
    bulk_percent: int
    models: dict[str, Health]


class Switch(msgspec.Struct, kw_only=True):
    """`by` is the beginning of the admin key's SHA-256."""

    since: datetime
    until: datetime
    reason: str
    by: str


class PinAll(Switch, kw_only=True):
    model: str


class Model(msgspec.Struct, kw_only=True):
    """`rests_s` goes by place: the model's name, or model@upstream."""

    model: str
    stage: str
    disabled: Switch | None
    rests_s: dict[str, float]


class Models(msgspec.Struct, kw_only=True):
    models: list[Model]
    pin_all: PinAll | None


class Pinned(msgspec.Struct, kw_only=True):
    pin_all: PinAll | None


class ChangePage(msgspec.Struct, kw_only=True):
    """`next` is the cursor of the following page, null at the end."""

    changes: list[Line]
    next: str | None


class UnconfirmedHolds(msgspec.Struct, kw_only=True):
    unconfirmed: list[Unconfirmed]


class EndedHold(msgspec.Struct, kw_only=True):
    """`nano_usd` is what is charged, null when released; `changed` is false when the same had been said before."""

    id: str
    team: str
    nano_usd: int | None
    changed: bool


class KeyBackup(msgspec.Struct, kw_only=True):
    """`pepper` is a mark that tells two peppers apart, and no pepper."""

    version: int
    made_at: datetime
    pepper: str
    keys: list[KeyRecord]


class Restoration(msgspec.Struct, kw_only=True):
    """How many keys were missing, were revoked since, were there."""

    restored: int
    revoked: int
    kept: int


# By the handler's name. A call that is not here is a mistake that a test finds.
ANSWERS: Final[dict[str, Any]] = {
    "create_key": NewSecret,
    "list_keys": Keys,
    "revoke_key": Key,
    "rotate_key": NewSecret,
    "usage": Usage,
    "list_records": RecordPage,
    "show_record": RequestRecord,
    "policies": Policies,
    "upstream": UpstreamHealth,
    "list_models": Models,
    "disable_model": Model,
    "enable_model": Model,
    "pin_all": Pinned,
    "unpin_all": Pinned,
    "list_changes": ChangePage,
    "list_unconfirmed": UnconfirmedHolds,
    "end_unconfirmed": EndedHold,
    "backup": KeyBackup,
    "restore": Restoration,
    "description": dict[str, Any],
}
