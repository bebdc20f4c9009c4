"""One SQuAD measurement from files to results: read, build the product's index, open the assistant, ask."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from assistant.settings import Settings
from evals.progress import ticking
from evals.squad import Split, Squad, SquadQuestion, chosen, load_squad, with_questions_of
from evals.squad_corpus import corpus_digest, ensure_index, measuring_settings, write_corpus
from evals.squad_run import SquadResult, ask_all, targets
from evals.subject import open_subject
from index.errors import PilotError


@dataclass(frozen=True, slots=True)
class SquadTask:
    """What is measured.

    Attributes:
        file: Paragraphs, and answers.
        questions: The questions in other words, matched by id; None asks the file's own.
        also: A translation whose paragraphs are indexed too and count as well; None for one language.
        split: Which articles' questions are asked; all paragraphs are indexed in any case.
        traditional: Whether the questions are turned into traditional characters.
        near_miss: Whether each is asked again without its paragraph.
    """

    file: Path
    questions: Path | None = None
    also: Path | None = None
    split: Split = "all"
    traditional: bool = False
    near_miss: bool = False

    @property
    def title(self) -> str:
        """What is measured, in a line."""
        asked = (self.questions or self.file).name
        indexed = self.file.name + (f" + {self.also.name}" if self.also else "")
        return f"{asked} over {indexed}, {self.split} articles{', traditional' if self.traditional else ''}"


def run_squad(settings: Settings, task: SquadTask) -> tuple[SquadResult, ...]:
    """Build what is missing, ask every chosen question, in the file's order.

    Raises:
        PilotError: If a file is malformed, nothing is left to ask, or the index cannot be built.
    """
    files, asked = prepare(task)
    measuring = measuring_settings(settings, f"squad-{corpus_digest(files)}")
    write_corpus(files, measuring.index.documents)
    ensure_index(measuring)
    subject = open_subject(measuring)
    with ticking("Asking", len(asked)) as tick:
        return ask_all(subject, targets(files, asked), near_miss=task.near_miss, tick=tick)


def prepare(task: SquadTask) -> tuple[tuple[Squad, ...], tuple[SquadQuestion, ...]]:
    """The files to index and the questions to ask.

    Raises:
        PilotError: If a file is malformed or nothing is left to ask.
    """
    main = load_squad(task.file)
    if task.questions is not None:
        main = with_questions_of(main, load_squad(task.questions))
    files = (main,) if task.also is None else (main, load_squad(task.also))
    asked = chosen(main.questions, task.split)
    if not asked:
        raise PilotError(f"{task.file}: no answerable question in its {task.split} articles. Try: --split all")
    return files, traditional(asked) if task.traditional else asked


def traditional(questions: tuple[SquadQuestion, ...]) -> tuple[SquadQuestion, ...]:
    """The questions in traditional characters (OpenCC, s2t)."""
    from opencc import OpenCC

    convert = OpenCC("s2t").convert
    return tuple(replace(question, text=convert(question.text)) for question in questions)
