"""Whose key an upstream is asked with, and what is told apart by it."""

from __future__ import annotations

import msgspec

from router.core.policy import Policy
from router.core.sites import main_site
from tests.core.making import POLICY, rules

UPSTREAMS = {
    "eu": {"url": "http://eu", "region": "eu", "mirrors": "mistral", "key": "EU_KEY"},
    "gpu": {"url": "http://gpu", "dialect": "openai", "key": "GPU_KEY"},
    "rack": {"url": "http://rack", "dialect": "openai", "mirrors": "mistral"},
}
MAIN = main_site("http://mistral", "global")


def test_a_teams_own_key_goes_to_mistral_and_its_mirrors_and_to_no_other_server() -> None:
    sites = {site.name: site for site in (MAIN, *rules(upstreams=UPSTREAMS).sites)}
    lent = {name: site.under("TEAM_KEY") for name, site in sites.items()}
    assert {name: site.key for name, site in lent.items()} == {
        "mistral": "TEAM_KEY",
        "eu": "TEAM_KEY",
        "gpu": "GPU_KEY",
        "rack": None,
    }
    assert all(site.under(None) is site for site in sites.values())


def test_what_the_vendor_counts_apart_has_names_of_its_own() -> None:
    [eu, *_] = rules(upstreams=UPSTREAMS).sites
    places = (MAIN, eu, MAIN.under("TEAM_KEY"), eu.under("TEAM_KEY"))
    assert [site.quota("small") for site in places] == ["small", "small@eu", "small#TEAM_KEY", "small@eu#TEAM_KEY"]
    assert [site.account for site in places] == ["mistral", "eu", "mistral#TEAM_KEY", "eu#TEAM_KEY"]
    assert {site.label("small") for site in places} == {"small", "small@eu"}, "explanations name the place only"


def test_a_key_that_is_refused_at_one_place_is_refused_at_all() -> None:
    [eu, *_] = rules(upstreams=UPSTREAMS).sites
    assert MAIN.payer != eu.payer
    assert MAIN.under("TEAM_KEY").payer == eu.under("TEAM_KEY").payer != MAIN.payer


def test_every_account_that_any_policy_draws_on_is_listed_once() -> None:
    own = {name: msgspec.convert({**POLICY, "team": name, "upstream_key": "TEAM_KEY"}, Policy) for name in ("a", "b")}
    world = msgspec.structs.replace(rules(upstreams=UPSTREAMS), policies=own)
    accounts = [site.account for site in world.sites_under(MAIN)]
    assert accounts == ["mistral", "eu", "gpu", "rack", "mistral#TEAM_KEY", "eu#TEAM_KEY"]
