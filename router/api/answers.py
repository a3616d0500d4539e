"""What each call of the operations plane answers, as shapes. The plane's description is made of them, and a test holds
real answers against them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from router.core.grants import Grant
from router.core.keys import KeyRecord
from router.core.policy import Policy
from router.core.record import RequestRecord, Sums
from router.store.audit import Line
from router.store.reconciling import Unconfirmed
from router.store.saving import Total


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
    budget_usd: str | None
    window: str | None
    requests_per_minute: int | None
    tokens_per_minute: int | None
    concurrency: int | None


class NewSecret(Key, kw_only=True):
    """`key` is the secret, shown this once."""

    key: str


class BudgetStanding(msgspec.Struct, kw_only=True):
    """One account of money as it stands now. The limit has what the grants of `granted_by` add."""

    scope: str
    id: str
    window: str
    mode: str
    limit_usd: str
    granted_by: list[str]
    spent_usd: str
    reserved_usd: str
    left_usd: str
    resets_at: datetime | None


class KeyStanding(Key, kw_only=True):
    """`budgets` are those that the key alone is counted on."""

    budgets: list[BudgetStanding]


class PolicyValue(msgspec.Struct, kw_only=True):
    """`origin` is a file, on `line` where that is known, or `product` for a default."""

    field: str
    value: Any
    origin: str
    line: int | None


class GrantGiven(msgspec.Struct, kw_only=True):
    """More money for a while. `target` is the key, model or tag; null for all of the scope, as is `window`."""

    id: str
    team: str
    usd: str
    scope: str
    target: str | None
    window: str | None
    since: datetime
    until: datetime
    reason: str
    by: str
    revoked_at: datetime | None


class GrantList(msgspec.Struct, kw_only=True):
    grants: list[GrantGiven]


class EffectivePolicy(msgspec.Struct, kw_only=True):
    """What is in effect for a team, and how its budgets stand."""

    team: str
    file: str
    rules: str
    fields: list[PolicyValue]
    grants: list[GrantGiven]
    budgets: list[BudgetStanding]


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
    repeats_left: float
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
    grants: list[Grant]
    totals: list[Total]


class Restoration(msgspec.Struct, kw_only=True):
    """How many keys, and how many grants, were missing, were revoked since, were there; grants may have ended. `raised`
    counts the totals that stood below what the backup says."""

    restored: int
    revoked: int
    kept: int
    grants_restored: int
    grants_revoked: int
    grants_kept: int
    grants_over: int
    raised: int


# By the handler's name. A call that is not here is a mistake that a test finds.
ANSWERS: Final[dict[str, Any]] = {
    "create_key": NewSecret,
    "list_keys": Keys,
    "revoke_key": Key,
    "rotate_key": NewSecret,
    "show_key": KeyStanding,
    "show_policy": EffectivePolicy,
    "give_grant": GrantGiven,
    "list_grants": GrantList,
    "revoke_grant": GrantGiven,
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
