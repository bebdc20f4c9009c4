"""What the next build would change: documents and clauses of the live generation, and the suite questions on them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from index.chunk import chunk_pages
from index.clauses import Clause, ClauseDiff, clauses_of, diff_clauses
from index.corpus import Corpus, SourceFile, document_digest, intake_digest, scan, shape_digest
from index.errors import PilotError
from index.loaders.types import LoadedDocument
from index.manifest import Manifest
from index.metadata import Metadata, resolve
from index.pivot import Pivot
from index.report import dump_json
from index.sandbox import LoadResult, load_documents
from index.settings import PROJECT_ROOT, IndexHost
from index.store import PassageStore
from index.types import Document, Page

DocumentState = Literal["new", "changed", "moved", "gone", "left_out"]
Effect = Literal["document_gone", "quote_gone", "document_moved", "document_changed"]


@dataclass(frozen=True)
class DocumentDiff:
    """What happened to one document since the live generation was built.

    Attributes:
        path: Document id; for a moved one the new id.
        state: "new", "changed" (text or metadata), "moved" (same content, other path), "gone", or "left_out" (it is
            there, but the build will leave it out).
        was: The id in the live generation of a moved document, or empty.
        reason: Why it is left out, or empty.
        metadata: Changed fields in words, `published: "2021" → "2022"`.
        clauses: What happened to its clauses.
    """

    path: str
    state: DocumentState
    was: str = ""
    reason: str = ""
    metadata: tuple[str, ...] = ()
    clauses: ClauseDiff = field(default_factory=ClauseDiff)


@dataclass(frozen=True)
class TouchedQuestion:
    """A suite question whose gold passage lies in a document that changed.

    Attributes:
        suite: File name of the suite.
        id: Id of the question.
        document: Document id that its gold names.
        effect: "document_gone", "quote_gone" (the document no longer holds the quote), "document_moved" or
            "document_changed" (the quote still stands).
        quote: The gold quote.
    """

    suite: str
    id: str
    document: str
    effect: Effect
    quote: str


@dataclass(frozen=True)
class CorpusDiff:
    """What the next build would change.

    Attributes:
        generation: The live generation that was compared with.
        documents: Documents that are not as they were, by path.
        unchanged: How many documents are as they were.
        questions: Suite questions that rest on them, in the order of suites.
        all_read: Whether every file was read again, as the build will: settings or code that read files have changed.
        others: What else is not as it was (embedder, glossary, chunk size, …) and what the build does about it.
    """

    generation: str
    documents: tuple[DocumentDiff, ...]
    unchanged: int
    questions: tuple[TouchedQuestion, ...]
    all_read: bool = False
    others: tuple[str, ...] = ()

    def to_json(self) -> str:
        """The difference as one JSON object, indented."""
        return dump_json(asdict(self))

    def lines(self) -> Iterator[str]:
        """The difference for people, a line at a time."""
        counts = {state: sum(one.state == state for one in self.documents) for state in _STATES}
        told = ", ".join(f"{count} {_STATES[state]}" for state, count in counts.items() if count)
        yield f"Against {self.generation}: {told or 'nothing'}; {self.unchanged} unchanged"
        if self.all_read:
            yield "Settings or code that read files have changed: the build reads every file again"
        yield from self.others
        for document in self.documents:
            yield from _document_lines(document)
        if self.questions:
            yield f"{len({(one.suite, one.id) for one in self.questions})} suite questions rest on them"
        worst = {(one.suite, one.id, one.document): one.effect for one in sorted(self.questions, key=_severity)}
        for suite, name, document_id in dict.fromkeys((one.suite, one.id, one.document) for one in self.questions):
            yield f"  {suite} {name}: {_EFFECTS[worst[suite, name, document_id]]} {document_id}"


_SHOWN_CHARS = 400  # of a clause, to people; JSON has all

_STATES: Mapping[DocumentState, str] = {
    "new": "new",
    "changed": "changed",
    "moved": "moved",
    "gone": "gone",
    "left_out": "left out",
}
_EFFECTS: Mapping[Effect, str] = {
    "document_changed": "its quote stands in the changed",
    "document_moved": "its document has moved from",
    "quote_gone": "its quote is gone from",
    "document_gone": "its document is gone,",
}
"""In words, from what harms a question least to what harms it most."""


def _severity(question: TouchedQuestion) -> int:
    return list(_EFFECTS).index(question.effect)


def _document_lines(document: DocumentDiff) -> Iterator[str]:
    aside = f" (was {document.was})" if document.was else f": {document.reason}" if document.reason else ""
    yield f"{_STATES[document.state]} {document.path}{aside}"
    yield from (f"  ~ {one}" for one in document.metadata)
    clauses = document.clauses
    for change in clauses.changed:
        yield f"  ~ {_where(change.before)}{_short(change.before.text)}"
        yield f"    → {_short(change.after.text)}"
    yield from (f"  + {_where(one)}{_short(one.text)}" for one in clauses.new)
    yield from (f"  - {_where(one)}{_short(one.text)}" for one in clauses.gone)


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}… ({len(text):,} characters)"


def _where(clause: Clause) -> str:
    return f"[{clause.section}] " if clause.section else ""


@dataclass(frozen=True)
class _Gold:
    """One gold passage of a suite question."""

    suite: str
    question: str
    document: str
    quote: str


def default_suites() -> tuple[Path, ...]:
    """The project's own suites, by name; none where they are not installed."""
    return tuple(sorted((PROJECT_ROOT / "evals" / "suites").glob("*.jsonl")))


def _read_gold(path: Path) -> Iterator[_Gold]:
    """Gold passages of a suite, in file order.

    Raises:
        PilotError: If it cannot be read, or a line is no suite question.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise PilotError(f"{path}: cannot read this suite ({error}). Run: pilot index diff --suite FILE") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            found = [
                _Gold(path.name, str(row["id"]), str(gold["document_id"]), str(gold["quote"]))
                for gold in row.get("gold", ())
            ]
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise PilotError(
                f"{path}:{number}: got no suite question ({error}), expected a JSON object with id and gold. "
                "See evals/README.md"
            ) from error
        yield from found


def _squeezed(texts: Iterable[str]) -> str:
    """The texts without white space, so that a quote is found across line breaks."""
    return "".join("".join(text.split()) for text in texts)


def diff(host: IndexHost, store: PassageStore, *, pivot: Pivot, suites: Sequence[Path] = ()) -> CorpusDiff:
    """What the next build would change against an open generation.

    Reads only files that are new or changed, but all where the live generation was read by other code or settings.

    Args:
        host: Settings.
        store: The live generation.
        pivot: What the build would render Chinese with.
        suites: Files of suite questions to check; see `default_suites`.

    Raises:
        BuildError: If the documents folder is missing.
        PilotError: If a suite cannot be read.
    """
    gold = [one for suite in suites for one in _read_gold(suite)]
    corpus = scan(host.index)
    now = {file.id: document_digest(file, corpus.manifest.get(file.id)) for file in corpus.files}
    moved = _moved(store.documents, now)
    all_read = store.manifest.intake != intake_digest(host.index)
    read = [file for file in corpus.files if file.id not in moved and (all_read or _is_fresh(file, now, store))]
    found: dict[str, DocumentDiff] = {new: DocumentDiff(new, "moved", was=old) for new, old in moved.items()}
    found |= {one.path: DocumentDiff(one.path, "left_out", reason=one.reason) for one in corpus.left_out}
    texts: dict[str, str] = {}
    for file, result in _load(host, corpus, read):
        document, texts[file.id] = _compare(result, file, corpus, store, chunk_chars=host.index.chunk_chars)
        if _is_fresh(file, now, store) or not _is_same(document):
            found[file.id] = document
    gone = store.documents.keys() - now.keys() - set(moved.values())
    found |= {name: DocumentDiff(name, "gone", clauses=_all_gone(name, store)) for name in gone if name not in found}
    documents = tuple(found[name] for name in sorted(found))
    questions = tuple(one for each in gold if (one := _touched(each, found, moved, texts)) is not None)
    others = tuple(_others(host, store.manifest, pivot))
    if not others and not all_read and all(one.state == "left_out" for one in documents):
        others = _unseen(corpus, store.manifest)
    unchanged = sum(name not in found for name in now)
    return CorpusDiff(store.generation, documents, unchanged, questions, all_read, others)


def _others(host: IndexHost, manifest: Manifest, pivot: Pivot) -> Iterator[str]:
    """What differs besides documents, and what the build will do about it."""
    model, chunk_chars = host.embedding.model, host.index.chunk_chars
    if manifest.model != model:
        yield f"Embedder: {manifest.model} → {model}; the build embeds all chunks and sentences again"
    if manifest.chunk_chars != chunk_chars:
        was = manifest.chunk_chars
        yield f"Chunk size: {was} → {chunk_chars} characters; the build embeds again all that is cut differently"
    if manifest.pivot != pivot.digest:
        yield (
            "Glossary or dictionary: changed; the build makes all search words anew and embeds again the Chinese text "
            "that is rendered differently"
        )
    explained = manifest.model != model or manifest.intake != intake_digest(host.index)
    if manifest.shape != shape_digest(host) and not explained:
        yield "Search settings or code of the index: changed; the build embeds again only what they render differently"


def _unseen(corpus: Corpus, manifest: Manifest) -> tuple[str, ...]:
    """What makes the index out of date although no document and no setting differs."""
    if manifest.corpus == corpus.digest:
        return ()
    return (
        "Files that are left out, entries of manifest.toml without a file, or the layout of the glossary: changed; "
        "the build embeds nothing again",
    )


def _is_fresh(file: SourceFile, now: Mapping[str, str], store: PassageStore) -> bool:
    old = store.documents.get(file.id)
    return old is None or old.sha256 != now[file.id]


def _is_same(document: DocumentDiff) -> bool:
    """Whether reading a file of the same bytes again gave the same clauses and metadata."""
    clauses = document.clauses
    told = document.metadata or clauses.new or clauses.changed or clauses.gone
    return document.state == "changed" and not told


def _moved(old: Mapping[str, Document], now: Mapping[str, str]) -> dict[str, str]:
    """Old id by new id of documents with the same content under another path."""
    left = {document.sha256: name for name, document in old.items() if name not in now}
    return {name: left[digest] for name, digest in now.items() if name not in old and digest in left}


def _load(host: IndexHost, corpus: Corpus, files: Sequence[SourceFile]) -> Iterator[tuple[SourceFile, LoadResult]]:
    """What reading these files gives, in the order in which they are finished."""
    by_path = {file.path: file for file in files}
    settings = host.index
    if not by_path:
        return
    for result in load_documents(
        corpus.root, list(by_path), settings.limits, workers=settings.workers, ocr=settings.ocr
    ):
        yield by_path[result.path], result


def _compare(
    result: LoadResult, file: SourceFile, corpus: Corpus, store: PassageStore, *, chunk_chars: int
) -> tuple[DocumentDiff, str]:
    """What happened to one file that was read, and its text without white space."""
    if result.loaded is None:
        return DocumentDiff(file.id, "left_out", reason=result.reason, clauses=_all_gone(file.id, store)), ""
    loaded = result.loaded
    metadata = resolve(file.id, declared=loaded.metadata, manifest=corpus.manifest, properties=loaded.properties)
    after = list(clauses_of(chunk_pages(_document(file), _pages(file, loaded), chunk_chars=chunk_chars)))
    text = _squeezed(page.text for page in loaded.pages)
    old = store.documents.get(file.id)
    if old is None:
        return DocumentDiff(file.id, "new", clauses=diff_clauses([], after)), text
    clauses = diff_clauses(_clauses(file.id, store), after)
    return DocumentDiff(file.id, "changed", metadata=_fields(old, metadata), clauses=clauses), text


def _document(file: SourceFile) -> Document:
    return Document(file.id, file.id, "en")


def _pages(file: SourceFile, loaded: LoadedDocument) -> Iterator[Page]:
    return (Page(file.id, page.number, page.label, page.text, page.blocks) for page in loaded.pages)


def _clauses(document_id: str, store: PassageStore) -> list[Clause]:
    return list(clauses_of(store.chunks(store.document_rows(document_id))))


def _all_gone(document_id: str, store: PassageStore) -> ClauseDiff:
    return diff_clauses(_clauses(document_id, store), []) if document_id in store.documents else ClauseDiff()


def _fields(old: Document, new: Metadata) -> tuple[str, ...]:
    """Metadata that changed, in words; the language where none is declared is found from the text."""
    changed: list[str] = []
    for name in ("title", "issuer", "published", "document_number", "kind", "source", "note", "effective", "expires"):
        before, after = str(getattr(old, name)), str(getattr(new, name))
        if before != after:
            changed.append(f'{name}: "{before}" → "{after}"')
    for name in ("translation_of", "supersedes"):
        if getattr(old, name) != getattr(new, name):
            changed.append(f"{name}: {getattr(old, name) or 'none'} → {getattr(new, name) or 'none'}")
    if new.language and new.language != old.language:
        changed.append(f"language: {old.language} → {new.language}")
    return tuple(changed)


def _touched(
    gold: _Gold, found: Mapping[str, DocumentDiff], moved: Mapping[str, str], texts: Mapping[str, str]
) -> TouchedQuestion | None:
    """What happens to a question whose gold lies in a document that is not as it was, None for the others."""
    document = found.get(gold.document)
    effect: Effect
    if document is None and gold.document in moved.values():
        effect = "document_moved"
    elif document is None or document.state in ("new", "moved"):
        return None
    elif document.state in ("gone", "left_out"):
        effect = "document_gone"
    else:
        stands = _squeezed([gold.quote]) in texts.get(gold.document, "")
        effect = "document_changed" if stands else "quote_gone"
    return TouchedQuestion(gold.suite, gold.question, gold.document, effect, gold.quote)
