"""Features and truths to the coefficients of a logistic model, and to its judgement of questions that it has not seen.

scikit-learn is imported on the first call.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_FOLDS = 8
_PENALTY = 1.0


def balanced(truths: Sequence[bool]) -> list[float]:
    """A weight for each sample so that both classes count the same in sum; all 1 where there is one class only."""
    right = sum(truths)
    wrong = len(truths) - right
    if not right or not wrong:
        return [1.0] * len(truths)
    return [len(truths) / (2 * (right if truth else wrong)) for truth in truths]


def out_of_fold(
    x: NDArray[np.float64], truths: Sequence[bool], *, groups: Sequence[str], weights: Sequence[float]
) -> NDArray[np.float64]:
    """float64[n]: each sample's probability from a model that has seen no sample of its group.

    Args:
        x: float64[n, features].
        truths: What is to be told, one a sample.
        groups: At least eight different ones.
        weights: How much each sample counts.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold
    from sklearn.preprocessing import StandardScaler

    y, weight = np.array(truths), np.array(weights)
    result = np.zeros(len(x))
    for seen, unseen in GroupKFold(n_splits=_FOLDS).split(x, y, groups=groups):
        scaler = StandardScaler().fit(x[seen])
        model = LogisticRegression(C=_PENALTY, max_iter=5000)
        model.fit(scaler.transform(x[seen]), y[seen], sample_weight=weight[seen])
        result[unseen] = model.predict_proba(scaler.transform(x[unseen]))[:, 1]
    return result


def coefficients(
    x: NDArray[np.float64], truths: Sequence[bool], *, names: Sequence[str], weights: Sequence[float]
) -> dict[str, object]:
    """The fields of an `assistant.confidence.LogisticModel` fitted on all samples."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(x)
    model = LogisticRegression(C=_PENALTY, max_iter=5000)
    model.fit(scaler.transform(x), np.array(truths), sample_weight=np.array(weights))
    return {
        "features": list(names),
        "mean": [round(float(value), 6) for value in scaler.mean_],
        "scale": [round(float(value), 6) for value in scaler.scale_],
        "weight": [round(float(value), 6) for value in model.coef_[0]],
        "intercept": round(float(model.intercept_[0]), 6),
    }
