from __future__ import annotations

import pytest

from evals.metrics import (
    auroc,
    citation_precision,
    mcnemar,
    mrr,
    outcome_accuracy,
    paired_bootstrap,
    percentile,
    recall_at_k,
    share,
    wilson,
)


def test_share_of_three_in_four_is_075() -> None:
    assert share([True, True, False, True]) == 0.75


def test_recall_at_k_counts_ranks_up_to_k_only() -> None:
    ranks = [1, 2, 0, 5]
    assert recall_at_k(ranks, k=1) == 0.25
    assert recall_at_k(ranks, k=2) == 0.5
    assert recall_at_k(ranks, k=5) == 0.75


def test_recall_at_k_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="k is 0; expected at least 1"):
        recall_at_k([1], k=0)


def test_mrr_cut_off_after_k_drops_later_ranks() -> None:
    assert mrr([1, 2, 0, 4], k=10) == pytest.approx((1 + 0.5 + 0 + 0.25) / 4)
    assert mrr([1, 2, 0, 4], k=3) == pytest.approx((1 + 0.5) / 4)


def test_citation_precision_pools_over_answers() -> None:
    assert citation_precision([1, 0, 3], [1, 1, 4]) == pytest.approx(4 / 6)


def test_citation_precision_without_citations_is_refused() -> None:
    with pytest.raises(ValueError, match="no citations is undefined"):
        citation_precision([0, 0], [0, 0])


def test_citation_precision_of_unequal_lengths_is_refused() -> None:
    with pytest.raises(ValueError, match="1 counts of right citations for 2 answers"):
        citation_precision([1], [1, 1])


def test_outcome_accuracy_wants_the_exact_outcome() -> None:
    assert outcome_accuracy(["answered", "off_topic"], ["answered", "not_in_documents"]) == 0.5


def test_auroc_with_one_tie_counts_it_half() -> None:
    # pairs: .9>.5, .9>.1, .5=.5, .5>.1
    assert auroc([0.9, 0.5], [0.5, 0.1]) == pytest.approx(3.5 / 4)


def test_auroc_of_reversed_scores_is_zero() -> None:
    assert auroc([0.1], [0.2, 0.3]) == 0.0


def test_percentile_of_ten_to_fifty_interpolates() -> None:
    assert percentile([10, 20, 30, 40, 50], 50) == 30
    assert percentile([10, 20], 95) == pytest.approx(19.5)


def test_wilson_of_ninety_in_hundred_matches_the_textbook() -> None:
    low, high = wilson(90, 100)
    assert (round(low, 4), round(high, 4)) == (0.8256, 0.9448)


def test_wilson_of_all_right_stays_within_one() -> None:
    low, high = wilson(10, 10)
    assert round(low, 4) == 0.7225
    assert high == pytest.approx(1.0)


def test_wilson_of_more_hits_than_questions_is_refused() -> None:
    with pytest.raises(ValueError, match="3 hits of 2"):
        wilson(3, 2)


def test_mcnemar_of_five_gained_none_lost_is_a_sixteenth() -> None:
    assert mcnemar(5, 0) == pytest.approx(2 / 32)
    assert mcnemar(3, 3) == 1.0
    assert mcnemar(0, 0) == 1.0


def test_mcnemar_of_negative_count_is_refused() -> None:
    with pytest.raises(ValueError, match="-1 gained"):
        mcnemar(-1, 0)


def test_paired_bootstrap_of_constant_gain_has_no_width() -> None:
    assert paired_bootstrap([0, 0, 0], [1, 1, 1], draws=50) == (1.0, 1.0)


def test_paired_bootstrap_of_no_gain_straddles_zero() -> None:
    low, high = paired_bootstrap([0, 1, 0, 1], [1, 0, 1, 0], draws=200)
    assert low < 0 < high


def test_paired_bootstrap_of_unequal_lengths_is_refused() -> None:
    with pytest.raises(ValueError, match="1 and 2 scores"):
        paired_bootstrap([0], [0, 1])


def test_metrics_of_nothing_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="share of nothing"):
        share([])
    with pytest.raises(ValueError, match="recall@k of nothing"):
        recall_at_k([], k=1)
    with pytest.raises(ValueError, match="MRR of nothing"):
        mrr([], k=10)
    with pytest.raises(ValueError, match="AUROC of nothing"):
        auroc([0.5], [])
    with pytest.raises(ValueError, match="percentile of nothing"):
        percentile([], 50)
    with pytest.raises(ValueError, match="bootstrap of nothing"):
        paired_bootstrap([], [])
