"""A real browser without a window, spoken to through its DevTools protocol.

What a page does wrong is collected as it happens: errors on the console, broken rules of the content security policy,
requests that leave the router.
"""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

# A busy machine takes its time; nothing here waits longer than it must.
PATIENCE_S = 60.0
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--remote-debugging-port=0",
    "--remote-allow-origins=*",
)


def program(path: str | None = None) -> str:
    """Where Chromium is, on PATH or `path`. Raises AssertionError where it is not: without it nothing is known of the
    dashboard."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((place for name in names if (place := shutil.which(name, path=path))), None)
    assert found is not None, "Chromium is missing: apt-get install chromium"
    return found


class Page:
    """A tab with cookies of its own."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session
        self.errors: list[str] = []
        self.requests: list[str] = []
        self._loads = 0

    def send(self, method: str, **params: Any) -> Any:
        return self._browser.send(method, params, self._session)

    def heard(self, method: str, params: dict[str, Any]) -> None:
        """An event of the protocol."""
        match method:
            case "Page.loadEventFired":
                self._loads += 1
            case "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"])
            case "Runtime.exceptionThrown":
                self.errors.append(str(params["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if params["type"] in ("error", "warning", "assert"):
                self.errors.append(str(params["args"]))
            case "Log.entryAdded" if params["entry"]["level"] in ("error", "warning"):
                self.errors.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
            case "Audits.issueAdded" if params["issue"]["code"] == "ContentSecurityPolicyIssue":
                self.errors.append(str(params["issue"]["details"]))

    def look(self, *, width: int = 1280, height: int = 900, scheme: str = "light", scale: float = 1) -> None:
        """The size of the window in CSS pixels, and the colour scheme that the visitor prefers."""
        mobile = width < 600
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=mobile
        )
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def script(self, *, enabled: bool) -> None:
        """Whether pages may run scripts from now on."""
        self.send("Emulation.setScriptExecutionDisabled", value=not enabled)

    def goto(self, url: str) -> None:
        self.loading(lambda: self.send("Page.navigate", url=url))

    def loading(self, act: Callable[[], Any]) -> None:
        """Do what makes a page load, and wait until it has."""
        before = self._loads
        act()
        self.wait(lambda: self._loads > before)

    def click(self, selector: str) -> None:
        """Follow a link or send a form, as a visitor does: in the middle of what is seen of it."""
        place = self.ask(
            f"(() => {{ const one = document.querySelector({json.dumps(selector)}); if (!one) return null;"
            " one.scrollIntoView({block: 'center', inline: 'center'}); const box = one.getClientRects()[0];"
            " return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        assert place is not None, f"{selector} is not on {self.url}"
        self.loading(lambda: self._press(*place))

    def _press(self, x: float, y: float) -> None:
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def fill(self, selector: str, text: str) -> None:
        found = self.ask(
            f"(() => {{ const one = document.querySelector({json.dumps(selector)}); if (!one) return false;"
            f" one.focus(); one.value = {json.dumps(text)}; return true; }})()"
        )
        assert found, f"{selector} is not on {self.url}"

    def ask(self, expression: str) -> Any:
        """What an expression of JavaScript comes to, asked from outside: the page's own policy does not matter."""
        reply = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in reply, reply["exceptionDetails"]
        return reply["result"].get("value")

    def wait(self, condition: Callable[[], Any]) -> Any:
        ends = time.monotonic() + PATIENCE_S
        while not (found := condition()):
            assert time.monotonic() < ends, "what was waited for did not happen"
            time.sleep(0.02)
        return found

    @property
    def url(self) -> str:
        return str(self.ask("location.href"))

    @property
    def text(self) -> str:
        """All that can be read."""
        return str(self.ask("document.body.innerText"))

    def picture(self, *, whole: bool = False) -> bytes:
        """A PNG of what is seen of the page, or of the whole of it."""
        return base64.b64decode(self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"])

    def outside(self, origin: str) -> list[str]:
        """The addresses that were asked for beyond `origin`."""
        ours = urlsplit(origin).netloc
        return [url for url in self.requests if urlsplit(url).scheme != "data" and urlsplit(url).netloc != ours]


class Browser:
    """The connection to a running Chromium. Its loop runs in a thread of its own, so that tests read from top to
    bottom."""

    def __init__(self, url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._pages: dict[str, Page] = {}
        self._number = 0
        self._run(self._connect(url))

    async def _connect(self, url: str) -> None:
        self._client = aiohttp.ClientSession()
        self._socket = await self._client.ws_connect(url, max_msg_size=0)
        self._reading = self._loop.create_task(self._read())

    async def _read(self) -> None:
        async for message in self._socket:
            said = json.loads(message.data)
            if "id" in said:
                if (answer := self._answers.pop(said["id"], None)) is not None and not answer.done():
                    answer.set_result(said)
            elif (page := self._pages.get(said.get("sessionId", ""))) is not None:
                page.heard(said["method"], said["params"])

    async def _send(self, method: str, params: dict[str, Any], session: str | None) -> Any:
        self._number += 1
        number = self._number
        answer = self._answers[number] = self._loop.create_future()
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        await self._socket.send_json({**message, "sessionId": session} if session else message)
        said = await asyncio.wait_for(answer, PATIENCE_S)
        assert "error" not in said, f"{method}: {said['error']}"
        return said["result"]

    def send(self, method: str, params: dict[str, Any], session: str | None = None) -> Any:
        return self._run(self._send(method, params, session))

    def _run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE_S + 5)

    def page(self) -> Page:
        """A new tab, which knows no cookie of another."""
        context = self.send("Target.createBrowserContext", {})["browserContextId"]
        target = self.send("Target.createTarget", {"url": "about:blank", "browserContextId": context})["targetId"]
        session = self.send("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        page = self._pages[session] = Page(self, session)
        for domain in ("Page", "Runtime", "Log", "Network", "Audits"):
            page.send(f"{domain}.enable")
        return page

    def close(self) -> None:
        async def end() -> None:
            self._reading.cancel()
            await self._client.close()

        self._run(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser of one's own."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        place = Path(home) / "profile"
        told = place / "DevToolsActivePort"
        child = subprocess.Popen(
            [program(), *OPTIONS, f"--user-data-dir={place}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            ends = time.monotonic() + PATIENCE_S
            while not (told.exists() and len(lines := told.read_text().split()) == 2):
                assert child.poll() is None, "Chromium ended at once"
                assert time.monotonic() < ends, "Chromium did not start"
                time.sleep(0.02)
            browser = Browser(f"ws://127.0.0.1:{lines[0]}{lines[1]}")
            try:
                yield browser
            finally:
                browser.close()
        finally:
            child.terminate()
            child.wait(30)
