from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from assistant.settings import Settings
from evals.bench import Point, parse_scale, run_bench, run_child
from evals.bench_child import Asked, Built, Task, peak_mb
from evals.bench_edit import Edit, edit, run_edit
from evals.bench_embedder import HashEmbedder, Renamed
from evals.bench_text import Half, questions, read_sentences, sentence, write_documents, write_small_documents
from evals.report import bench_table, edit_table
from index.errors import PilotError
from index.types import Language

ENGLISH = (
    "The city builds ports, and the ports carry goods. The bridge is long, but the tunnel is longer. No comma here."
)
CHINESE = "深圳建设港口，港口运送货物。大桥很长，隧道更长。"
HALVES: dict[Language, Half] = {
    "en": Half(("The city builds ports, ", "The bridge is long, "), ("and goods move.", "but it opened.")),
    "zh": Half(("深圳建设港口，", "大桥很长，"), ("港口运送货物。", "隧道更长。")),
}


def test_parse_scale_of_three_sizes_gives_them() -> None:
    assert parse_scale("1000, 10000,300000") == (1000, 10000, 300000)


def test_parse_scale_of_words_is_refused() -> None:
    with pytest.raises(ValueError, match="'many' is no size"):
        parse_scale("1000,many")


def test_read_sentences_of_text_and_json_cuts_at_commas(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(ENGLISH, "utf-8")
    (tmp_path / "b.json").write_text(json.dumps({"data": [{"context": CHINESE * 4, "id": "short"}]}), "utf-8")
    halves = read_sentences((tmp_path,))
    assert halves["en"].heads == ("The city builds ports, ", "The bridge is long, ")
    assert halves["en"].tails == ("and the ports carry goods.", "but the tunnel is longer.")
    assert halves["zh"].heads == ("深圳建设港口，", "大桥很长，")


def test_read_sentences_without_commas_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("No comma here.", "utf-8")
    with pytest.raises(PilotError, match=r"a\.txt: no sentences with a comma .* --text FILE"):
        read_sentences((path,))


def test_read_sentences_of_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PilotError, match=r"none: no such file or folder"):
        read_sentences((tmp_path / "none",))


def test_sentence_joins_a_beginning_and_an_end() -> None:
    made = sentence(HALVES["en"], random.Random(0))
    assert any(made == head + tail for head in HALVES["en"].heads for tail in HALVES["en"].tails)


def test_write_documents_twice_writes_the_same(tmp_path: Path) -> None:
    first = write_documents(HALVES, tmp_path / "a", chunks=20, chunk_chars=900)
    second = write_documents(HALVES, tmp_path / "b", chunks=20, chunk_chars=900)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.txt"))
    assert first == second
    assert {"en-000000.txt", "zh-000001.txt"} <= {path.name for path in files}
    assert all((tmp_path / "a" / path).read_bytes() == (tmp_path / "b" / path).read_bytes() for path in files)


def test_write_small_documents_writes_so_many_of_ten_sentences(tmp_path: Path) -> None:
    write_small_documents(HALVES, tmp_path, count=3)
    files = sorted(tmp_path.rglob("*.txt"))
    assert [path.name for path in files] == ["en-000000.txt", "en-000002.txt", "zh-000001.txt"]
    assert files[2].read_text("utf-8").count("。") == 10


def test_questions_come_in_both_languages_in_turn() -> None:
    first, second = questions(HALVES, 2)
    assert first.endswith("?")
    assert second.endswith("是什么？")


def test_hash_embedder_gives_unit_rows_and_same_words_same_vector() -> None:
    embedder = HashEmbedder()
    vectors = embedder.embed(["one two", "two one", "three"])
    assert vectors.shape == (3, 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.allclose(vectors[0], vectors[1], atol=1e-5)
    assert [part.shape for part in embedder.token_vectors(["one two"])] == [(2, 384)]
    assert embedder.embed([]).shape == (0, 384)


def test_renamed_keeps_the_vectors_and_takes_the_hashed_id() -> None:
    real = HashEmbedder()
    renamed = Renamed(real)
    assert renamed.id == "bench-hash-384"
    assert np.array_equal(renamed.embed(["x"]), real.embed(["x"]))


def test_peak_mb_of_this_process_is_plausible() -> None:
    assert 20 < peak_mb() < 20_000


def test_run_bench_of_two_sizes_gives_points_and_removes_the_corpora(tmp_path: Path) -> None:
    text = tmp_path / "a.txt"
    text.write_text(f"{ENGLISH} {CHINESE}", "utf-8")
    done: list[Task] = []

    def child(task: Task) -> str:
        done.append(task)
        if task.mode == "build":
            return Built(
                chunks=20, sentences=90, chunks_read=20, chunks_embedded=20, sentences_embedded=90, seconds=4.0,
                stages={"embed": 3.0}, size_bytes=1000, factory="Flat", peak_mb=50.0, reader_mb=20.0,
            ).model_dump_json()  # fmt: skip
        return Asked(open_s=0.5, retrieval_ms=(1.0, 3.0), question_ms=(5.0, 5.0), peak_mb=70.0).model_dump_json()

    first, _ = run_bench(Settings(home=tmp_path / "home"), (20, 40), text=text, hashed=True, child=child)
    assert (first.chunks_per_s, first.bytes_per_chunk, first.retrieval_ms_p50) == (5.0, 50.0, 2.0)
    assert [(task.mode, len(task.questions)) for task in done] == [("build", 0), ("ask", 62)] * 2
    assert list((tmp_path / "home" / "evals").iterdir()) == []


@pytest.mark.slow
def test_run_child_that_fails_says_its_last_line() -> None:
    with pytest.raises(PilotError, match=r"bench: the build process ended with 1: .*Try: --scale 1000"):
        run_child(Task(mode="build", settings={"home": 5}, hashed=True))


def test_bench_table_of_hashed_vectors_says_so() -> None:
    point = Point(
        chunks=10, sentences=50, text_mb=0.1, embedder="hash", search="Flat", build_s=2.0, chunks_per_s=5.0,
        bytes_per_chunk=900.0, build_peak_mb=100.0, reader_peak_mb=50.0, open_s=0.1, retrieval_ms_p50=1.0,
        retrieval_ms_p95=2.0, question_ms_p50=3.0, question_ms_p95=4.0, ask_peak_mb=120.0, stages_s={"Embedding": 1.0},
    )  # fmt: skip
    console = Console(width=160)
    with console.capture() as captured:
        console.print(bench_table([point]))
    assert "10 chunks" in captured.get()
    assert "Vectors are hashed words" in captured.get()


def test_edit_changes_the_last_sentence_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("One is here. Two is there.\n", "utf-8")
    edit(path)
    assert path.read_text("utf-8") == "One is here. Two is there 2031.\n"


def test_run_edit_builds_changes_one_file_and_builds_again(tmp_path: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_text(f"{ENGLISH} {CHINESE}", "utf-8")
    seen: list[set[str]] = []

    def child(task: Task) -> str:
        folder = Settings.model_validate(task.settings).index.documents
        seen.append({path.read_text("utf-8") for path in folder.rglob("*.txt")})
        first = len(seen) == 1
        return Built(
            chunks=8, sentences=40, chunks_read=8 if first else 2, chunks_embedded=8 if first else 1,
            sentences_embedded=40 if first else 1, seconds=10.0 if first else 0.5, stages={"embed": 0.4},
            size_bytes=1000, factory="Flat", peak_mb=50.0, reader_mb=20.0,
        ).model_dump_json()  # fmt: skip

    ticks: list[int] = []
    home = tmp_path / "home"
    settings = Settings(home=home)
    found = run_edit(settings, 4, text=source, hashed=True, tick=lambda: ticks.append(1), child=child)
    assert (found.second_share, found.edited_chunks, found.chunks_embedded) == (0.05, 2, 1)
    assert [len(texts) for texts in seen] == [4, 4]
    assert len(seen[0] - seen[1]) == len(ticks) - 1 == 1
    assert list((home / "evals").iterdir()) == []


def test_edit_table_shows_both_builds_and_their_share() -> None:
    found = Edit(
        documents=4, chunks=8, sentences=40, embedder="hash", edited="000/en-000002.txt", edited_chunks=2,
        chunks_embedded=1, sentences_embedded=1, first_s=10.0, second_s=0.5, second_share=0.05,
        first_stages_s={"embed": 9.0}, second_stages_s={"embed": 0.4},
    )  # fmt: skip
    console = Console(width=160)
    with console.capture() as captured:
        console.print(edit_table(found))
    assert "4 documents, one sentence of 000/en-000002.txt changed" in captured.get()
    assert "5.0%" in captured.get()
    assert "Vectors are hashed words" in captured.get()
