"""What an entry of model_list says of a model on a server of one's own, and what is assumed where it is silent."""

from __future__ import annotations

from decimal import ROUND_UP, Decimal
from typing import Final

from router.commands.litellm.reading import Node
from router.commands.litellm.report import Fate, Report
from router.core.catalog import Ability

_MILLION: Final = 1_000_000
_NANO: Final = Decimal("1e-9")


class Figures:
    """Of one entry: figures stand in model_info, prices also in litellm_params."""

    def __init__(self, node: Node, params: Node, report: Report) -> None:
        self._node = node
        self._params = params
        self._report = report

    def _find(self, name: str) -> Node | None:
        found = self._node.get("model_info", name) or (self._params.get(name) if name.endswith("_token") else None)
        if found is not None:
            self._report.known(found)
        return found

    def mode(self) -> str:
        found = self._find("mode")
        return found.text() if found is not None else "chat"

    def whole(self, name: str) -> int | None:
        found = self._find(name)
        return (found.whole() or None) if found is not None else None

    def price(self, side: str, id_: str) -> Decimal:
        """USD per million tokens, to the nano."""
        found = self._find(f"{side}_cost_per_token")
        if found is None:
            what = f"no price of {side} is given: {id_} costs 0 for it, and budgets do not notice; set what it costs."
            self._report.say(Fate.TO_DO, self._node.fields()["model_name"], what)
            return Decimal(0)
        return (found.number() * _MILLION).quantize(_NANO, ROUND_UP).normalize()

    def abilities(self, id_: str) -> tuple[str, ...]:
        told = {
            Ability.TOOLS: "supports_function_calling",
            Ability.PARALLEL_TOOLS: "supports_parallel_function_calling",
            Ability.JSON: "supports_response_schema",
            Ability.VISION: "supports_vision",
            Ability.REASONING: "supports_reasoning",
        }
        found = {ability: self._find(field) for ability, field in told.items()}
        if all(node is None for node in found.values()):
            what = f"nothing says what {id_} can do: chat, tools and json are assumed; set abilities."
            self._report.say(Fate.TO_DO, self._node.fields()["model_name"], what)
            return ("chat", "tools", "json")
        return ("chat", *(ability.value for ability, node in found.items() if node is not None and node.flag()))
