"""The pages that citations point to, read from the live generation and from earlier ones while they are kept."""

from __future__ import annotations

import logging
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from index.errors import PilotError
from index.types import Document, Page

logger = logging.getLogger(__name__)

_NAME = re.compile(r"gen-\d{6,12}")
_EARLIER = 2
"""Earlier generations held open at once; as many are kept on disk besides the live one."""


class ReadsPages(Protocol):
    """What is used of a generation's store."""

    @property
    def generation(self) -> str:
        """Its name, for example "gen-000042"."""

    @property
    def documents(self) -> Mapping[str, Document]:
        """Its documents by id."""

    def page(self, document_id: str, number: int) -> Page | None:
        """One page, from 1, or None."""


class Live(Protocol):
    """What gives the generation that answers now."""

    def current(self) -> ReadsPages:
        """The live generation's store.

        Raises:
            PilotError: If there is none that can be read.
        """


class StoredPages:
    """A `PageSource` over the stores of generations."""

    def __init__(self, live: Live, open_generation: Callable[[str], ReadsPages]) -> None:
        self._live = live
        self._open = open_generation
        self._earlier: OrderedDict[str, ReadsPages] = OrderedDict()
        self._lock = threading.Lock()

    def generation(self) -> str:
        """Name of the live generation.

        Raises:
            PilotError: If there is none that can be read.
        """
        return self._live.current().generation

    def documents(self) -> Sequence[Document]:
        """Every document of the live generation."""
        return list(self._live.current().documents.values())

    def document(self, document_id: str, *, generation: str = "") -> Document | None:
        """One document of a generation (the live one if empty); None if it or the generation is not there."""
        store = self._store(generation)
        return store.documents.get(document_id) if store else None

    def page(self, document_id: str, number: int, *, generation: str = "") -> Page | None:
        """One page, from 1, of a document of a generation; None if it or the generation is not there."""
        store = self._store(generation)
        known = store is not None and document_id in store.documents and number > 0
        return store.page(document_id, number) if store and known else None

    def _store(self, generation: str) -> ReadsPages | None:
        live = self._live.current()
        if generation in ("", live.generation):
            return live
        if not _NAME.fullmatch(generation):
            return None
        with self._lock:
            return self._opened(generation)

    def _opened(self, generation: str) -> ReadsPages | None:
        """An earlier generation; the least used one is let go, and closes when its last reader is done."""
        if generation not in self._earlier:
            try:
                self._earlier[generation] = self._open(generation)
            except PilotError as error:
                logger.info("Generation %s is not shown: %s", generation, error)
                return None
        self._earlier.move_to_end(generation)
        if len(self._earlier) > _EARLIER:
            self._earlier.popitem(last=False)
        return self._earlier[generation]
