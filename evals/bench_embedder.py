"""Embedders for measuring an index apart from its model: hashed vectors, and the real model under another name."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from index.embed import Embedder

_BUCKETS = 8192


class HashEmbedder:
    """Vectors of hashed words: about as many different ones as texts, at next to no cost, of MiniLM's size.

    Attributes:
        id: Goes into the manifest, so that such an index is never taken for a real one.
        dim: 384.
        uses_pivot: True, so that the pivot's cost is part of what is measured.
    """

    id = "bench-hash-384"
    dim = 384
    uses_pivot = True

    def __init__(self) -> None:
        self._table = np.random.default_rng(0).standard_normal((_BUCKETS, self.dim), dtype=np.float32)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """float32[n, 384], L2-normalised."""
        vectors = np.zeros((len(texts), self.dim), np.float32)
        for row, text in enumerate(texts):
            vectors[row] = self._table[self._buckets(text)].sum(axis=0)
        return _normalised(vectors)

    def token_vectors(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """One float32[words, 384] a text, rows L2-normalised."""
        return [_normalised(self._table[self._buckets(text)]) for text in texts]

    def _buckets(self, text: str) -> list[int]:
        return [zlib.crc32(word.encode("utf-8")) % _BUCKETS for word in text.split() or [text]]


def _normalised(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths: NDArray[np.float32] = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.maximum(lengths, 1e-9)).astype(np.float32)


class Renamed:
    """The real model for questions over a hashed index: it costs what it costs, what it finds means nothing.

    Attributes:
        id: The hashed embedder's.
        dim, uses_pivot: The real model's.
    """

    id = HashEmbedder.id

    def __init__(self, real: Embedder) -> None:
        self._real = real
        self.dim = real.dim
        self.uses_pivot = real.uses_pivot

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As the real model."""
        return self._real.embed(texts)

    def token_vectors(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """As the real model."""
        return self._real.token_vectors(texts)
