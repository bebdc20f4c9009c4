"""A fake assistant and its pages for tests of the web: every outcome, with the texts of a small made corpus."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from assistant.types import Answer, Citation, NearDocument, Outcome, Question, Sentence
from index.language import detect
from index.types import Block, BlockKind, Document, Page

GENERATION = "gen-000002"
OLD_GENERATION = "gen-000001"
HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)> ![p](http://foreign.example/p.png) "
    "[l](javascript:alert(3)) ${alert(4)} {{value}}"
)


def made_page(document_id: str, blocks: Sequence[tuple[BlockKind, str]], *, number: int = 1) -> Page:
    """A page of these blocks, one line each."""
    text, made = "", []
    for kind, words in blocks:
        made.append(Block(kind, len(text), len(text) + len(words), 1 if kind == "heading" else 0))
        text += words + "\n"
    return Page(document_id, number, str(number), text, tuple(made))


ACCOUNT = Document(
    "en/four-crossovers-account.md",
    "Shenzhen advances the infrastructure pilot around four ‘crossovers’",
    "en",
    issuer="Shenzhen press, citing the Shenzhen Municipal Development and Reform Commission",
    published="2021-12",
    kind="news",
    source="Shenzhen press",
    note="Summary in our own words; the source prevails.",
    translation_of="zh/four-crossovers-account.md",
    sha256="a1",
    page_count=1,
)
ACCOUNT_ZH = Document(
    "zh/four-crossovers-account.md",
    "深圳围绕四“跨”推进基础设施高质量发展试点",
    "zh",
    issuer="深圳媒体（采访深圳市发展和改革委员会）",
    published="2021-12",
    kind="news",
    note="本文为概要，以原文为准。",
    sha256="a2",
    page_count=1,
)
REPLY = Document(
    "en/ndrc-reply-letter.md",
    "Reply letter of the NDRC on the pilot for high-quality development of infrastructure in Shenzhen",
    "en",
    issuer="National Development and Reform Commission",
    published="2021-11-15",
    document_number="NDRC Infrastructure [2021] 1608",
    sha256="a3",
    page_count=2,
)
STATIONS = Document(
    "en/5g-coverage.md",
    "5G coverage of the gigabit city",
    "en",
    issuer="Shenzhen Communications Administration",
    published="2022-12-28",
    sha256="a4",
    page_count=1,
)
PROVINCE = Document(
    "en/provincial-count.md",
    "Information infrastructure of the province, January to August",
    "en",
    issuer="Department of Industry and Information Technology of Guangdong Province",
    published="2022-09",
    superseded_by="en/5g-coverage.md",
    sha256="a5",
    page_count=1,
)
EVIL = Document("en/evil.md", f"Title {HOSTILE}", "en", issuer=HOSTILE, published=HOSTILE, sha256="a6", page_count=1)

AGREES = "The reply letter agrees that Shenzhen carries out the pilot."
BY_2025 = "By 2025, the scale and the innovation of the city’s infrastructure are to join the world’s leading group."
CITY_COUNT = "By the end of December 2022 the city had built 65,000 5G base stations."
PROVINCE_COUNT = "From January to August 2022 the department counts 30,591 5G base stations in Shenzhen."
UNDERSTOOD = "By when will Shenzhen join the world’s leading group?"
READINGS = ("What does the 2023 digital infrastructure plan say?", "What does the 14th five-year transport plan say?")

PAGES = (
    made_page(
        ACCOUNT.id,
        [
            ("heading", "The four crossovers of the infrastructure pilot"),
            (
                "paragraph",
                "In December 2021 the press explained what the Shenzhen DRC had told it of the pilot.",
            ),
            ("heading", "The four crossovers"),
            ("paragraph", "According to the Shenzhen DRC, the pilot consists of four “crossovers” (四个“跨”):"),
            ("list_item", "cross-sector leadership (跨界引领);"),
            ("list_item", "cross-regional synergy (跨区域协同);"),
            ("list_item", "cross-field coordination (跨领域协调);"),
            ("list_item", "the fusion of frontier technologies (跨前沿技术融合)."),
            (
                "paragraph",
                "For the cross-regional direction the account says 协同, whereas the reply letter says 一体.",
            ),
        ],
    ),
    made_page(
        ACCOUNT_ZH.id,
        [
            ("heading", "四个“跨”：基础设施高质量发展试点讲了什么"),
            (
                "paragraph",
                "2021年12月，深圳媒体采访深圳市发展改革委，介绍了基础设施高质量发展试点。",
            ),
            ("heading", "四个“跨”指什么"),
            ("paragraph", "深圳市发展改革委介绍，试点的四个“跨”是："),
            ("list_item", "跨界引领；"),
            ("list_item", "跨区域协同；"),
            ("list_item", "跨领域协调；"),
            ("list_item", "跨前沿技术融合。"),
            ("paragraph", "在跨区域这一方向上，深圳市发展改革委的介绍用“协同”，国家发展改革委的复函则用“一体”。"),
        ],
    ),
    made_page(
        REPLY.id,
        [
            ("heading", "Goals for 2025"),
            (
                "paragraph",
                f"{AGREES} {BY_2025} Traditional and new infrastructure are to be deeply integrated.",
            ),
            ("table_row", "Goal: scale and innovation; by: 2025; measure: world’s leading group"),
            ("table_row", "Goal: integration of old and new; by: 2025; measure: deeply integrated"),
        ],
        number=2,
    ),
    made_page(
        STATIONS.id,
        [
            ("heading", "Stations"),
            (
                "paragraph",
                f"{CITY_COUNT} Coverage is continuous in all districts.",
            ),
        ],
    ),
    made_page(
        PROVINCE.id,
        [
            ("heading", "Stations by city"),
            (
                "paragraph",
                PROVINCE_COUNT,
            ),
        ],
    ),
    made_page(EVIL.id, [("heading", "Trap"), ("paragraph", f"Before. {HOSTILE} is quoted here. After {HOSTILE}.")]),
)


@dataclass
class FakePages:
    """Pages kept in memory; `generations` holds what each name resolves to."""

    documents_by_id: Mapping[str, Document] = field(default_factory=dict)
    pages_by_key: Mapping[tuple[str, int], Page] = field(default_factory=dict)
    old: Mapping[str, FakePages] = field(default_factory=dict)
    name: str = GENERATION

    def generation(self) -> str:
        return self.name

    def documents(self) -> Sequence[Document]:
        return list(self.documents_by_id.values())

    def document(self, document_id: str, *, generation: str = "") -> Document | None:
        return self._of(generation).documents_by_id.get(document_id) if self._of(generation) else None

    def page(self, document_id: str, number: int, *, generation: str = "") -> Page | None:
        return self._of(generation).pages_by_key.get((document_id, number))

    def _of(self, generation: str) -> FakePages:
        if generation in ("", self.name):
            return self
        return self.old.get(generation, FakePages())


def fake_pages() -> FakePages:
    """The made corpus; its older generation also holds a document that was withdrawn since."""
    documents = (ACCOUNT, ACCOUNT_ZH, REPLY, STATIONS, PROVINCE, EVIL)
    now = FakePages({d.id: d for d in documents}, {(p.document_id, p.number): p for p in PAGES})
    gone = Document(
        "en/withdrawn.md", "A plan that was withdrawn", "en", issuer="City", published="2019", sha256="b1", page_count=1
    )
    gone_page = made_page(gone.id, [("paragraph", "The tunnel opens in 2020. The bridge follows.")])
    edited = replace(ACCOUNT, sha256="older")
    old = FakePages(
        {gone.id: gone, edited.id: edited},
        {(gone.id, 1): gone_page, (ACCOUNT.id, 1): PAGES[0]},
        name=OLD_GENERATION,
    )
    return replace(now, old={OLD_GENERATION: old})


def cite(n: int, document: Document, page: Page, quote: str) -> Citation:
    """A citation of the first place where the quote stands on the page."""
    start = page.text.index(quote)
    headings = [b for b in page.blocks if b.kind == "heading" and b.start <= start]
    section = " › ".join(page.text[b.start : b.end] for b in headings)
    return Citation(
        n, document.id, document.title, document.issuer, document.published, document.document_number,
        page.number, page.label, section, quote, start, start + len(quote),
        "5G coverage of the gigabit city" if document.superseded_by else "",
    )  # fmt: skip


def cited_answer(
    question: str, quotes: Sequence[tuple[Document, Page, str]], *, outcome: Outcome = Outcome.ANSWERED
) -> Answer:
    """An answer whose sentences are these quotes, each with a citation of its own."""
    citations = tuple(cite(i, d, p, q) for i, (d, p, q) in enumerate(quotes, 1))
    sentences = tuple(Sentence(c.quote, (c.n,)) for c in citations)
    return Answer(outcome, detect(question), question, question, sentences, citations, generation=GENERATION)


def list_answer(question: str, document: Document, page: Page, blocks: Sequence[Block]) -> Answer:
    """An answer of a lead-in and its items, cited as one."""
    whole = page.text[blocks[0].start : blocks[-1].end]
    answer = cited_answer(question, [(document, page, whole)])
    sentences = tuple(Sentence(page.text[one.start : one.end], (1,), start=one.start) for one in blocks)
    return replace(answer, sentences=sentences)


def scripted_answer(question: Question) -> Answer:
    """The fake answer to a question, by a word in it."""
    text = question.text
    plain = Answer(Outcome.ANSWERED, detect(text), text, text, generation=GENERATION)
    if "crossovers" in text:
        return list_answer(text, ACCOUNT, PAGES[0], PAGES[0].blocks[3:8])
    if "四个" in text:
        return list_answer(text, ACCOUNT_ZH, PAGES[1], PAGES[1].blocks[3:8])
    if "2025" in text or "By when" in text:
        answer = cited_answer(text, [(REPLY, PAGES[2], BY_2025)])
        return replace(answer, understood_as=UNDERSTOOD) if question.history else answer
    if "5G" in text:
        quotes5 = [(STATIONS, PAGES[3], CITY_COUNT), (PROVINCE, PAGES[4], PROVINCE_COUNT)]
        return cited_answer(text, quotes5, outcome=Outcome.CONFLICTING)
    if "and who paid" in text:
        answer = cited_answer(text, [(REPLY, PAGES[2], AGREES)], outcome=Outcome.PARTIAL)
        return replace(answer, unanswered=("Who paid for the pilot?",))
    if "airport" in text:
        near = (NearDocument(REPLY.id, REPLY.title), NearDocument(ACCOUNT_ZH.id, ACCOUNT_ZH.title))
        return replace(plain, outcome=Outcome.NOT_IN_DOCUMENTS, nearest=near)
    if "World Cup" in text or "世界杯" in text:
        return replace(plain, outcome=Outcome.OFF_TOPIC)
    if "plan" in text:
        return replace(plain, outcome=Outcome.AMBIGUOUS, readings=READINGS)
    if text.lower().startswith(("hello", "你好")):
        return replace(plain, outcome=Outcome.SMALL_TALK)
    if "ignore" in text:
        return replace(plain, outcome=Outcome.BLOCKED)
    if "unavailable" in text:
        return replace(plain, outcome=Outcome.UNAVAILABLE)
    if "evil" in text:
        answer = cited_answer(text, [(EVIL, PAGES[5], f"{HOSTILE} is quoted here.")])
        return replace(answer, message=HOSTILE, nearest=(NearDocument(EVIL.id, EVIL.title),), readings=(HOSTILE,))
    return replace(plain, outcome=Outcome.NOT_IN_DOCUMENTS)


@dataclass
class FakeAssistant:
    """Answers by script, sentence by sentence; keeps what it was asked."""

    delay_s: float = 0.0
    asked: list[Question] = field(default_factory=list)
    running: int = 0
    most_running: int = 0

    async def astream(self, input: Question, /) -> AsyncIterator[Answer]:
        self.asked.append(input)
        if "break" in input.text:
            raise RuntimeError("a secret of the machine")
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            whole = scripted_answer(input)
            for count in range(1, len(whole.sentences)):
                await asyncio.sleep(self.delay_s)
                yield replace(whole, sentences=whole.sentences[:count])
            await asyncio.sleep(self.delay_s)
            yield whole
        finally:
            self.running -= 1
