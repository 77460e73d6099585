"""Linear classifiers over sparse rows, by scikit-learn."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.agent.intents.decision import Scores

Row = tuple[NDArray[np.intp], NDArray[np.float32]]
"""Columns and values of one text."""
MANY_PER_LABEL = 40
"""From so many texts a label on, machines that learn each label alone do better than softmax
regression, which makes more of few (BANKING77: 92.4% against 91.6% with all, 74.1% against 75.5%
with ten), and take a third of its time."""


def fit_linear(
    rows: Sequence[Row],
    targets: NDArray[np.intp],
    row_weights: NDArray[np.float64],
    features: int,
    labels: int,
) -> tuple[Scores, Scores]:
    """[features, labels] weights and [labels] biases. A label without rows never wins."""
    # Here, so that only a process that trains has to import them.
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC

    weights = np.zeros((features, labels), np.float32)
    bias = np.full(labels, -1.0, np.float32)
    present = np.unique(targets)
    if len(present) < 2:
        return weights, bias
    # Forty steps are well past where more of them change any decision.
    machine: Any = LogisticRegression(C=10, max_iter=40)
    if len(rows) >= MANY_PER_LABEL * len(present):
        machine = LinearSVC(C=0.5, random_state=0)
    machine.fit(_matrix(rows, features), targets, sample_weight=row_weights)
    coefficients, intercepts = machine.coef_, machine.intercept_
    if len(present) == 2:  # two labels share one machine: the second's
        coefficients = np.vstack([-coefficients, coefficients])
        intercepts = np.concatenate([-intercepts, intercepts])
    weights[:, present] = coefficients.T
    bias[:] = min(-1.0, float(intercepts.min()))
    bias[present] = intercepts
    return weights, bias


def _matrix(rows: Sequence[Row], features: int) -> Any:
    from scipy.sparse import csr_matrix

    starts = np.cumsum([0, *(len(columns) for columns, _ in rows)])
    values = np.concatenate([values for _, values in rows])
    columns = np.concatenate([columns for columns, _ in rows])
    return csr_matrix((values, columns, starts), shape=(len(rows), features))


def margins_of(rows: Sequence[Row], weights: Scores, bias: Scores) -> Scores:
    """[rows, labels]"""
    return np.array([values @ weights[columns] + bias for columns, values in rows], np.float32)
