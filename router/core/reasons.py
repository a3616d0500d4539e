"""The words in which choices are explained: why a model may not serve, and why one does. Both reach headers, records,
metrics and `explain` unchanged."""

from __future__ import annotations

import enum
from typing import Final

from router.core.catalog import Ability


class Why(enum.Enum):
    """Why a model may not serve this request; the first that applies is the one told."""

    NOT_ALLOWED = "not_allowed"  # the policy does not list it
    OUTSIDE_KEY = "outside_key"  # the key's scope does not list it
    NOT_CHAT = "not_chat"
    NO_FIM = "no_fim"
    NO_EMBEDDINGS = "no_embeddings"
    NO_MODERATION = "no_moderation"
    NO_PRICE = "no_price"
    WRONG_REGION = "wrong_region"
    NO_TOOLS = "no_tools"
    NO_PARALLEL_TOOLS = "no_parallel_tools"
    NO_JSON = "no_json"
    NO_VISION = "no_vision"
    NO_AUDIO = "no_audio"
    NO_DOCUMENTS = "no_documents"
    NO_REASONING = "no_reasoning"
    NO_PREFIX = "no_prefix"
    NO_PREDICTION = "no_prediction"
    UNFIT_SCHEMA = "unfit_schema"  # its profile cannot take a schema of the request
    CONTEXT_TOO_SMALL = "context_too_small"
    OUTPUT_TOO_SMALL = "output_too_small"
    NO_SCORE = "no_score"
    NOT_INTERCHANGEABLE = "not_interchangeable"  # another model's vectors cannot be compared with these
    NOT_ASKED_FOR = "not_asked_for"  # the app, or the operator for all, pinned another model
    BELOW_THRESHOLD = "below_threshold"
    OVER_MAX_COST = "over_max_cost"  # the request's own x-router-max-cost-usd
    OVER_ESCALATION_COST = "over_escalation_cost"  # dearer than the policy lets an escalation be
    DISABLED = "disabled"  # an operator switched it off for a while
    RESTING = "resting"  # it failed or was rate-limited a moment ago
    QUOTA_FULL = "quota_full"  # its upstream window has no room for this request at the moment


class Reason(enum.Enum):
    """Why the model that was chosen leads."""

    CHEAPEST_SUITABLE = "cheapest_suitable"
    STAYED_WARM = "stayed_warm"  # the cheapest, because it has the conversation in its cache
    ONLY_SUITABLE = "only_suitable"
    PINNED = "pinned"
    PINNED_BY_OPERATOR = "pinned_by_operator"  # every chat request is served by this model for a while
    REPLACED_RETIRED = "replaced_retired"
    OBSERVED = "observed"
    ESCALATED = "escalated"
    NONE_SUITABLE = "none_suitable"


# What a model is for comes before what it can do beside.
PURPOSES: Final = {
    Ability.CHAT: Why.NOT_CHAT,
    Ability.FIM: Why.NO_FIM,
    Ability.EMBEDDINGS: Why.NO_EMBEDDINGS,
    Ability.MODERATION: Why.NO_MODERATION,
}
LACKS: Final = {
    Ability.TOOLS: Why.NO_TOOLS,
    Ability.PARALLEL_TOOLS: Why.NO_PARALLEL_TOOLS,
    Ability.JSON: Why.NO_JSON,
    Ability.VISION: Why.NO_VISION,
    Ability.AUDIO: Why.NO_AUDIO,
    Ability.DOCUMENTS: Why.NO_DOCUMENTS,
    Ability.REASONING: Why.NO_REASONING,
    Ability.PREFIX: Why.NO_PREFIX,
    Ability.PREDICTION: Why.NO_PREDICTION,
}
