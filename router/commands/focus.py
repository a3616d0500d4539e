"""Usage as rows of FOCUS 1.2, the FinOps Open Cost and Usage Specification: its columns, by day, team, key and model.

What the router knows is filled in, what only the vendor's bill knows is left empty where the specification lets it. The
vendor grants no discount that the router knows of, so all four costs are the same. Columns of our own begin with `x_`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, Final

from router.core.money import usd

# The groups that a row is made of, as usage is asked for.
GROUPS: Final = ("day", "team", "key", "model")
VENDOR: Final = "Mistral AI"
# The same in every row. The vendor's account is not known here; it is named after the vendor.
_SAME: Final = {
    "BillingAccountId": "mistral-ai",
    "BillingAccountName": VENDOR,
    "BillingCurrency": "USD",
    "ChargeCategory": "Usage",
    "ChargeClass": "",
    "ChargeFrequency": "Usage-Based",
    "ConsumedUnit": "Tokens",
    "InvoiceIssuerName": VENDOR,
    "PricingCategory": "Standard",
    "PricingUnit": "1000000 Tokens",
    "ProviderName": VENDOR,
    "PublisherName": VENDOR,
    "RegionId": "",
    "RegionName": "",
    "ResourceType": "Virtual key",
    "ServiceCategory": "AI and Machine Learning",
    "ServiceName": "Mistral AI API",
    "ServiceSubcategory": "Generative AI",
    "SkuPriceId": "",
    "ListUnitPrice": "",
    "ContractedUnitPrice": "",
}
COLUMNS: Final = (
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart",
    "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency", "ChargePeriodEnd", "ChargePeriodStart",
    "ConsumedQuantity", "ConsumedUnit", "ContractedCost", "ContractedUnitPrice", "EffectiveCost", "InvoiceIssuerName",
    "ListCost", "ListUnitPrice", "PricingCategory", "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName",
    "RegionId", "RegionName", "ResourceId", "ResourceName", "ResourceType", "ServiceCategory", "ServiceName",
    "ServiceSubcategory", "SkuId", "SkuPriceId", "SubAccountId", "SubAccountName", "Tags",
    "x_Requests", "x_InputTokens", "x_CachedTokens", "x_OutputTokens", "x_SavedCost", "x_UnconfirmedCost",
)  # fmt: skip


def focus_rows(groups: Iterable[dict[str, Any]]) -> list[dict[str, str]]:
    """A row for each group of GROUPS, in the order of their time. Money is decimal text, exact to the nano."""
    ordered = sorted(groups, key=lambda group: tuple(group["key"][name] for name in GROUPS))
    rows: list[dict[str, str]] = []
    for day, some in groupby(ordered, key=lambda group: str(group["key"]["day"])):
        periods = _periods(day)
        rows += [_row(group, periods, **group["key"]) for group in some]
    return rows


def _periods(day: str) -> dict[str, str]:
    begin = datetime.fromisoformat(day).replace(tzinfo=UTC)
    month = begin.replace(day=1)
    return {
        "BillingPeriodStart": _instant(month),
        "BillingPeriodEnd": _instant((month + timedelta(days=31)).replace(day=1)),
        "ChargePeriodStart": _instant(begin),
        "ChargePeriodEnd": _instant(begin + timedelta(days=1)),
    }


def _row(sums: dict[str, Any], periods: dict[str, str], *, day: str, team: str, key: str, model: str) -> dict[str, str]:
    cost, tokens = usd(sums["nano_usd"]), sums["input_tokens"] + sums["output_tokens"]
    filled = {
        **_SAME,
        **periods,
        **dict.fromkeys(("BilledCost", "ContractedCost", "EffectiveCost", "ListCost"), cost),
        "ChargeDescription": f"{model}: {sums['requests']} requests of {team}",
        "ConsumedQuantity": str(tokens),
        "PricingQuantity": f"{tokens // 1_000_000}.{tokens % 1_000_000:06}",
        "ResourceId": key,
        "ResourceName": key,
        "SkuId": model,
        "SubAccountId": team,
        "SubAccountName": team,
        "Tags": json.dumps({"team": team, "key": key, "model": model}),
        "x_Requests": str(sums["requests"]),
        "x_InputTokens": str(sums["input_tokens"]),
        "x_CachedTokens": str(sums["cached_tokens"]),
        "x_OutputTokens": str(sums["output_tokens"]),
        "x_SavedCost": usd(sums["saved_nano_usd"]),
        "x_UnconfirmedCost": usd(sums["unconfirmed_nano_usd"]),
    }
    return {name: filled[name] for name in COLUMNS}


def _instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
