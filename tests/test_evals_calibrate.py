"""Thresholds for stated wrong-answer rates, and the line between the documents' subject and everything else."""

from __future__ import annotations

import pytest

from assistant.confidence import ConfidenceModel, TopicModel
from evals.calibrate import Sample, fit_model, fit_topic, judged, thresholds, topic_threshold
from evals.logistic import balanced
from index.errors import PilotError


def test_thresholds_rate_reached_gives_least_probability() -> None:
    found = thresholds([0.9, 0.8, 0.7, 0.6, 0.5], [True, True, True, False, True])
    # Down to 0.5 five answers are given and one is wrong: 20 %. Down to 0.7 none is wrong.
    assert found["0.2"] == 0.5
    assert found["0.15"] == 0.7


def test_thresholds_unreachable_rate_takes_highest_probability() -> None:
    assert thresholds([0.9, 0.8], [False, True])["0.05"] == 0.9


def test_thresholds_rarer_unanswerable_questions_weigh_less() -> None:
    # One of two is unanswerable among the samples, one of five in use: its answer counts a quarter.
    found = thresholds([0.9, 0.8], [True, False], unanswerable=0.2)
    assert found["0.2"] == 0.8
    assert found["0.15"] == 0.9


def test_thresholds_laxer_rate_is_never_stricter() -> None:
    found = thresholds([0.9, 0.7, 0.6, 0.4, 0.3, 0.2], [True, False, True, True, False, True])
    values = [found[rate] for rate in sorted(found, key=float)]
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize(("kept", "expected"), [(1.0, 0.1), (0.9, 0.2), (0.5, 0.6)])
def test_topic_threshold_keeps_the_stated_share(kept: float, expected: float) -> None:
    assert topic_threshold([n / 10 for n in range(10, 0, -1)], kept=kept) == expected


def test_fit_topic_tells_the_near_from_the_far_and_keeps_most_that_nothing_answers() -> None:
    samples = [
        Sample(f"{n}", {}, answerable=False, weight=1.0, topic={"dense": near}, on_topic=on_topic)
        for n, (near, on_topic) in enumerate(
            [(0.4 + n / 100, True) for n in range(40)] + [(n / 100, False) for n in range(20)]
        )
    ]
    model = TopicModel.model_validate(fit_topic(samples))
    likely = [model.probability(sample.topic) >= model.least for sample in samples]
    assert sum(likely[:40]) >= 38
    assert not any(likely[40:])


@pytest.mark.parametrize("on_topic", [True, False])
def test_fit_topic_questions_of_one_sort_are_an_error(on_topic: bool) -> None:
    samples = [Sample(f"{n}", {}, True, 1.0, {"dense": 0.5}, on_topic=on_topic) for n in range(20)]
    with pytest.raises(PilotError, match="off topic"):
        fit_topic(samples)


def test_fit_model_gives_a_confidence_model_that_grows_with_what_tells() -> None:
    samples = [
        Sample(f"{n}", {"logit": n / 4, "noise": n % 3}, n >= 20, 1.0, {"dense": n / 40}, own=True, on_topic=n > 9)
        for n in range(40)
    ]
    text = fit_model(samples, judged(samples), topic=fit_topic(samples), provenance="test")
    model = ConfidenceModel.model_validate_json(text)
    low, high = (model.probability({"logit": logit, "noise": 1.0}) for logit in (1.0, 9.0))
    assert low < 0.5 < high
    assert model.topic.probability({"dense": 0.9}) > model.topic.probability({"dense": 0.1})
    assert 0 <= model.threshold(0.05) <= 1


def test_balanced_both_classes_weigh_the_same() -> None:
    assert balanced([True, False, False, False]) == pytest.approx([2.0, 2 / 3, 2 / 3, 2 / 3])
    assert balanced([True, True]) == [1.0, 1.0]
