"""The dashboard in a real Chromium: served, looked at, complaints written down."""

import asyncio
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from backend.api.serving import WebServer
from backend.config import ROOT
from tests.support.office import Office

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = ROOT / "dashboard" / "node_modules" / "axe-core" / "axe.min.js"


@contextmanager
def served(office: Office, port: int = 0) -> Iterator[str]:
    """The office's app behind a real server, on a thread with an event loop of its own."""
    loop = asyncio.new_event_loop()
    server = WebServer(office.app, "127.0.0.1", port)
    thread = threading.Thread(target=loop.run_forever, name="web")
    thread.start()
    try:
        port = asyncio.run_coroutine_threadsafe(server.start(), loop).result(20)
        yield f"http://127.0.0.1:{port}"
    finally:
        asyncio.run_coroutine_threadsafe(server.aclose(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()


@contextmanager
def running_chromium(*flags: str) -> Iterator[Browser]:
    """Headless. Not across modules: Playwright keeps an event loop on the thread it is used on."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*FLAGS, *flags])
        yield browser
        browser.close()


class Watch:
    """Everything a page asks for and complains about."""

    def __init__(self, page: Page, address: str) -> None:
        self._address = address
        self.hosts: set[str] = set()
        self.complaints: list[str] = []
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console",
            lambda message: (
                self.complaints.append(message.text)
                if message.type in ("error", "warning")
                else None
            ),
        )

    def saw_nothing_odd(self) -> None:
        assert self.hosts == {urlsplit(self._address).netloc}
        assert self.complaints == []


def sign_in(page: Page, address: str, password: str) -> None:
    """As the owner, from whatever page asks for it."""
    page.goto(address)
    page.get_by_label("User name").fill("owner")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def barriers(page: Page) -> list[str]:
    """What axe-core finds serious or critical on the page as it is now."""
    # Evaluated rather than added as a script: the page's policy allows none from elsewhere.
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{finding['id']}: {node['target']} {node['failureSummary']}"
        for finding in found["violations"]
        if finding["impact"] in ("serious", "critical")
        for node in finding["nodes"]
    ]
