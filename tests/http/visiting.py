"""Visiting the dashboard as a browser does: signing in, asking for pages, sending the forms that they hold."""

from __future__ import annotations

import http.client
import re
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from tests.running import ADMIN_KEY, Reply, Router

BROWSER = {"accept": "text/html,application/xhtml+xml"}


def ask(
    router: Router, path: str, method: str = "GET", body: str = "", headers: Mapping[str, str] | None = None
) -> Reply:
    """One request as a browser sends it; no redirect is followed."""
    parts = urlsplit(router.operated_at)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    form = {"content-type": "application/x-www-form-urlencoded"} if method == "POST" else {}
    try:
        connection.request(method, f"/dashboard{path}", body or None, {**BROWSER, **form, **(headers or {})})
        answer = connection.getresponse()
        return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def sign_in(router: Router, key: str = ADMIN_KEY, to: str = "/dashboard", **headers: str) -> Reply:
    return ask(router, "/sign-in", "POST", urlencode({"key": key, "to": to}), headers)


def proof(router: Router, cookie: str) -> str:
    """The token that this session's forms carry."""
    page = ask(router, "/keys", headers={"cookie": cookie}).body.decode()
    return str(re.findall(r'name="form" value="([0-9a-f]{64})"', page)[0])


def change(router: Router, cookie: str, path: str, **fields: str) -> Reply:
    return ask(router, path, "POST", urlencode({"form": proof(router, cookie), **fields}), {"cookie": cookie})


def newest(router: Router) -> tuple[str, str]:
    line = router.admin("GET", "/audit?limit=1").json["changes"][0]
    return line["what"], line["target"]
