"""Reasons, objections and outcomes in a sentence each, for people who have not learned the router's words."""

from __future__ import annotations

from typing import Final

from router.core.attempts import Outcome
from router.core.reasons import Reason, Why
from router.core.record import RequestRecord

REASONS: Final = {
    Reason.CHEAPEST_SUITABLE: "the cheapest of the models that are good enough",
    Reason.STAYED_WARM: "the cheapest, because it has the conversation in its cache",
    Reason.ONLY_SUITABLE: "the only model that could serve it",
    Reason.PINNED: "the app named this model",
    Reason.PINNED_BY_OPERATOR: "an operator pinned this model for all requests",
    Reason.REPLACED_RETIRED: "the model that the app named is retired, and this one replaces it",
    Reason.OBSERVED: "the policy only observes, so the app's own model served",
    Reason.ESCALATED: "the models before it failed",
    Reason.NONE_SUITABLE: "no model could serve it",
}
OBJECTIONS: Final = {
    Why.NOT_ALLOWED: "not in the policy's list",
    Why.OUTSIDE_KEY: "outside the key's scope",
    Why.NOT_CHAT: "not a chat model",
    Why.NO_FIM: "cannot fill in the middle",
    Why.NO_EMBEDDINGS: "makes no embeddings",
    Why.NO_MODERATION: "does not moderate",
    Why.NO_PRICE: "has no price",
    Why.WRONG_REGION: "in another region",
    Why.NO_TOOLS: "calls no tools",
    Why.NO_PARALLEL_TOOLS: "calls tools one by one only",
    Why.NO_JSON: "makes no JSON",
    Why.NO_VISION: "sees no images",
    Why.NO_AUDIO: "hears no audio",
    Why.NO_DOCUMENTS: "reads no documents",
    Why.NO_REASONING: "does not reason",
    Why.NO_PREFIX: "continues no answer",
    Why.NO_PREDICTION: "takes no prediction",
    Why.UNFIT_SCHEMA: "cannot take a schema of the request",
    Why.CONTEXT_TOO_SMALL: "window too small",
    Why.OUTPUT_TOO_SMALL: "answers too short",
    Why.NO_SCORE: "has no quality score",
    Why.NOT_INTERCHANGEABLE: "its vectors cannot be compared",
    Why.NOT_ASKED_FOR: "another model was asked for",
    Why.BELOW_THRESHOLD: "not good enough",
    Why.OVER_MAX_COST: "above the request's own maximum cost",
    Why.OVER_ESCALATION_COST: "dearer than the policy lets an escalation be",
    Why.DISABLED: "switched off by an operator",
    Why.RESTING: "failed a moment ago, and rested",
    Why.QUOTA_FULL: "its window at the vendor was full",
}
OUTCOMES: Final = {
    Outcome.OK: "answered",
    Outcome.CONNECT_FAILED: "could not be reached",
    Outcome.RESET: "the connection was closed before an answer",
    Outcome.TIMED_OUT: "took too long",
    Outcome.BAD_RESPONSE: "answered something that is no answer",
    Outcome.RATE_LIMITED: "rate limit reached",
    Outcome.NOT_ON_PLAN: "not on the vendor's plan",
    Outcome.CAPACITY: "no capacity left",
    Outcome.SERVER_ERROR: "server error",
    Outcome.UNAVAILABLE: "unavailable",
    Outcome.BAD_GATEWAY: "bad gateway",
    Outcome.GATEWAY_TIMEOUT: "gateway time-out",
    Outcome.AUTH_REFUSED: "refused our vendor key",
    Outcome.BILLING_REFUSED: "refused our vendor account",
    Outcome.FORBIDDEN: "forbidden",
    Outcome.MODEL_UNKNOWN: "does not know the model",
    Outcome.CONTEXT_TOO_LONG: "prompt too long",
    Outcome.REFUSED: "refused the request itself",
    Outcome.TOO_LARGE: "request too large",
    Outcome.FINISHED_IN_ERROR: "ended in an error",
    Outcome.CUT: "broke off in the middle of the answer",
    Outcome.APP_LEFT: "the app hung up",
}

# Why a request was turned away, for the codes that an operator's own rules bring about.
REFUSALS: Final = {
    "budget_exceeded": "a budget had less left than the request could cost at most",
    "rate_limit_exceeded": "a limit of the policy or the key was reached",
    "not_allowed": "it is outside what the key may do",
    "no_suitable_model": "no model can serve it under the policy",
    "upstream_rate_limited": "every model that could serve it had reached its limit at the vendor",
    "budget_store_unavailable": "the store did not answer, and the policy serves nothing without it",
}


def reason(value: str) -> str:
    """A recorded reason in words; one that this version does not know stays as it is."""
    return REASONS[Reason(value)] if value in _REASONS else value


def objection(value: str) -> str:
    """A recorded objection in words, likewise."""
    return OBJECTIONS[Why(value)] if value in _OBJECTIONS else value


def told_why(record: RequestRecord) -> str:
    """In a word why the model served, or why none did."""
    refused = record.code if record.status >= 400 else None
    return refused or record.reason or "–"


_REASONS: Final = frozenset(member.value for member in Reason)
_OBJECTIONS: Final = frozenset(member.value for member in Why)
