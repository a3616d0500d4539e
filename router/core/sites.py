"""Where a model can be reached: Mistral's API, its regional twin, or a server of one's own."""

from __future__ import annotations

import enum
from fractions import Fraction
from typing import Final

import msgspec

# The upstream that every model of the catalogue belongs to unless it names another.
MAIN: Final = "mistral"
# What the vendor's regional endpoints multiply every price by (docs, pricing, seen 2026-08-21).
BATCH_DIVISOR: Final = 2  # every rate is halved (docs, pricing, seen 2026-08-21)
REGION_FACTORS: Final = {"global": Fraction(1), "eu": Fraction(11, 10), "us": Fraction(11, 10)}


class Tongue(enum.Enum):
    """What an upstream understands: Mistral's API, or OpenAI's chat completions as vLLM and Ollama serve them."""

    MISTRAL = "mistral"
    OPENAI = "openai"


class UpstreamRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[upstreams.NAME]` of config/models.toml. `key` names the environment variable that holds its API key,
    `mirrors` another upstream all of whose models it offers too, at its own region's price."""

    url: str
    key: str | None = None
    dialect: Tongue = Tongue.MISTRAL
    region: str = "global"
    mirrors: str | None = None


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """An upstream as a decision sees it; `factor` multiplies the price of every model there. `key` names the
    environment variable of the API key it is asked with; `lent` says that this is a team's own, of another account at
    the vendor."""

    name: str
    url: str
    region: str
    factor: Fraction
    dialect: Tongue = Tongue.MISTRAL
    key: str | None = None
    mirrors: str | None = None
    lent: bool = False

    @property
    def batches(self) -> bool:
        """Only Mistral's global endpoint has the Batch API (docs, endpoints, seen 2026-08-21)."""
        return self.name == MAIN and self.region == "global"

    def offers(self, upstream: str) -> bool:
        """Whether the models of `upstream` can be reached here."""
        return upstream in (self.name, self.mirrors)

    def label(self, model: str) -> str:
        """What a model here is called where it must be told from the same model elsewhere."""
        return labelled(model, self.name)

    def quota(self, model: str) -> str:
        """What a model here is called where accounts at the vendor must be told apart: each has windows of its own."""
        return f"{self.label(model)}#{self.key}" if self.lent else self.label(model)

    @property
    def payer(self) -> str:
        """Whose account pays. When it is refused for one model or place, it is refused for all."""
        return f"#{self.key}" if self.lent else f"@{self.name}"

    @property
    def account(self) -> str:
        """Whose windows these are: one account's at one address."""
        return f"{self.name}#{self.key}" if self.lent else self.name

    def under(self, key: str | None) -> Site:
        """The same upstream asked with a team's own key. That is a key of Mistral's, so other servers keep theirs."""
        if key is None or not self.offers(MAIN) or self.dialect is not Tongue.MISTRAL:
            return self
        return msgspec.structs.replace(self, key=key, lent=True)


def labelled(model: str, upstream: str) -> str:
    """A model by the upstream that serves it, which goes unsaid where it is Mistral's own."""
    return model if upstream == MAIN else f"{model}@{upstream}"


def main_site(url: str, region: str) -> Site:
    """Mistral's own API. `region` is one of REGION_FACTORS."""
    return Site(name=MAIN, url=url, region=region, factor=REGION_FACTORS[region])


def sites_of(rows: dict[str, UpstreamRow]) -> tuple[Site, ...]:
    """Raises ValueError with the place and the mistake for a row that cannot be meant."""
    for name, row in rows.items():
        if name == MAIN:
            raise ValueError(f"upstreams.{MAIN}: is Mistral's own API, whose address stands in router.toml")
        if not row.url.startswith(("http://", "https://")):
            raise ValueError(f"upstreams.{name}.url: {row.url!r} is not an http or https address")
        if row.region not in REGION_FACTORS:
            raise ValueError(f"upstreams.{name}.region: {row.region!r} is not one of {', '.join(REGION_FACTORS)}")
        if row.mirrors is not None and row.mirrors not in (MAIN, *rows):
            raise ValueError(f"upstreams.{name}.mirrors: there is no upstream {row.mirrors!r}")
    return tuple(_site(name, row) for name, row in sorted(rows.items()))


def _site(name: str, row: UpstreamRow) -> Site:
    return Site(
        name=name,
        url=row.url.rstrip("/").removesuffix("/v1"),
        region=row.region,
        # Only the vendor asks more for a region; a server of one's own has its own price.
        factor=REGION_FACTORS[row.region] if row.dialect is Tongue.MISTRAL else Fraction(1),
        dialect=row.dialect,
        key=row.key,
        mirrors=row.mirrors,
    )
