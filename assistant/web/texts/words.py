"""The names of the words that the web pages show; each language fills all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from assistant.types import Outcome
from index.types import Language


@dataclass(frozen=True, slots=True)
class OutcomeWords:
    """How one outcome is said.

    Attributes:
        title: One line above the answer; empty for a plain answer.
        body: Shown where the answer carries no message of its own.
        step: What to do next; empty where buttons say it.
    """

    title: str
    body: str
    step: str


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language; `{…}` names are filled by `str.format`.

    Attributes:
        language: Which language.
        html_lang: Value of HTML's lang attribute.
        outcomes: How each outcome is said.
        examples: Questions to start with.
        months: Names of the months, January first; empty where dates are written in numbers.
    """

    language: Language
    html_lang: str
    outcomes: Mapping[Outcome, OutcomeWords]
    examples: tuple[str, ...]
    months: tuple[str, ...]
    name: str
    tagline: str
    page_title: str
    skip: str
    documents: str
    other_language: str
    heading: str
    lede: str
    promise: str
    examples_title: str
    box_label: str
    box_placeholder: str
    ask: str
    stop: str
    hint: str
    waiting: str
    stopped: str
    understood: str
    edit: str
    you_asked: str
    answer: str
    sources: str
    source_n: str
    open_source: str
    new_tab: str
    page: str
    section: str
    issued_by: str
    number: str
    number_name: str
    back_to_answer: str
    superseded: str
    nearest: str
    readings: str
    unanswered: str
    try_again: str
    verbatim: str
    one_document: str
    many_documents: str
    announce: str
    empty_title: str
    empty: str
    too_long_title: str
    too_long: str
    too_long_near: str
    failed: str
    timed_out: str
    busy: str
    unreachable: str
    lost: str
    refused: str
    too_big: str
    footer: str
    needs_script: str
    source_page_title: str
    source_heading: str
    source_missing_title: str
    source_missing: str
    source_withdrawn: str
    source_superseded: str
    source_changed: str
    source_generation_gone: str
    source_no_quote: str
    to_quote: str
    back_to_chat: str
    original: str
    note: str
    translation: str
    kind: str
    effective: str
    expires: str
    published: str
    page_of: str
    previous_page: str
    next_page: str
    cited_here: str
    documents_heading: str
    documents_lede: str
    documents_empty: str
    documents_in: Mapping[Language, str]
    replaced: str
    ellipsis: str
    no_index_title: str
    no_index: str
