from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.confidence import are_kin, load_confidence, measure, measure_topic
from assistant.evidence import EvidenceRanker
from assistant.retrieve import Passage, make_query
from assistant.types import Filters
from assistant.understand import Kind
from index.store import PassageStore
from tests.fakes import HashEmbedder, fake_pivot
from tests.fakes_assistant import overlap_with, passage_of, tiny_search, tiny_store

MODEL = load_confidence().model_copy(
    update={
        "features": ("good", "bad"),
        "mean": (1.0, 0.0),
        "scale": (2.0, 1.0),
        "weight": (4.0, -1.0),
        "intercept": 0.0,
        "thresholds": {"0.02": 0.9, "0.05": 0.7, "0.1": 0.4},
    }
)
PLAIN = {"good": 1.0, "bad": 0.0, "years_missing": 0.0, "money_missing": 0.0}
DOCUMENTS = {
    "a.md": "# Tunnel\n\nThe tunnel opened in 2024. It cost 60 million yuan.",
    "a-zh.md": "---\ntranslation_of: a.md\n---\n# 隧道\n\n隧道于2024年通车。",
    "a-fr.md": "---\ntranslation_of: a.md\n---\n# Tunnel\n\nLe tunnel est ouvert.",
    "b.md": "# Bridge\n\nThe bridge is grey.",
}
THINGS = "tunnel bridge port tower hall mill pier market school farm mine dam".split()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> PassageStore:
    return tiny_store(tmp_path_factory.mktemp("confidence"), DOCUMENTS)


def first_of(store: PassageStore, document: str) -> Passage:
    return passage_of(store, store.document_rows(document)[0])


def measured(store: PassageStore, question: str, kind: Kind) -> Mapping[str, float]:
    search, overlap = tiny_search(store), overlap_with(store, question)
    query = search.query(question)
    passages = search.search(query, Filters(), top_k=10)
    evidence = EvidenceRanker(fake_pivot(), None).rank(query, kind, passages, overlap)
    return measure(query, kind, passages, evidence, overlap=overlap, homogeneity=store.homogeneity)


def test_probability_mean_features_give_one_half() -> None:
    assert MODEL.probability(PLAIN) == pytest.approx(0.5)


def test_probability_one_scale_above_the_mean_is_the_logistic_of_its_weight() -> None:
    assert MODEL.probability(PLAIN | {"good": 3.0}) == pytest.approx(0.982, abs=1e-3)  # 1 / (1 + e^-4)


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_probability_any_features_is_bounded_and_grows_with_its_weight(good: float, bad: float, more: float) -> None:
    lower, upper = (MODEL.probability(PLAIN | {"good": value, "bad": bad}) for value in (good, good + more))
    assert 0 <= lower <= upper <= 1


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_probability_negative_weight_falls(bad: float, more: float) -> None:
    upper, lower = (MODEL.probability(PLAIN | {"bad": value}) for value in (bad, bad + more))
    assert lower <= upper


@pytest.mark.parametrize(
    ("rate", "expected"), [(0.05, 0.7), (0.07, 0.7), (0.1, 0.4), (0.9, 0.4), (0.02, 0.9), (0.001, 0.9)]
)
def test_threshold_is_that_of_the_nearest_rate_not_above(rate: float, expected: float) -> None:
    assert MODEL.threshold(rate) == expected


def test_load_confidence_one_number_a_feature_and_thresholds_in_bounds() -> None:
    model = load_confidence()
    assert model.provenance
    assert len(model.features) == len(model.mean) == len(model.scale) == len(model.weight) > 0
    assert all(scale > 0 for scale in model.scale)
    assert all(0 < float(rate) < 1 and 0 <= least <= 1 for rate, least in model.thresholds.items())
    strictest_first = [model.thresholds[rate] for rate in sorted(model.thresholds, key=float)]
    assert strictest_first == sorted(strictest_first, reverse=True)


def test_measure_gives_every_feature_of_the_shipped_model(store: PassageStore) -> None:
    features = measured(store, "When was the tunnel opened?", Kind.WHEN)
    assert set(load_confidence().features) <= features.keys()
    assert 0 <= load_confidence().probability(features) <= 1


def test_measure_nothing_found_is_all_0(store: PassageStore) -> None:
    query = make_query("When?", HashEmbedder(), fake_pivot())
    features = measure(query, Kind.WHEN, [], [], overlap=overlap_with(store, "When?"), homogeneity=0.1)
    assert set(features.values()) == {0.0}


@pytest.mark.parametrize(
    ("question", "kind", "name"),
    [
        ("Was the tunnel opened in 2019?", Kind.YES_NO, "years_missing"),
        ("How much money did the grey bridge cost?", Kind.HOW_MANY, "money_missing"),
    ],
)
def test_measure_what_the_evidence_lacks_is_told(store: PassageStore, question: str, kind: Kind, name: str) -> None:
    assert measured(store, question, kind)[name] == 1.0
    assert measured(store, "When was the tunnel opened?", Kind.WHEN)[name] == 0.0


def test_measure_topic_gives_every_feature_of_the_shipped_model(store: PassageStore) -> None:
    question = "When was the tunnel opened?"
    near = tiny_search(store).search(tiny_search(store).query(question), Filters(), top_k=10)
    features = measure_topic(near, overlap=overlap_with(store, question))
    topic = load_confidence().topic
    assert set(topic.features) <= features.keys()
    assert 0 < topic.least < 1
    assert features["words"] > 0.5


def test_measure_topic_nothing_near_shares_nothing(store: PassageStore) -> None:
    features = measure_topic([], overlap=overlap_with(store, "Who won?"))
    assert (features["dense"], features["words"]) == (0.0, 0.0)


def test_measure_topic_a_name_that_every_chunk_has_tells_nothing(tmp_path: Path) -> None:
    city = tiny_store(tmp_path, {f"{n}.md": f"# Brinmouth\n\nBrinmouth has a {what}." for n, what in enumerate(THINGS)})
    named, bare, known = (
        overlap_with(city, question).nearness_of_telling()
        for question in ("Rain in Brinmouth", "Rain in", "tunnel in Brinmouth")
    )
    assert named == pytest.approx(bare)
    assert known > named


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("a.md", "a.md", True),
        ("a.md", "a-zh.md", True),
        ("a-zh.md", "a.md", True),
        ("a-zh.md", "a-fr.md", True),
        ("a.md", "b.md", False),
    ],
)
def test_are_kin_one_document_or_its_translations(store: PassageStore, one: str, other: str, expected: bool) -> None:
    assert are_kin(first_of(store, one), first_of(store, other)) is expected
