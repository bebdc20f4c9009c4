"""Markdown with YAML front matter: headings, paragraphs, lists and tables without their markup."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from index.loaders.encoding import decode, read_bytes
from index.loaders.page_text import PageBuilder, first_heading
from index.loaders.types import LoadedDocument, PageNote
from index.metadata import Metadata, from_mapping
from index.settings import LimitSettings

NAME = "markdown/1"
FRONT_MATTER_CHARS = 20_000
_FRONT = re.compile(r"\A---[ \t]*\n(.*?\n)?(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_ALIAS = re.compile(r"(?m)(?:^|[\s\[{,:-])[&*][A-Za-z0-9_]+")
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
    _render(MarkdownIt("commonmark", {"maxNesting": 40}).enable("table").parse(body), builder)
    pages, more = builder.finish()
    return LoadedDocument(NAME, declared, pages, (*notes, *more), 1, Metadata(title=first_heading(pages)))


def front_matter(text: str) -> tuple[Metadata, str, tuple[str, ...]]:
    """What YAML between `---` lines at the top declares, the text after it, and problems in words.

    Front matter that is no YAML mapping, too long or that uses anchors is a problem and declares nothing.
    """
    match = _FRONT.match(text)
    if match is None:
        return Metadata(), text, ()
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
        values = yaml.load(source, Loader=yaml.BaseLoader)  # every scalar is text: no dates that cannot be, no objects
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        where = getattr(error, "problem_mark", None)
        line = f" in line {where.line + 2}" if where is not None else ""
        return Metadata(), body, (f"front matter is no YAML{line}: {getattr(error, 'problem', None) or error}",)
    if values is None:
        return Metadata(), body, ()
    if not isinstance(values, dict):
        return Metadata(), body, (f"front matter is a {type(values).__name__}; expected lines of key: value",)
    metadata, problems = from_mapping({str(key): value for key, value in values.items()})
    return metadata, body, tuple(f"front matter: {problem}" for problem in problems)


def _render(tokens: Sequence[Token], builder: PageBuilder) -> None:
    """Adds every block of the token stream to the builder, in order."""
    lists: list[str] = []
    rows: list[list[str]] = []
    kind, first_of_item, level = "", False, 0
    for token in tokens:
        if token.type in ("bullet_list_open", "ordered_list_open"):
            lists.append(token.type)
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            lists.pop()
        elif token.type == "list_item_open":
            first_of_item, marker = True, f"{token.info}{token.markup}" if lists[-1].startswith("ordered") else "-"
        elif token.type == "heading_open":
            kind, level = "heading", int(token.tag[1:])
        elif token.type == "heading_close":
            kind = ""
        elif token.type == "table_open":
            rows, kind = [], "cell"
        elif token.type == "table_close":
            builder.table(rows, header=any(rows[0]))
            kind = ""
        elif token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and kind == "cell":
            rows[-1].append(_inline(token))
        elif token.type == "inline" and kind == "heading":
            builder.heading(_inline(token), level)
        elif token.type == "inline" and lists:
            builder.list_item(_inline(token), len(lists), marker if first_of_item else " ")
            first_of_item = False
        elif token.type == "inline":
            builder.paragraph(_inline(token))
        elif token.type in ("fence", "code_block"):
            builder.add("paragraph", token.content)
        elif token.type == "html_block":
            builder.paragraph(_TAG.sub(" ", token.content))


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
