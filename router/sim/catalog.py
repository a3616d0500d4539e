"""What the simulated vendor sells: models, aliases, prices, windows, read from the simulator's own `prices.toml`."""

import datetime
import decimal
import pathlib
import tomllib
from collections.abc import Iterable
from typing import Any, Final, Literal

import msgspec

PRICE_FILE: Final = pathlib.Path(__file__).parent / "prices.toml"
NANO: Final = 10**9

Ability = Literal[
    "chat", "tools", "parallel_tools", "vision", "json", "reasoning", "fim", "prefix", "prediction",
    "audio", "embed", "moderation", "ocr", "transcription", "realtime", "speech",
]  # fmt: skip
Tokenizer = Literal["v3", "v7", "v11", "v13", "v15"]
Usd = decimal.Decimal


class Model(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str
    aliases: tuple[str, ...] = ()
    context: int
    abilities: tuple[Ability, ...]
    tokenizer: Tokenizer = "v13"
    input: Usd
    cached: Usd
    output: Usd
    requests_per_minute: int
    tokens_per_minute: int
    released: datetime.date
    # Third-party models stream in another shape and name their tool calls otherwise.
    family: Literal["mistral", "zai", "deepseek"] = "mistral"
    labs: bool = False
    deprecation: datetime.date | None = None
    replacement: str | None = None
    temperature: Usd | None = None
    # Fields that its choices carry with a null in them, as recorded in 2026-08 (zai) and 2026-10 (mistral-large-4).
    nulls: tuple[Literal["logprobs", "prompt_logprobs"], ...] = ()

    def can(self, ability: Ability) -> bool:
        return ability in self.abilities

    @property
    def is_small(self) -> bool:
        """What the early API called small: the models without parallel tool calls and with the narrow window."""
        return any(part in self.id for part in ("small", "ministral"))


class Retired(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str
    aliases: tuple[str, ...] = ()
    on: datetime.date
    replacement: str


class PriceList(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    model: tuple[Model, ...]
    retired: tuple[Retired, ...]


class Change(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a test may change about a model while the simulator runs; a field left out stays as it is."""

    aliases: tuple[str, ...] | None = None
    context: int | None = None
    input: Usd | None = None
    cached: Usd | None = None
    output: Usd | None = None
    deprecation: datetime.date | None = None
    replacement: str | None = None
    retired: bool = False

    def fields(self) -> dict[str, Any]:
        return {name: value for name in MOVABLE if (value := getattr(self, name)) is not None}


MOVABLE: Final = ("aliases", "context", "input", "cached", "output", "deprecation", "replacement")


class Catalog:
    """Finds a model by id or alias. Immutable; the world swaps it whole when a test changes a model."""

    def __init__(self, models: Iterable[Model], retired: Iterable[Retired]) -> None:
        self.models = tuple(models)
        self.retired = tuple(retired)
        self._by_name = {alias: model for model in self.models for alias in model.aliases}
        # An id always means itself, even when another model carries it as an alias.
        self._by_name |= {model.id: model for model in self.models}
        self._retired_by_name = {name: gone for gone in self.retired for name in (gone.id, *gone.aliases)}

    def find(self, name: str) -> Model | None:
        return self._by_name.get(name)

    def names(self) -> list[tuple[str, Model]]:
        """Every id and alias that is served, an alias after the id behind it."""
        named = [(name, model) for model in self.models for name in (model.id, *model.aliases)]
        return [(name, model) for name, model in named if self._by_name[name] is model]

    def find_retired(self, name: str) -> Retired | None:
        return self._retired_by_name.get(name)

    def changed(self, changes: dict[str, Change], *, today: datetime.date) -> "Catalog":
        """An alias given to one model is taken from every other, as when the vendor moves `-latest`."""
        moved = {alias for change in changes.values() for alias in change.aliases or ()}
        models: list[Model] = []
        retired = list(self.retired)
        for model in self.models:
            change = changes.get(model.id, Change())
            kept = tuple(alias for alias in model.aliases if alias not in moved)
            model = msgspec.structs.replace(model, **{"aliases": kept, **change.fields()})
            if change.retired:
                replacement = model.replacement or ""
                retired.append(Retired(id=model.id, aliases=model.aliases, on=today, replacement=replacement))
            else:
                models.append(model)
        return Catalog(models, retired)


def load_prices(path: pathlib.Path = PRICE_FILE) -> PriceList:
    return msgspec.convert(tomllib.loads(path.read_text()), PriceList, strict=True)


def nano_per_million(price: Usd) -> int:
    """USD per million tokens as an integer of nano-USD; a price finer than that would be a mistake in the file."""
    nano = price * NANO
    if nano != nano.to_integral_value():
        raise ValueError(f"price {price} is finer than a nano-USD per million tokens")
    return int(nano)


def card(name: str, model: Model, context: int) -> dict[str, object]:
    """An entry of `GET /v1/models`, with the fields of the vendor's newest SDK.

    An alias has an entry of its own: `id` is the alias, `name` the model, `aliases` its other names (seen 2025-12).
    """
    return {
        "id": name,
        "object": "model",
        "created": int(datetime.datetime.combine(model.released, datetime.time(), datetime.UTC).timestamp()),
        "owned_by": "mistralai" if model.family == "mistral" else model.family,
        "capabilities": {
            "completion_chat": model.can("chat"),
            "function_calling": model.can("tools"),
            "reasoning": model.can("reasoning"),
            "completion_fim": model.can("fim"),
            "fine_tuning": False,
            "vision": model.can("vision"),
            "ocr": model.can("ocr"),
            "classification": model.can("moderation"),
            "moderation": model.can("moderation"),
            "audio": model.can("audio"),
            "audio_transcription": model.can("transcription"),
            "audio_transcription_realtime": model.can("realtime"),
            "audio_speech": model.can("speech"),
            "unified_resources": False,
        },
        "name": model.id,
        "description": f"Simulated {model.id}.",
        "max_context_length": context,
        "aliases": [other for other in (model.id, *model.aliases) if other != name],
        "deprecation": f"{model.deprecation}T12:00:00Z" if model.deprecation else None,
        "deprecation_replacement_model": model.replacement,
        "default_model_temperature": float(model.temperature) if model.temperature is not None else None,
        "type": "base",
    }
