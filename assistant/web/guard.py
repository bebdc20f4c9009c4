"""What stands before the application: which paths exist, how large a request may be, and what every reply carries."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, ValidationError
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OWN_PATHS = frozenset({"/", "/source", "/documents", "/healthz", "/readyz", "/favicon.ico", "/robots.txt"})
_GRADIO = {
    "GET": re.compile(
        r"/(?:config|theme\.css|gradio_api/(?:queue/data|startup-events|app_id|heartbeat/[\w-]{1,64})"
        r"|(?:assets|static|ui)/[\w./@-]+|gradio_api/theme\.css)/?"
    ),
    "POST": re.compile(r"/gradio_api/(?:queue/join|cancel|reset)/?"),
}
RETRY_AFTER_S = 5
"""Seconds that a client is asked to wait when the queue is full."""

_JOIN = "/gradio_api/queue/join"


class Join(BaseModel):
    """The only call that the page makes of Gradio's queue: one question and the history, to the one function."""

    data: tuple[str, str]
    fn_index: Literal[0]
    session_hash: str = Field(pattern=r"^[\w-]{1,64}$")


_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=()",
}
_POLICY = (
    "default-src 'none'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; script-src 'self'{nonce}; "
    "font-src 'self'; connect-src 'self'; manifest-src 'none'; form-action 'self'; base-uri 'self'; "
    "frame-ancestors 'none'"
)


def is_known(method: str, path: str) -> bool:
    """Whether a path belongs to the page: our own, or one of the few of Gradio's that the page needs."""
    method = "GET" if method == "HEAD" else method
    if path in OWN_PATHS:
        return method == "GET"
    allowed = _GRADIO.get(method)
    return bool(allowed and allowed.fullmatch(path)) and ".." not in path


def is_own_origin(headers: Headers) -> bool:
    """Whether a request comes from our own page, as far as its browser says; none is said outside of browsers."""
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host", "")


class KnownPaths:
    """Answers 404 to everything else: uploads, file access, proxying, the API pages and direct calls of Gradio.

    A known path that is posted to from another site's page is 403.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a known path on; the chat page's query is for its script and not for Gradio."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http" or not is_known(scope["method"], scope["path"]):
            if scope["type"] == "http":
                await PlainTextResponse("Not found\n", status_code=404)(scope, receive, send)
            return
        if scope["method"] == "POST" and not is_own_origin(Headers(scope=scope)):
            await PlainTextResponse("Ask from this service's own page\n", status_code=403)(scope, receive, send)
            return
        if scope["path"] == "/":
            scope = {**scope, "query_string": b""}
        await self.app(scope, receive, send)


class BodyLimit:
    """Answers 413 to a body longer than `max_bytes` before reading on, and 400 to a call that is no question."""

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body up to the limit, and only then hand the request on."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        body = bytearray()
        more = self._announced(scope) <= self.max_bytes
        too_big = not more
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            too_big = len(body) > self.max_bytes
            more = message.get("more_body", False) and not too_big
        if too_big:
            reply = PlainTextResponse(f"A request may have {self.max_bytes} bytes\n", status_code=413)
            await reply(scope, receive, send)
            return
        if scope["path"].rstrip("/") == _JOIN and not _is_question(bytes(body)):
            await PlainTextResponse("Not a question of this page\n", status_code=400)(scope, receive, send)
            return
        await self.app(scope, _replayed(bytes(body), receive), send)

    def _announced(self, scope: Scope) -> int:
        sizes = [value for name, value in scope["headers"] if name == b"content-length"]
        return int(sizes[0]) if sizes and sizes[0].isdigit() else 0


def _is_question(body: bytes) -> bool:
    try:
        Join.model_validate_json(body)
    except ValidationError:
        return False
    return True


def _replayed(body: bytes, receive: Receive) -> Receive:
    """A receive that gives a body that was read already, and then what comes after it."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


class SecureReplies:
    """Adds the security headers, rewrites the chat page's HTML with a fresh nonce, and asks to retry after a 503."""

    def __init__(self, app: ASGIApp, *, rewrite: Callable[[str, str], str]) -> None:
        self.app = app
        self.rewrite = rewrite

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and its reply back with the headers."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif scope["path"] == "/":
            await self._page(scope, receive, send)
        else:
            await self.app(scope, receive, self._headed(send))

    def _headed(self, send: Send, nonce: str = "") -> Send:
        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name in [name for name in headers if name.startswith("access-control-")]:
                    del headers[name]
                headers.update(_HEADERS)
                headers["Content-Security-Policy"] = _POLICY.format(nonce=f" 'nonce-{nonce}'" if nonce else "")
                if message["status"] == 503:
                    headers.setdefault("Retry-After", str(RETRY_AFTER_S))
            await send(message)

        return headed

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        nonce = secrets.token_urlsafe(16)
        start: Message = {}
        body = bytearray()
        headed = self._headed(send, nonce)

        async def gather(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            if message["type"] != "http.response.body":
                await send(message)
                return
            body.extend(message.get("body", b""))
            if message.get("more_body", False):
                return
            html = start["status"] == 200 and scope["method"] == "GET"
            final = self.rewrite(body.decode(), nonce).encode() if html else bytes(body)
            headers = MutableHeaders(scope=start)
            if html:
                headers["Content-Length"] = str(len(final))
                headers["Cache-Control"] = "no-store"
            await headed(start)
            await headed({"type": "http.response.body", "body": final})

        await self.app(_plain(scope), receive, gather)


def _plain(scope: Scope) -> Scope:
    """The same request, asking for an uncompressed reply."""
    headers = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
    return {**scope, "headers": headers}
