"""What it takes to classify and plan a request without a running router: today's rules, the sites, a tokenizer."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from router.core.classify import Classification, classify, counted
from router.core.language import best_detector
from router.core.sites import main_site
from router.rulebook import ROUTER, decode, load_rules
from router.settings import RouterFile, region_of
from router.vocabulary import load_tokenizer
from router.wire.chat import ChatRequest, parse_chat


class Desk:
    """Made of both folders and the environment. Raises ConfigError."""

    def __init__(self, config_dir: Path, policies_dir: Path) -> None:
        path = config_dir / ROUTER
        file = decode(path, RouterFile) if path.exists() else RouterFile()
        region = region_of(file, path, os.environ)
        self.rules = load_rules(config_dir, policies_dir, datetime.now(UTC).date())
        self.sites = (main_site(file.upstream.url, region), *self.rules.sites)
        self._bounds = file.edge.bounds
        self._tokenizer = load_tokenizer()
        self._detector = best_detector()

    def read(self, body: bytes) -> tuple[ChatRequest, Classification]:
        """A chat request and what it is. Raises BadRequest."""
        request = parse_chat(body, self._bounds)
        ask = classify(request, self._tokenizer, self._detector)
        return request, counted(ask, request, self._tokenizer, window_max=self.rules.shelf.context_tokens_max)
