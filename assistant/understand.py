"""A question as typed to what is asked: language, kind, parts, small talk, and a follow-up made standalone."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from index.language import FUNCTION_TERMS, HAN, detect, fold, tokenise, unwrap, visible
from index.types import Language


class Kind(StrEnum):
    """What a question asks for; steers which sentence answers."""

    WHEN = "when"
    HOW_MANY = "how_many"
    WHO = "who"
    WHERE = "where"
    WHY = "why"
    HOW = "how"
    LIST = "list"
    YES_NO = "yes_no"
    DEFINITION = "definition"
    WHICH = "which"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Part:
    """One question of a compound.

    Attributes:
        text: The part as asked, for showing.
        query: The part with the subject that it takes from the first one, for searching.
        kind: What it asks for.
        alone: What to search for where that leads nowhere: a later part that may have a subject of its own; else empty.
    """

    text: str
    query: str
    kind: Kind
    alone: str = ""


@dataclass(frozen=True, slots=True)
class Understood:
    """What is asked.

    Attributes:
        text: The standalone question, visible characters on one line.
        language: Its language.
        kind: What it asks for.
        parts: The questions it is made of; one unless it is a compound.
        asks: Whether it has a question word or mark at all, or says enough to be a request.
        small_talk: "greeting", "thanks", "farewell" or "about"; empty for a real question.
    """

    text: str
    language: Language
    kind: Kind
    parts: tuple[Part, ...]
    asks: bool = True
    small_talk: str = ""


_TELLING = ("farewell", "thanks", "about", "greeting")
_PHRASES = Path(__file__).resolve().parent / "phrases.toml"


@dataclass(frozen=True, slots=True)
class _Patterns:
    """The phrases compiled: one expression a name.

    Attributes:
        only_talk: A text that is nothing but small talk.
        one_kind: One that is nothing but small talk of this kind.
        small_talk: A phrase of this kind, the kinds in the order in which they count.
        kinds: What marks a kind of question.
        words: Other words, by what they mark.
    """

    only_talk: re.Pattern[str]
    one_kind: Mapping[str, re.Pattern[str]]
    small_talk: Mapping[str, re.Pattern[str]]
    kinds: Mapping[Kind, re.Pattern[str]]
    words: Mapping[str, re.Pattern[str]]


def _any(alternatives: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{one})" for one in alternatives), re.IGNORECASE)


@lru_cache(maxsize=1)
def _patterns() -> _Patterns:
    data = tomllib.loads(_PHRASES.read_text(encoding="utf-8"))
    talk = dict(data["small_talk"])
    filler = _any(talk.pop("filler")).pattern
    # The longer before what they begin with: "good night" before "good".
    said = _any([phrase for name in ("farewell", "about", "greeting", "thanks") for phrase in talk[name]]).pattern
    # Atomic and possessive: phrases overlap ("你" and "你好"), and backtracking over them takes exponential time.
    whole = r"^(?>(?:{}|{})(?!(?<=[a-z])[a-z]))++$"
    return _Patterns(
        only_talk=re.compile(whole.format(said, filler), re.IGNORECASE),
        one_kind={
            name: re.compile(whole.format(_any(phrases).pattern, filler), re.IGNORECASE)
            for name, phrases in talk.items()
        },
        small_talk={
            name: re.compile(rf"(?<![a-z])(?:{_any(talk[name]).pattern})(?![a-z])", re.IGNORECASE) for name in _TELLING
        },
        kinds={Kind(name): _any(phrases) for name, phrases in data["kinds"].items()},
        words={name: _any(phrases) for name, phrases in data["words"].items()},
    )


_QUESTION_END = re.compile(r"(?<=[?？])\s*(?=[^\s(（])")  # not before what a follow-up took along
_YEAR = re.compile(r"(?:19|20)\d\d")
_SHORT_YEAR = re.compile(r"(?<![\d.\-—–~至到用了近约共超过满第每这几、])(2[0-9])年(?![内后後来來间間代期多龄齡以之史])")
_SEVERAL_YEARS = re.compile(
    r"(?<![\d\-–—~至到])(?:(?:19|20)\d\d年?(?:\s*[,，、]\s*(?:and\s+)?(?:in\s+)?|\s+and\s+(?:in\s+)?|\s*[&和与跟及]\s*))+"
    r"(?:19|20)\d\d(?!\s?[\d\-–—~至到])"
)
_TOGETHER = re.compile(  # of years that are compared or added up, not asked for one by one
    r"\b(?:between|averaged?|total|together|combined|both|compare[ds]?|than|differ(?:ence|s|ent)?|chang(?:e|es|ed)"
    r"|which year|more|less|fewer|higher|lower|bigger|larger|smaller|greater|faster)\b"
    r"|\b(?:from|over) (?=(?:19|20)\d\d)|[从自](?=(?:19|20)\d\d)"
    r"|平均|合计|总共|[一总]?共(?!同|享|建|用)|累计|两年|三年|之间|哪一?年|相比|对比|相差|变化|[和与跟].{1,6}比(?!例|重|亚)|比(?=(?:19|20)\d\d)",
    re.IGNORECASE,
)
_YEARS_AT_MOST = 4
_BARE = frozenset({Kind.WHEN, Kind.HOW_MANY, Kind.WHO, Kind.WHERE, Kind.WHY})  # asked of what the part before names
_AMONG_SOURCES = re.compile(r"各方|各家|各自|不同|一致|说法不一|\b(?:agree|differ|disagree|different|various)\b")
_FOLLOW_UP_TERMS = 8
_RICH_TERMS = 6
_SAID_TERMS = 4  # "How many flights did the airport say it would handle?" has as many, "When did it open?" not
_EXISTING_TERMS = 3  # "Are there figures for the length of Line 14?" has as many, "How many stations are there?" not
_OWN_TIME = re.compile(
    r"\b(?:in|on|during|after|over|within|for|by) (?:its|their) (?:\w+ ){0,2}(?:day|week|month|quarter|year)s?\b"
)
_NAMED = re.compile(r"\S\s+[A-Z][\w-]")  # a capital inside the sentence
_AUXILIARY = re.compile(r"^\s*(?:(?:will|would|did|do|does|is|are|was|were|has|have|had|can|could|should)\b\s*)+", re.I)


def question_kind(text: str) -> Kind:
    """What the question asks for; the first pattern that fits, from specific to general."""
    folded = fold(text)
    for kind, pattern in _patterns().kinds.items():
        if pattern.search(folded):
            return kind
    return Kind.OTHER


def small_talk(text: str) -> str:
    """ "greeting", "thanks", "farewell" or "about" where that is all the text says, else an empty string.

    Of several kinds the one that wants a reply of its own: "Hello, who are you?" is about the assistant.
    """
    folded, patterns = fold(text).strip(), _patterns()
    kinds = [name for name, pattern in patterns.small_talk.items() if pattern.search(folded)]
    if not kinds or not patterns.only_talk.match(folded):
        return ""
    return next((name for name in kinds if patterns.one_kind[name].match(folded)), kinds[0])


def says_sources_differ(text: str) -> bool:
    """Whether a sentence says that sources disagree."""
    return bool(_patterns().words["disagreement"].search(fold(text)))


def lacks_subject(text: str) -> bool:
    """Whether a question says what it wants to know but not of what, as "When will it open?" without one before it.

    Numbers and quotation marks are a subject; so is every word that is not in the list of generic ones.
    """
    folded = fold(text)
    if re.search(r"\d|[“”\"《》「」]", folded):
        return False
    words = _patterns().words
    rest = words["generic"].sub(" ", words["asks"].sub(" ", folded))
    return bool(words["generic"].search(folded)) and not content_terms(rest)


def asks_latest(text: str) -> bool:
    """Whether a question wants what holds now rather than at some time."""
    return bool(_patterns().words["latest"].search(fold(text)))


def asks_one_source(text: str) -> bool:
    """Whether a question wants what one source says: that others say something else is then no answer to it."""
    folded = fold(text)
    return bool(_patterns().words["source"].search(folded)) and not _AMONG_SOURCES.search(folded)


def content_terms(text: str) -> list[str]:
    """Search terms that carry content, in order: without function words, question words and single Han characters."""
    terms = tokenise(_patterns().words["asks"].sub(" ", fold(text)))
    return [term for term in terms if term not in FUNCTION_TERMS and not re.fullmatch(f"[{HAN}]", term)]


def _later_part(text: str, first: str) -> Part:
    """A later part of a compound, with the first one's words: people seldom say twice what they ask about.

    One that says much and has no pronoun may be about something else.
    """
    rich = len(content_terms(text)) >= _RICH_TERMS and not _patterns().words["pronoun"].search(fold(text))
    return Part(text, f"{_topic(first)} {text}", question_kind(text), alone=text if rich else "")


def _plain(question: str) -> str:
    """The question without "could you please tell me" before it and thanks behind; as it is where nothing stays."""
    words = _patterns().words
    bare = words["closing"].sub("", words["opening"].sub("", question))
    return bare if content_terms(bare) else question


def _topic(question: str) -> str:
    """What a question is about: its words without those that ask, for another question to stand after."""
    plain = fold(question) if detect(question) == "zh" else question
    words = _patterns().words["asks"].sub(" ", plain).strip(" ?？。.")
    return " ".join(_AUXILIARY.sub("", words).split())


def split_parts(text: str) -> tuple[Part, ...]:
    """The questions that a compound is made of, each standing alone; one part where it is none.

    A joint counts only where both sides ask something and say something; a sentence of its own behind the first need
    only ask ("When did the runway open? How wide?").
    """
    words = _patterns().words
    pieces: list[str] = []
    for sentence in _QUESTION_END.split(text):
        start = 0
        for joint in words[f"joint_{detect(sentence)}"].finditer(sentence):
            left, right = sentence[start : joint.start()], sentence[joint.end() :]
            asking = words["asks"].search(fold(left)) and words["asks"].search(fold(right))
            if asking and content_terms(left) and content_terms(right):
                pieces.append(left)
                start = joint.end()
        pieces.append(sentence[start:])
    questions = [
        piece.strip(" ，,;；")
        for number, piece in enumerate(pieces)
        if words["asks"].search(fold(piece)) and (content_terms(piece) or (number and question_kind(piece) in _BARE))
    ]
    if len(questions) < 2 or not content_terms(questions[0]):
        return (Part(text, _plain(text), question_kind(text)),)
    first = Part(questions[0], _plain(questions[0]), question_kind(questions[0]))
    return (first, *(_later_part(piece, questions[0]) for piece in questions[1:]))


def _each_year(text: str) -> list[str]:
    """The text once for each of the years that it names side by side; nothing where it names none so."""
    found = _SEVERAL_YEARS.search(text)
    if not found or _TOGETHER.search(text):
        return []
    named = list(dict.fromkeys(_YEAR.findall(found[0])))
    before, after = text[: found.start()], text[found.end() :]
    mark = "年" if "年" in found[0] and not after.startswith("年") else ""
    return [f"{before}{year}{mark}{after}" for year in named] if 1 < len(named) <= _YEARS_AT_MOST else []


def by_year(part: Part) -> tuple[Part, ...]:
    """A question about several years as one about each; empty where they are a range, compared or added up.

    "What was spent in 2023 and 2024?" gives "What was spent in 2023?" and "What was spent in 2024?".
    """
    queries = _each_year(part.query)
    shown = _each_year(part.text)
    texts = shown if len(shown) == len(queries) else queries
    return tuple(Part(text, query, part.kind) for text, query in zip(texts, queries, strict=True))


def _without_own_time(text: str) -> str:
    """The text without "in its first month" where it named before what that is the first month of."""
    return _OWN_TIME.sub(lambda found: " " if _NAMED.search(text[: found.start()]) else found[0], text)


def _leans(text: str) -> bool:
    """Whether a pronoun stands for what was asked before: one that the question names itself does not."""
    words = _patterns().words
    rest = _without_own_time(text)
    if words["idle_there"].search(rest) and (len(content_terms(rest)) >= _EXISTING_TERMS or _NAMED.search(rest)):
        rest = words["idle_there"].sub(" ", rest)
    without = words["own_words"].sub(" ", rest)
    if len(content_terms(without)) >= _SAID_TERMS:
        rest = without
    return bool(words["pronoun"].search(fold(rest)))


def standalone(text: str, history: Sequence[str]) -> str:
    """The question with what it takes from the one before; unchanged where it stands alone.

    "And in 2030?" after "How many stations by 2025?" gives "How many stations by 2030?"; where only a year is
    exchanged it is put in place of the old one, else the question before is added in parentheses. The question before
    is itself made standalone first, and small talk between is passed over.
    """
    return _resolved(text, history)[0]


def _resolved(text: str, history: Sequence[str]) -> tuple[str, str]:
    """`standalone`, and what is searched for: where the question before is added, only what that is about."""
    earlier = [unwrap(visible(one)) for one in history if not small_talk(one)]
    if not earlier:
        return text, _plain(text)
    words, folded = _patterns().words, fold(text)
    short = len(content_terms(text)) <= _FOLLOW_UP_TERMS
    first = split_parts(text)[0].text  # a later part's "it" is what the first one names
    if not (short and (words["follow_up"].search(folded) or _leans(first))):
        return text, _plain(text)
    previous = standalone(earlier[-1], earlier[:-1])
    rest = words["lead_in"].sub("", folded).strip(" ?？呢")
    years, old = _YEAR.findall(rest), _YEAR.findall(previous)
    extra = [term for term in content_terms(rest) if not _YEAR.fullmatch(term) and term not in ("年", "到", "in", "by")]
    if len(years) == 1 and len(old) == 1 and not extra:
        exchanged = previous.replace(old[0], years[0])
        return exchanged, _plain(exchanged)
    return f"{text} ({previous.rstrip('?？。. ')})", f"{_topic(_plain(previous))} {_plain(text)}"


def spell_years(text: str) -> str:
    """The text with Chinese years of two digits, 20 to 29, written in full: "24年底" is "2024年底".

    Not where the number counts years: after words such as 用 or 近, before 内, 后 or 来.
    """
    return _SHORT_YEAR.sub(r"20\1年", text)


def understand(text: str, history: Sequence[str] = ()) -> Understood:
    """What is asked, with a follow-up made standalone by the questions before it (oldest first)."""
    clean = spell_years(unwrap(visible(text)))
    talk = small_talk(clean)
    asked, searched = (clean, clean) if talk else _resolved(clean, history)
    parts = split_parts(asked)
    if len(parts) == 1:
        parts = (Part(asked, searched, parts[0].kind),)
    return Understood(
        text=asked,
        language=detect(clean),
        kind=question_kind(asked),
        parts=parts,
        asks=question_kind(asked) is not Kind.OTHER or asked.rstrip().endswith(("?", "？")),
        small_talk=talk,
    )
