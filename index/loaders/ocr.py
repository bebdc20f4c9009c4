"""Text in images by OCR (rapidocr: Chinese and English, offline), where the optional extra is installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from index.loaders.page_text import clean

MISSING = 'OCR is not installed; run: pip install "pilot-assistant[ocr]"'
OFF = "OCR is off (PILOT_INDEX__OCR)"
LONG_SIDE = 1754
"""Longest side of an image given to OCR, in pixels: A4 at 150 dpi."""
FINDING_SIDE = 960
"""Longest side of the copy in which lines are looked for. They are then read from the image itself: on a page of 562
Chinese characters all were found, 657 MB mapped instead of 982, 1.4 CPU seconds instead of 3."""
LEAST_SCORE = 0.5
_PARAMETERS: dict[str, object] = {
    "Global.log_level": "critical",
    "Global.max_side_len": LONG_SIDE,
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    "Det.limit_type": "max",
    "Det.limit_side_len": FINDING_SIDE,
    "Rec.rec_batch_num": 2,
    "Cls.cls_batch_num": 2,
}


class _Result(Protocol):
    txts: Sequence[str] | None
    scores: Sequence[float] | None
    boxes: NDArray[np.float32] | None


class _Engine(Protocol):
    def __call__(self, image: NDArray[np.uint8]) -> _Result: ...


@dataclass(frozen=True)
class OcrLine:
    """One line found in an image.

    Attributes:
        text: What it says.
        box: Left, bottom, right, top in pixels from the lower left corner.
    """

    text: str
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class OcrText:
    """What OCR found in an image.

    Attributes:
        lines: From top to bottom, from left to right.
        score: Mean of the lines' scores, 0 to 1; 0 if there are none.
    """

    lines: tuple[OcrLine, ...]
    score: float


def is_installed() -> bool:
    """Whether the `ocr` extra is installed."""
    return importlib.util.find_spec("rapidocr") is not None


@lru_cache(maxsize=1)
def _engine() -> _Engine:
    from rapidocr import RapidOCR

    return cast(_Engine, RapidOCR(params=dict(_PARAMETERS)))


def is_blank(image: Image.Image) -> bool:
    """Whether an image is of one colour, so that there is nothing to read."""
    low, high = cast(tuple[int, int], image.convert("L").getextrema())
    return high - low < 16


def recognise(image: Image.Image) -> OcrText:
    """The lines of an image whose score is at least `LEAST_SCORE`; larger images are made smaller first.

    Raises:
        ImportError: If the extra is not installed.
        ValueError: If OCR fails on this image.
        MemoryError: If it needs more memory than the process may map.
    """
    image = image.convert("RGB")
    image.thumbnail((LONG_SIDE, LONG_SIDE))
    try:
        result = _engine()(np.ascontiguousarray(np.asarray(image)[:, :, ::-1]))
    except (ImportError, MemoryError):
        raise
    except Exception as error:  # three libraries' own kinds
        if "alloc" in str(error):
            raise MemoryError("OCR needs more memory than it may map") from error
        raise ValueError(f"OCR failed: {type(error).__name__}: {str(error)[:160]}") from error
    if result.txts is None or result.scores is None or result.boxes is None:
        return OcrText((), 0.0)
    found: list[tuple[OcrLine, float]] = []
    for text, score, corners in zip(result.txts, result.scores, result.boxes, strict=True):
        text = clean(text)[0].strip()
        if text and score >= LEAST_SCORE:
            xs, ys = [float(x) for x, _ in corners], [image.height - float(y) for _, y in corners]
            found.append((OcrLine(text, (min(xs), min(ys), max(xs), max(ys))), float(score)))
    if not found:
        return OcrText((), 0.0)
    return OcrText(_in_order([line for line, _ in found]), sum(score for _, score in found) / len(found))


def _in_order(lines: list[OcrLine]) -> tuple[OcrLine, ...]:
    """Lines by rows from the top; what stands at one height goes from left to right."""
    rows: list[list[OcrLine]] = []
    for line in sorted(lines, key=lambda line: -line.box[3]):
        middle = (line.box[1] + line.box[3]) / 2
        if rows and rows[-1][0].box[1] <= middle <= rows[-1][0].box[3]:
            rows[-1].append(line)
        else:
            rows.append([line])
    return tuple(line for row in rows for line in sorted(row, key=lambda line: line.box[0]))
