"""A question's misspelt English words to words of the corpus.

Only words that neither the language model's vocabulary nor the corpus knows are looked at, so that a rare word stays
what it is. Names in pinyin differ by a letter and are other places: of these only the usual slips are mended.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from rapidfuzz.distance import OSA

from index.language import FUNCTION_WORDS, fold, stem
from index.store import PassageStore

_WORD = re.compile(r"(?<![\w'’.@/-])[^\W\d_]{5,}(?![\w@/])")
_CORPUS_WORD = re.compile(r"[A-Za-z]{4,}")
_LONG = 8
_BEGINNING = 4
_LOOKED_AT = 12
_LOOKED_AT_LAST = 40
_OTHER_LANGUAGE = re.compile(  # words that other languages are full of, and letters that English does not have
    r"[À-ÖØ-öø-ž]|\b(?:les?|des|une?|et|est|sont|pour|quelles?|combien|il|della?|dei|che|quanto|und|der|die|das|ist|wie|wo"
    r"|von|zu[mr]?|los|las|del|que|cu[aá]l|por|uma?|het|een|voor|nie|och|att|jest)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<=[\w,] )[A-Z]")
_PINYIN = re.compile(
    r"(?:(?:[zcs]h|[bpmfdtnlgkhjqxrzcsyw])?"
    r"(?:iang|iong|uang|ang|eng|ong|ing|iao|ian|uai|uan|ai|ei|ao|ou|an|en|er|ia|ie|iu|in|ua|uo|ui|un|ue|ve|[aoeiuv]))+"
)
_SLIPS = ((re.compile(r"(?<=[zcs])h"), ""), (re.compile(r"(?<=n)g"), ""))


def _as_heard(word: str) -> str:
    """A name in pinyin without the letters that are most often left out or put in: zh is z, ng is n."""
    for pattern, plain in _SLIPS:
        word = pattern.sub(plain, word)
    return word


class Speller:
    """Corrects questions by the words of one generation.

    `known` tells whether a lower-case word is a word of the language.
    """

    def __init__(self, known: Callable[[str], bool]) -> None:
        self._known = known

    def corrected(self, text: str, store: PassageStore) -> str:
        """The text with its misspelt words exchanged; itself where there are none or nothing comes near."""
        if _OTHER_LANGUAGE.search(text):
            return text
        return _WORD.sub(lambda found: self._word(found, text, store) or found[0], text)

    def _word(self, found: re.Match[str], text: str, store: PassageStore) -> str:
        word, is_name = fold(found[0]), bool(_NAME.match(text, found.start()))
        plain = word.isascii() and (found[0].islower() or found[0].istitle())
        if not plain or self._known(word) or self._known(stem(word)) or store.has_term(stem(word)):
            return ""
        near = next(filter(None, (_near(word, rows, store, is_name=is_name) for rows in _places(word, store))), None)
        if near is None:
            return ""
        best = min(near, key=lambda one: (OSA.distance(word, one), -near[one], one))
        return best.capitalize() if found[0].istitle() else best


def _places(word: str, store: PassageStore) -> Iterator[list[int]]:
    """Rows of chunks that may hold what a word is a slip of, nearer ones first.

    Chunks are found by stems. A slip in an ending keeps it from being cut off, so that at last all words with the same
    beginning are looked at.
    """
    for distance in (1, 2):
        yield store.rows_like(stem(word), limit=_LOOKED_AT, distance=distance)
    if len(word) >= _LONG:
        yield store.rows_like(word[:_BEGINNING], limit=_LOOKED_AT_LAST, distance=0)


def _near(word: str, rows: Sequence[int], store: PassageStore, *, is_name: bool) -> Counter[str]:
    """Words of the chunks that the word may be a slip of, with how often they stand there.

    A name may only be a name's.
    """
    reach = 2 if len(word) >= _LONG and not is_name else 1
    in_pinyin = bool(_PINYIN.fullmatch(word))
    near: Counter[str] = Counter()
    for chunk in store.chunks(rows):
        title = store.documents[chunk.document_id].title
        for other in _CORPUS_WORD.findall(f"{title} {chunk.section} {chunk.text}"):
            here = other.lower()
            alike = (
                _as_heard(here) == _as_heard(word)
                if in_pinyin
                else OSA.distance(word, here, score_cutoff=reach) <= reach
            )
            if here[0] == word[0] and alike and here not in FUNCTION_WORDS and (other.istitle() or not is_name):
                near[here] += 1
    return near
