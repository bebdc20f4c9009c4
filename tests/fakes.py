"""Doubles behind the real interfaces of the index: a deterministic embedder, an empty pivot, settings in a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.language import tokenise
from index.loaders import UnreadableError, load
from index.pivot import Pivot
from index.sandbox import LoadResult
from index.settings import EmbeddingSettings, IndexSettings, LimitSettings


class HashEmbedder:
    """A bag of hashed tokens, 16 dimensions: the same words give the same vector, other words another one.

    Attributes:
        texts: Every text that was embedded, in order.
    """

    def __init__(self, *, name: str = "hash-16", dim: int = 16, uses_pivot: bool = False) -> None:
        self.id = name
        self.dim = dim
        self.uses_pivot = uses_pivot
        self.texts: list[str] = []
        self._known: dict[str, NDArray[np.float32]] = {}

    def _token(self, token: str) -> NDArray[np.float32]:
        if token not in self._known:
            seed = int.from_bytes(hashlib.sha256(token.encode()).digest()[:8], "big")
            vector = np.random.default_rng(seed).standard_normal(self.dim).astype(np.float32)
            self._known[token] = np.asarray(vector / np.linalg.norm(vector), np.float32)
        return self._known[token]

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.texts.extend(texts)
        result = np.zeros((len(texts), self.dim), np.float32)
        for row, vectors in enumerate(self.token_vectors(texts)):
            total = vectors.sum(axis=0)
            result[row] = total / max(float(np.linalg.norm(total)), 1e-9)
        return result

    def token_vectors(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        empty = np.zeros((0, self.dim), np.float32)
        return [np.stack([self._token(t) for t in tokens]) if (tokens := tokenise(x)) else empty for x in texts]


def load_here(
    root: Path, paths: Sequence[str], limits: LimitSettings, *, workers: int, ocr: bool
) -> Iterator[LoadResult]:
    """`load_documents` in this process, last path first: nothing may depend on the order in which files finish."""
    for path in reversed(paths):
        try:
            yield LoadResult(path, load(root / path, limits, ocr=ocr))
        except UnreadableError as error:
            yield LoadResult(path, None, str(error), error.code)


def fake_pivot() -> Pivot:
    """A pivot that knows two words."""
    return Pivot({"深圳": "Shenzhen", "地铁": "metro"}, {})


@dataclass(frozen=True)
class FakeHost:
    """Settings of the index with everything under one folder."""

    home: Path
    index: IndexSettings
    embedding: EmbeddingSettings = field(default_factory=EmbeddingSettings)


def fake_host(folder: Path, **settings: object) -> FakeHost:
    """Documents in `folder/documents` (made), everything else in `folder/var`; one reading process, no OCR."""
    documents = folder / "documents"
    documents.mkdir(exist_ok=True)
    values: dict[str, object] = {
        "documents": documents,
        "glossary": documents / "glossary.csv",
        "workers": 1,
        "ocr": False,
        "limits": LimitSettings(memory_mb=1024),
    }
    return FakeHost(folder / "var", IndexSettings.model_validate(values | settings))
