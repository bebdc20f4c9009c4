"""Views to HTML: Jinja templates in which every value is escaped, for HTML and for Gradio's own template syntax."""

from __future__ import annotations

import html
from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from assistant.web.excerpts import Line

HERE = Path(__file__).resolve().parent
_GRADIO_SYNTAX = str.maketrans({"{": "&#123;", "}": "&#125;", "$": "&#36;", "`": "&#96;", "\\": "&#92;"})


def escaped(value: object) -> Markup:
    """The value as inert HTML text: no tags, no quotes, and nothing that Gradio's HTML template would evaluate."""
    if isinstance(value, Markup):
        return value
    return Markup(html.escape(str(value), quote=True).translate(_GRADIO_SYNTAX))


@lru_cache(maxsize=1)
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        finalize=escaped,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["groupby_kind"] = _by_kind
    return environment


def _by_kind(lines: Sequence[Line]) -> list[tuple[str, list[Line]]]:
    """Neighbouring lines of one kind together, so that list items share a list."""
    return [(kind, list(members)) for kind, members in groupby(lines, lambda line: line.kind)]


def render(template: str, **values: object) -> str:
    """The HTML of a template of assistant/web/templates with these values.

    Raises:
        jinja2.UndefinedError: If the template names a value that is not given.
    """
    return _templates().get_template(template).render(**values)


@lru_cache(maxsize=16)
def static_text(name: str) -> str:
    """A file of assistant/web/static as text."""
    return (HERE / "static" / name).read_text(encoding="utf-8")
