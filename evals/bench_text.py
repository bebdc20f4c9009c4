"""Large corpora cut from real text: sentences of any text at hand, recombined at their commas so that none is repeated.

Real sentence lengths, words and word frequencies stay; a chunk's text occurs once.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from index.errors import PilotError
from index.language import detect, sentence_spans
from index.settings import PROJECT_ROOT
from index.types import Language

_SUFFIXES = frozenset({".txt", ".md", ".json", ".jsonl"})
_NEARBY = (PROJECT_ROOT.parent / "shared" / "bench", PROJECT_ROOT.parent / "shared" / "train")
_PASSAGE_CHARS = 80
_COMMA = re.compile(r"(?<=[^\W\d]), |，")
_DOCUMENT_SENTENCES = 120
_SMALL_SENTENCES = 10
_PARAGRAPH_SENTENCES = 5


@dataclass(frozen=True, slots=True)
class Half:
    """Sentences of one language cut in two.

    Attributes:
        heads: Beginnings, with the comma that ends them.
        tails: Ends, with the full stop.
    """

    heads: tuple[str, ...]
    tails: tuple[str, ...]


def nearby_text(project: Path = PROJECT_ROOT / "documents") -> tuple[Path, ...]:
    """Where text is taken from when none is named: public data next to the project, else the project's documents."""
    found = tuple(folder for folder in _NEARBY if folder.is_dir())
    return found or (project,)


def read_sentences(sources: Sequence[Path]) -> dict[Language, Half]:
    """Sentences of text, Markdown, JSON and JSON Lines files (of folders: all below), cut at a comma, by language.

    Of JSON every string of a passage's length counts; sentences without a comma are left out.

    Raises:
        PilotError: If a source is missing or no language has two sentences to recombine.
    """
    heads: dict[Language, dict[str, None]] = {"en": {}, "zh": {}}
    tails: dict[Language, dict[str, None]] = {"en": {}, "zh": {}}
    for text in _texts(sources):
        for start, end in sentence_spans(text):
            sentence = " ".join(text[start:end].split())
            cuts = [match.end() for match in _COMMA.finditer(sentence)]
            if cuts and len(sentence) <= 600:
                language = detect(sentence)
                cut = cuts[len(cuts) // 2]
                heads[language][sentence[:cut]] = None
                tails[language][sentence[cut:]] = None
    halves = {
        language: Half(tuple(heads[language]), tuple(tails[language])) for language in heads if len(heads[language]) > 1
    }
    if not halves:
        where = ", ".join(str(source) for source in sources)
        raise PilotError(f"{where}: no sentences with a comma to cut text from. Name larger text: --text FILE")
    return halves


def _texts(sources: Sequence[Path]) -> Iterator[str]:
    for source in sources:
        if not source.exists():
            raise PilotError(f"{source}: no such file or folder to take text from. Name another: --text FILE")
        files = sorted(source.rglob("*")) if source.is_dir() else [source]
        for file in files:
            if file.suffix in _SUFFIXES and file.is_file():
                text = file.read_text("utf-8", errors="replace")
                yield from _strings(file.suffix, text) if file.suffix.startswith(".json") else [text]


def _strings(suffix: str, text: str) -> Iterator[str]:
    """Every string of a passage's length in a JSON or JSON Lines file."""
    queue: list[object] = [json.loads(part) for part in (text.splitlines() if suffix == ".jsonl" else [text]) if part]
    while queue:
        value = queue.pop()
        if isinstance(value, str):
            if len(value) >= _PASSAGE_CHARS:
                yield value
        elif isinstance(value, dict):
            queue.extend(value.values())
        elif isinstance(value, list):
            queue.extend(value)


def sentence(half: Half, rng: random.Random) -> str:
    """A beginning and an end that were not one sentence before (unless chance puts them together again)."""
    return rng.choice(half.heads) + rng.choice(half.tails)


def write_documents(halves: dict[Language, Half], folder: Path, *, chunks: int, chunk_chars: int) -> int:
    """Write text files of both languages in turn for about so many chunks; the same call writes the same files.

    Args:
        halves: What sentences are made of.
        folder: Where to; files that are there already are left alone.
        chunks: How many chunks the product's chunker should make of them, about.
        chunk_chars: `IndexSettings.chunk_chars`: a Chinese character counts three.

    Returns:
        Characters written.
    """
    made, number, chars = 0.0, 0, 0
    while made < chunks:
        language, written = _write(halves, folder, number, sentences=_DOCUMENT_SENTENCES)
        made += written * (3 if language == "zh" else 1) / (0.78 * chunk_chars)
        chars += written
        number += 1
    return chars


def write_small_documents(halves: dict[Language, Half], folder: Path, *, count: int) -> None:
    """Write so many text files of ten sentences, both languages in turn, as `write_documents` does."""
    for number in range(count):
        _write(halves, folder, number, sentences=_SMALL_SENTENCES)


def _write(halves: dict[Language, Half], folder: Path, number: int, *, sentences: int) -> tuple[Language, int]:
    """Write the text file of this number unless it is there; gives its language and length."""
    languages = sorted(halves)
    language = languages[number % len(languages)]
    rng = random.Random(number)
    separator = "" if language == "zh" else " "
    made = [sentence(halves[language], rng) for _ in range(sentences)]
    groups = [made[i : i + _PARAGRAPH_SENTENCES] for i in range(0, len(made), _PARAGRAPH_SENTENCES)]
    text = "\n\n".join(separator.join(group) for group in groups) + "\n"
    path = folder / f"{number // 1000:03d}" / f"{language}-{number:06d}.txt"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return language, len(text)


def questions(halves: dict[Language, Half], count: int) -> tuple[str, ...]:
    """So many questions of both languages in turn: the ends of sentences that stand in the text, as questions."""
    rng = random.Random(7)
    languages = sorted(halves)
    marks = {"zh": "是什么？", "en": "?"}
    made = []
    for number in range(count):
        language = languages[number % len(languages)]
        words = rng.choice(halves[language].tails).rstrip(" .。!！?？”\"'")[:120]
        made.append(words + marks[language])
    return tuple(made)
