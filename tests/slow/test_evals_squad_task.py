"""A SQuAD file through the product's own build and assistant, with the bundled model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assistant.settings import Settings
from evals.squad_run import squad_figures
from evals.squad_task import SquadTask, run_squad
from index.errors import PilotError
from index.settings import PROJECT_ROOT

pytestmark = pytest.mark.slow

PARAGRAPHS = (
    (
        "The harbour of Yantian opened in 1994. It handles containers.",
        "When did Yantian open?",
        "1994",
        "盐田港几时开港？",
    ),
    ("The tunnel under the river is 6.8 km long.", "How long is the tunnel?", "6.8 km", "隧道有多长？"),
    ("Bananas grow in the south of the province.", "What grows in the south?", "Bananas", "南方种什么？"),
)


def write(path: Path, *, chinese: bool) -> Path:
    paragraphs = [
        {"context": text, "qas": [{"id": str(i), "question": zh if chinese else en, "answers": [{"text": answer}]}]}
        for i, (text, en, answer, zh) in enumerate(PARAGRAPHS)
    ]
    path.write_text(json.dumps({"data": [{"paragraphs": [one]} for one in paragraphs]}), "utf-8")
    return path


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home of its own that shares the models already exported."""
    home = tmp_path / "home"
    home.mkdir()
    models = PROJECT_ROOT / "var" / "models"
    models.mkdir(parents=True, exist_ok=True)
    (home / "models").symlink_to(models, target_is_directory=True)
    return Settings(home=home)


def test_run_squad_of_three_paragraphs_finds_each_first(settings: Settings, tmp_path: Path) -> None:
    task = SquadTask(write(tmp_path / "en.json", chinese=False), near_miss=True)
    figures = squad_figures(run_squad(settings, task))
    assert (figures["n"], figures["recall@1"], figures["evidence@2"]) == (3, 1.0, 1.0)
    assert figures["near_miss_auroc"] is not None


def test_run_squad_again_builds_no_second_generation(settings: Settings, tmp_path: Path) -> None:
    english, chinese = write(tmp_path / "en.json", chinese=False), write(tmp_path / "zh.json", chinese=True)
    run_squad(settings, SquadTask(english))
    results = run_squad(settings, SquadTask(english, questions=chinese, split="odd", traditional=True))
    generations = list((settings.home / "evals").glob("squad-*/index/gen-*"))
    assert [result.question for result in results] == ["隧道有多長？"]
    assert len(generations) == 1


def test_run_squad_with_nothing_to_ask_is_refused(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    article = {"paragraphs": [{"context": "x", "qas": [{"id": "1", "question": "y?", "answers": [{"text": "x"}]}]}]}
    path.write_text(json.dumps({"data": [article]}), "utf-8")
    with pytest.raises(PilotError, match=r"no answerable question in its odd articles\. Try: --split all"):
        run_squad(settings, SquadTask(path, split="odd"))
