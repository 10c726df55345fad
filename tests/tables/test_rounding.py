"""Integers and categories are rounded, and the other columns compensate for it."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.metrics import log_loss

from skdistill.synthetic._set import SyntheticSet
from skdistill.synthetic._variables import FeatureUnits, OuterVariables
from tests.conftest import strict_logistic
from tests.tables.helpers import (
    CATEGORICAL,
    distiller_for,
    user_pipeline,
)


def test_refined_after_rounding(numeric):
    """Floats and targets compensate for the rounding: no change improves them."""
    X, _, target = numeric
    X = X.assign(weight=X["weight"].astype(float))
    distiller = distiller_for(Ridge(), categorical_features=None, tol=1e-8)
    samples, targets = distiller.fit_transform(X, target)

    def loss(samples, targets):
        predicted = Ridge().fit(samples, targets).predict(X)
        return np.mean((predicted - target) ** 2)

    assert_allclose(loss(samples, targets), distiller.loss_, rtol=1e-9)
    rng = np.random.default_rng(0)
    for _ in range(5):
        moved = targets + rng.normal(0, 0.3, len(targets))
        assert loss(samples, moved) >= distiller.loss_ * (1 - 1e-9)
        moved = samples.assign(weight=samples["weight"] + rng.normal(0, 0.1, 8))
        assert loss(moved, targets) >= distiller.loss_ * (1 - 1e-9)


def test_refined_until_the_gradient_vanishes(mixed):
    """It is measured by finite differences of refits, in the float column."""
    X, y, _ = mixed
    X = X.assign(weight=X["weight"].astype(float))
    distiller = distiller_for(n_synthetic=4, tol=1e-8, max_iter=1000).fit(X, y)
    pipeline = clone(distiller.estimator_)
    for i in range(4):
        losses = []
        for step in (1e-4, -1e-4):
            moved = distiller.X_synthetic_.copy()
            moved.loc[i, "weight"] += step
            pipeline.fit(moved, distiller.y_synthetic_)
            losses.append(log_loss(y, pipeline.predict_proba(X)))
        assert abs(losses[0] - losses[1]) / 2e-4 < 1e-6


def test_better_than_rounding_alone(fitted, mixed):
    """The baseline rounds rows that were learned with all columns as floats."""
    X, y, _ = mixed
    encoded = pd.get_dummies(X, columns=CATEGORICAL, dtype=float).astype(float)
    floats = distiller_for(categorical_features=None, feature_range="data")
    learned = floats.fit(encoded, y).X_synthetic_
    rounded = X.iloc[:8].copy()
    rounded["size"] = learned["size"].round().astype(np.int8).to_numpy()
    rounded["weight"] = learned["weight"].to_numpy(np.float32)
    rounded["is_new"] = (learned["is_new"] > 0.5).to_numpy()
    for name in CATEGORICAL:
        block = learned.filter(like=name)
        rounded[name] = block.to_numpy().argmax(axis=1)
        rounded[name] = rounded[name].map(lambda c, b=block: b.columns[c].split("_")[1])
    naive = user_pipeline(X, strict_logistic(C=10)).fit(rounded, floats.y_synthetic_)
    assert fitted.loss_ < log_loss(y, naive.predict_proba(X))


def test_exact_is_refused(numeric):
    X, y, _ = numeric
    distiller = distiller_for(categorical_features=None, solver="exact")
    with pytest.raises(ValueError, match=r"rounded: \['size', 'is_new'\]"):
        distiller.fit(X, y)


def test_entries_that_are_held(rng):
    """Entries with equal bounds stay fixed; the rest of the column is free."""
    X = rng.normal(size=(3, 2))
    start = SyntheticSet(X, np.zeros(3), np.ones(3), {})
    held = np.array([[True, False], [False, False], [False, True]])
    bounds = np.where(held, X, -np.inf), np.where(held, X, np.inf)
    variables = OuterVariables(start, FeatureUnits(np.array([2.0, 0.1])), bounds, {})
    assert_array_equal(variables.lower == variables.upper, held.ravel())
    moved = variables.to_synthetic(variables.x0 + 1).X
    assert_array_equal(moved == X, held)
