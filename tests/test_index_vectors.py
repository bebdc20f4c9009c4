from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from index.disk import Disk
from index.errors import CorruptGenerationError
from index.vectors import (
    CHUNKS,
    EXACT,
    KEY,
    OFFSETS,
    ROWS16,
    SCALES,
    SENTENCES,
    ArrayFile,
    ChunkVectors,
    KeyTable,
    Scores,
    SentenceVectors,
    ann_cells,
    exact_best,
    inner_products,
    open_rows,
    quantise,
    recall_at,
    write_ann,
    write_exact,
)

AXES = np.array([[1, 0], [0, 1], [0.6, 0.8], [1, 0]], np.float32)
ROWS = 1000
EAST = np.array([1, 0], np.float32)


def write(folder: Path, name: str, values: np.ndarray) -> None:
    file = ArrayFile(folder / name, Disk())
    file.append(values)
    file.close()


def exact(folder: Path, vectors: Scores) -> ChunkVectors:
    write(folder, ROWS16, vectors.astype(np.float16))
    write_exact(folder, vectors.shape[1], Disk())
    return ChunkVectors(folder, vectors.shape[1])


def test_search_exact_gives_best_rows_ties_in_order(tmp_path: Path) -> None:
    rows, scores = exact(tmp_path, AXES).search(EAST, limit=3, rows=None)
    assert rows.tolist() == [0, 3, 2]
    np.testing.assert_allclose(scores, [1, 1, 0.6], atol=1e-3)


def test_search_limit_beyond_rows_drops_padding(tmp_path: Path) -> None:
    rows, scores = exact(tmp_path, AXES).search(EAST, limit=10, rows=None)
    assert rows.tolist() == [0, 3, 2, 1]
    assert len(scores) == 4


def test_search_filter_is_applied_before_ranking(tmp_path: Path) -> None:
    rows, _ = exact(tmp_path, AXES).search(EAST, limit=2, rows=np.array([1, 2], np.int64))
    assert rows.tolist() == [2, 1]


def test_search_narrow_filter_scores_row_by_row(tmp_path: Path) -> None:
    many = np.zeros((100, 2), np.float32)
    many[:, 0] = np.arange(100) / 100
    rows, scores = exact(tmp_path, many).search(EAST, limit=2, rows=np.array([7, 90, 3], np.int64))
    assert rows.tolist() == [90, 7]
    np.testing.assert_allclose(scores, [0.9, 0.07], atol=1e-3)


@pytest.mark.parametrize(("limit", "rows"), [(0, None), (5, np.empty(0, np.int64))])
def test_search_nothing_allowed_gives_nothing(tmp_path: Path, limit: int, rows: np.ndarray | None) -> None:
    found, scores = exact(tmp_path, AXES).search(EAST, limit=limit, rows=rows)
    assert len(found) == len(scores) == 0


def test_scores_keep_the_order_of_rows(tmp_path: Path) -> None:
    vectors = exact(tmp_path, AXES)
    np.testing.assert_allclose(vectors.scores(EAST, np.array([2, 1, 0])), [0.6, 0, 1], atol=1e-3)
    assert vectors.scores(EAST, np.empty(0, np.int64)).shape == (0,)


def test_write_exact_keeps_fp16_rows_bit_for_bit(tmp_path: Path) -> None:
    vectors = np.random.default_rng(1).standard_normal((50, 16)).astype(np.float16)
    found = exact(tmp_path, vectors.astype(np.float32))
    assert not (tmp_path / ROWS16).exists()
    np.testing.assert_array_equal(found.take(np.arange(50)), vectors.astype(np.float32))


def test_quantise_row_is_within_half_a_scale() -> None:
    codes, scales = quantise(np.array([[127, -64], [0, 0]], np.float32))
    assert codes.tolist() == [[127, -64], [0, 0]]
    assert scales.tolist() == [1, 0]


def test_sentence_scores_are_grouped_by_chunk(tmp_path: Path) -> None:
    codes, scales = quantise(AXES)
    write(tmp_path, SENTENCES, codes)
    write(tmp_path, SCALES, scales)
    write(tmp_path, OFFSETS, np.array([0, 1, 1, 4], np.int64))
    first, second, third = SentenceVectors(tmp_path, 2).scores(EAST, np.array([2, 1, 0]))
    np.testing.assert_allclose(first, [0, 0.6, 1], atol=0.01)
    assert len(second) == 0
    np.testing.assert_allclose(third, [1], atol=0.01)


def test_sentence_scores_of_chunks_without_sentences_are_empty(tmp_path: Path) -> None:
    write(tmp_path, SENTENCES, np.empty((0, 2), np.int8))
    write(tmp_path, SCALES, np.empty(0, np.float32))
    write(tmp_path, OFFSETS, np.zeros(3, np.int64))
    vectors = SentenceVectors(tmp_path, 2)
    assert [len(scores) for scores in vectors.scores(EAST, np.array([1, 0]))] == [0, 0]
    assert vectors.scores(EAST, np.empty(0, np.int64)) == []


def test_inner_products_are_those_of_the_rows_in_order() -> None:
    assert inner_products(AXES, EAST).tolist() == pytest.approx([1, 0, 0.6, 1])
    assert inner_products(np.empty((0, 2), np.float32), EAST).shape == (0,)


def test_key_table_finds_positions_and_unknown_keys(tmp_path: Path) -> None:
    keys = [b"b" * 16, b"a" + bytes(15), bytes(16)]
    write(tmp_path, "keys", np.frombuffer(b"".join(keys), KEY))
    table = KeyTable(tmp_path / "keys")
    assert table.find([*keys, b"c" * 16]).tolist() == [0, 1, 2, -1]
    assert table.find([]).tolist() == []


def test_key_table_empty_file_finds_nothing(tmp_path: Path) -> None:
    (tmp_path / "keys").write_bytes(b"")
    assert KeyTable(tmp_path / "keys").find([bytes(16)]).tolist() == [-1]


def test_open_rows_ragged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(bytes(7))
    with pytest.raises(CorruptGenerationError, match=r"x: got 7 bytes, expected whole rows"):
        open_rows(tmp_path / "x", np.float32)


def test_chunk_vectors_nonsense_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / CHUNKS).write_bytes(b"not an index at all, but long enough")
    with pytest.raises(CorruptGenerationError, match=r"vectors\.faiss: FAISS cannot read it .* pilot index rollback"):
        ChunkVectors(tmp_path, 2)


def test_chunk_vectors_other_dimension_is_refused(tmp_path: Path) -> None:
    exact(tmp_path, AXES)
    with pytest.raises(CorruptGenerationError, match="got 2-dim vectors, expected 3"):
        ChunkVectors(tmp_path, 3)


def clustered(folder: Path) -> Scores:
    """Rows around 20 centres, and a sentence vector beside every row."""
    generator = np.random.default_rng(7)
    centres = generator.standard_normal((20, 16))
    raw = centres[np.arange(ROWS) % 20] + 0.3 * generator.standard_normal((ROWS, 16))
    vectors: Scores = (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float32)
    write(folder, ROWS16, vectors.astype(np.float16))
    codes, scales = quantise(vectors + np.float32(0.01))
    write(folder, SENTENCES, codes)
    write(folder, SCALES, scales)
    write(folder, OFFSETS, np.arange(ROWS + 1))
    return vectors


def test_write_ann_reaches_the_recall_that_it_reports(tmp_path: Path) -> None:
    vectors = clustered(tmp_path)
    report = write_ann(tmp_path, 16, Disk(), least_recall=0.9)
    assert report.factory == f"IVF{ann_cells(ROWS)},SQ8"
    assert (report.recall_at_10 >= 0.9, report.questions) == (True, 300)
    found = ChunkVectors(tmp_path, 16)
    queries = vectors[:100]
    assert recall_at(found, queries, exact_best(vectors, queries, 10)) > 0.8
    rows, scores = found.search(vectors[5], limit=1, rows=None)
    assert rows.tolist() == [5]
    np.testing.assert_allclose(scores, [1], atol=1e-2)


def test_write_ann_filter_is_exact(tmp_path: Path) -> None:
    vectors = clustered(tmp_path)
    write_ann(tmp_path, 16, Disk(), least_recall=0.5)
    allowed = np.arange(1, ROWS, 2)
    rows, _ = ChunkVectors(tmp_path, 16).search(vectors[4], limit=10, rows=allowed)
    scores = vectors[allowed].astype(np.float16).astype(np.float32) @ vectors[4]
    assert rows.tolist() == allowed[np.argsort(-scores)[:10]].tolist()


def test_write_ann_low_recall_falls_back_to_exact_and_says_so(tmp_path: Path) -> None:
    clustered(tmp_path)
    report = write_ann(tmp_path, 16, Disk(), least_recall=1.01)
    assert (report.factory, report.recall_at_10) == (EXACT, 1.0)
    assert "below 1.01: exact search instead" in report.note
    assert len(ChunkVectors(tmp_path, 16)) == ROWS


def test_exact_best_and_recall_by_hand(tmp_path: Path) -> None:
    truth = exact_best(AXES, EAST[None], 2)
    assert truth.tolist() == [[0, 3]]
    assert recall_at(exact(tmp_path, AXES), EAST[None], truth) == 1.0
    assert recall_at(ChunkVectors(tmp_path, 2), EAST[None], np.array([[0, 1]])) == 0.5
