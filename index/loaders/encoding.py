"""Text of bytes whose encoding nobody wrote down: UTF-8, UTF-16, GB18030, Big5, or whatever else fits.

Comes in: bytes. Goes out: the text, the encoding's name and how many characters could not be decoded.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from charset_normalizer import from_bytes

from index.loaders.types import PageNote, UnreadableError

# The most frequent characters of modern written Chinese, simplified and traditional: about half of any ordinary text.
# Bytes read in the wrong Chinese encoding give rare characters instead, even when a text is only a few words long.
_FREQUENT = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方"
    "多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性"
    "知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次"
    "度门任常先海通教东声提立及比员解水名真论处走义各入几口认条平系气题活别打四总何电数安少报才结反受目太量再感建务做接必场件计"
    "亿元万億萬管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象完设式色路记南品住告类求"
    "据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争运深圳省港珠江粤府划建设施础铁路轨道网络城区项目投资能源"
    "這個們來為國說時會對後過發裡種經麼學現當沒動還進樣從實軍無與長機點業將兩間問並應戰頭體見產內話給門東聲員論處義幾認條係氣題"
    "別總電數報結務場計資許統區隊決馬書則聽卻達強難權設記類據邊張該規萬覺術領確傳師觀讓識帶導爭運鐵軌網絡項劃協會關於廣灣"
    "，。、；：（）《》“”！？「」『』"
)
_STRICT = ("gb18030", "big5hkscs", "utf-16-le", "utf-16-be")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
SAMPLE_BYTES = 200_000
SAMPLE_CHARS = 20_000


class Decoded(NamedTuple):
    """Text with the encoding it was read in and the number of characters that could not be decoded."""

    text: str
    encoding: str
    undecoded: int

    def notes(self) -> list[PageNote]:
        """A note where it is not clean UTF-8, else none."""
        if self.encoding == "utf-8" and not self.undecoded:
            return []
        count = f"{self.undecoded} character{'s' if self.undecoded > 1 else ''}"
        lost = f", {count} not decoded" if self.undecoded else ""
        return [PageNote(0, "encoding", f"read as {self.encoding}{lost}")]


def read_bytes(path: Path, *, limit_mb: int) -> bytes:
    """The file's bytes.

    Raises:
        UnreadableError: If it is larger than the limit or empty.
    """
    limit = limit_mb * 2**20
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise UnreadableError(
            f"larger than {limit_mb} MiB; split it, or set PILOT_INDEX__LIMITS__FILE_MB", code="too_big"
        )
    if not data.strip(b"\x00 \t\r\n\xef\xbb\xbf"):
        raise UnreadableError("the file is empty", code="empty")
    return data


def decode(data: bytes, *, declared: str = "") -> Decoded:
    """The text of bytes in whatever encoding fits best.

    A byte order mark decides; then strict UTF-8; then the declared encoding; then whichever of GB18030, Big5 and UTF-16
    gives the largest share of frequent Chinese characters; then charset-normalizer's guess; then Windows-1252.

    Args:
        data: Bytes of a text file.
        declared: Encoding that the file names itself, or "".

    Raises:
        UnreadableError: If it is no text.
    """
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return _lossy(data[len(bom) :], encoding)
    text = _strict(data, "utf-8")
    if text is not None and "\x00" not in text:
        return Decoded(text, "utf-8", 0)
    nearly_utf8 = _nearly(data, "utf-8")
    for decoded in (_declared(data, declared), _chinese(data), _ascii_utf16(data), nearly_utf8, _guess(data)):
        if decoded is not None and decoded.text.count("\x00") <= len(decoded.text) // 1000:
            return decoded
    raise UnreadableError("no text: it has bytes of no known encoding; save it as UTF-8", code="damaged")


def _strict(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None


def _lossy(data: bytes, encoding: str) -> Decoded:
    text = data.decode(encoding, errors="replace")
    return Decoded(text, encoding, text.count("\ufffd"))


def _declared(data: bytes, declared: str) -> Decoded | None:
    name = {"gb2312": "gb18030", "gbk": "gb18030", "big5": "big5hkscs"}.get(declared.lower(), declared)
    text = _strict(data, name) if name else None
    return Decoded(text, name.lower(), 0) if text is not None else None


def _plausible(text: str, encoding: str) -> float:
    """How much the characters beyond ASCII look like Chinese in this encoding, 0 to 1.5; 0 if there are none.

    The share of frequent characters, and half the share of those in the encoding's first plane of common characters,
    which settles texts of a few words.
    """
    wide = [char for char in text if ord(char) > 127]
    if not wide:
        return 0.0
    charset, last = {"gb18030": ("gb2312", 0xD7), "big5hkscs": ("big5", 0xC6)}.get(encoding, ("gb2312", 0xD7))
    common = 0
    for char in wide:
        lead = char.encode(charset, errors="replace")[0]
        common += 0xA1 <= lead <= last
    return (sum(char in _FREQUENT for char in wide) + 0.5 * common) / len(wide)


def _chinese(data: bytes) -> Decoded | None:
    """The best of the Chinese encodings and of UTF-8 with a few damaged bytes, None if none is plausible.

    Where none is, GB18030 and Big5 with a few damaged bytes, as a file cut off in the middle of a character has them.
    """
    whole = [Decoded(text, name, 0) for name in _STRICT if (text := _strict(data, name)) is not None]
    return _most_plausible([*whole, _nearly(data, "utf-8")]) or _most_plausible(
        [_nearly(data, name) for name in ("gb18030", "big5hkscs")]
    )


def _most_plausible(candidates: Sequence[Decoded | None]) -> Decoded | None:
    """The candidate that looks most like Chinese, None if none does."""
    scored = [(_plausible(one.text[:SAMPLE_CHARS], one.encoding), one) for one in candidates if one is not None]
    score, best = max(scored, key=lambda pair: pair[0], default=(0.0, None))
    return best if score >= 0.4 else None


def _nearly(data: bytes, encoding: str) -> Decoded | None:
    """Text of which at most one character in a hundred (or one in a short text) is damaged, else None."""
    decoded = _lossy(data, encoding)
    others = sum(ord(char) > 127 for char in decoded.text[:SAMPLE_BYTES]) - decoded.undecoded
    return decoded if decoded.undecoded <= min(others // 4, max(3, len(decoded.text) // 100)) else None


def _ascii_utf16(data: bytes) -> Decoded | None:
    """UTF-16 without byte order mark of a text mostly in Latin letters: every other byte is zero."""
    sample = data[:SAMPLE_BYTES]
    for encoding, zeros in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[::2])):
        if zeros and zeros.count(0) > 0.5 * len(zeros):
            return _lossy(data, encoding)
    return None


def _guess(data: bytes) -> Decoded | None:
    if b"\x00" in data:
        return None
    best = from_bytes(data[:SAMPLE_BYTES]).best()
    if sum(byte > 127 for byte in data[:SAMPLE_BYTES]) < 0.1 * len(data[:SAMPLE_BYTES]):
        return _lossy(data, "cp1252")
    text = _strict(data, best.encoding) if best is not None else None
    if best is not None and text is not None and best.encoding not in ("utf_16", "utf_32"):
        return Decoded(text, best.encoding, 0)
    return _lossy(data, "cp1252")
