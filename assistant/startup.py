"""From settings to a serving web chat: an up-to-date index, the engine over the live generation, the pages it cites."""

from __future__ import annotations

import logging

from assistant.chain import Assistant, open_engine
from assistant.settings import Settings
from index.errors import IndexMissingError, PilotError
from index.store import LiveStore, open_store

logger = logging.getLogger(__name__)


def ensure_index(settings: Settings) -> None:
    """Build the index where it is missing or out of date; an old one that answers is kept if the build fails.

    Raises:
        PilotError: If there is no generation and none can be built.
    """
    from index.build import is_current
    from index.cli import build_with_progress

    if is_current(settings):
        return
    try:
        build_with_progress(settings)
    except PilotError as error:
        try:
            open_store(settings.home / "index", verify=False).close()
        except IndexMissingError:
            raise error from None
        logger.warning("%s Serving the last published generation.", error)


def serve_chat(settings: Settings) -> None:
    """Serve the web chat until interrupted.

    Raises:
        PilotError: If the index cannot be built or opened, a model is missing or the port is taken.
    """
    from assistant.web.server import serve
    from assistant.web.stored import StoredPages

    ensure_index(settings)
    index_home = settings.home / "index"
    live = LiveStore(index_home, reload_s=settings.server.reload_s)
    try:
        assistant = Assistant(open_engine(settings, live), settings.answer)
        pages = StoredPages(live, lambda name: open_store(index_home, generation=name))
        serve(assistant, pages, settings.server, settings.answer)
    finally:
        live.close()
