"""Bad input gets one clear sentence, and leaves the object as it was."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.utils._param_validation import InvalidParameterError

from skdistill import DatasetDistiller

X = np.random.default_rng(0).standard_normal((40, 3))
y = np.arange(40) % 2
X[y == 1] += 1


def with_value(value, where=(0, 0)):
    changed = X.copy()
    changed[where] = value
    return changed


BAD_DATA = {
    "nan in X": (with_value(np.nan), y, None, "NaN"),
    "inf in X": (with_value(np.inf), y, None, "infinity"),
    "nan in y": (X, np.where(y == 0, np.nan, y), None, "NaN"),
    "continuous y": (X, y + 0.5 * X[:, 0], None, "continuous"),
    "two columns of y": (X, np.column_stack([y, y]), None, "1d array"),
    "no y": (X, None, None, "requires y to be passed"),
    "one class": (X, np.zeros(40), None, "only one class: .*0.0"),
    "lengths that differ": (X, y[:-1], None, "inconsistent numbers of samples"),
    "complex X": (X + 1j, y, None, "Complex data not supported"),
    "text X": (np.full((40, 3), "a"), y, None, "could not convert string"),
    "one-dimensional X": (X[:, 0], y, None, "Expected 2D array"),
    "no features": (X[:, :0], y, None, "0 feature"),
    "negative weight": (X, y, with_value(-1.0)[:, 0], "[Nn]egative"),
    "all weights zero": (X, y, np.zeros(40), "zero"),
    "weights that differ in length": (X, y, np.ones(39), "sample_weight.shape"),
    "one class with weight": (X, y, 1.0 - y, "only one class"),
}


@pytest.mark.parametrize("case", BAD_DATA.values(), ids=BAD_DATA)
def test_bad_data(case):
    bad_X, bad_y, weight, message = case
    distiller = DatasetDistiller()
    with pytest.raises(ValueError, match=message):
        distiller.fit(bad_X, bad_y, sample_weight=weight)
    # Usable, and not fitted by halves.
    assert not [name for name in vars(distiller) if name.endswith("_")]
    distiller.fit(X, y)
    before = distiller.X_synthetic_
    with pytest.raises(ValueError, match=message):
        distiller.fit(bad_X, bad_y, sample_weight=weight)
    assert distiller.X_synthetic_ is before
    assert distiller.n_features_in_ == 3
    distiller.predict(X)


def test_sparse_is_refused_by_name():
    with pytest.raises(TypeError, match="GaussianNB does not take sparse data"):
        DatasetDistiller(GaussianNB()).fit(csr_array(X), y)


BAD_PARAMETERS = {
    "n_synthetic=0": ({"n_synthetic": 0}, "'n_synthetic' parameter"),
    "n_synthetic=1.5": ({"n_synthetic": 1.5}, "'n_synthetic' parameter"),
    "n_synthetic too small": ({"n_synthetic": 1}, "fewer than the 2 classes"),
    "fraction too small": ({"n_synthetic": 0.01}, "fewer than the 2 classes"),
    "n_synthetic too large": ({"n_synthetic": 41}, "more than the 40 real rows"),
    "dict without a class": ({"n_synthetic": {0: 2}}, r"missing: \[1\]"),
    "dict with another class": (
        {"n_synthetic": {0: 2, 1: 2, 7: 1}},
        r"Unknown: \[7\]",
    ),
    "dict with no rows": ({"n_synthetic": {0: 0, 1: 2}}, "at least one"),
    "low above high": ({"feature_range": (1, 0)}, "low bound above"),
    "nan in feature_range": ({"feature_range": (np.nan, 1)}, "low bound above"),
    "three bounds": ({"feature_range": (0, 1, 2)}, "pair"),
    "bounds of another shape": ({"feature_range": ([0, 0], 1)}, "shape"),
    "init of another width": ({"init": (X[:4, :2], y[:4])}, "2 features, but"),
    "init of another length": ({"init": (X[:4], y[:3])}, r"shape \(3,\)"),
    "init without a class": ({"init": (X[:4], np.zeros(4))}, r"missing: \[1\]"),
    "init with another class": ({"init": (X[:4], [0, 1, 2, 0])}, r"Unknown: \[2\]"),
    "init with nan": ({"init": (with_value(np.nan)[:4], y[:4])}, "X of init.*NaN"),
    "init of three arrays": ({"init": (X[:4], y[:4], y[:4])}, "tuple"),
    "init of another size": (
        {"init": (X[:4], y[:4]), "n_synthetic": 6},
        "starting set has",
    ),
    "unknown init": ({"init": "median"}, "'init' parameter"),
    "unknown solver": ({"solver": "newton"}, "'solver' parameter"),
    "learn_labels=True": (
        {"learn_labels": True, "estimator": RidgeClassifier()},
        "learn_labels=True is not supported for RidgeClassifier",
    ),
    "weighting='learn'": (
        {
            "weighting": "learn",
            "estimator": LogisticRegression(class_weight="balanced"),
        },
        "class_weight='balanced'",
    ),
    "outer_loss": ({"outer_loss": "squared_error"}, "outer_loss='squared_error' is"),
    "learn_params": ({"learn_params": ("tol",)}, r"\['tol'\].*Choose from \['C'\]"),
    "max_iter=0": ({"max_iter": 0}, "'max_iter' parameter"),
    "tol<0": ({"tol": -1}, "'tol' parameter"),
    "another estimator": (
        {"estimator": GradientBoostingClassifier(), "solver": "lbfgs"},
        "no student for GradientBoosting",
    ),
    "no estimator": ({"estimator": "logistic"}, "'estimator' parameter"),
    "penalty": (
        {"estimator": LogisticRegression(solver="liblinear"), "solver": "lbfgs"},
        "'liblinear' with an intercept",
    ),
    "negative C": ({"estimator": LogisticRegression(C=-1.0)}, "'C' parameter"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", BAD_PARAMETERS.values(), ids=BAD_PARAMETERS)
def test_bad_parameters(case):
    params, message = case
    distiller = DatasetDistiller(**params)
    with pytest.raises((ValueError, InvalidParameterError), match=message):
        distiller.fit(X, y)
    assert not [name for name in vars(distiller) if name.endswith("_")]
    distiller.set_params(**DatasetDistiller().get_params(deep=False)).fit(X, y)


def test_features_are_checked_in_transform():
    distiller = DatasetDistiller().fit(X, y)
    with pytest.raises(ValueError, match="2 features"):
        distiller.transform(X[:, :2])


@pytest.mark.parametrize("weighting", ["unit", "match"])
def test_constant_and_single_features(weighting):
    constant = np.column_stack([X, np.full(40, 5.0), np.zeros(40)])
    distiller = DatasetDistiller(weighting=weighting, n_synthetic=4).fit(constant, y)
    assert np.isfinite(distiller.X_synthetic_).all()
    full = LogisticRegression().fit(constant, y)
    assert distiller.score(constant, y) >= full.score(constant, y) - 0.05
    one = DatasetDistiller(weighting=weighting, n_synthetic=4).fit(X[:, :1], y)
    full = LogisticRegression().fit(X[:, :1], y)
    assert one.score(X[:, :1], y) >= full.score(X[:, :1], y) - 0.05


def test_nothing_but_constant_features():
    distiller = DatasetDistiller(n_synthetic=2).fit(np.ones((40, 2)), y)
    assert np.isfinite(distiller.X_synthetic_).all()
    assert distiller.score(np.ones((40, 2)), y) == 0.5


def test_two_rows_are_data_too():
    distiller = DatasetDistiller().fit([[0.0], [2.0]], ["cat", "dog"])
    assert distiller.X_synthetic_.shape == (2, 1)
    assert_array_equal(distiller.predict([[0.0], [2.0]]), ["cat", "dog"])


def test_class_with_a_single_row_and_equal_rows():
    rows = np.vstack([np.zeros((10, 2)), np.ones((1, 2))])
    labels = np.repeat([0, 1], [10, 1])
    distiller = DatasetDistiller(n_synthetic={0: 3, 1: 2}).fit(rows, labels)
    assert_array_equal(distiller.y_synthetic_, [0, 0, 0, 1, 1])
    assert np.isfinite(distiller.X_synthetic_).all()


def test_more_features_than_rows():
    wide = np.random.default_rng(0).standard_normal((20, 100))
    distiller = DatasetDistiller(n_synthetic=4).fit(wide, np.arange(20) % 2)
    assert distiller.score(wide, np.arange(20) % 2) > 0.9
