"""The commands of citizens: `pilot ask` for one question, `pilot serve` for the web chat."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from assistant.settings import Settings
from assistant.types import Answer, Filters, Question, shown_marks
from index.errors import SettingsError
from index.language import detect, unwrap


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not a date; expected YYYY-MM-DD") from error


def answer_json(answer: Answer) -> str:
    """The answer as one JSON object, its keys stable."""
    return json.dumps(asdict(answer), ensure_ascii=False, default=str)


def _print(answer: Answer) -> None:
    """The answer for a terminal: sentences with citation numbers, then the sources."""
    console = Console(highlight=False, soft_wrap=True)
    if answer.understood_as != unwrap(answer.question):
        console.print(Text(f"Understood as: {answer.understood_as}", style="italic"))
    for sentence, numbers in zip(answer.sentences, shown_marks(answer.sentences), strict=True):
        marks = "".join(f"[{n}]" for n in numbers)
        console.print(Text.assemble(unwrap(sentence.text), " " if marks else "", (marks, "bold")))
    if answer.message:
        console.print(Text(answer.message))
    for citation in answer.citations:
        facts = (citation.title, citation.issuer, citation.published, citation.document_number)
        page = f"p. {citation.page_label}" if detect(citation.title) == "en" else f"第{citation.page_label}页"
        line = ", ".join(fact for fact in (*facts, page, citation.section) if fact)
        console.print(Text(f"[{citation.n}] {line} ({citation.document_id})", style="dim"))
    for near in answer.nearest:
        console.print(Text(f"- {near.title} ({near.document_id})", style="dim"))
    for reading in answer.readings:
        console.print(Text(f"- {reading}"))


def ask(
    context: typer.Context,
    question: Annotated[str, typer.Argument(help="The question, in Chinese or English.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    as_of: Annotated[str, typer.Option(help="Only documents published up to this day, YYYY-MM-DD.")] = "",
    document: Annotated[list[str] | None, typer.Option(help="Only this document; may be given again.")] = None,
    language: Annotated[str, typer.Option(help="Only documents of this language: zh or en.")] = "",
    kind: Annotated[str, typer.Option(help="Only documents of this kind, for example plan.")] = "",
) -> None:
    """Answer one question from the documents, with citations."""
    from assistant.chain import open_assistant

    settings: Settings = context.obj
    if language not in ("", "zh", "en"):
        raise typer.BadParameter(f"{language!r} is not a language of the corpus; expected zh or en")
    filters = Filters(
        as_of=_day(as_of) if as_of else None,
        documents=tuple(document or ()),
        language="zh" if language == "zh" else "en" if language == "en" else None,
        kind=kind,
    )
    assistant = open_assistant(settings)
    known = assistant.engine.stores.current().documents
    for wanted in filters.documents:
        if wanted not in known:
            raise SettingsError(f"No document {wanted!r} in the index. Its documents: pilot index status --json")
    readable = question.encode("utf-8", "replace").decode()  # bytes of another encoding come as lone surrogates
    answer = assistant.invoke(Question(readable, filters=filters))
    if as_json:
        typer.echo(answer_json(answer))
    else:
        _print(answer)


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on; else the setting's.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on, 0 takes a free one; else the setting's.", min=0, max=65535)
    ] = None,
) -> None:
    """Serve the web chat; builds the index first where it is missing or out of date."""
    from assistant.startup import serve_chat

    settings: Settings = context.obj
    update = {"host": host or settings.server.host, "port": settings.server.port if port is None else port}
    serve_chat(settings.model_copy(update={"server": settings.server.model_copy(update=update)}))
