"""Rows that reproduce a model: the derivation of the user guide, number by number."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize_scalar

from skdistill._containers import LinearParams, SyntheticSet
from skdistill._exact import ModelSpan, is_reproduced, reproducing_rows
from skdistill.objectives._losses import log_loss_limit
from skdistill.students import student_for
from tests.conftest import make_table, spec_of, strict_logistic

#: No bounds.
FREE = (np.array(-np.inf), np.array(np.inf))


@pytest.mark.parametrize("k", [2, 3, 10])
def test_limit_of_the_pull_by_direct_search(k):
    """The largest <z, y - p> over scores of the own class, by bounded search."""

    def negative_pull(s):
        return -s * (k - 1) / (np.exp(s) + k - 1)

    best = minimize_scalar(negative_pull, bounds=(0, 20), options={"xatol": 1e-10})
    assert_allclose(log_loss_limit(k), -best.fun, rtol=1e-9)


def test_no_scores_pull_more_than_the_limit(rng):
    for k in (3, 5):
        z = 4 * rng.standard_normal((10_000, k))
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        pull = z[:, 0] - (z * p).sum(axis=1)
        assert pull.max() < log_loss_limit(k)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize(("n_classes", "p"), [(2, 6), (3, 6), (3, 40), (2, 1), (3, 1)])
def test_rows_train_to_the_model(n_classes, p, weighted, fit_intercept, rng):
    """Also across fewer features than classes, and more than rows."""
    X, y = make_table(n_classes, p=max(p, 4))
    X = X[:, :p]
    estimator = strict_logistic(C=0.5, fit_intercept=fit_intercept)
    full = estimator.fit(X, y)
    classes = np.arange(n_classes)
    student = student_for(estimator, spec_of(classes))
    params = student.params_of(full, None)
    if n_classes > 2:
        params = LinearParams(*(part - part.mean(axis=0) for part in params))
    y_syn = np.repeat(classes, 6)
    weight = np.bincount(y)[y_syn] / 6.0
    if weighted:
        weight = weight * rng.uniform(0.5, 1.5, len(y_syn))
    X_syn = np.vstack([X[y == c][:6] for c in classes])
    synthetic = SyntheticSet(X_syn, student.encode(y_syn), weight, {"C": 0.5})
    span = ModelSpan(params, np.zeros(p))
    trained = [
        student.solve(synthetic._replace(X=rows))
        for rows in reproducing_rows(student, span, synthetic, FREE)
    ]
    assert any(is_reproduced(params, found) for found in trained)


def test_what_the_model_does_not_see_stays(rng):
    """Rows differ from their reference only as the third condition asks."""
    X, y = make_table(2)
    wide = np.hstack([X, rng.standard_normal((len(X), 20))])
    estimator = strict_logistic().fit(wide, y)
    student = student_for(estimator, spec_of([0, 1]))
    y_syn = np.repeat([0, 1], 5)
    reference = wide[np.concatenate([np.flatnonzero(y == c)[:5] for c in (0, 1)])]
    synthetic = SyntheticSet(
        reference, student.encode(y_syn), np.full(10, 12.0), {"C": 1.0}
    )
    span = ModelSpan(student.params_of(estimator, None), np.zeros(26))
    rows = next(reproducing_rows(student, span, synthetic, FREE))
    change = rows - reference
    change -= (change @ span.U) @ span.U.T
    # One pull for each row: a correction of rank one.
    singular = np.linalg.svd(change, compute_uv=False)
    assert singular[1] < 1e-10 * singular[0]
