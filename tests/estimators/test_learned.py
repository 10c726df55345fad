"""Learned labels and weights of classifiers: what scikit-learn is given."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import log_loss

from skdistill import DatasetDistiller
from tests.conftest import strict_logistic


def test_learned_labels_are_weighted_copies(table):
    X, y = table
    k = len(np.unique(y))
    distiller = DatasetDistiller(
        strict_logistic(), n_synthetic=2 * k, learn_labels=True, max_iter=1000
    ).fit(X, y)
    weight = distiller.sample_weight_synthetic_
    assert len(distiller.X_synthetic_) == len(weight) == 2 * k * k
    assert_array_equal(distiller.y_synthetic_, np.tile(np.unique(y), 2 * k))
    # A row and its copies weigh one together.
    assert_allclose(weight.reshape(-1, k).sum(axis=1), 1.0)
    assert_array_equal(
        distiller.X_synthetic_.reshape(2 * k, k, -1)[:, 0],
        distiller.X_synthetic_.reshape(2 * k, k, -1)[:, -1],
    )
    refit = strict_logistic().fit(
        distiller.X_synthetic_, distiller.y_synthetic_, weight
    )
    loss = log_loss(y, refit.predict_proba(X))
    assert_allclose(distiller.loss_, loss, rtol=1e-9)
    assert_allclose(distiller.loss_curve_[-1], loss, rtol=1e-6)
    fixed = DatasetDistiller(strict_logistic(), n_synthetic=2 * k).fit(X, y)
    assert loss < fixed.loss_ + 1e-3


def test_learned_labels_under_class_weights(multiclass_table):
    X, y = multiclass_table
    estimator = strict_logistic(class_weight={0: 1.0, 1: 3.0, 2: 0.5})
    distiller = DatasetDistiller(
        estimator, n_synthetic=6, learn_labels=True, weighting="learn", tol=1e-3
    ).fit(X, y)
    # The student's own solution has the loss of scikit-learn's.
    assert_allclose(distiller.loss_curve_[-1], distiller.loss_, rtol=1e-6)


def test_learned_weights(table):
    X, y = table
    k = len(np.unique(y))
    args = {"n_synthetic": k, "max_iter": 1000, "solver": "lbfgs"}
    unit = DatasetDistiller(strict_logistic(C=0.1), **args).fit(X, y)
    learned = DatasetDistiller(strict_logistic(C=0.1), weighting="learn", **args).fit(
        X, y
    )
    assert learned.loss_ < unit.loss_ - 0.01
    weight = learned.sample_weight_synthetic_
    assert (weight >= 0).all()
    refit = strict_logistic(C=0.1).fit(
        learned.X_synthetic_, learned.y_synthetic_, weight
    )
    assert_allclose(log_loss(y, refit.predict_proba(X)), learned.loss_, rtol=1e-9)


def test_what_cannot_be_learned_together(binary_table):
    X, y = binary_table
    balanced = strict_logistic(class_weight="balanced")
    for params in ({"learn_labels": True}, {"weighting": "learn"}):
        with pytest.raises(ValueError, match="class_weight='balanced'"):
            DatasetDistiller(balanced, **params).fit(X, y)
    with pytest.raises(ValueError, match="warm_start=True is not supported"):
        DatasetDistiller(learn_labels=True, warm_start=True).fit(X, y)
