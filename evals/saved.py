"""Runs on disk: one JSON file a run, with every question's scores, so that two runs can be compared."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evals.run import Result
from evals.squad_run import SquadResult
from index.errors import PilotError

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]


class SavedResult(BaseModel):
    """What a comparison needs of one question.

    Attributes:
        id, question, outcome: Of the question.
        scores: Its part of each figure, by the figure's name.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    question: str
    outcome: str
    scores: dict[str, float]


class SavedRun(BaseModel):
    """A run read back.

    Attributes:
        name: What was asked, for example "pilot.jsonl".
        created: When, ISO 8601 in UTC.
        results: One for each question.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    created: str
    results: tuple[SavedResult, ...] = Field(min_length=1)


def now() -> str:
    """The time in UTC as ISO 8601, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def save_run(
    path: Path, name: str, report: Mapping[str, Json], *, results: Sequence[Result] | Sequence[SquadResult]
) -> None:
    """Write a run with its report and every question's details and scores, making the folder.

    Raises:
        PilotError: If it cannot be written.
    """
    rows = [{**asdict(result), "scores": result.scores} for result in results]
    data = {"name": name, "created": now(), "report": report, "results": rows}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", "utf-8")
    except OSError as error:
        raise PilotError(f"{path}: cannot write this run: {error.strerror}. Name another file: --out FILE") from error


def load_run(path: Path) -> SavedRun:
    """A run that `save_run` wrote.

    Raises:
        PilotError: If the file is missing or no run.
    """
    try:
        return SavedRun.model_validate_json(path.read_bytes())
    except OSError as error:
        raise PilotError(
            f"{path}: cannot read this run: {error.strerror}. Make one: pilot evals run --out FILE"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "file"
        raise PilotError(f"{path}: no run: {where}: {first['msg']}. Make one: pilot evals run --out FILE") from error
