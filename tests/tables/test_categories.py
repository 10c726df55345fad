"""Categories come back as they were, and are encoded as a user would encode them."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.metrics import log_loss

from skdistill.tables._columns import read_table
from tests.conftest import strict_logistic
from tests.tables.helpers import (
    CATEGORICAL,
    as_polars,
    assert_is_table_of,
    distiller_for,
    user_pipeline,
)


@pytest.mark.slow
def test_a_table_comes_back(fitted, mixed):
    X, y, _ = mixed
    samples, labels = fitted.transform(X)
    assert_is_table_of(samples, X)
    assert labels.name == "sold"
    assert labels.dtype == y.dtype
    assert fitted.n_features_in_ == 5
    assert_array_equal(fitted.feature_names_in_, X.columns)
    assert_array_equal(fitted.get_feature_names_out(), X.columns)


def test_loss_is_that_of_the_users_own_pipeline(fitted, mixed):
    X, y, _ = mixed
    own = user_pipeline(X, strict_logistic(C=10))
    own.fit(fitted.X_synthetic_, fitted.y_synthetic_)
    assert_allclose(log_loss(y, own.predict_proba(X)), fitted.loss_, rtol=1e-7)
    assert_allclose(own.predict_proba(X), fitted.predict_proba(X), atol=1e-12)
    # Rows that do not have all the categories are encoded alike.
    encoder = clone(fitted.estimator_[0]).fit(X.iloc[:1])
    assert_array_equal(encoder.transform(X), fitted.estimator_[0].transform(X))
    again = clone(fitted.estimator_).fit(*fitted.transform(X))
    assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))


@pytest.mark.slow
@pytest.mark.parametrize("weighting", ["match", "learn"])
def test_weights(mixed, weighting):
    X, y, _ = mixed
    distiller = distiller_for(n_synthetic=4, weighting=weighting).fit(X, y)
    own = user_pipeline(X, strict_logistic(C=10))
    weights = {"logisticregression__sample_weight": distiller.sample_weight_synthetic_}
    own.fit(distiller.X_synthetic_, distiller.y_synthetic_, **weights)
    assert_allclose(log_loss(y, own.predict_proba(X)), distiller.loss_, rtol=1e-7)
    assert_is_table_of(distiller.X_synthetic_, X)


@pytest.mark.slow
def test_learned_hyperparameters_and_labels(mixed):
    X, y, _ = mixed
    distiller = distiller_for(strict_logistic(), learn_params=["C"]).fit(X, y)
    assert distiller.estimator_[-1].C != 1
    own = user_pipeline(X, strict_logistic(C=distiller.estimator_[-1].C))
    own.fit(distiller.X_synthetic_, distiller.y_synthetic_)
    assert_allclose(log_loss(y, own.predict_proba(X)), distiller.loss_, rtol=1e-7)

    soft = distiller_for(n_synthetic=4, learn_labels=True).fit(X, y)
    assert len(soft.X_synthetic_) == 2 * 4  # a copy for each class
    assert_is_table_of(soft.X_synthetic_, X)
    assert_allclose(log_loss(y, soft.predict_proba(X)), soft.loss_, rtol=1e-7)


@pytest.mark.slow
def test_polars(fitted, mixed):
    X, y, _ = mixed
    frame = as_polars(X)
    distiller = distiller_for(categorical_features="from_dtype")
    samples, labels = distiller.fit_transform(frame, pl.Series("sold", y.to_numpy()))
    assert_is_table_of(samples, frame)
    assert labels.name == "sold"
    assert_array_equal(samples["size"], fitted.X_synthetic_["size"])
    assert_array_equal(samples["color"], fitted.X_synthetic_["color"])
    assert_allclose(distiller.loss_, fitted.loss_, rtol=1e-6)
    assert_allclose(
        log_loss(y, distiller.predict_proba(frame)), distiller.loss_, rtol=1e-7
    )


@pytest.mark.slow
def test_arrays_with_categories(mixed):
    X, y, _ = mixed
    objects = distiller_for(categorical_features=[1, 3]).fit(
        X.to_numpy(dtype=object), y
    )
    samples = objects.X_synthetic_
    assert isinstance(samples, np.ndarray)
    assert set(samples[:, 1]) <= set(X["color"])
    sizes = samples[:, 0].astype(float)
    assert (sizes != np.rint(sizes)).any()  # arrays hold floats
    codes = np.column_stack([X["weight"], X["color"].cat.codes]).astype(float)
    numbers = distiller_for(categorical_features=[1]).fit(codes, y)
    assert numbers.X_synthetic_.dtype == np.float64
    assert set(numbers.X_synthetic_[:, 1]) <= {0.0, 1.0, 2.0}


def test_ways_to_name_categories(mixed):
    X, _, _ = mixed
    X = X.assign(shape=X["shape"].astype("category"))
    expected = pd.get_dummies(X, columns=CATEGORICAL).drop(columns="color_pink")
    mask = np.array([False, True, False, True, False])
    for named in ("from_dtype", [1, 3], mask, tuple(CATEGORICAL)):
        table = read_table(X, named, None)
        assert_array_equal(table.is_category, mask)
        encoded = table.encode(X)
        table.set_range(encoded)
        assert_allclose(encoded.sum(axis=1), expected.astype(float).sum(axis=1))
        assert table.decode(encoded).equals(X)


def test_everything_is_a_category(mixed):
    """There are no floats to refine, but categories may be exchanged."""
    X, y, _ = mixed
    X = X[CATEGORICAL]
    distiller = distiller_for().fit(X, y)
    assert_is_table_of(distiller.X_synthetic_, X)
    full = user_pipeline(X, strict_logistic(C=10)).fit(X, y)
    assert distiller.score(X, y) >= full.score(X, y) - 0.05


@pytest.mark.slow
def test_rows_without_weight_have_no_say(mixed):
    X, y, _ = mixed
    weight = np.where((X["color"] == "green") | (X["size"] == 11), 0.0, 1.0)
    distiller = distiller_for().fit(X, y, sample_weight=weight)
    assert "green" not in set(distiller.X_synthetic_["color"])
    assert distiller.X_synthetic_["size"].max() < 11
    kept = weight > 0
    same = distiller_for().fit(X[kept], y[kept])
    assert_allclose(same.loss_, distiller.loss_, rtol=1e-10)
    # A category that the encoder does not know is none of the others.
    assert distiller.predict(X).shape == y.shape


@pytest.mark.slow
def test_never_worse_than_the_start(mixed):
    X, y, _ = mixed
    distiller = distiller_for(n_synthetic=4).fit(X, y)
    before = distiller.loss_
    distiller.set_params(warm_start=True).fit(X, y)
    assert distiller.loss_ <= before * (1 + 1e-9)
