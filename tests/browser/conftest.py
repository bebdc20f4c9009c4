"""The browser tests' ground: a Chromium, or a word that there is none; the web application with a fake assistant."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from assistant.settings import AnswerSettings, ServerSettings
from tests.fakes_web import FakeAssistant, fake_pages

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page, Request

ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CHROMIUM = next(filter(None, map(shutil.which, ("/usr/bin/chromium", "chromium", "chromium-browser"))), "")
REQUIRED = os.environ.get("PILOT_REQUIRE_BROWSER") == "1"

collect_ignore = [] if CHROMIUM else ["test_chat.py", "test_whole_way.py"]


def _wanted(config: pytest.Config) -> bool:
    return "not browser" not in (config.getoption("markexpr") or "")


def pytest_collection_modifyitems(config: pytest.Config) -> None:
    """Fail where a browser is required and there is none."""
    if REQUIRED and not CHROMIUM and _wanted(config):
        raise pytest.UsageError("PILOT_REQUIRE_BROWSER=1, and there is no Chromium. Run: apt-get install chromium")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say that the browser tests were left out."""
    if not CHROMIUM and _wanted(config):
        terminalreporter.write_line("Browser tests left out: there is no Chromium. Run: apt-get install chromium")


@dataclass(frozen=True)
class Served:
    """The application on a port of its own, and the assistant behind it."""

    url: str
    assistant: FakeAssistant


def _serve(assistant: FakeAssistant, settings: ServerSettings) -> Iterator[Served]:
    import uvicorn

    from assistant.web.server import create_app

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        app = create_app(assistant, fake_pages(), settings, AnswerSettings(question_chars=200))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        yield Served(f"http://127.0.0.1:{listener.getsockname()[1]}", assistant)
        server.should_exit = True
        thread.join(timeout=20)


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """An assistant that answers at once."""
    yield from _serve(FakeAssistant(delay_s=0.02), ServerSettings())


@pytest.fixture(scope="session")
def slow_served() -> Iterator[Served]:
    """An assistant that takes seconds, one question at a time, with room for one that waits."""
    yield from _serve(FakeAssistant(delay_s=2.0), ServerSettings(concurrency=1, queue_size=1))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(Path(CHROMIUM)), args=ARGS)
        yield browser
        browser.close()


@dataclass
class Watched:
    """What a person would not see: requests to elsewhere, dialogs, script errors and breaches of the policy."""

    requests: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """Note everything that this page does from now on."""
        page.on("request", self._request)
        page.on("pageerror", self._error)
        page.on("console", self._console)
        page.on("dialog", self._dialog)

    def _error(self, error: Exception) -> None:
        self.trouble.append(f"error: {error}")

    def _console(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            self.trouble.append(f"policy: {message.text}")

    def _dialog(self, dialog: Dialog) -> None:
        self.trouble.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _request(self, request: Request) -> None:
        self.requests.append(request.url)

    def foreign(self, url: str) -> list[str]:
        """Requests to any other address."""
        return [r for r in self.requests if not r.startswith((url + "/", "data:", "blob:"))]


@pytest.fixture
def watched() -> Watched:
    """The watch of one test."""
    return Watched()


Opens = Callable[..., "Page"]


@pytest.fixture
def opened(chromium: Browser, served: Served, watched: Watched) -> Iterator[Opens]:
    """A function that opens a path in a fresh browser profile; at its end, nothing foreign may have been asked for."""
    contexts: list[BrowserContext] = []

    def opener(
        path: str = "/",
        *,
        size: tuple[int, int] = (1280, 900),
        scheme: str = "light",
        locale: str = "en-GB",
        at: str = "",
    ) -> Page:
        context = chromium.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if scheme == "dark" else "light",
            locale=locale,
            reduced_motion="reduce",
        )
        contexts.append(context)
        context.on("page", watched.watch)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.goto((at or served.url) + path)
        if path.startswith("/?") or path == "/":
            page.wait_for_selector("#q textarea")
            page.wait_for_function("() => document.querySelector('#q textarea').placeholder !== ''")
        return page

    yield opener
    for context in contexts:
        context.close()
