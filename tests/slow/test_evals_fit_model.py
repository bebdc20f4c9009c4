from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import onnxruntime
import pytest
import torch
from safetensors.torch import save_file

from assistant.rerank import PairTokenizer, SentenceScorer, open_tokenizer
from evals.fit_data import Candidate, Task
from evals.fit_model import Plan, Steps, TokenScorer, average, export, fit, group_loss
from index.embed import ensure_export
from index.types import Span

pytestmark = pytest.mark.slow

TASKS = [
    Task("when did it open", (Candidate("it opened in 2021", Span(13, 17)),), (Candidate("it is long"),)),
    Task("how long is it", (), (Candidate("it opened in 2021"), Candidate("it is new", None, "the line"))),
]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> PairTokenizer:
    return open_tokenizer(ensure_export(tmp_path_factory.mktemp("models")) / "tokenizer.json")


def reference_loss(groups: list[tuple[list[float], list[float]]], token_weight: float) -> float:
    """The definition, group by group: scores of all sentences with those of their answers, -10,000 for none."""
    losses = []
    for whole, answers in groups:
        scores, hits = torch.tensor(whole), torch.tensor(answers)
        everything = torch.logsumexp(torch.cat([scores, torch.zeros(1)]), 0)
        right = hits > -5000
        if right.any():
            sentence = everything - torch.logsumexp(scores[right], 0)
            token = everything - torch.logsumexp(hits[right], 0)
            losses.append((sentence + token_weight * token) / (1 + token_weight))
        else:
            losses.append(everything)
    return torch.stack(losses).mean().item()


def test_group_loss_is_the_mean_of_the_groups() -> None:
    groups = [([1.5, -2.0, 0.3], [1.2, -1e4, -1e4]), ([0.4, -1.0], [-1e4, -1e4]), ([2.0, 1.0], [1.9, 0.5])]
    rows = torch.tensor([0, 0, 0, 1, 1, 2, 2])
    whole = torch.tensor([score for scores, _ in groups for score in scores])
    answers = torch.tensor([hit for _, hits in groups for hit in hits])
    order = torch.tensor([6, 0, 4, 2, 1, 5, 3])  # the sentences of a step come sorted by length, not by group
    loss = group_loss(whole[order], answers[order], rows[order], token_weight=0.5)
    assert loss.item() == pytest.approx(reference_loss(groups, 0.5), abs=1e-5)


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_fit_lowers_the_loss_and_its_export_scores_like_it(tokenizer: PairTokenizer, tmp_path: Path) -> None:
    plan = Plan(layers=2, steps=60, groups=2, size=3, rate=3e-4, dropout=0.0)
    (_, first, _), (_, last, model) = fit(TASKS, tokenizer, plan, checkpoint=tmp_path / "checkpoint.safetensors")
    assert last < 0.1 < first
    export(model, tmp_path / "evidence.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "evidence.onnx"))
    scorer = SentenceScorer(session, tokenizer, id="tiny")
    right, wrong = scorer.score("when did it open", ["it opened in 2021", "it is long"])
    assert right > 0 > wrong
    assert scorer.score("how long is it", ["it opened in 2021"])[0] < 0


def test_fit_leaves_frozen_layers_as_they_are(tokenizer: PairTokenizer, tmp_path: Path) -> None:
    plan = Plan(layers=2, steps=2, groups=2, size=3, rate=3e-4, dropout=0.0, frozen=1)
    ((_, _, model),) = fit(TASKS, tokenizer, plan, checkpoint=tmp_path / "checkpoint.safetensors")
    fresh = TokenScorer(2).state_dict()
    moved = {name for name, weight in model.state_dict().items() if not torch.equal(weight, fresh[name])}
    assert any("encoder.layer.1." in name for name in moved)
    assert not [name for name in moved if "embeddings" in name or "encoder.layer.0." in name]


def steps_of(tokenizer: PairTokenizer, plan: Plan) -> list[torch.Tensor]:
    return [torch.cat([chunk.ids.flatten() for chunk in step]) for step in Steps(TASKS, tokenizer, plan)]


def test_steps_are_the_same_for_the_same_seed_and_ask_every_question(tokenizer: PairTokenizer) -> None:
    plan = Plan(steps=3, groups=2, size=3, without_answer=0.0)
    assert all(torch.equal(a, b) for a, b in zip(steps_of(tokenizer, plan), steps_of(tokenizer, plan), strict=True))
    opened, long = (tokenizer.token_to_id(word) for word in ("opened", "long"))
    for ids in steps_of(tokenizer, plan):
        assert {opened, long} <= set(ids.tolist())


def test_steps_are_shared_out_among_workers(tokenizer: PairTokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan(steps=5, groups=1, size=3)
    whole = steps_of(tokenizer, plan)
    shares = []
    for worker in range(2):
        monkeypatch.setattr("evals.fit_model.get_worker_info", lambda: SimpleNamespace(id=worker, num_workers=2))  # noqa: B023
        shares.append(steps_of(tokenizer, plan))
    assert [len(share) for share in shares] == [3, 2]
    assert all(torch.equal(step, shares[n % 2][n // 2]) for n, step in enumerate(whole))


def test_average_of_a_model_and_another_is_halfway(tmp_path: Path) -> None:
    model, other = TokenScorer(1), TokenScorer(1)
    with torch.no_grad():
        model.head.weight.fill_(1.0)
        other.head.weight.fill_(3.0)
    save_file(other.state_dict(), tmp_path / "other.safetensors")
    assert torch.equal(average(model, tmp_path / "other.safetensors").head.weight, torch.full((1, 384), 2.0))
