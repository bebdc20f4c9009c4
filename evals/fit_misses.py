"""Questions that sound right and are not: one word of a real question exchanged for one that its passage does not hold.

The scorer learns from them that a sentence does not answer because it shares most of a question's words: another name,
another year or another thing asked for makes it a different question.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from assistant.understand import content_terms
from evals.fit_data import Candidate, Collection, Task
from index.language import FUNCTION_TERMS, HAN, detect, fold, tokenise
from index.pivot import Pivot
from index.types import Language

_SHARE = 0.35
_TRIES = 12
_LATIN = re.compile(rf"\d[\d,.]*\d|\d|[^\W\d_{HAN}][^\W_{HAN}'’-]*(?:['’-][^\W_{HAN}]+)*")
_HAN_RUN = re.compile(f"[{HAN}]+")
_ASKING = frozenset({"many", "much"})
_YEAR = re.compile(r"(?:1[0-9]|20)\d\d")

What = Literal["name", "number", "word"]
_WEIGHTS: Mapping[What, float] = {"name": 2.0, "number": 2.0, "word": 1.0}


@dataclass(frozen=True, slots=True)
class Exchangeable:
    """A part of a question that another may stand in for.

    Attributes:
        start, end: Where it stands in the text.
        what: A proper name, a number, or another word that carries content.
    """

    start: int
    end: int
    what: What


def exchangeable(text: str, pivot: Pivot) -> list[Exchangeable]:
    """The names, numbers and content words of a question, in order; Chinese text must be folded."""
    found: list[Exchangeable] = []
    for match in _LATIN.finditer(text):
        what: What = "number" if match[0][0].isdigit() else "word"
        if what == "word" and match[0][0].isupper() and match.start() > 0:
            what = "name"
        found.append(Exchangeable(match.start(), match.end(), what))
    for run in _HAN_RUN.finditer(text):
        start = run.start()
        for word in pivot.segment(run[0]):
            if len(word) > 1:
                found.append(Exchangeable(start, start + len(word), "name" if pivot.names(word) else "word"))
            start += len(word)
    words = [(one, text[one.start : one.end]) for one in found]
    telling = [
        one for one, word in words if one.what == "number" or (content_terms(word) and word.lower() not in _ASKING)
    ]
    return sorted(telling, key=lambda one: one.start)


def _another_number(number: str, rng: random.Random) -> str:
    """A year some years off, another number of about the same size."""
    if _YEAR.fullmatch(number):
        return str(int(number) + rng.choice((-1, 1)) * rng.randint(1, 12))
    return "".join(rng.choice("123456789") if digit.isdigit() else digit for digit in number)


class _Exchanger:
    """Exchanges parts of one collection's questions for parts of others of its questions."""

    def __init__(self, collection: Collection, pivot: Pivot, rng: random.Random) -> None:
        self._pivot = pivot
        self._rng = rng
        self._texts = [fold(one.text) if detect(one.text) == "zh" else one.text for one in collection.asked]
        self._parts = [exchangeable(text, pivot) for text in self._texts]
        self._held = [self._terms(" ".join(passage)) for passage in collection.passages]
        self._pools: dict[tuple[Language, What], list[str]] = {}
        for text, parts in zip(self._texts, self._parts, strict=True):
            for part in parts:
                self._pools.setdefault((detect(text), part.what), []).append(text[part.start : part.end])

    def _terms(self, text: str) -> frozenset[str]:
        return frozenset(term for term in tokenise(self._pivot.pivot(text)) if term not in FUNCTION_TERMS)

    def exchanged(self, number: int, passage: int) -> str | None:
        """The question with one part exchanged for one foreign to its passage; None where none was found."""
        text, parts = self._texts[number], self._parts[number]
        if not parts:
            return None
        for _ in range(_TRIES):
            part = self._rng.choices(parts, [_WEIGHTS[one.what] for one in parts])[0]
            old = text[part.start : part.end]
            pool = self._pools[(detect(text), part.what)]
            new = _another_number(old, self._rng) if part.what == "number" else self._rng.choice(pool)
            terms = self._terms(new)
            if terms and not terms & (self._held[passage] | self._terms(text)):
                return text[: part.start] + new + text[part.end :]
        return None


def near_misses(
    collection: Collection, tasks: Sequence[Task], pivot: Pivot, *, seed: int, share: float = _SHARE
) -> Iterator[Task]:
    """For a share of the collection's tasks (`tasks_of`, in its order) one that no sentence of the passage answers."""
    rng = random.Random(seed)
    exchanger = _Exchanger(collection, pivot, rng)
    for number, (one, task) in enumerate(zip(collection.asked, tasks, strict=True)):
        text = exchanger.exchanged(number, one.passage) if rng.random() < share else None
        if text is not None:
            own = (*(Candidate(held.text, None, held.context) for held in task.answering), *task.beside)
            yield Task(pivot.pivot(text), (), own)
