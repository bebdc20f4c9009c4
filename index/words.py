"""The terms of each chunk as they were indexed, kept so that an unchanged chunk is not tokenised and glossed again."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from index.vectors import open_rows

WORDS, WORD_OFFSETS = "words.z", "words.i64"


def pack_words(fields: Mapping[str, Sequence[str]]) -> bytes:
    """Terms by field, compressed; terms hold no white space."""
    joined = {name: " ".join(terms) for name, terms in fields.items()}
    return zlib.compress(json.dumps(joined, ensure_ascii=False, separators=(",", ":")).encode(), 6)


def unpack_words(packed: bytes) -> dict[str, list[str]]:
    """Terms by field of `pack_words`."""
    joined: dict[str, str] = json.loads(zlib.decompress(packed))
    return {name: terms.split(" ") for name, terms in joined.items()}


class StoredWords:
    """The terms of a generation's chunks by row, memory-mapped."""

    def __init__(self, folder: Path) -> None:
        self._data = open_rows(folder / WORDS, "u1")
        self._offsets = open_rows(folder / WORD_OFFSETS, "i8")

    def packed(self, row: int) -> bytes:
        """The terms of one chunk, as `unpack_words` takes them."""
        return self._data[int(self._offsets[row]) : int(self._offsets[row + 1])].tobytes()
