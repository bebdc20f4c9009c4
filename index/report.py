"""What a build did, for people and as JSON: an outcome for every file, nothing left out silently."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal, Protocol

from index.errors import BuildError

DocumentOutcome = Literal["indexed", "partial", "left_out"]


class Progress(Protocol):
    """Who is told how far a build is; the command line draws a bar."""

    def stage(self, name: str, total: int) -> None:
        """A stage of `total` steps begins, for example "Reading files", 120."""

    def advance(self, steps: int, detail: str) -> None:
        """So many more steps of the stage are done, `detail` being the last."""


class SilentProgress:
    """Tells nobody."""

    def stage(self, name: str, total: int) -> None:
        """Nothing."""

    def advance(self, steps: int, detail: str) -> None:
        """Nothing."""


@dataclass(frozen=True)
class NoteReport:
    """Something to look at: a page (from 1; 0 for the document), a code and the same in words."""

    page: int
    code: str
    text: str


@dataclass(frozen=True)
class DocumentReport:
    """What became of one file.

    Attributes:
        path: Document id, the file's path in the corpus.
        outcome: "indexed", "partial" (some pages are missing, see notes) or "left_out".
        reason: Why it is partial or left out, in words; empty for an indexed one.
        code: The same as a code: "encrypted", "duplicate", "unsupported", …; empty for an indexed one.
        pages: Pages that have text.
        chunks: Chunks made of it.
        reused: Whether it was taken over from the previous generation without being read.
        notes: What did not hold, in order of pages.
    """

    path: str
    outcome: DocumentOutcome
    reason: str = ""
    code: str = ""
    pages: int = 0
    chunks: int = 0
    reused: bool = False
    notes: tuple[NoteReport, ...] = ()


class NothingIndexedError(BuildError):
    """No file of the corpus could be indexed.

    Attributes:
        reports: Why, a report a file; empty where the corpus has none.
    """

    def __init__(self, message: str, reports: tuple[DocumentReport, ...]) -> None:
        super().__init__(message)
        self.reports = reports


@dataclass(frozen=True)
class AnnReport:
    """How chunk vectors are searched.

    Attributes:
        factory: FAISS factory string; "SQfp16" is the exact search.
        nprobe: Cells searched a question; 0 for the exact search.
        recall_at_10: Share of the exact ten best that were found, over sampled questions, 0 to 1; 1 for exact search.
        questions: Questions that it was measured on; 0 for the exact search.
        note: Why the exact search was taken although the size asks for an approximate one, or empty.
    """

    factory: str
    nprobe: int = 0
    recall_at_10: float = 1.0
    questions: int = 0
    note: str = ""


@dataclass(frozen=True)
class Reuse:
    """How many vectors were made anew and how many were taken over.

    Attributes:
        chunks_embedded, chunks_reused: Vectors of chunks.
        sentences_embedded, sentences_reused: Vectors of sentences.
    """

    chunks_embedded: int = 0
    chunks_reused: int = 0
    sentences_embedded: int = 0
    sentences_reused: int = 0


@dataclass(frozen=True)
class BuildReport:
    """What one build did.

    Attributes:
        generation: Name of the generation that was published.
        documents: One report a file, by path.
        warnings: Contradictions in the documents' validity, by path.
        chunks: Chunks of the generation.
        sentences: Sentences of the generation.
        reuse: Vectors made anew and taken over.
        ann: How chunk vectors are searched.
        seconds: Wall-clock seconds by stage, and "total".
        size_bytes: Size of the generation on disk.
        pruned: Generations removed after publishing.
    """

    generation: str
    documents: tuple[DocumentReport, ...]
    warnings: tuple[str, ...] = ()
    chunks: int = 0
    sentences: int = 0
    reuse: Reuse = Reuse()
    ann: AnnReport = AnnReport("SQfp16")
    seconds: Mapping[str, float] = field(default_factory=dict)
    size_bytes: int = 0
    pruned: tuple[str, ...] = ()

    @property
    def left_out(self) -> tuple[DocumentReport, ...]:
        """Reports of files that are not or only in part indexed, by path."""
        return tuple(one for one in self.documents if one.outcome != "indexed")

    @classmethod
    def from_json(cls, text: str | bytes) -> BuildReport:
        """The report that `to_json` gave as this text.

        Raises:
            ValueError: If it is none.
        """
        try:
            values = json.loads(text)
            values.pop("left_out")
            documents = tuple(
                DocumentReport(**one | {"notes": tuple(NoteReport(**note) for note in one["notes"])})
                for one in values["documents"]
            )
            read = {
                "documents": documents,
                "warnings": tuple(values["warnings"]),
                "reuse": Reuse(**values["reuse"]),
                "ann": AnnReport(**values["ann"]),
                "pruned": tuple(values["pruned"]),
            }
            return cls(**values | read)
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError("no report of a build") from error

    def to_json(self) -> str:
        """The report as one JSON object, indented, non-ASCII text as it is; lone surrogates of file names escaped."""
        values = asdict(self) | {"left_out": [one.path for one in self.left_out]}
        return dump_json(values)


def dump_json(values: Mapping[str, object]) -> str:
    """Indented JSON, keys in the order given; file names that are not UTF-8 keep their `\\udcXX` escapes."""
    text = json.dumps(values, ensure_ascii=False, indent=1)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(values, ensure_ascii=True, indent=1)
    return text
