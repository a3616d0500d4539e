"""Budgets, limits, names and habits of the proxy as policies: the default, and one for each team that it names."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from router.commands.litellm.accounts import LIMITS, Accounts
from router.commands.litellm.drafts import Draft, Limit
from router.commands.litellm.listing import Deployment, Models
from router.commands.litellm.models import is_chat, known_names
from router.commands.litellm.reading import Node
from router.commands.litellm.report import Fate, Report
from router.core.catalog import Shelf
from router.core.contradictions import comes_before, rates_before
from router.core.policy import NAME, Policy


class PolicyReader:
    def __init__(self, root: Node, models: Models, shelf: Shelf, report: Report) -> None:
        self._root = root
        self._models = models
        self._shelf = shelf
        self._report = report
        self._accounts = Accounts(report)

    def read(self) -> list[Draft]:
        """The default first. A team's own rules go before those that hold for all."""
        everybody = Draft(team="default", zone=self._zone())
        self._names(everybody)
        self._habits(everybody)
        self._deployments(everybody)
        drafts = [everybody]
        for entry in self._entries("litellm_settings", "default_team_settings"):
            team = self._team(entry, everybody, {draft.team for draft in drafts})
            drafts += [team] if team is not None else []
        self._for_all(drafts)
        for draft in drafts:
            self._outdone(draft)
        if not any(draft.budgets for draft in drafts):
            model_list = self._root.get("model_list") or self._root
            what = "the file caps no spend: add a [[budget]] to policies/default.toml, or create keys with --unlimited."
            self._report.say(Fate.TO_DO, msgspec.structs.replace(model_list, path="(the whole file)"), what)
        return drafts

    def _get(self, *keys: str) -> Node | None:
        return self._root.get(*keys)

    def _entries(self, *keys: str) -> list[Node]:
        node = self._get(*keys)
        return node.entries() if node is not None else []

    # --- Names ------------------------------------------------------------------------------------------------------

    def _names(self, draft: Draft) -> None:
        targets: dict[str, str] = {}
        for name, deployments in self._models.groups().items():
            node = deployments[0].node.fields()["model_name"]
            self._foreign(name, deployments)
            for deployment in deployments[1:]:
                self._report.known(deployment.node.fields()["model_name"])
            found = list(dict.fromkeys(one.target for one in deployments if one.target is not None))
            real = [target for target in found if target != "auto"] or found
            if not real:
                self._wildcard(name, node, draft)
                continue
            target = real[0]
            if len(real) > 1 and all(is_chat(one, self._shelf) for one in real):
                target = "auto"
                self._report.say(Fate.CHANGED, node, f"several models under one name: {name!r} stands for auto.")
            elif len(real) > 1:
                self._report.say(
                    Fate.CHANGED, node, f"several places under one name: {target} answers, the others only by name."
                )
            targets[name] = target
            self._map(draft, name, target, node)
        own = {row.id for row in self._models.rows.values()}
        for target in targets.values():
            resolved = self._shelf.resolve(target)
            id_ = resolved.card.name if resolved is not None else target if target in own else None
            if id_ is not None and id_ not in draft.allow and not (resolved and Policy().allows(id_)):
                draft.allow.append(id_)
        self._aliases(draft, targets)

    def _foreign(self, name: str, deployments: list[Deployment]) -> None:
        known = [one.target for one in deployments if one.target is not None and not one.foreign]
        instead = (
            f"{known[0]} answers alone" if known else f"{name!r} stands for auto, the cheapest that is good enough"
        )
        for deployment in deployments:
            if deployment.foreign:
                what = f"another vendor's model, with its key, prices and limits: {instead}."
                self._report.say(Fate.CHANGED, deployment.node, what)

    def _map(self, draft: Draft, name: str, target: str, node: Node) -> None:
        resolved, wanted = self._shelf.resolve(name), self._shelf.resolve(target)
        same = resolved is not None and wanted is not None and resolved.card.name == wanted.card.name
        if name == target or same:
            self._report.say(Fate.CARRIED, node, "the same name asks for the same model here.")
            return
        self._report.say(Fate.CARRIED, node, f"models.map: stands for {target}.")
        draft.map[name] = (target, node)

    def _wildcard(self, name: str, node: Node, draft: Draft) -> None:
        """`mistral/*` passes the name behind the slash on; a map has no such rule, so it gets a line for each name."""
        prefix = name.removesuffix("*")
        if "mistral" not in name or not prefix or not name.endswith("*"):
            self._report.known(node)
            return
        self._report.say(Fate.CARRIED, node, "models.map has a line for each name that is allowed, behind that prefix.")
        for known in known_names(self._shelf):
            draft.map.setdefault(f"{prefix}{known}", (known, node))

    def _aliases(self, draft: Draft, targets: dict[str, str]) -> None:
        aliases = self._get("router_settings", "model_group_alias")
        for alias, node in aliases.fields().items() if aliases is not None else ():
            group = node.get("model") if isinstance(node.value, dict) else node
            if group is None:
                raise node.wrong("a model's name, or a mapping with `model`")
            hidden = node.get("hidden") if isinstance(node.value, dict) else None
            if hidden is not None:
                self._report.say(
                    Fate.DROPPED, hidden, "GET /v1/models lists models and auto names, and no mapped names."
                )
            target = targets.get(group.text())
            if target is None and self._shelf.resolve(group.text()) is not None:
                target = group.text()
            if target is None:
                self._report.say(Fate.DROPPED, group, "stands for a name that nothing here answers for.")
                continue
            self._report.say(Fate.CARRIED, group, f"models.map: stands for {target}.")
            draft.map[alias] = (target, group)

    # --- Habits -----------------------------------------------------------------------------------------------------

    def _zone(self) -> str:
        node = self._get("litellm_settings", "timezone")
        if node is None:
            return "UTC"
        try:
            ZoneInfo(node.text())
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise node.wrong("an IANA time zone such as Europe/Paris") from None
        self._report.say(Fate.CARRIED, node, "the zone of every calendar window.")
        return node.text()

    def _habits(self, draft: Draft) -> None:
        for section in ("litellm_settings", "router_settings"):
            for field in ("fallbacks", "default_fallbacks", "context_window_fallbacks"):
                node = self._get(section, field)
                if node is not None:
                    draft.pins = "escalate"
                    what = 'pins = "escalate": when a model fails, the cheapest that is good enough follows.'
                    self._report.say(Fate.CHANGED, node, what)
        away = self._get("general_settings", "allow_requests_on_db_unavailable")
        if away is not None and away.flag():
            draft.when_store_away = "allow"
            self._report.say(Fate.CARRIED, away, 'when_store_away = "allow": budgets may then be overspent.')
        elif away is not None:
            self._report.say(Fate.CARRIED, away, 'when_store_away = "deny".')

    def _deployments(self, draft: Draft) -> None:
        """What a deployment may spend and do. Its rpm and tpm are limits only where the proxy enforces them."""
        strategy = self._get("router_settings", "routing_strategy")
        checks = self._entries("router_settings", "optional_pre_call_checks")
        enforced = (strategy is not None and strategy.text().startswith("usage-based")) or any(
            check.text() == "enforce_model_rate_limits" for check in checks
        )
        if strategy is not None:
            self._report.say(Fate.CHANGED, strategy, "models are chosen by cost among those that are good enough.")
        for deployment in self._models.deployments:
            resolved = self._shelf.resolve(deployment.target or "")
            id_ = deployment.target if deployment.own else resolved.card.name if resolved is not None else None
            params = deployment.node.get("litellm_params")
            if params is None or id_ is None:
                continue
            self._accounts.budget(draft, params, "model", id_, add=True)
            self._accounts.limit(draft, params, "model", id_, ("", "", "max_parallel_requests"))
            for field in ("rpm", "tpm"):
                node = params.get(field)
                if node is not None and not enforced:
                    what = "a weight for balancing there, and no limit: a model that answers 429 rests here by itself."
                    self._report.say(Fate.DROPPED, node, what)
            if enforced:
                self._accounts.limit(draft, params, "model", id_, ("rpm", "tpm", ""), add=True)

    # --- Accounts ---------------------------------------------------------------------------------------------------

    def _team(self, entry: Node, everybody: Draft, taken: set[str]) -> Draft | None:
        node = entry.get("team_id")
        if node is None:
            return None
        if not NAME.match(node.text()) or node.text() in taken:
            what = "a team's name is 1 to 64 letters, digits, points, hyphens, underscores; not default, and not twice."
            self._report.say(Fate.DROPPED, node, what)
            return None
        draft = Draft(
            team=node.text(),
            zone=everybody.zone,
            pins=everybody.pins,
            when_store_away=everybody.when_store_away,
            allow=list(everybody.allow),
            map=dict(everybody.map),
            budgets=dict(everybody.budgets),
            limits=dict(everybody.limits),
        )
        self._report.say(Fate.CARRIED, node, f"policies/{draft.team}.toml.")
        self._accounts.budget(draft, entry, "team", None)
        self._accounts.limit(draft, entry, "team", None, LIMITS)
        return draft

    def _outdone(self, draft: Draft) -> None:
        """Leave out what a wider rule always refuses before: a policy with a rule that does nothing is not loaded."""
        budgets = {key: budget.rule(draft.zone) for key, budget in draft.budgets.items()}
        for key, budget in budgets.items():
            wider = next((draft.budgets[one] for one, other in budgets.items() if comes_before(other, budget)), None)
            if wider is not None:
                lost = draft.budgets.pop(key)
                what = f"is never reached in team {draft.team}: line {wider.node.line} refuses at {wider.usd} before."
                self._report.say(Fate.CHANGED, lost.node, what)
        limits = {whose: limit.rule() for whose, limit in draft.limits.items()}
        lines = {whose: limit.node.line for whose, limit in draft.limits.items()}
        for whose, limit in limits.items():
            made = draft.limits[whose]
            for one, other in limits.items():
                for rate in rates_before(other, limit):
                    setattr(made, rate, None)
                    what = f"{rate} is never reached in team {draft.team}: line {lines[one]} is lower."
                    self._report.say(Fate.CHANGED, made.node, what)
            if made.is_empty:
                del draft.limits[whose]

    def _for_all(self, drafts: list[Draft]) -> None:
        """What holds for keys and teams in general, and what counts all teams together."""
        for scope, field in (("key", "default_key_generate_params"), ("team", "default_team_params")):
            node = self._get("litellm_settings", field)
            if node is not None:
                for draft in drafts:
                    own = any(budget.scope == "team" for budget in draft.budgets.values())
                    if scope == "key" or not own:  # a team's own figure takes the place of what holds in general
                        self._accounts.budget(draft, node, scope, None)
                    self._accounts.limit(draft, node, scope, None, LIMITS)
        bound = self._get("litellm_settings", "upperbound_key_generate_params")
        if bound is not None:
            for draft in drafts:
                self._accounts.budget(draft, bound, "key", None)
                self._accounts.limit(draft, bound, "key", None, LIMITS)
        settings = self._get("litellm_settings")
        cap = settings.get("max_budget") if settings is not None else None
        if settings is not None and cap is not None:
            if cap.number() == 0:
                self._report.say(Fate.CARRIED, cap, "0 caps nothing there, and so nothing here.")
            else:
                self._accounts.budget(drafts[0], settings, "organisation", None)
        together = self._get("general_settings", "global_max_parallel_requests")
        if together is not None:
            limit = Limit(scope="organisation", id=None, node=together, concurrency=together.whole())
            drafts[0].limits["organisation", None] = limit
            self._report.say(Fate.CARRIED, together, "concurrency of all teams together.")
        tags = self._get("litellm_settings", "tag_budget_config") or self._get("router_settings", "tag_budget_config")
        for tag, node in tags.fields().items() if tags is not None else ():
            if NAME.match(tag):
                for draft in drafts:
                    self._accounts.budget(draft, node, "tag", tag)
            else:
                self._report.say(
                    Fate.DROPPED, node, "a tag with a rule is letters, digits, points, hyphens, underscores."
                )
