from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.lexical import LexicalReader, LexicalWriter, lexical_fields
from index.types import Chunk, Document, Language
from tests.fakes import fake_pivot

Row = tuple[int, str, Language, Mapping[str, Sequence[str]]]
ROWS: tuple[Row, ...] = (
    (0, "a", "en", {"text": ["metro", "line"], "title": ["plan"]}),
    (1, "a", "en", {"text": ["port", "line"], "title": ["plan"]}),
    (2, "b", "en", {"text": ["metro", "metro"], "title": ["reply"]}),
    (3, "c", "en", {"text": ["bridge", "road"], "title": ["reply"]}),
    (4, "z", "zh", {"text": ["地铁", "地"], "gloss": ["metro", "rail"]}),
)
TERMS = st.dictionaries(
    st.sampled_from(["metro", "line", "port", "plan", "reply", "airport"]), st.floats(0.1, 5), max_size=6
)


def reader_of(folder: Path, rows: Iterable[Row] = ROWS) -> LexicalReader:
    writer = LexicalWriter(folder)
    for number, document, language, fields in rows:
        writer.add(number, document, language, fields)
    writer.close()
    return LexicalReader(folder)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> LexicalReader:
    return reader_of(tmp_path_factory.mktemp("lexical"))


def found(
    reader: LexicalReader,
    terms: Mapping[str, Mapping[str, float]],
    *,
    language: Language = "en",
    limit: int = 10,
    documents: Iterable[str] | None = None,
) -> dict[int, float]:
    """Scores by row, best first."""
    rows, scores = reader.search(terms, language=language, limit=limit, documents=documents)
    return {int(row): float(score) for row, score in zip(rows, scores, strict=True)}


def test_search_for_word_gives_shares_of_the_bound_best_first(reader: LexicalReader) -> None:
    hits = found(reader, {"text": {"metro": 1.0}})
    # Every text has the average length, so that BM25 over idf · 2.2 is tf / (tf + 1.2).
    assert list(hits) == [2, 0]
    assert hits == {2: pytest.approx(2 / 3.2), 0: pytest.approx(1 / 2.2)}


def test_search_with_heavier_term_keeps_its_score(reader: LexicalReader) -> None:
    assert found(reader, {"text": {"metro": 5.0}})[0] == pytest.approx(1 / 2.2)


def test_search_with_two_words_weighs_them_by_rarity(reader: LexicalReader) -> None:
    port, line = math.log(1 + 3.5 / 1.5), math.log(1 + 2.5 / 2.5)
    hits = found(reader, {"text": {"port": 1.0, "line": 1.0}})
    assert list(hits) == [1, 0]
    assert hits == {1: pytest.approx(1 / 2.2), 0: pytest.approx(line / (port + line) / 2.2)}


def test_search_with_weights_prefers_the_heavier_word(reader: LexicalReader) -> None:
    assert list(found(reader, {"text": {"port": 9.0, "bridge": 1.0}})) == [1, 3]
    assert list(found(reader, {"text": {"port": 1.0, "bridge": 9.0}})) == [3, 1]


@given(TERMS, TERMS)
def test_search_for_any_terms_scores_above_0_to_1_in_order(
    reader: LexicalReader, text: dict[str, float], title: dict[str, float]
) -> None:
    scores = list(found(reader, {"text": text, "title": title}).values())
    assert all(0 < score <= 1 for score in scores)
    assert scores == sorted(scores, reverse=True)


def test_search_for_word_repeated_without_end_stays_below_1(tmp_path: Path) -> None:
    hits = found(reader_of(tmp_path, [(0, "a", "en", {"text": ["metro"] * 5000})]), {"text": {"metro": 1.0}})
    assert hits[0] == pytest.approx(1.0, abs=0.001)
    assert hits[0] <= 1


def test_search_in_field_leaves_the_others_alone(reader: LexicalReader) -> None:
    assert list(found(reader, {"title": {"plan": 1.0}})) == [0, 1]
    assert found(reader, {"title": {"metro": 1.0}}) == {}
    assert found(reader, {"text": {"plan": 1.0}}) == {}


def test_search_of_language_leaves_the_other_alone(reader: LexicalReader) -> None:
    assert list(found(reader, {"gloss": {"metro": 1.0}}, language="zh")) == [4]
    assert list(found(reader, {"text": {"地铁": 1.0}}, language="zh")) == [4]
    assert found(reader, {"text": {"地铁": 1.0}}, language="en") == {}


def test_search_of_language_keeps_its_own_statistics(reader: LexicalReader) -> None:
    assert reader.idf(["地"], language="zh") == {"地": pytest.approx(math.log(1 + 0.5 / 1.5))}
    assert reader.idf(["地"], language="en") == {"地": pytest.approx(math.log(1 + 4.5 / 0.5))}


def test_search_among_documents_filters_before_ranking(reader: LexicalReader) -> None:
    metro = {"text": {"metro": 1.0}}
    assert list(found(reader, metro, limit=1)) == [2]
    assert found(reader, metro, limit=1, documents=["a"]) == {0: pytest.approx(1 / 2.2)}
    assert list(found(reader, metro, documents=iter(["b", "a", "none"]))) == [2, 0]


@pytest.mark.parametrize("documents", [[], ["none"], ["A"], ["c"]])
def test_search_among_documents_without_the_word_gives_nothing(reader: LexicalReader, documents: list[str]) -> None:
    assert found(reader, {"text": {"metro": 1.0}}, documents=documents) == {}


@pytest.mark.parametrize(
    "terms",
    [{}, {"text": {}}, {"text": {"airport": 1.0}}, {"text": {"": 1.0}}, {"text": {"metro": 0.0}}],
)
def test_search_without_known_terms_gives_nothing(reader: LexicalReader, terms: dict[str, dict[str, float]]) -> None:
    rows, scores = reader.search(terms, language="en", limit=10)
    assert rows.shape == scores.shape == (0,)
    assert (rows.dtype.name, scores.dtype.name) == ("int64", "float32")


def test_search_with_unknown_term_beside_lowers_the_share(reader: LexicalReader) -> None:
    metro, unknown = math.log(1 + 2.5 / 2.5), math.log(1 + 4.5 / 0.5)
    hits = found(reader, {"text": {"metro": 1.0, "airport": 1.0}})
    assert hits[0] == pytest.approx(metro / (metro + unknown) / 2.2)


@pytest.mark.parametrize("word", ["metro AND port", "text:metro", "metro*", "+metro", '"metro"'])
def test_search_for_query_syntax_takes_it_for_a_word(reader: LexicalReader, word: str) -> None:
    assert found(reader, {"text": {word: 1.0}}) == {}


def test_search_within_limit_gives_the_best(reader: LexicalReader) -> None:
    assert list(found(reader, {"text": {"metro": 1.0}}, limit=1)) == [2]
    assert found(reader, {"text": {"metro": 1.0}}, limit=0) == {}


def test_search_with_ties_gives_them_by_row(tmp_path: Path) -> None:
    rows: list[Row] = [(row, f"d{row}", "en", {"text": ["metro", "line"]}) for row in (7, 3, 5, 1)]
    assert list(found(reader_of(tmp_path, rows), {"text": {"metro": 1.0}})) == [1, 3, 5, 7]


def test_idf_of_terms_falls_with_their_frequency(reader: LexicalReader) -> None:
    idf = reader.idf(["metro", "port", "airport"], language="en")
    assert idf == {
        "metro": pytest.approx(math.log(1 + 2.5 / 2.5)),
        "port": pytest.approx(math.log(1 + 3.5 / 1.5)),
        "airport": pytest.approx(math.log(1 + 4.5 / 0.5)),
    }
    assert reader.idf(["plan"], language="en", field="title") == {"plan": pytest.approx(math.log(2))}
    assert reader.idf([], language="en") == {}


def test_reader_of_missing_folder_gives_nothing(tmp_path: Path) -> None:
    reader = LexicalReader(tmp_path / "none")
    assert found(reader, {"text": {"metro": 1.0}}) == {}
    assert reader.idf(["metro"], language="en") == {}


def test_reader_of_language_without_chunks_gives_nothing(tmp_path: Path) -> None:
    reader = reader_of(tmp_path, ROWS[:1])
    assert found(reader, {"text": {"地铁": 1.0}}, language="zh") == {}
    assert reader.idf(["地铁"], language="zh") == {}


def test_writer_without_rows_writes_nothing(tmp_path: Path) -> None:
    LexicalWriter(tmp_path).close()
    assert list(tmp_path.iterdir()) == []


def chunk_of(text: str, language: Language, section: str = "") -> Chunk:
    return Chunk("a#p1", "a", 1, 0, len(text), section, text, language)


def test_lexical_fields_of_english_chunk_have_no_gloss() -> None:
    document = Document("a", "The Plan", "en", document_number="No. 7", published="2021-12")
    assert lexical_fields(chunk_of("Metro lines", "en", "Goals"), document, fake_pivot()) == {
        "text": ["metro", "line"],
        "title": ["the", "plan", "goal", "no", "7", "2021", "12"],
    }


def test_lexical_fields_of_chinese_chunk_gloss_text_and_title() -> None:
    document = Document("a", "地铁", "zh")
    assert lexical_fields(chunk_of("深圳", "zh"), document, fake_pivot()) == {
        "text": ["深", "圳", "深圳"],
        "gloss": ["shenzhen"],
        "title": ["地", "铁", "地铁", "metro"],
    }


def test_lexical_fields_without_terms_are_left_out() -> None:
    assert lexical_fields(chunk_of("—", "en"), Document("a", "Plan", "en"), fake_pivot()) == {"title": ["plan"]}
