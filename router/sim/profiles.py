"""Where the API has changed or is not known for certain, and which way the simulator goes: a set of switches.

`current` is the API as last recorded (2026-10), `seed` that of the early models. A test turns single switches while the
simulator runs (`POST /_sim/switches`).
"""

from typing import Final, Literal

import msgspec

from router.sim.catalog import Model, Tokenizer


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    # Makes every model one of that tokenizer generation, for its rules and its count.
    tokenizer: Tokenizer | None = None
    # The server refused this order until at least 2026-06; the vendor's validator has allowed it since 2026-04-27.
    user_after_tool: bool = True
    # A tool whose schema holds a keyword outside the early subset is accepted, and then never called.
    silent_schemas: bool = False
    organization_headers: bool = True
    text_only: bool = False
    parallel_calls_on_small: bool = True
    small_context: int | None = None
    large_context: int | None = None

    # How a 422 looks: the list in `message.detail`, bare as the framework sends it, or as text in `message` (2024).
    validation_body: Literal["object", "bare", "text"] = "object"
    # What a retired name gets: the 404 that is announced, the 400 of an unknown one, or its replacement's service
    # (as `pixtral-12b` in 2026-08).
    retired: Literal["gone", "unknown", "replaced"] = "gone"
    # The fields of `usage`, by the time they were recorded: none for the cache (2025), `num_cached_tokens` (until
    # 2026-02-10), `prompt_tokens_details` (from 2026-02-17), `service_tier` beside them (from 2026-08).
    usage: Literal["2025", "2026-01", "2026-02", "2026-08"] = "2026-08"
    # Recordings before 2026-08 have no `type` in a tool call.
    typed_calls: bool = True
    # Stream chunks carry `p`, except where a recording has been cleaned of it.
    padded: bool = True
    early_finish: bool = False
    # Every alias is an entry of the model list, beside the model it names.
    aliases_listed: bool = True

    # From how many tokens on a prompt is cached without a `prompt_cache_key`. The real API caches shorter ones too
    # (a hit of 16 tokens is on record); here short tests see the same bill in any order.
    cached_from_tokens: int = 1024
    # No `Retry-After` was ever seen, though the documentation names it.
    retry_after_s: int | None = None
    # The workspace's monthly cap, and the status beyond it: neither body nor status is on record.
    spend_limit_nano_usd: int | None = None
    spend_limit_status: Literal[402, 403] = 402

    def context(self, model: Model) -> int:
        narrowed = self.small_context if model.is_small else self.large_context
        return min(model.context, narrowed or model.context)

    def tokenizer_of(self, model: Model) -> Tokenizer:
        return self.tokenizer or model.tokenizer


PROFILES: Final = {
    "current": Profile(),
    "seed": Profile(
        tokenizer="v3",
        user_after_tool=False,
        silent_schemas=True,
        organization_headers=False,
        text_only=True,
        parallel_calls_on_small=False,
        small_context=8_192,
        large_context=32_768,
        usage="2025",
        typed_calls=False,
        early_finish=True,
    ),
}


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What a tokenizer generation allows in a conversation: the vendor's validator, read in 2026-11."""

    # `^[a-zA-Z0-9]{9}$`, where later generations take any text but "null".
    nine_letter_ids: bool = False
    # Results are matched to calls by id, and not only counted.
    paired_by_id: bool = True
    content_beside_calls: bool = True
    media_in_results: bool = False
    thoughts_in_system: bool = True
    efforts: bool = False


RULES: Final[dict[Tokenizer, Rules]] = {
    "v3": Rules(nine_letter_ids=True, paired_by_id=False, content_beside_calls=False),
    "v7": Rules(nine_letter_ids=True, paired_by_id=False),
    "v11": Rules(nine_letter_ids=True),
    "v13": Rules(),
    "v15": Rules(media_in_results=True, thoughts_in_system=False, efforts=True),
}
