"""Talking to a running router's operations plane, for the commands about one."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from router.settings import secret

DEFAULT_URL = "http://127.0.0.1:8080"
TIMEOUT_S = 30.0


class RemoteError(Exception):
    """The router could not be asked, or said no."""


class Remote:
    """The router at ROUTER_URL, with ROUTER_ADMIN_KEY or the data directory's admin.key. Raises RemoteError."""

    def __init__(self, data_dir: Path) -> None:
        self.url = os.environ.get("ROUTER_URL", DEFAULT_URL).rstrip("/").removesuffix("/v1")
        if not self.url.startswith(("http://", "https://")):
            raise RemoteError(f"ROUTER_URL is {self.url!r}, which is not an http or https address.")
        given = secret("ROUTER_ADMIN_KEY", os.environ)
        self._key = given.reveal() if given else _kept(data_dir / "admin.key")

    def call(self, method: str, path: str, body: Any = None, query: Mapping[str, str | None] | None = None) -> Any:
        """The decoded answer."""
        kept = {name: value for name, value in (query or {}).items() if value is not None}
        url = f"{self.url}{path}" + (f"?{urlencode(kept)}" if kept else "")
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked above
            url,
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"authorization": f"Bearer {self._key}", "content-type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - as above
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise RemoteError(self._refusal(error)) from None
        except (urllib.error.URLError, OSError, ValueError) as error:
            why = getattr(error, "reason", error)
            raise RemoteError(f"No router answers at {self.url} ({why}): start one, or set ROUTER_URL.") from None

    def _refusal(self, error: urllib.error.HTTPError) -> str:
        """What the router says, and what is to be set here where it says no to every command."""
        match error.code, told := _told(error):
            case 401, _:
                return (
                    f"That is not the admin key of the router at {self.url}: set ROUTER_ADMIN_KEY, or name the running "
                    "router's --data-dir."
                )
            case 404, {"code": "not_found", "param": None}:
                return (
                    f"{told['message']} Is {self.url} a router's operations plane? With --ops-port that is another "
                    "port: set ROUTER_URL."
                )
            case _, {"message": message}:
                return str(message)
        return f"The router answered {error.code}."


def _told(error: urllib.error.HTTPError) -> dict[str, Any]:
    """The error as the router tells it; empty where something else has answered."""
    try:
        told = json.load(error)["error"]
    except (ValueError, KeyError, TypeError, OSError):
        return {}
    return told if isinstance(told, dict) else {}


def _kept(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError as error:
        why = f"{path}: {error.strerror}"
        text = f"There is no admin key: set ROUTER_ADMIN_KEY, or name the running router's --data-dir ({why})."
        raise RemoteError(text) from None
