"""Why a setting of LiteLLM's proxy has no counterpart here, or needs none. By path, the first that fits."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Final

import msgspec


class Why(msgspec.Struct, frozen=True):
    pattern: str
    text: str
    built_in: bool = False


_LOGS: Final = "prompts and answers are handed to nobody; read GET /admin/v1/records and /metrics instead."
_CACHE: Final = "answers are not cached; prompts are, at Mistral, by the key that is sent for each conversation."
_FAILS: Final = (
    "how often a model may fail and how long it then rests is fixed in code, and lasts as the failure tells."
)
_DATABASE: Final = "there is no database: keys, ledger and records are in the store."
_CAPS: Final = "there are no users here: give each its own key, or a tag with a budget."
_TRIES: Final = "at most three attempts, a model twice in a row at most, and never after work was done."
_FIGURES: Final = "the catalogue has figures of its own for this model."
_SHAPE: Final = "what is sent upstream comes from the request alone."

# Paths without the numbers of list entries.
REASONS: Final = (
    Why("litellm_settings.drop_params", "what nobody reads is dropped and named in x-router-dropped-params.", True),
    Why("litellm_settings.modify_params", "requests are always made fit for the model that is asked.", True),
    Why("litellm_settings.set_verbose", "ROUTER_LOG_LEVEL=DEBUG says more in the log."),
    Why("litellm_settings.json_logs", "the log is lines of text."),
    Why("litellm_settings.telemetry", "nothing is ever sent home.", True),
    Why("litellm_settings.turn_off_message_logging", "no prompt and no answer is ever recorded.", True),
    Why("litellm_settings.redact_user_api_key_info", "keys are known by their ids alone.", True),
    Why("litellm_settings.callbacks*", _LOGS),
    Why("litellm_settings.*callback*", _LOGS),
    Why("litellm_settings.langfuse*", _LOGS),
    Why("callback_settings*", _LOGS),
    Why("litellm_settings.default_team_settings*", _LOGS),
    Why("litellm_settings.cache*", _CACHE),
    Why("litellm_settings.enable_json_schema_validation", "Mistral holds answers to a strict schema by itself.", True),
    Why("litellm_settings.guardrails*", "the request's own `guardrails` field is passed on to Mistral."),
    Why("guardrails*", "the request's own `guardrails` field is passed on to Mistral."),
    Why("litellm_settings.*key_generate_params.models*", "models of a key: keys create --model."),
    Why("litellm_settings.*key_generate_params.duration", "the end of a key: keys create --expires-at."),
    Why("litellm_settings.*.soft_budget", "a [[budget]] with mode = soft, of another window than the hard one."),
    Why("litellm_settings.*_params.models*", "models.allow of a policy says what its team may use."),
    Why("litellm_settings.allowed_fails", _FAILS, True),
    Why("litellm_settings.*internal_user*", _CAPS),
    Why("litellm_settings.*end_user*", _CAPS),
    Why("litellm_settings.content_policy_fallbacks*", "Mistral's answers name no such refusal."),
    Why("router_settings.content_policy_fallbacks*", "Mistral's answers name no such refusal."),
    Why("router_settings.allowed_fails*", _FAILS, True),
    Why("router_settings.cooldown_time", _FAILS, True),
    Why("router_settings.disable_cooldowns", _FAILS),
    Why("router_settings.*retr*", _TRIES, True),
    Why("litellm_settings.*retr*", _TRIES, True),
    Why("router_settings.enable_pre_call_check*", "a request is only sent to a model whose window it fits.", True),
    Why("router_settings.provider_budget_config*", "a budget counts a team, a key, a model or a tag, not a vendor."),
    Why("router_settings.*tag_filtering*", "tags are counted and can have budgets; they choose no model."),
    Why("router_settings.redis_db", "a part of ROUTER_REDIS_URL.", True),
    Why("router_settings.debug_level", "ROUTER_LOG_LEVEL=DEBUG says more in the log."),
    Why("router_settings.client_ttl", "connections are kept as long as they are of use.", True),
    Why("router_settings.default_litellm_params*", _SHAPE),
    Why("general_settings.database*", _DATABASE),
    Why("general_settings.*prisma*", _DATABASE),
    Why("general_settings.store_model_in_db", "models are in config/models.toml, which is reloaded when it changes."),
    Why("general_settings.proxy_batch*", "each request is booked when it ends.", True),
    Why("general_settings.proxy_budget_rescheduler*", "windows renew by the clock; no job has to run.", True),
    Why("general_settings.disable_spend*", "spend is always counted."),
    Why("general_settings.disable_reset_budget", "windows renew by the clock."),
    Why("general_settings.store_prompts_in_spend_logs", "no prompt and no answer is ever recorded."),
    Why("general_settings.maximum_spend_logs*", "10,000 records of a team are kept, sums for 400 days.", True),
    Why("general_settings.alert*", "alerts are rules for Prometheus: config/alerts.yml."),
    Why("general_settings.background_health_checks", "a model's health is learned from its own traffic.", True),
    Why("general_settings.health_check*", "a model's health is learned from its own traffic.", True),
    Why("general_settings.completion_model", "a request that names no model is refused."),
    Why("general_settings.*jwt*", "apps have virtual keys, operators the admin key."),
    Why("general_settings.*oauth2*", "apps have virtual keys, operators the admin key."),
    Why("general_settings.custom_auth*", "apps have virtual keys, operators the admin key."),
    Why("general_settings.custom_sso*", "apps have virtual keys, operators the admin key."),
    Why("general_settings.key_management*", "a secret comes from a variable, or from the file that NAME_FILE names."),
    Why("general_settings.pass_through_endpoints*", "only the paths of docs/api.md are served."),
    Why("general_settings.user_api_key_cache_ttl", "a revoked key is refused everywhere within seconds.", True),
    Why("general_settings.reject_clientside_*", "apps choose their tags; budgets of keys hold all the same."),
    Why("general_settings.max_parallel_requests", "a bound for each deployment: give litellm_params its own."),
    Why("environment_variables*", "set it where the router runs, if it is still needed; its value is not copied."),
    Why("mcp_*", "MCP servers are not served."),
    Why("finetune_settings*", "fine-tuning is not served."),
    Why("files_settings*", "files are not served."),
    Why("vector_store*", "vector stores are not served."),
    Why("credential_list*", "an upstream's `key` in config/models.toml names a variable; its value is not copied."),
    Why("include*", "other files are not followed: import each of them, or put them into one first."),
    Why("model_list.litellm_params.max_retries", "the number of attempts is fixed.", True),
    Why("model_list.litellm_params.num_retries", "the number of attempts is fixed.", True),
    Why("model_list.litellm_params.timeout", "times are bounded for all models alike: [timing] in router.toml."),
    Why("model_list.litellm_params.stream_timeout", "times are bounded for all models alike: [timing] in router.toml."),
    Why("model_list.litellm_params.weight", "the cheapest place that answers is taken, not a share."),
    Why("model_list.litellm_params.order", "the cheapest place that answers is taken."),
    Why("model_list.litellm_params.mock*", "`mistral-router simulate` plays an upstream."),
    Why("model_list.litellm_params.tags*", "tags are counted and can have budgets; they choose no model."),
    Why("model_list.litellm_params.*", _SHAPE),
    Why("model_list.model_info.id", "a model's name is its id.", True),
    Why("model_list.model_info.base_model", "prices are in config/models.toml.", True),
    Why("model_list.model_info.access_groups*", "a key's scope is a list of globs: keys create --model."),
    Why("model_list.model_info.team*", "a policy's models.allow says which models its team may use."),
    Why("model_list.model_info.supports_*", _FIGURES, True),
    Why("model_list.model_info.max_*", _FIGURES, True),
    Why("model_list.model_info.*cost*", _FIGURES, True),
    Why("model_list.model_info.mode", _FIGURES, True),
    Why("model_list.model_info.*", "what a model is stands in config/models.toml; nothing there holds this."),
)  # fmt: skip


def reason_of(path: str) -> Why | None:
    """Of the first row that fits; None for what nobody has thought of."""
    bare = re.sub(r"\[[0-9]+\]", "", path)
    return next((why for why in REASONS if fnmatchcase(bare, why.pattern)), None)
