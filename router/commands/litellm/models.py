"""model_list: what each of its names stands for here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from router.commands.litellm.keys import Keys
from router.commands.litellm.listing import Deployment, Models
from router.commands.litellm.reading import Node
from router.commands.litellm.report import Fate, Report
from router.commands.litellm.servers import Servers
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


class ModelReader:
    """Reads model_list. `environ` is only asked for addresses that stand in a variable."""

    def __init__(self, shelf: Shelf, environ: Mapping[str, str], report: Report) -> None:
        self._shelf = shelf
        self._environ = environ
        self._report = report
        self.models = Models()
        self._keys = Keys(report)
        self._servers = Servers(shelf, self.models, self._keys, report)

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
            return self._servers.deployed(name, node, params, rest, address)
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
            site = (address, self._keys.of(params, "MISTRAL_API_KEY"))
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
