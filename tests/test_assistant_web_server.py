from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from assistant.settings import AnswerSettings, ServerSettings
from assistant.web.guard import is_known
from assistant.web.page import asked_language
from assistant.web.server import bound_socket, create_app
from index.errors import IndexMissingError, PilotError
from index.types import Document
from tests.fakes_web import FakeAssistant, FakePages, fake_pages


class NoIndex(FakePages):
    """Pages of an index that is not there."""

    def generation(self) -> str:
        raise IndexMissingError("There is no index. Run: pilot index build")

    def documents(self) -> Sequence[Document]:
        raise IndexMissingError("There is no index. Run: pilot index build")


@dataclass(frozen=True)
class Site:
    """The application and the assistant behind it."""

    client: TestClient
    assistant: FakeAssistant


def made_app(assistant: FakeAssistant, pages: FakePages, *, question_chars: int = 100) -> FastAPI:
    """The application, made inside an event loop that ends: Gradio would leave one of its own open."""

    async def make() -> FastAPI:
        return create_app(assistant, pages, ServerSettings(), AnswerSettings(question_chars=question_chars))

    return asyncio.run(make())


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    assistant = FakeAssistant()
    with TestClient(made_app(assistant, fake_pages()), base_url="http://127.0.0.1") as client:
        yield Site(client, assistant)


@pytest.fixture(scope="module")
def indexless() -> Iterator[TestClient]:
    with TestClient(made_app(FakeAssistant(), NoIndex()), base_url="http://127.0.0.1") as client:
        yield client


def test_import_of_the_web_package_leaves_gradio_alone() -> None:
    code = "import sys, assistant.web, assistant.web.server; print('gradio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "False\n"


def test_page_is_ours_and_its_scripts_carry_the_nonce(site: Site) -> None:
    reply = site.client.get("/")
    policy = reply.headers["content-security-policy"]
    nonce = policy.split("'nonce-")[1].split("'")[0]
    assert "unsafe-inline" not in policy.split("script-src")[1].split(";")[0]
    assert "unsafe-eval" not in policy
    inline = re.findall(r"<script(?![^>]* src=)[^>]*>", reply.text)
    assert inline and all(f'nonce="{nonce}"' in script for script in inline)
    assert "<title>Pilot Assistant" in reply.text
    for foreign in ("og:image", "twitter:", "iframeResizer.contentWindow", "manifest.json"):
        assert foreign not in reply.text


def test_page_nonce_is_new_each_time(site: Site) -> None:
    policies = {site.client.get("/").headers["content-security-policy"] for _ in range(3)}
    assert len(policies) == 3


@pytest.mark.parametrize("path", ["/", "/healthz", "/source", "/documents", "/nowhere", "/ui/chat.css"])
def test_every_reply_carries_the_security_headers(site: Site, path: str) -> None:
    headers = site.client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "default-src 'none'" in headers["content-security-policy"]


def test_foreign_origin_gets_no_permission(site: Site) -> None:
    headers = {"Origin": "http://foreign.example"}
    for path in ("/", "/config", "/source"):
        assert not [name for name in site.client.get(path, headers=headers).headers if "access-control" in name]
    join = {"data": ["hello", "[]"], "fn_index": 0, "session_hash": "s"}
    assert site.client.post("/gradio_api/queue/join", json=join, headers=headers).status_code == 403
    assert site.client.options("/gradio_api/queue/join", headers=headers).status_code == 404


@pytest.mark.parametrize(
    "join",
    [
        {"data": ["hello", "[]"], "fn_index": 99, "session_hash": "s"},
        {"data": ["hello"], "fn_index": 0, "session_hash": "s"},
        {"data": [{"path": "/etc/passwd"}, "[]"], "fn_index": 0, "session_hash": "s"},
        {"data": ["hello", "[]"], "fn_index": 0, "session_hash": "../s"},
        [],
    ],
)
def test_call_that_is_no_question_is_400(site: Site, join: object) -> None:
    assert site.client.post("/gradio_api/queue/join", json=join).status_code == 400


def test_question_from_the_own_page_is_taken(site: Site) -> None:
    join = {"data": ["hello", "[]"], "fn_index": 0, "session_hash": "s1", "trigger_id": 3, "event_data": None}
    reply = site.client.post("/gradio_api/queue/join?", json=join, headers={"Origin": "http://127.0.0.1"})
    assert reply.status_code == 200
    assert reply.json()["event_id"]


def test_foreign_host_is_refused(site: Site) -> None:
    assert site.client.get("/", headers={"Host": "foreign.example"}).status_code == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/gradio_api/upload"),
        ("GET", "/gradio_api/file=/etc/passwd"),
        ("GET", "/gradio_api/file=pyproject.toml"),
        ("GET", "/file=/etc/passwd"),
        ("GET", "/gradio_api/proxy=http://foreign.example"),
        ("POST", "/gradio_api/run/respond"),
        ("POST", "/gradio_api/call/respond"),
        ("GET", "/gradio_api/info"),
        ("GET", "/gradio_api/openapi.json"),
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
        ("GET", "/monitoring"),
        ("GET", "/ui/../server.py"),
        ("GET", "/ui/%2e%2e/server.py"),
        ("POST", "/source"),
        ("DELETE", "/"),
    ],
)
def test_path_that_the_page_does_not_need_is_404(site: Site, method: str, path: str) -> None:
    assert site.client.request(method, path).status_code == 404


def test_body_over_the_limit_is_413_and_nothing_is_asked(site: Site) -> None:
    body = {"data": ["x" * 1_000_000, "[]"], "fn_index": 0, "session_hash": "s"}
    before = len(site.assistant.asked)
    assert site.client.post("/gradio_api/queue/join", json=body).status_code == 413
    chunks = (b"x" * 10_000 for _ in range(100))
    assert site.client.post("/gradio_api/queue/join", content=chunks).status_code == 413
    assert len(site.assistant.asked) == before


def test_readyz_names_the_generation(site: Site) -> None:
    assert site.client.get("/readyz").json() == {"status": "ready", "generation": "gen-000002"}
    assert site.client.get("/healthz").json() == {"status": "ok"}


def test_index_that_is_missing_is_503_with_retry_after_and_words(indexless: TestClient) -> None:
    ready = indexless.get("/readyz")
    assert ready.status_code == 503
    assert ready.headers["retry-after"] == "5"
    assert "pilot index build" in ready.json()["reason"]
    for path in ("/source?document=a&page=1", "/documents"):
        reply = indexless.get(path, headers={"Accept-Language": "zh-CN"})
        assert reply.status_code == 503
        assert "文件还没有准备好" in reply.text
    assert indexless.get("/healthz").status_code == 200


def test_source_page_speaks_the_asked_language(site: Site) -> None:
    path = "/source?document=en/ndrc-reply-letter.md&page=2&start=0&end=5"
    assert 'lang="zh-CN"' in site.client.get(path + "&lang=zh").text
    assert 'lang="zh-CN"' in site.client.get(path, headers={"Accept-Language": "zh-TW,en"}).text
    assert site.client.get(path.replace("page=2", "page=x")).status_code == 404


@pytest.mark.parametrize(
    ("lang", "accept", "language"),
    [("", "", "en"), ("", "zh-CN,en;q=0.5", "zh"), ("en", "zh-CN", "en"), ("", "fr", "en"), ("ZH", "", "zh")],
)
def test_asked_language_prefers_the_choice_over_the_browser(lang: str, accept: str, language: str) -> None:
    assert asked_language(lang, accept) == language


def test_is_known_head_counts_as_get() -> None:
    assert is_known("HEAD", "/")
    assert not is_known("HEAD", "/gradio_api/queue/join")


def test_bound_socket_busy_port_names_it_and_the_way_out() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        words = rf"127\.0\.0\.1 port {port}: .* --port {port + 1}"
        with pytest.raises(PilotError, match=words), bound_socket("127.0.0.1", port):
            pass


def test_bound_socket_unknown_host_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror("unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with (
        pytest.raises(PilotError, match=r"No address for host 'nowhere'. Run: pilot serve"),
        bound_socket("nowhere", 0),
    ):
        pass


def test_bound_socket_port_zero_takes_a_free_one() -> None:
    with bound_socket("127.0.0.1", 0) as listener:
        assert listener.getsockname()[1] > 0
