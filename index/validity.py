"""Which documents replace which, and contradictions in their dates and references that a maintainer should mend."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from index.loaders.types import PageNote
from index.types import Document


def first_day(iso: str) -> date | None:
    """The first day of "2021", "2021-12" or "2021-12-13"; None where it is empty or no date."""
    parts = iso.split("-")
    try:
        return date(int(parts[0]), *(int(part) for part in [*parts[1:], "1", "1"][:2]))
    except ValueError:
        return None


def last_day(iso: str) -> date | None:
    """The last day of "2021", "2021-12" or "2021-12-13"; None where it is empty or no date."""
    first = first_day(iso)
    if first is None or iso.count("-") == 2:
        return first
    after = date(first.year + 1, 1, 1) if "-" not in iso or first.month == 12 else date(first.year, first.month + 1, 1)
    return date.fromordinal(after.toordinal() - 1)


def resolve_superseded(documents: Iterable[Document]) -> list[Document]:
    """The documents with `superseded_by` filled from the others' `supersedes`: the newest of several that claim it."""
    listed = list(documents)
    by: dict[str, Document] = {}
    for document in sorted(listed, key=lambda one: (one.published, one.id)):
        for older in document.supersedes:
            if older != document.id:
                by[older] = document
    return [replace(one, superseded_by=by[one.id].id) if one.id in by else one for one in listed]


def contradictions(documents: Sequence[Document], *, known: Iterable[str], today: date) -> list[str]:
    """Sentences about documents whose dates or references contradict each other, by document.

    Args:
        documents: With `superseded_by` filled.
        known: Ids that `manifest.toml` has entries for; one without a file is mentioned.
        today: Day that "expired" is judged by.
    """
    ids = {document.id: document for document in documents}
    found = [text for document in documents for text in _of_one(document, ids, today)]
    found += [f"{circle[0]}: supersedes {_in_turn(circle[1:])}" for circle in _circles(ids)]
    missing = sorted(set(known) - ids.keys())
    return found + [f"manifest.toml: {name} is not indexed" for name in missing]


def _in_turn(others: Sequence[str]) -> str:
    return "".join(f"{name}, which supersedes " for name in others) + "it in turn"


def _circles(ids: Mapping[str, Document]) -> Iterator[list[str]]:
    """Circles of three documents or more that supersede each other, each from its least id; pairs are told apart.

    The shortest from each document: of several that share one, the others are found once it is mended.
    """
    older = {
        name: [one for one in document.supersedes if one in ids and name not in ids[one].supersedes]
        for name, document in ids.items()
    }
    for first in sorted(name for name, names in older.items() if names):
        came_from: dict[str, str] = {}
        queue = deque([first])
        while queue and first not in came_from:
            name = queue.popleft()
            for one in older[name]:
                if one >= first and one not in came_from:
                    came_from[one] = name
                    queue.append(one)
        if first in came_from:
            circle = [came_from[first]]
            while circle[-1] != first:
                circle.append(came_from[circle[-1]])
            yield circle[::-1]


def _of_one(document: Document, ids: Mapping[str, Document], today: date) -> list[str]:
    found: list[str] = []
    for older in document.supersedes:
        if older == document.id:
            found.append("supersedes itself")
        elif older not in ids:
            found.append(f"supersedes {older}, which is not indexed")
        elif document.id in ids[older].supersedes:
            found.append(f"supersedes {older}, which supersedes it in turn")
    expires, effective = last_day(document.expires), first_day(document.effective)
    if expires is not None and expires < today and not document.superseded_by:
        found.append(f"expired on {document.expires} and nothing supersedes it")
    if expires is not None and effective is not None and effective > expires:
        found.append(f"effective on {document.effective}, after it expires on {document.expires}")
    published = first_day(document.published)
    if published is not None and published > today:
        found.append(f"published on {document.published}, which is in the future")
    if expires is not None and published is not None and published > expires:
        found.append(f"published on {document.published}, after it expires on {document.expires}")
    if document.translation_of and document.translation_of not in ids:
        found.append(f"translation_of {document.translation_of}, which is not indexed")
    if document.translation_of == document.id:
        found.append("translation_of itself")
    return [f"{document.id}: {text}" for text in found]


def bad_front_matter(document_id: str, notes: Iterable[PageNote]) -> list[str]:
    """What a file's own front matter has wrong (unknown keys, malformed dates), one sentence each."""
    return [f"{document_id}: {note.text}" for note in notes if note.code == "front_matter"]
