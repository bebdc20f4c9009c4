"""What a run says: figures as a JSON object or as tables for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from evals.bench import Point
from evals.bench_edit import Edit
from evals.compare import Change, Difference
from evals.figures import Figure, Figures, grouped, stage_figures, suite_figures
from evals.run import Result, Run
from evals.saved import Json

HASHED_NOTE = (
    "Vectors are hashed words: build times are those of everything but the model, and what is found means nothing. "
    "Questions are embedded by the model, so their times are whole."
)
_COLUMNS = ("outcome_accuracy", "correct", "recall@1", "recall@5", "citation_precision", "citation_recall")


def suite_json(run: Run) -> dict[str, Json]:
    """The report of a suite run: figures with n and interval, the same by kind and language, stages, wrong rows."""
    return {
        "suite": run.suite,
        "generation": run.generation,
        "n": len(run.results),
        "figures": _plain(suite_figures(run.results)),
        "by_kind": {name: _plain(part) for name, part in grouped(run.results, lambda one: one.kind).items()},
        "by_language": {name: _plain(part) for name, part in grouped(run.results, lambda one: one.language).items()},
        "stages_ms": stage_figures([one.timings_ms for one in run.results]),
        "wrong": [one.id for one in run.results if not one.correct],
    }


def _plain(figures: Figures) -> dict[str, Json]:
    """Figures as plain objects, those that no question defines left out."""
    return {name: asdict(figure) for name, figure in figures.items() if figure.value is not None}


def suite_tables(run: Run) -> RenderableType:
    """The report of a suite run as tables: all figures, by kind, by language, stages, wrong questions."""
    table = Table("figure", "value", "95 %", "n", title=f"{run.suite}: {len(run.results)} questions, {run.generation}")
    for name, figure in suite_figures(run.results).items():
        table.add_row(name, _value(name, figure), _interval(figure), str(figure.n))
    parts: list[RenderableType] = [
        table,
        _breakdown("kind", grouped(run.results, lambda one: one.kind)),
        _breakdown("language", grouped(run.results, lambda one: one.language)),
        stage_table(stage_figures([one.timings_ms for one in run.results])),
    ]
    wrong = [one for one in run.results if not one.correct]
    if wrong:
        parts.append(_wrong_table(wrong))
    return Group(*parts)


def _value(name: str, figure: Figure) -> str:
    if figure.value is None:
        return "–"
    return f"{figure.value:.1f}" if name.startswith("ms_") else f"{figure.value:.3f}"


def _interval(figure: Figure) -> str:
    return "" if figure.low is None or figure.high is None else f"{figure.low:.3f} – {figure.high:.3f}"


def _breakdown(what: str, groups: Mapping[str, Figures]) -> Table:
    table = Table(what, "n", *_COLUMNS)
    for name, figures in groups.items():
        cells = [_value(column, figures[column]) for column in _COLUMNS]
        table.add_row(name, str(figures["outcome_accuracy"].n), *cells)
    return table


def _wrong_table(wrong: Sequence[Result]) -> Table:
    table = Table("id", "question", "expected", "came", "rank", "missing", title=f"{len(wrong)} not correct")
    for one in wrong:
        rank = "" if one.rank is None else str(one.rank)
        missing = "; ".join(one.missing)
        table.add_row(one.id, Text(one.question), one.expected, one.outcome, rank, Text(missing))
    return table


def stage_table(stages: Mapping[str, Mapping[str, float]]) -> Table:
    """Milliseconds by stage."""
    table = Table("stage", "p50 ms", "p95 ms")
    for stage, figures in stages.items():
        table.add_row(stage, f"{figures['p50']:.1f}", f"{figures['p95']:.1f}")
    return table


def squad_table(title: str, figures: Mapping[str, float | int | None]) -> Table:
    """Figures of a SQuAD run; those not measured show a dash."""
    table = Table("figure", "value", title=title)
    for name, value in figures.items():
        shown = "–" if value is None else str(value) if isinstance(value, int) else f"{value:.4f}"
        table.add_row(name, shown)
    return table


def compare_tables(differences: Sequence[Difference], changes: Sequence[Change]) -> RenderableType:
    """Differences by figure, then the questions that changed."""
    table = Table("figure", "n", "first", "second", "difference", "95 %", "up", "down", "p")
    for one in differences:
        table.add_row(
            one.name,
            str(one.n),
            f"{one.first:.4f}",
            f"{one.second:.4f}",
            f"{one.second - one.first:+.4f}",
            f"{one.low:+.4f} – {one.high:+.4f}",
            str(one.up) if one.p is not None else "",
            str(one.down) if one.p is not None else "",
            f"{one.p:.3f}" if one.p is not None else "",
        )
    changed = Table("id", "question", "outcome", "up", "down", title=f"{len(changes)} questions changed")
    for change in changes:
        outcome = change.first if change.first == change.second else f"{change.first} → {change.second}"
        changed.add_row(change.id, Text(change.question), outcome, ", ".join(change.up), ", ".join(change.down))
    return Group(table, changed)


def bench_table(points: Sequence[Point]) -> RenderableType:
    """One column a size; where vectors were hashed a line says what that means."""
    table = Table("", *(f"{point.chunks:,} chunks" for point in points), title="The index as it grows")
    rows = {
        name: [getattr(point, name) for point in points]
        for name in Point.__dataclass_fields__
        if name not in ("chunks", "stages_s")
    }
    for name, values in rows.items():
        table.add_row(name, *(f"{value:,.1f}" if isinstance(value, float) else str(value) for value in values))
    for stage in dict.fromkeys(stage for point in points for stage in point.stages_s):
        table.add_row(f"  {stage}, s", *(f"{point.stages_s.get(stage, 0):,.1f}" for point in points))
    if all(point.embedder == "model" for point in points):
        return table
    return Group(table, Text(HASHED_NOTE))


def edit_table(found: Edit) -> RenderableType:
    """The two builds side by side, and by stage; where vectors were hashed a line says what that means."""
    title = f"{found.documents:,} documents, one sentence of {found.edited} changed"
    table = Table("", "first build", "second build", "share", title=title)
    rows = {
        "chunks read": (found.chunks, found.edited_chunks),
        "chunks embedded": (found.chunks, found.chunks_embedded),
        "sentences embedded": (found.sentences, found.sentences_embedded),
    }
    for name, (first, second) in rows.items():
        table.add_row(name, f"{first:,}", f"{second:,}", "")
    table.add_row("seconds", f"{found.first_s:,.1f}", f"{found.second_s:,.1f}", f"{found.second_share:.1%}")
    for stage, first_s in found.first_stages_s.items():
        table.add_row(f"  {stage}, s", f"{first_s:,.1f}", f"{found.second_stages_s.get(stage, 0):,.1f}", "")
    return table if found.embedder == "model" else Group(table, Text(HASHED_NOTE))
