"""Our own refusals in words: which limit, how much, until when, and what would help."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Final

from router.core.charges import FOREVER_MS, Account, Denial, Kind, Measure
from router.core.classify import Classification
from router.core.explain import RouterObject
from router.core.judging import Verdict
from router.core.money import usd
from router.core.pacing import Paced
from router.core.plan import Plan
from router.core.policy import Scope
from router.core.quotas import BULK_PERCENT
from router.core.reasons import PURPOSES, Why
from router.errors import BudgetExceeded, NoSuitableModel, RateLimited, RouterError, UpstreamRateLimited
from router.wire.fitting import Misfit

# What the caller or the operator can change; {} takes the figure that the plan knows.
_REMEDIES: Final[dict[Why, str]] = {
    Why.NOT_ALLOWED: "ask for the model to be added to models.allow of the team's policy",
    Why.OUTSIDE_KEY: "use a key whose scope includes the model",
    Why.NOT_CHAT: "ask for a chat model",
    Why.NO_FIM: "ask for a model that fills in the middle, such as codestral-latest",
    Why.NO_EMBEDDINGS: "ask for an embedding model, such as mistral-embed",
    Why.NO_MODERATION: "ask for a moderation model, such as mistral-moderation-latest",
    Why.NO_PRICE: "have the operator add the model's price to config/models.toml",
    Why.WRONG_REGION: "have the operator configure an upstream in the region that the policy demands",
    Why.NO_TOOLS: "leave out the tools",
    Why.NO_PARALLEL_TOOLS: "make one tool call per turn and leave out parallel_tool_calls, or have the operator set "
    'parallel_tools = "serialise" in the team\'s policy',
    Why.NO_JSON: "leave out response_format",
    Why.NO_VISION: "leave out the images",
    Why.NO_AUDIO: "leave out the audio",
    Why.NO_DOCUMENTS: "leave out the documents",
    Why.NO_REASONING: "leave out reasoning_effort",
    Why.NO_PREFIX: "leave out the assistant prefix",
    Why.NO_PREDICTION: "leave out prediction",
    Why.UNFIT_SCHEMA: "change the schema at {}, or ask for a model that takes it",
    Why.CONTEXT_TOO_SMALL: "shorten input and max_tokens together to fewer than {} tokens",
    Why.OUTPUT_TOO_SMALL: "ask for at most {} output tokens",
    Why.NO_SCORE: "pin the model by name, or have the operator score it in config/quality.toml",
    Why.NOT_INTERCHANGEABLE: "name the embedding model, for vectors of different models cannot be compared",
    Why.BELOW_THRESHOLD: "ask for a lower quality",
    Why.OVER_MAX_COST: "raise x-router-max-cost-usd to at least {}",
    Why.DISABLED: "ask for another model, or try again after {}",
    Why.RESTING: "try again in a few seconds",
    Why.QUOTA_FULL: "try again in a few seconds",
}


# What a model is not made for, or not allowed to do, is no news to the caller.
_NO_NEWS: Final = frozenset({Why.NOT_ALLOWED, *PURPOSES.values()})


def denied(denial: Denial, team: str) -> RouterError:
    """The 402 or 429 for an account that refused."""
    account = denial.standing.account
    owner = _owner(account, team)
    if account.measure is Measure.USD:
        return _over_budget(denial, owner, team)
    wait_ms = denial.retry_after_ms
    if wait_ms is None:
        text = (
            f"{owner} may use {account.limit:,} {account.measure.value} at a time, and this request alone needs "
            f"{denial.asked:,}: lower max_tokens or split the request."
        )
    elif account.kind is Kind.GAUGE:
        text = f"{owner} has {account.limit:,} requests under way, which is its limit: try again when one has ended."
    else:
        text = (
            f"{owner} has used or reserved {denial.standing.spent:,} of {account.limit:,} {account.measure.value} a "
            f"minute and this request needs {denial.asked:,}: try again in {wait_ms / 1000:.1f} s."
        )
    return RateLimited(text, param=account.measure.value, retry_after_ms=wait_ms)


def held_back(plan: Plan) -> RouterError:
    """The 429 for bulk that would take the rest of a window from those who wait for an answer."""
    text = (
        f"No model that can serve this request has room for bulk: it may fill {BULK_PERCENT} % of a model's minute "
        f"upstream, and the rest is left to teams whose users wait (the policy of team {plan.policy.team} has priority "
        f'= "bulk"). Try again in {plan.opens_in_s:.0f} s.'
    )
    return UpstreamRateLimited(text, retry_after_ms=round(plan.opens_in_s * 1000))


# Where the amount is written: a key may have been given one of its own when it was made.
_WHERE: Final = {
    Scope.ORGANISATION: "default.toml",
    Scope.TEAM: "policy of team {team}",
    Scope.KEY: "the key's own budget, or the policy of team {team}",
    Scope.MODEL: "policy of team {team}",
    Scope.TAG: "policy of team {team}",
}


def _owner(account: Account, team: str) -> str:
    match account.scope:
        case Scope.ORGANISATION:
            return "The organisation"
        case Scope.TEAM:
            return f"Team {team}"
        case Scope.KEY | Scope.MODEL | Scope.TAG:
            return f"{account.scope.value.capitalize()} {account.id}"


def _over_budget(denial: Denial, owner: str, team: str) -> RouterError:
    standing, account = denial.standing, denial.standing.account
    resets_at = _resets_at(denial)
    window = account.window if account.window in ("hour", "day", "week", "month", "total") else f"last {account.window}"
    policy = _WHERE[account.scope].format(team=team)
    renewal = f"the budget renews at {resets_at}" if resets_at else "this budget does not renew"
    text = (
        f"{owner} has spent {_amount(standing.spent)} and reserved {_amount(standing.held)} of "
        f"{_amount(account.limit)} USD ({window}); this request may cost {_amount(denial.asked)}, less with a lower "
        f"max_tokens; {renewal} ({policy})."
    )
    return BudgetExceeded(
        text,
        extra={
            "budget": {
                "scope": account.scope.value,
                "id": account.id,
                "window": account.window,
                "limit_usd": usd(account.limit),
                "spent_usd": usd(standing.spent),
                "reserved_usd": usd(standing.held),
                "estimate_usd": usd(denial.asked),
                "resets_at": resets_at,
            }
        },
    )


def too_fast(step: Paced, team: str) -> RouterError:
    """The 402 for a budget whose policy refuses when it would not last."""
    account = step.account
    share, above = round(step.share * 100), round(step.pace.above * 100)
    until = _stamp(step.until_ms)
    owner = _owner(account, team)
    text = (
        f"{owner} has spent {_amount(step.spent)} of {_amount(account.limit)} USD ({account.window}): at this pace "
        f"{share} % will be spent when the budget renews at {_stamp(account.end)}, and its policy refuses above "
        f"{above} %. If nothing is spent until then, requests pass again at {until}."
    )
    told = {
        "scope": account.scope.value,
        "id": account.id,
        "window": account.window,
        "limit_usd": usd(account.limit),
        "spent_usd": usd(step.spent),
        "forecast": round(float(step.share), 4),
        "forecast_max": step.pace.above,
        "resets_at": until,
    }
    return BudgetExceeded(text, extra={"budget": told})


def _amount(nano: int) -> str:
    """USD with two decimals where they tell all, else with as many as it takes."""
    return usd(nano, 2) if nano % 10_000_000 == 0 else usd(nano).rstrip("0")


def _resets_at(denial: Denial) -> str | None:
    account = denial.standing.account
    if account.kind is Kind.CALENDAR:
        if account.end >= FOREVER_MS:
            return None
        ends_ms = account.end
    elif denial.retry_after_ms is None:
        return None
    else:
        ends_ms = denial.now_ms + denial.retry_after_ms
    return _stamp(ends_ms)


def _stamp(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def unsuitable(plan: Plan, ask: Classification, explained: RouterObject) -> RouterError:
    """400: no model can serve the request, with every objection and the smallest change that would help."""
    pin = plan.pin
    about = [verdict for verdict in plan.verdicts if pin is None or verdict.card.name == pin.card.name]
    objections = Counter(verdict.objection for verdict in about if verdict.objection is not None)
    # Among what is news the commonest objection is the nearest miss.
    ours = {why: count for why, count in objections.items() if why not in _NO_NEWS}
    nearest = max(ours or objections, key=lambda why: (objections[why], why.value), default=None)
    remedy = _REMEDIES.get(nearest, "") if nearest else "have the operator check the catalogue"
    if "{}" in remedy:
        remedy = remedy.format(
            _figure([verdict for verdict in about if verdict.objection is nearest], nearest, ask, plan)
        )
    if plan.asked.pin is None and pin is not None:
        remedy += f", or pin another model by name: an operator has every chat request served by {pin.card.name}"
    return NoSuitableModel(
        f"No model can serve this request ({nearest.value if nearest else 'the catalogue is empty'}): {remedy}.",
        param=_misfit(about, ask).place if nearest is Why.UNFIT_SCHEMA else "model",
        extra={
            "models": [
                {"model": view.model, "objection": view.objection} for view in explained.models if view.objection
            ],
            "remedy": remedy,
            "input_tokens": ask.input_tokens,
        },
    )


def _misfit(about: list[Verdict], ask: Classification) -> Misfit:
    """What keeps the first of the models whose profile cannot take the request from it."""
    return next(ask.misfits[v.card.schema_profile] for v in about if v.objection is Why.UNFIT_SCHEMA)


def _figure(about: list[Verdict], why: Why | None, ask: Classification, plan: Plan) -> str:
    match why:
        case Why.UNFIT_SCHEMA:
            misfit = _misfit(about, ask)
            return f"{misfit.place}, which {misfit.what}"
        case Why.CONTEXT_TOO_SMALL:
            return f"{max(verdict.card.context_tokens for verdict in about):,}"
        case Why.OUTPUT_TOO_SMALL:
            return f"{max(verdict.card.output_tokens_max for verdict in about):,}"
        case Why.DISABLED:
            # The first that is back is the one to wait for.
            switch = min((plan.switches.disabled[v.card.name] for v in about), key=lambda switch: switch.until)
            return f"{switch.ends}, when the operator's switch ends ({switch.reason})"
        case _:
            return usd(min(verdict.most.nano for verdict in about if verdict.most is not None))
