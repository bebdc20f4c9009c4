"""What is known about a document apart from its text, and from where: front matter, manifest, file, file name.

Comes in: mappings written by maintainers, properties found in files, names of files. Goes out: `Metadata`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from pathlib import Path, PurePosixPath

from index.errors import SettingsError

MANIFEST = "manifest.toml"
VALUE_CHARS = 2000
_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$")
_DATE_IN_NAME = re.compile(
    r"(?<!\d)((?:19|20)\d{2})(?:([-_.])(\d{1,2})\2(\d{1,2})|(\d{2})(\d{2})|年(\d{1,2})月(?:(\d{1,2})日)?|-(\d{2})(?=$|[^\d-]))"
    r"(?!\d)"
)
_NUMBER_IN_NAME = re.compile(r"([\u4e00-\u9fff]{1,10})[〔\[［【(（](20\d{2}|19\d{2})[〕\]］】)）]第?\s?(\d{1,5})\s?号")
_DATE_FIELDS = ("published", "effective", "expires")


@dataclass(frozen=True)
class Metadata:
    """What one source knows about a document; every field may be empty.

    Attributes:
        title, issuer, document_number, kind, source, note: Plain text, at most `VALUE_CHARS` characters.
        language: "zh", "en" or empty.
        published, effective, expires: ISO prefixes, "2021", "2021-12" or "2021-12-13".
        translation_of: Id of the document that this one renders in another language.
        supersedes: Ids of the documents that it replaces.
    """

    title: str = ""
    language: str = ""
    issuer: str = ""
    published: str = ""
    document_number: str = ""
    kind: str = ""
    source: str = ""
    note: str = ""
    effective: str = ""
    expires: str = ""
    translation_of: str = ""
    supersedes: tuple[str, ...] = ()


KEYS = frozenset(field.name for field in fields(Metadata))


def iso_date(value: object) -> str:
    """An ISO prefix for a date as written, "" if it is none: "2021", 2021, "2021-12", date(2021, 12, 13)."""
    if isinstance(value, datetime | date):
        return value.isoformat()[:10]
    text = str(value).strip()
    match = _DATE.match(text)
    if match is None:
        return ""
    year, month, day = (int(part) if part else 1 for part in match.groups())
    try:
        date(year, month, day)
    except ValueError:
        return ""
    return text


def _text(value: object) -> str:
    return " ".join(str(value).split())[:VALUE_CHARS]


def _ids(value: object) -> tuple[tuple[str, ...], str]:
    """Document ids of a `supersedes` value and what is wrong with it, "" if nothing."""
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        return (), f"supersedes is {_text(value)!r}; expected a list of document ids"
    return tuple(_text(item) for item in items if item.strip()), ""


def _field(key: str, value: object) -> tuple[str, str]:
    """The value of one key as text and what is wrong with it, "" if nothing."""
    if isinstance(value, dict | list):
        return "", f"{key} is a {type(value).__name__}; expected text"
    if key in _DATE_FIELDS:
        iso = iso_date(value)
        return iso, "" if iso else f'{key} is {_text(value)!r}; expected "YYYY", "YYYY-MM" or "YYYY-MM-DD"'
    text = _text(value)
    if key == "language":
        return (text, "") if text in ("zh", "en") else ("", f'language is {text!r}; expected "zh" or "en"')
    return text, ""


def from_mapping(values: Mapping[str, object]) -> tuple[Metadata, tuple[str, ...]]:
    """Metadata of a mapping written by a maintainer, and its problems in words: unknown keys, malformed values.

    A key with a problem is left out; keys without a value are not a problem.
    """
    found: dict[str, str] = {}
    supersedes: tuple[str, ...] = ()
    problems: list[str] = []
    for key, value in values.items():
        problem = ""
        if key not in KEYS:
            problem = f"unknown key {_text(key)[:80]!r}; known are {', '.join(sorted(KEYS))}"
        elif value is not None and value != "" and key == "supersedes":
            supersedes, problem = _ids(value)
        elif value is not None and value != "":
            found[key], problem = _field(key, value)
        if problem:
            problems.append(problem)
    return Metadata(supersedes=supersedes, **found), tuple(problems)


def merge(*metadata: Metadata) -> Metadata:
    """Metadata with every field from the first that has it; none gives an empty one."""
    chosen = {name: next((v for m in metadata if (v := getattr(m, name))), None) for name in KEYS}
    return Metadata(**{name: value for name, value in chosen.items() if value is not None})


def from_file_name(path: str) -> Metadata:
    """The date and document number that a file's name carries: "2022-02-14 notice.pdf", "粤府〔2023〕92号.pdf".

    A lone year is no date of issue (plans carry the years they cover), so only year and month or more count. The title
    is the name without extension, underscores and hyphens as spaces.
    """
    stem = PurePosixPath(path).stem
    title = " ".join(re.sub(r"[_\-]+", " ", stem).split()) or stem
    number = _NUMBER_IN_NAME.search(stem)
    return Metadata(
        title=title,
        published=_date_in(stem),
        document_number=f"{number[1]}〔{number[2]}〕{number[3]}号" if number else "",
    )


def _date_in(name: str) -> str:
    for match in _DATE_IN_NAME.finditer(name):
        year = match[1]
        month = match[3] or match[5] or match[7] or match[9]
        day = match[4] or match[6] or match[8]
        iso = iso_date(f"{year}-{int(month):02d}" + (f"-{int(day):02d}" if day else ""))
        if iso:
            return iso
    return ""


def resolve(path: str, *, declared: Metadata, manifest: Mapping[str, Metadata], properties: Metadata) -> Metadata:
    """The metadata of one document: front matter, then its manifest entry, then the file's properties, then its name.

    Of the date of publication a name says more than the properties: a PDF's is the day on which it was made.

    Args:
        path: Document id.
        declared: What the file itself declares in front matter (`LoadedDocument.metadata`).
        manifest: Entries of `read_manifest`, by document id.
        properties: What the file's format records (`LoadedDocument.properties`).
    """
    entry = manifest.get(path, Metadata())
    undated = replace(properties, published="")
    return merge(declared, entry, undated, from_file_name(path), properties)


def read_manifest(documents: Path) -> Mapping[str, Metadata]:
    """Entries of `manifest.toml` in the corpus, by document id; empty where there is no such file.

    Raises:
        SettingsError: If it is not TOML, an entry is no table, or a key or value is malformed.
    """
    path = documents / MANIFEST
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path} cannot be read as TOML: {error}. Mend it, then run: pilot index build") from error
    return dict(_entries(path, tables.items()))


def _entries(path: Path, tables: Iterable[tuple[str, object]]) -> Iterable[tuple[str, Metadata]]:
    for name, table in tables:
        if not isinstance(table, dict):
            raise SettingsError(
                f'{path}: {name!r} stands outside a table; expected ["zh/some-plan.pdf"] above its keys'
            )
        metadata, problems = from_mapping(table)
        if problems:
            raise SettingsError(f'{path}, ["{name}"]: {problems[0]}. Mend it, then run: pilot index build')
        yield name, metadata
