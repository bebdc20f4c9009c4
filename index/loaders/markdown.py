"""Markdown with YAML front matter: headings, paragraphs, lists and tables without their markup."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from index.loaders.encoding import decode, read_bytes
from index.loaders.page_text import PageBuilder, first_heading
from index.loaders.types import LoadedDocument, PageNote
from index.metadata import KEYS, Metadata, from_mapping
from index.settings import LimitSettings

NAME = "markdown/2"
FRONT_MATTER_CHARS = 20_000
_FRONT = re.compile(r"\A---[ \t]*\n(.*?\n)?(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_OPENED = re.compile(rf"\A---[ \t]*\n(?:{'|'.join(sorted(KEYS))}):")
_KEY = re.compile(r"(?m)^([a-z_]+):")
_ALIAS = re.compile(r"(?m)(?:^|[\s\[{,:-])[&*][A-Za-z0-9_]+")
_BARE_DATE = re.compile(r"(?m)^([a-z_]+:[ \t]*)(\d{4}-\d\d-\d\d)(?=[ \t]*$)")
"""A date that YAML would make a date object of, and lose the rest over where there is no such day."""
_TAG = re.compile(r"<!--.*?-->|</?[A-Za-z][^<>]*>", re.DOTALL)


def load(path: Path, limits: LimitSettings) -> LoadedDocument:
    """A Markdown file as one page.

    Raises:
        UnreadableError: If it is too big, empty or no text.
    """
    decoded = decode(read_bytes(path, limit_mb=limits.file_mb))
    notes = decoded.notes()
    text = decoded.text.replace("\r\n", "\n").replace("\r", "\n")
    declared, body, problems = front_matter(text)
    notes.extend(PageNote(0, "front_matter", problem) for problem in problems)
    builder = PageBuilder(pages=limits.pages, chars=limits.chars)
    _Renderer(builder).add(MarkdownIt("commonmark", {"maxNesting": 40}).enable("table").parse(body))
    pages, more = builder.finish()
    return LoadedDocument(NAME, declared, pages, (*notes, *more), 1, Metadata(title=first_heading(pages)))


def front_matter(text: str) -> tuple[Metadata, str, tuple[str, ...]]:
    """What YAML between `---` lines at the top declares, the text after it, and problems in words.

    Front matter that is no YAML mapping, too long or that uses anchors is a problem and declares nothing.
    """
    match = _FRONT.match(text)
    if match is None:
        left_open = _OPENED.match(text)
        return Metadata(), text, ("front matter is not closed by a line ---; it is read as text",) if left_open else ()
    source, body = match[1] or "", text[match.end() :]
    if len(source) > FRONT_MATTER_CHARS:
        return (
            Metadata(),
            body,
            (f"front matter of {len(source):,} characters; at most {FRONT_MATTER_CHARS:,} are read",),
        )
    if _ALIAS.search(re.sub(r"\"[^\"\n]*\"|'[^'\n]*'", "", source)):
        return Metadata(), body, ("front matter with YAML anchors or aliases is not read; write the values out",)
    try:
        values = yaml.safe_load(_BARE_DATE.sub(r'\1"\2"', source))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        where = getattr(error, "problem_mark", None)
        line = f" in line {where.line + 2}" if where is not None else ""
        return Metadata(), body, (f"front matter is no YAML{line}: {getattr(error, 'problem', None) or error}",)
    if values is None:
        return Metadata(), body, ()
    if not isinstance(values, dict):
        return Metadata(), body, (f"front matter is a {type(values).__name__}; expected lines of key: value",)
    metadata, problems = from_mapping({str(key): value for key, value in values.items()})
    twice = [key for key, count in Counter(_KEY.findall(source)).items() if count > 1]
    problems += tuple(f"{key} is given twice; the last one counts" for key in twice)
    return metadata, body, tuple(f"front matter: {problem}" for problem in problems)


class _Renderer:
    """Adds every block of a token stream to a builder, in order."""

    def __init__(self, builder: PageBuilder) -> None:
        self._builder = builder
        self._lists: list[str] = []
        self._rows: list[list[str]] = []
        self._inside = ""
        self._level = 0
        self._marker = " "

    def add(self, tokens: Sequence[Token]) -> None:
        """Adds what the tokens hold."""
        for token in tokens:
            if token.type == "inline":
                self._text(_inline(token))
            elif token.type in ("fence", "code_block"):
                self._builder.add("paragraph", token.content)
            elif token.type == "html_block":
                self._builder.paragraph(_TAG.sub(" ", token.content))
            else:
                self._structure(token)

    def _structure(self, token: Token) -> None:
        if token.type in ("bullet_list_open", "ordered_list_open"):
            self._lists.append(token.type)
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            self._lists.pop()
        elif token.type == "list_item_open":
            self._marker = f"{token.info}{token.markup}" if self._lists[-1].startswith("ordered") else "-"
        elif token.type == "heading_open":
            self._inside, self._level = "heading", int(token.tag[1:])
        elif token.type == "table_open":
            self._inside, self._rows = "table", []
        elif token.type == "tr_open":
            self._rows.append([])
        elif token.type == "table_close":
            self._builder.table(self._rows, header=any(self._rows[0]))
        if token.type in ("heading_close", "table_close"):
            self._inside = ""

    def _text(self, text: str) -> None:
        if self._inside == "table":
            self._rows[-1].append(text)
        elif self._inside == "heading":
            self._builder.heading(text, self._level)
        elif self._lists:
            self._builder.list_item(text, len(self._lists), self._marker)
            self._marker = " "
        else:
            self._builder.paragraph(text)


def _inline(token: Token) -> str:
    """Text of inline tokens without markup: link and image texts stay, addresses and tags go."""
    parts: list[str] = []
    for child in token.children or ():
        if child.type in ("text", "code_inline", "text_special"):
            parts.append(child.content)
        elif child.type in ("softbreak", "hardbreak"):
            parts.append("\n")
        elif child.type == "image":
            parts.append(child.content)
        elif child.type == "html_inline" and child.content.lower().startswith("<br"):
            parts.append("\n")
    return "".join(parts)
