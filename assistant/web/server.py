"""The web application: the chat page, the source view, the list of documents and the health checks."""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.middleware.trustedhost import TrustedHostMiddleware

from assistant.settings import AnswerSettings, ServerSettings
from assistant.web.ask import HISTORY_TURNS, Desk
from assistant.web.guard import BodyLimit, KnownPaths, SecureReplies
from assistant.web.page import asked_language, page_rewriter
from assistant.web.protocols import AnswersQuestions, PageSource
from assistant.web.render import HERE
from assistant.web.source import Place, documents_html, plain_html, source_html
from assistant.web.texts import words
from index.errors import PilotError

if TYPE_CHECKING:
    from gradio import Blocks

logger = logging.getLogger(__name__)

_BEFORE_GRADIO = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_OFFLINE": "1",
    "GRADIO_SSR_MODE": "False",
    "GRADIO_RUN_HISTORY": "False",
}
_BYTES_PER_CHAR = 12
_BODY_EXTRA = 16_384


def create_app(
    assistant: AnswersQuestions, pages: PageSource, settings: ServerSettings, answer: AnswerSettings
) -> FastAPI:
    """The application, ready for an ASGI server; imports gradio, with its calls home switched off before.

    Args:
        assistant: Answers the questions.
        pages: Where quotes stand.
        settings: Host names, queue and time limits.
        answer: The longest question.
    """
    os.environ.update(_BEFORE_GRADIO)
    from assistant.web.chat import build_chat

    app = FastAPI(title="Pilot Assistant", docs_url=None, redoc_url=None, openapi_url=None)
    _add_pages(app, pages)
    app.mount("/ui", StaticFiles(directory=HERE / "static"), name="ui")
    desk = Desk(assistant, pages, answer, settings.answer_timeout_s)
    _mount_chat(app, build_chat(desk, settings))
    longest = _BYTES_PER_CHAR * answer.question_chars * (HISTORY_TURNS + 1) + _BODY_EXTRA
    app.add_middleware(BodyLimit, max_bytes=longest)
    app.add_middleware(KnownPaths)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(settings.allowed_hosts), www_redirect=False)
    app.add_middleware(SecureReplies, rewrite=page_rewriter(answer.question_chars))
    return app


def _mount_chat(app: FastAPI, chat: Blocks) -> None:
    """Put the chat at the root, with everything of Gradio's that a public page does not need switched off."""
    import gradio as gr

    gr.mount_gradio_app(
        app,
        chat,
        path="/",
        footer_links=[],
        run_history=False,
        allowed_paths=[],
        show_error=False,
        max_file_size=0,
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        theme=gr.themes.Base(font=["system-ui", "sans-serif"], font_mono=["monospace"]),
    )


def _add_pages(app: FastAPI, pages: PageSource) -> None:
    @app.get("/source", response_class=HTMLResponse)
    def source(request: Request) -> HTMLResponse:
        query = request.query_params
        w = words(asked_language(query.get("lang", ""), request.headers.get("accept-language", "")))
        try:
            status, body = source_html(pages, Place.from_query(query), w)
        except PilotError as error:
            logger.error("Source not shown: %s", error)
            status, body = 503, plain_html(w, w.no_index_title, w.no_index)
        return HTMLResponse(body, status_code=status)

    @app.get("/documents", response_class=HTMLResponse)
    def documents(request: Request, lang: str = "") -> HTMLResponse:
        w = words(asked_language(lang, request.headers.get("accept-language", "")))
        try:
            return HTMLResponse(documents_html(pages, w))
        except PilotError as error:
            logger.error("Documents not listed: %s", error)
            return HTMLResponse(plain_html(w, w.no_index_title, w.no_index), status_code=503)

    @app.get("/favicon.ico")
    def favicon() -> FileResponse:
        return FileResponse(HERE / "static" / "icon.svg", media_type="image/svg+xml")

    @app.get("/healthz")
    def healthz() -> JSONResponse:
        return JSONResponse({"status": "ok"})

    @app.get("/readyz")
    def readyz() -> JSONResponse:
        try:
            return JSONResponse({"status": "ready", "generation": pages.generation()})
        except PilotError as error:
            return JSONResponse({"status": "not ready", "reason": str(error)}, status_code=503)


@contextmanager
def bound_socket(host: str, port: int) -> Iterator[socket.socket]:
    """A listening socket of the address; port 0 takes a free one.

    Raises:
        PilotError: If the port is taken or the address is not this machine's, with the way out.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            _bind(listener, host, port)
            yield listener
    except socket.gaierror as error:
        raise PilotError(f"No address for host {host!r}. Run: pilot serve --host 127.0.0.1") from error


def _bind(listener: socket.socket, host: str, port: int) -> None:
    try:
        listener.bind((host, port))
        listener.listen(256)
    except (OSError, OverflowError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise PilotError(
            f"Cannot listen on {host} port {port}: {why}. Run: pilot serve --port {port + 1 if port < 65535 else 7860}"
        ) from error


def serve(assistant: AnswersQuestions, pages: PageSource, settings: ServerSettings, answer: AnswerSettings) -> None:
    """Serve the application until interrupted; the address is printed on stderr once requests are taken.

    Raises:
        PilotError: If the port is taken or the address is not this machine's.
    """
    with bound_socket(settings.host, settings.port) as listener:
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        url = f"http://{host}:{listener.getsockname()[1]}"
        app = create_app(assistant, pages, settings, answer)
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=3,
        )
        sys.stderr.write(f"Pilot Assistant is ready: {url}  (Ctrl+C stops it)\n")
        sys.stderr.flush()
        uvicorn.Server(config).run(sockets=[listener])
