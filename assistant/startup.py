"""From settings to a serving web chat: an up-to-date index, the engine over the live generation, the pages it cites."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from assistant.chain import Assistant, open_engine
from assistant.settings import Settings
from index.errors import IndexMissingError, PilotError
from index.store import LiveStore, PassageStore, open_store
from index.types import Document, Page


class StorePages:
    """The documents and pages behind citations, of the live generation and of older ones that are kept."""

    def __init__(self, live: LiveStore, index_home: Path) -> None:
        self._live = live
        self._home = index_home
        self._older: dict[str, PassageStore] = {}

    def generation(self) -> str:
        """Name of the live generation."""
        return self._live.current().generation

    def documents(self) -> Sequence[Document]:
        """Every document of the live generation."""
        return tuple(self._live.current().documents.values())

    def document(self, document_id: str, *, generation: str = "") -> Document | None:
        """One document of a generation, the live one if none is named; None where either is not there."""
        store = self._store(generation)
        return store.documents.get(document_id) if store else None

    def page(self, document_id: str, number: int, *, generation: str = "") -> Page | None:
        """One page of a document; None where it is not there."""
        store = self._store(generation)
        return store.page(document_id, number) if store else None

    def _store(self, generation: str) -> PassageStore | None:
        live = self._live.current()
        if not generation or generation == live.generation:
            return live
        if generation not in self._older:
            try:
                self._older[generation] = open_store(self._home, generation=generation)
            except PilotError:
                return None
        return self._older[generation]


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
        print(f"{error}\nServing the last published generation.", file=sys.stderr)


def serve_chat(settings: Settings) -> None:
    """Serve the web chat until interrupted.

    Raises:
        PilotError: If the index cannot be built or opened, a model is missing or the port is taken.
    """
    from assistant.web.server import serve

    ensure_index(settings)
    index_home = settings.home / "index"
    live = LiveStore(index_home, reload_s=settings.server.reload_s)
    try:
        assistant = Assistant(open_engine(settings, live), settings.answer)
        serve(assistant, StorePages(live, index_home), settings.server, settings.answer)
    finally:
        live.close()
