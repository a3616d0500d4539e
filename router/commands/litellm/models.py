"""model_list: what each of its names stands for here, which servers of one's own it needs, and whose keys."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final
from urllib.parse import urlsplit

import msgspec

from router.commands.litellm.figures import Figures
from router.commands.litellm.reading import Node
from router.commands.litellm.report import Fate, Report
from router.core.asked import AUTO
from router.core.catalog import Ability, Shelf, Stage
from router.core.policy import Policy

VENDOR: Final = ("mistral", "codestral", "text-completion-codestral")
# Servers of open-weight models that speak OpenAI's dialect, and where they listen when nothing else is said.
OWN: Final = {
    "hosted_vllm": None,
    "openai": None,
    "openai_like": None,
    "custom_openai": None,
    "lm_studio": None,
    "llamafile": None,
    "xinference": None,
    "infinity": None,
    "ollama": "http://localhost:11434",
    "ollama_chat": "http://localhost:11434",
}
# What people write where no key is needed.
NO_KEY: Final = ("", "none", "null", "empty", "dummy", "fake", "fake-key", "na", "n/a", "anything", "ollama")
NOT_CHAT: Final = (
    "embedding",
    "image_generation",
    "audio_transcription",
    "audio_speech",
    "moderation",
    "rerank",
    "ocr",
)
_NOT_CHAT_NAMES = re.compile(r"embed|dall-e|whisper|tts|rerank|gpt-image|imagen|moderation", re.IGNORECASE)
CONTEXT_ASSUMED: Final = 32_768


class Upstream(msgspec.Struct, kw_only=True):
    """An upstream that the file needs beside Mistral's own. `node` is where it stands."""

    name: str
    url: str
    node: Node
    dialect: str = "openai"
    key: str | None = None
    region: str = "global"
    mirrors: str | None = None
    serves: set[str] = msgspec.field(default_factory=set)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A model of such an upstream; prices in USD per million tokens."""

    id: str
    node: Node
    upstream: str
    served_as: str
    context_tokens: int
    abilities: tuple[str, ...]
    input_usd: Decimal
    output_usd: Decimal


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of model_list. `target` is what answers here, None when nothing can; `own` is on a server of one's own,
    `foreign` at a vendor that is not asked here."""

    name: str
    node: Node
    target: str | None
    own: bool = False
    foreign: bool = False


class Models(msgspec.Struct, kw_only=True):
    """What model_list comes to. `rows` go by upstream and the name there; `vendor_sites` are Mistral's address and the
    variable of its key, once for each pair."""

    deployments: list[Deployment] = msgspec.field(default_factory=list)
    upstreams: dict[str, Upstream] = msgspec.field(default_factory=dict)
    rows: dict[tuple[str, str], Row] = msgspec.field(default_factory=dict)
    vendor_sites: list[tuple[str | None, str | None]] = msgspec.field(default_factory=list)

    def groups(self) -> dict[str, list[Deployment]]:
        found: dict[str, list[Deployment]] = {}
        for deployment in self.deployments:
            found.setdefault(deployment.name, []).append(deployment)
        return found


class ModelReader:
    """Reads model_list. `environ` is only asked for addresses that stand in a variable."""

    def __init__(self, shelf: Shelf, environ: Mapping[str, str], report: Report) -> None:
        self._shelf = shelf
        self._environ = environ
        self._report = report
        self._literals: dict[str, str] = {}
        self.models = Models()

    def read(self, root: Node) -> Models:
        listed = root.get("model_list")
        for node in listed.entries() if listed else ():
            name, params = node.get("model_name"), node.get("litellm_params")
            if name is None or params is None or params.get("model") is None:
                raise node.wrong("an entry with model_name and litellm_params.model")
            self.models.deployments.append(self._deployment(name.text(), node, params))
        return self.models

    def _deployment(self, name: str, node: Node, params: Node) -> Deployment:
        model = params.fields()["model"]
        given = params.get("custom_llm_provider")
        provider, _, rest = model.text().rpartition("/") if given else model.text().partition("/")
        provider = given.text() if given else provider
        if given:
            rest = model.text().removeprefix(f"{provider}/")
            self._report.known(given)
        if not rest:  # no provider is named
            provider, rest = ("mistral" if self._shelf.resolve(provider) else "", provider)
        if provider not in (*OWN, *VENDOR):
            return self._foreign(name, node, model)
        address = self._address(params, OWN.get(provider))
        host = urlsplit(address).hostname or "" if address else ""
        if provider in VENDOR and (not host or host == "mistral.ai" or host.endswith(".mistral.ai")):
            return self._vendor(name, node, params, provider, rest, address)
        if address and host != "api.openai.com":
            return self._own(name, node, params, rest, address)
        return self._foreign(name, node, model)

    def _address(self, params: Node, usual: str | None) -> str | None:
        """api_base without what is secret in it; None where there is none, or none that can be used."""
        node = params.get("api_base") or params.get("base_url")
        if node is None:
            return usual
        variable = node.variable()
        text = self._environ.get(variable, "") if variable else node.text()
        parts = urlsplit(text)
        try:
            port = f":{parts.port}" if parts.port else ""
        except ValueError:
            port = ""
        if parts.scheme not in ("http", "https") or not parts.hostname:
            where = f"the variable {variable}, which holds no address here" if variable else "no http or https address"
            self._report.say(Fate.DROPPED, node, f"is {where}: write it into config/models.toml under [upstreams].")
            return usual
        if parts.username or parts.password or parts.query:
            what = "held more than an address (a name, a password or a query), which is not copied: use a key variable."
            self._report.say(Fate.TO_DO, node, what)
        else:
            self._report.known(node)
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        return f"{parts.scheme}://{host}{port}{parts.path}".rstrip("/").removesuffix("/v1")

    def _vendor(
        self, name: str, node: Node, params: Node, provider: str, model: str, address: str | None
    ) -> Deployment:
        where = params.fields()["model"]
        if provider == "mistral":
            site = (address, self._key(params, "MISTRAL_API_KEY"))
            if site not in self.models.vendor_sites:
                self.models.vendor_sites.append(site)
        elif (key := params.get("api_key")) is not None:
            self._report.say(Fate.CHANGED, key, "Codestral is served by Mistral's API with MISTRAL_API_KEY.")
        if "*" in model:
            self._report.say(Fate.CARRIED, where, "every model of the catalogue can be asked for by its own name.")
            return Deployment(name=name, node=node, target=None)
        resolved = self._shelf.resolve(model)
        if resolved is None:
            near = ", ".join(self._shelf.nearest(model)) or "none"
            self._report.say(Fate.DROPPED, where, f"is not in the catalogue (nearest: {near}).")
            return Deployment(name=name, node=node, target=None)
        if resolved.replaced:
            self._report.say(Fate.CHANGED, where, f"is retired; {resolved.card.name} is served in its place.")
            return Deployment(name=name, node=node, target=resolved.card.name)
        self._report.say(Fate.CARRIED, where, f"is {resolved.card.name} at Mistral.")
        return Deployment(name=name, node=node, target=model)

    def _own(self, name: str, node: Node, params: Node, model: str, address: str) -> Deployment:
        where = params.fields()["model"]
        upstream = self._upstream(params, address)
        upstream.serves.add(model)
        row = self.models.rows.get((upstream.name, model))
        if row is None:
            twin = self._twin(name, model)
            row = self._row(name, node, params, model, upstream, twin)
            self.models.rows[(upstream.name, model)] = row
            place = f"is the model {row.id} of" if twin is None else f"is {twin.id}, which is also served by"
            self._report.say(Fate.CARRIED, where, f"{place} the upstream {upstream.name}.")
        else:
            self._report.say(Fate.CARRIED, where, f"is the model {row.id} of the upstream {upstream.name}, as above.")
        return Deployment(name=name, node=node, target=row.id, own=True)

    def _upstream(self, params: Node, address: str) -> Upstream:
        found = next((one for one in self.models.upstreams.values() if one.url == address), None)
        if found is None:
            parts = urlsplit(address)
            host = parts.hostname or "own"
            numeric = _is_ip(host)
            name = re.sub(
                r"[^A-Za-z0-9]+", "-", f"{host}-{parts.port or ''}" if numeric else f"{host.partition('.')[0]}"
            )
            name = _free(name.strip("-").lower() or "own", {*self.models.upstreams, "mistral"})
            key = self._key(params, f"{name.upper().replace('-', '_')}_API_KEY")
            found = Upstream(name=name, url=address, node=params, key=key, region=self._region(params))
            self.models.upstreams[name] = found
        elif (key_node := params.get("api_key")) is not None:
            if self._key(params, found.key or f"{found.name.upper()}_API_KEY") != found.key:
                self._report.say(
                    Fate.CHANGED, key_node, f"the upstream {found.name} has one key, that of its first entry."
                )
            else:
                self._report.known(key_node)
        return found

    def _region(self, params: Node) -> str:
        node = params.get("region_name")
        if node is None:
            return "global"
        region = node.text().lower().partition("-")[0]
        if region in ("eu", "us"):
            self._report.say(Fate.CARRIED, node, f"the upstream computes in {region}.")
            return region
        self._report.say(Fate.DROPPED, node, "is neither eu nor us.")
        return "global"

    def _key(self, params: Node, wanted: str) -> str | None:
        """The variable that holds an entry's key: its own, or the one to put a literal key into."""
        node = params.get("api_key")
        if node is None:
            return None
        variable = node.variable()
        if variable is not None:
            self._report.say(Fate.CARRIED, node, f"the key is read from {variable}.")
            return variable
        text = node.text()
        if text.strip().lower() in NO_KEY:
            self._report.say(Fate.CARRIED, node, "no key is needed.")
            return None
        name = self._literals.get(text)
        if name is None:
            name = _free(wanted, set(self._literals.values()), "_")
            self._literals[text] = name
        what = f"a literal key stands here and was not copied: set {name} to it, and give it to no file."
        self._report.say(Fate.TO_DO, node, what)
        return name

    def _twin(self, name: str, model: str) -> Row | None:
        """The same model under the same name on another server: what was said of it there holds here too."""
        same = {one.target for one in self.models.deployments if one.name == name and one.own}
        return next((row for row in self.models.rows.values() if row.served_as == model and row.id in same), None)

    def _row(self, name: str, node: Node, params: Node, model: str, upstream: Upstream, twin: Row | None) -> Row:
        slug = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-") or "model"
        taken = {row.id for row in self.models.rows.values()}
        known = self._shelf.resolve(slug) is not None or slug in AUTO
        id_ = _free(f"{slug}-{upstream.name}" if known or slug in taken else slug, taken)
        if twin is not None:
            return msgspec.structs.replace(twin, id=id_, node=node, upstream=upstream.name)
        fields = Figures(node, params, self._report)
        embeds = fields.mode() == "embedding" or "embed" in model.lower()
        context = fields.whole("max_input_tokens") or fields.whole("max_tokens")
        if context is None:
            what = f"no window is given: {CONTEXT_ASSUMED:,} tokens are assumed for {id_}; set context_tokens."
            self._report.say(Fate.TO_DO, node.fields()["model_name"], what)
        return Row(
            id=id_,
            node=node,
            upstream=upstream.name,
            served_as=model,
            context_tokens=context or CONTEXT_ASSUMED,
            abilities=("embeddings",) if embeds else fields.abilities(id_),
            input_usd=fields.price("input", id_),
            output_usd=Decimal(0) if embeds else fields.price("output", id_),
        )

    def _foreign(self, name: str, node: Node, model: Node) -> Deployment:
        mode = node.get("model_info", "mode")
        if mode is not None:
            self._report.known(mode)
        if (mode is not None and mode.text() in NOT_CHAT) or _NOT_CHAT_NAMES.search(f"{name} {model.text()}"):
            self._report.say(
                Fate.DROPPED, node, "another vendor's model that is not for chat: nothing here answers for it."
            )
            return Deployment(name=name, node=node, target=None)
        if name.strip("*?") == "":
            what = "any name at another vendor: a name that nothing maps is a 404 here, so map those that apps use."
            self._report.say(Fate.DROPPED, node, what)
            return Deployment(name=name, node=node, target=None)
        return Deployment(name=name, node=node, target="auto", foreign=True)


def is_chat(name: str, shelf: Shelf) -> bool:
    resolved = shelf.resolve(name)
    return resolved is not None and Ability.CHAT in resolved.card.abilities


def known_names(shelf: Shelf) -> list[str]:
    """Every id and alias that is not retired and that a policy allows unless it says otherwise."""
    usual = Policy()
    cards = [card for card in shelf.cards.values() if card.stage is not Stage.RETIRED and usual.allows(card.name)]
    return sorted({name for card in cards for name in (card.name, *card.aliases)})


def _free(name: str, taken: set[str], joint: str = "-") -> str:
    return next(
        candidate
        for candidate in (name, *(f"{name}{joint}{number}" for number in range(2, 100_000)))
        if candidate not in taken
    )


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
