from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from evals.fit_model import TokenScorer, export
from evals.fit_start import load_weights
from index.errors import PilotError

pytestmark = pytest.mark.slow

_STEP = 1 / 127  # of the greatest weight of a column


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_load_weights_of_an_exported_scorer_are_those_that_were_exported_but_for_rounding(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = TokenScorer(2)
    with torch.no_grad():
        model.head.weight.normal_()
    export(model, tmp_path / "evidence.onnx")
    found = load_weights(tmp_path / "evidence.onnx", 2)
    assert set(found) == set(model.state_dict())
    for name, weight in model.state_dict().items():
        assert found[name].shape == weight.shape
        assert (found[name] - weight).abs().max() <= weight.abs().max() * _STEP, name


def test_load_weights_of_a_checkpoint_are_those_that_were_saved(tmp_path: Path) -> None:
    model = TokenScorer(1)
    save_file(model.state_dict(), tmp_path / "checkpoint.safetensors")
    found = load_weights(tmp_path / "checkpoint.safetensors", 1)
    assert all(torch.equal(found[name], weight) for name, weight in model.state_dict().items())
    with pytest.raises(PilotError, match="1 layers, this run 2"):
        load_weights(tmp_path / "checkpoint.safetensors", 2)


def test_load_weights_of_another_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file({"encoder.layer.0.output.dense.weight": torch.zeros(2, 2)}, path)
    with pytest.raises(PilotError, match="is not the evidence scorer"):
        load_weights(path, 1)


@pytest.mark.parametrize(
    ("name", "kind"), [("checkpoint.safetensors", "no safetensors file"), ("evidence.onnx", "no ONNX file")]
)
def test_load_weights_missing_or_broken_is_said(tmp_path: Path, name: str, kind: str) -> None:
    with pytest.raises(PilotError, match="is missing"):
        load_weights(tmp_path / name, 1)
    (tmp_path / name).write_bytes(b"no")
    with pytest.raises(PilotError, match=kind):
        load_weights(tmp_path / name, 1)
