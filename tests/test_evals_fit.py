from __future__ import annotations

import pytest
import typer

from evals import fit
from evals.fit_data import Candidate, Task
from index.errors import PilotError
from tests.fakes_assistant import tiny_assistant, tiny_store

TASKS = [Task(f"question {number}", (), (Candidate("a sentence"),)) for number in range(10)]


@pytest.mark.parametrize(("weight", "count"), [(0.0, 0), (0.3, 3), (1.0, 10), (2.5, 25)])
def test_weighted_asks_each_as_often_and_draws_the_rest_once(weight: float, count: int) -> None:
    found = fit.weighted(TASKS, weight)
    assert len(found) == count
    times = [found.count(task) for task in TASKS]
    assert max(times) - min(times) <= 1
    assert found == fit.weighted(TASKS, weight)


def test_weights_are_read_by_name() -> None:
    given = ["own documents=0.5", "xquad.zh over xquad.en=2"]
    assert fit.weights_by_name(given) == {"own documents": 0.5, "xquad.zh over xquad.en": 2.0}


@pytest.mark.parametrize("given", ["exercises", "=1", "exercises=-1", "exercises=much", "exercises=nan", "a=inf"])
def test_weights_that_say_nothing_are_refused(given: str) -> None:
    with pytest.raises(typer.BadParameter, match="is not NAME=NUMBER"):
        fit.weights_by_name([given])


def test_weight_of_an_unknown_collection_names_the_known_ones(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit, "read_collections", lambda bench, train: [])
    folder = tmp_path_factory.mktemp("fit")
    assistant = tiny_assistant(tiny_store(folder, {"a.md": "The tunnel opened in 2024."}))
    sources = fit.Sources(folder, folder, folder, weights={"own documents": 0, "squad": 1})
    with pytest.raises(PilotError, match="squad is no collection to fit on; name one of: own documents"):
        fit.tasks_to_fit_on(sources, assistant, lambda line: None)
