"""The files of a corpus: which are documents, their digests, and what else shapes an index of them."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from index.disk import sha256_file
from index.errors import BuildError
from index.loaders import SUFFIXES
from index.manifest import FORMAT
from index.metadata import MANIFEST, Metadata, read_manifest
from index.pivot import Pivot
from index.report import DocumentReport
from index.settings import IndexHost, IndexSettings

_NOT_DOCUMENTS = frozenset({"README.md", "glossary.csv", MANIFEST})
_SAVE_AS = {
    suffix: target
    for target, suffixes in {
        ".docx": ".doc .dot .docm .rtf .odt .wps .pages",
        ".xlsx": ".xls .xlsm .xlsb .ods .et .numbers",
        ".pptx": ".ppt .pps .pptm .ppsx .odp .dps .key",
        ".pdf": ".ofd .caj .ps .epub",
        ".html": ".mht .mhtml .xhtml",
        ".png": ".gif .heic",
    }.items()
    for suffix in suffixes.split()
}
"""What programs that open such a file can save it as."""

_PACKAGE = Path(__file__).resolve().parent
_INTAKE_CODE = ("loaders", "sandbox.py", "sandbox_child.py", "sandbox_wire.py", "chunk.py", "language.py", "types.py")
_WORDS_CODE = ("lexical.py", "pivot.py", "language.py")
_SHAPE_CODE = (
    "pivot.py",
    "embed.py",
    "lexical.py",
    "vectors.py",
    "catalog.py",
    "fill.py",
    "words.py",
    "intake.py",
    "validity.py",
)


@dataclass(frozen=True)
class SourceFile:
    """One file that may be a document.

    Attributes:
        id: Document id: its path in the corpus with "/", in Unicode form NFC.
        path: Its path as the disk has it, relative to the corpus, with "/".
        digest: SHA-256 of its bytes, in hex.
        size_bytes: Its size.
    """

    id: str
    path: str
    digest: str
    size_bytes: int


@dataclass(frozen=True)
class Corpus:
    """What a folder of documents holds.

    Attributes:
        root: The folder.
        files: Files to index, by id, no two with the same bytes (but empty ones).
        left_out: Reports of files that are not indexed.
        manifest: Metadata of `manifest.toml`, by document id.
        digest: Digest of everything above.
    """

    root: Path
    files: tuple[SourceFile, ...]
    left_out: tuple[DocumentReport, ...]
    manifest: Mapping[str, Metadata]
    digest: str


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "~$"))


def _walk(root: Path) -> Iterator[tuple[str, Path]]:
    """(document id, path) of everything in the folder but hidden files and what is no document by its name."""
    unlisted: list[OSError] = []
    for folder, names, files in os.walk(root, onerror=unlisted.append):
        here = Path(folder)
        links = [name for name in names if (here / name).is_symlink()]
        names[:] = sorted(name for name in names if not _is_hidden(name) and name not in links)
        for name in sorted([*files, *links]):
            path = here / name
            relative = path.relative_to(root).as_posix()
            if not _is_hidden(name) and relative not in _NOT_DOCUMENTS:
                yield unicodedata.normalize("NFC", relative), path
    for error in unlisted:
        path = Path(str(error.filename))
        yield unicodedata.normalize("NFC", path.relative_to(root).as_posix()), path


def _refusal(document_id: str, path: Path, *, root: Path, limit_mb: int) -> tuple[str, str]:
    """Why a file is not read at all, as (code, reason); empty where it may be."""
    try:
        document_id.encode()
    except UnicodeEncodeError:
        return "name", "its name is not UTF-8; rename it"
    if _leads_out(path, root):
        return "outside", "a link that leads out of the documents folder; copy the file there instead"
    if path.is_dir():
        reason = "a link to a folder; links are not followed" if path.is_symlink() else "a folder that cannot be listed"
        return "unreadable", reason
    try:
        found = path.stat()
    except OSError as error:
        return "missing", f"cannot be opened: {error.strerror}"
    if not stat.S_ISREG(found.st_mode):
        return "unsupported", "not a regular file"
    if PurePosixPath(document_id).suffix.lower() not in SUFFIXES:
        return "unsupported", _unsupported(PurePosixPath(document_id).suffix)
    if found.st_size > limit_mb * 2**20:
        return (
            "too_big",
            f"{found.st_size / 2**20:.0f} MiB, over the limit of {limit_mb} (PILOT_INDEX__LIMITS__FILE_MB)",
        )
    return "", ""


def _unsupported(suffix: str) -> str:
    """What to do with a file of an ending that is not read."""
    wanted = _SAVE_AS.get(suffix.lower())
    if wanted:
        return f"unsupported format {suffix}; save it as {wanted}"
    remedy = f"save it as one of {' '.join(sorted(SUFFIXES))}, or move it out of the documents folder"
    return f"unsupported format{f' {suffix}' if suffix else ', its name has no ending'}; {remedy}"


def _leads_out(path: Path, root: Path) -> bool:
    """Whether a link ends outside of the folder; one that goes in a circle ends nowhere, and opening it says so."""
    try:
        return path.is_symlink() and not path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):
        return False


def _printable(document_id: str) -> str:
    return document_id.encode("utf-8", "backslashreplace").decode()


def _precedence(document_id: str, path: Path, manifest: Mapping[str, Metadata]) -> tuple[bool, bool, int, str, Path]:
    """Sorts first which of two equal files is the document: no link, in the manifest, the shortest name.

    A copy beside its original has the longer name ("plan copy.md", "plan (1).md") and would else come first.
    """
    return path.is_symlink(), document_id not in manifest, len(document_id), document_id, path


def _source(document_id: str, path: Path, root: Path) -> SourceFile | None:
    """The file with its digest and size; None where it cannot be read."""
    try:
        return SourceFile(document_id, path.relative_to(root).as_posix(), sha256_file(path), path.stat().st_size)
    except OSError:
        return None


def scan(settings: IndexSettings) -> Corpus:
    """Every file of the documents folder: to be indexed, or left out with its reason. Hashes all of them.

    Hidden files, and README.md, glossary.csv and manifest.toml at the top, are no documents and not mentioned.

    Raises:
        BuildError: If the folder is missing or cannot be listed.
        SettingsError: If `manifest.toml` is malformed.
    """
    root = settings.documents
    if not root.is_dir():
        raise BuildError(
            f"There is no documents folder {root}. Make it, or set PILOT_INDEX__DOCUMENTS, then run: pilot index build"
        )
    files: dict[str, SourceFile] = {}
    by_digest: dict[str, str] = {}
    left_out: list[DocumentReport] = []
    manifest = read_manifest(root)
    for document_id, path in sorted(_walk(root), key=lambda found: _precedence(found[0], found[1], manifest)):
        code, reason = _refusal(document_id, path, root=root, limit_mb=settings.limits.file_mb)
        if not code and document_id in files:
            code, reason = "duplicate", f"another file has the same name after Unicode normalisation: {document_id}"
        found = None if code else _source(document_id, path, root)
        code, reason = (code, reason) if code or found else ("unreadable", "cannot be read; check its permissions")
        if found and found.size_bytes and by_digest.setdefault(found.digest, document_id) != document_id:
            code, reason = "duplicate", f"duplicate of {by_digest[found.digest]}"
        if found is None or code:
            left_out.append(DocumentReport(_printable(document_id), "left_out", reason, code))
        else:
            files[document_id] = found
    glossary = sha256_file(settings.glossary) if settings.glossary.is_file() else ""
    content = [
        sorted((file.id, document_digest(file, manifest.get(file.id))) for file in files.values()),
        sorted((one.path, one.reason) for one in left_out),
        sorted(manifest.keys() - files.keys()),
        glossary,
    ]
    return Corpus(root, tuple(files[name] for name in sorted(files)), tuple(left_out), manifest, _hash(content))


def _hash(values: object) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


@lru_cache(maxsize=2)
def _code(names: tuple[str, ...]) -> str:
    """Digest of these modules' sources, so that a changed loader reads its files again."""
    digest = hashlib.sha256()
    for name in names:
        path = _PACKAGE / name
        for source in sorted(path.rglob("*.py")) if path.is_dir() else [path] if path.is_file() else []:
            digest.update(f"{source.name}\n".encode() + source.read_bytes())
    return digest.hexdigest()


def intake_digest(settings: IndexSettings) -> str:
    """Digest of all that shapes pages and chunks but the files: code of the loaders, chunk size, limits, OCR."""
    ocr = settings.ocr and find_spec("rapidocr") is not None
    return _hash([_code(_INTAKE_CODE), settings.chunk_chars, settings.limits.model_dump(), ocr])


def shape_digest(host: IndexHost) -> str:
    """Digest of all that shapes a generation but the corpus: `intake_digest`, code and settings of what follows."""
    settings = host.index
    shaping = [settings.exact_chunks, settings.ann_recall, host.embedding.model]
    return _hash([FORMAT, intake_digest(settings), _code(_SHAPE_CODE), shaping])


def words_digest(pivot: Pivot) -> str:
    """Digest of all that shapes a chunk's terms but its text: dictionary, glossary and the code that uses them."""
    return _hash([_code(_WORDS_CODE), pivot.digest])


def document_digest(file: SourceFile, entry: Metadata | None) -> str:
    """Digest of a file's bytes together with its manifest entry; of its bytes alone where it has none."""
    return file.digest if entry is None else _hash([file.digest, asdict(entry)])
