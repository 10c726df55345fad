"""Every classifier and regressor of scikit-learn, with its defaults if possible."""

import inspect
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import all_estimators

from skdistill import DatasetDistiller

pytestmark = pytest.mark.slow

#: What cannot be fitted on a table of numbers and one target for each row.
LEFT_OUT = {
    "ClassifierChain": "predicts several labels for each row",
    "MultiOutputClassifier": "predicts several labels for each row",
    "IsotonicRegression": "takes a single feature",
}
#: Those that need more than one target.
SEVERAL_TARGETS = {
    "CCA",
    "MultiOutputRegressor",
    "MultiTaskElasticNet",
    "MultiTaskElasticNetCV",
    "MultiTaskLasso",
    "MultiTaskLassoCV",
    "PLSCanonical",
    "RegressorChain",
}
#: Arguments that make a fit short, where a class takes them.
SHORT = {
    "Cs": 2,
    "cv": 2,
    "max_iter": 50,
    "max_leaf_nodes": 4,
    "max_subpopulation": 50,
    "max_trials": 20,
    "n_estimators": 5,
    "thresholds": 5,
}
#: Other arguments, for fits on few rows or without defaults.
ARGUMENTS = {
    "FixedThresholdClassifier": {"threshold": 0.4},
    "GridSearchCV": {"param_grid": {"max_depth": [1, 2]}},
    "HalvingGridSearchCV": {"param_grid": {"max_depth": [1, 2]}},
    "HalvingRandomSearchCV": {"param_distributions": {"max_depth": [1, 2]}},
    "RandomizedSearchCV": {"param_distributions": {"max_depth": [1, 2]}, "n_iter": 2},
    "OrthogonalMatchingPursuitCV": {"max_iter": None},
    "RANSACRegressor": {"min_samples": 4},
    "RadiusNeighborsClassifier": {"radius": 20.0},
    "RadiusNeighborsRegressor": {"radius": 20.0},
}
#: Classes that know two classes only.
TWO_CLASSES = {"FixedThresholdClassifier", "TunedThresholdClassifierCV"}


def names_of(kind):
    estimators = dict(all_estimators(type_filter=kind))
    return [name for name in estimators if name not in LEFT_OUT]


def made(name, kind):
    """Return an instance of an estimator class whose fit is fast."""
    cls = dict(all_estimators(type_filter=kind))[name]
    parameters = inspect.signature(cls).parameters
    arguments = {key: SHORT[key] for key in SHORT if key in parameters}
    arguments |= ARGUMENTS.get(name, {})
    is_class = kind == "classifier"
    base = (DecisionTreeClassifier if is_class else DecisionTreeRegressor)(max_depth=2)
    for key in ("estimator", "base_estimator"):
        if key in parameters:
            arguments[key] = base
    if "estimators" in parameters:
        linear = LogisticRegression() if is_class else Ridge()
        arguments["estimators"] = [("tree", base), ("linear", linear)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of deprecated classes
        return cls(**arguments)


@pytest.fixture(scope="module")
def table():
    """Return a table of positive numbers."""
    random_state = np.random.RandomState(0)
    score = random_state.permutation(np.arange(60) % 3)
    X = np.exp(score[:, None] * [0.5, 0.2, 0.0] + 0.3 * random_state.randn(60, 3))
    return X, score


def distilled(estimator, X, y, n_synthetic):
    distiller = DatasetDistiller(
        estimator, n_synthetic=n_synthetic, max_iter=1, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        distiller.fit(X, y)
        weight = distiller.sample_weight_synthetic_
        assert_array_equal(weight, np.ones(len(weight)))
        # It need not predict the same: those that draw by chance have no seed.
        refitted = clone(distiller.estimator).fit(*distiller.transform(X))
        assert refitted.predict(X).shape == distiller.predict(X).shape == y.shape
    assert np.isfinite(distiller.loss_)
    return distiller


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_is_left_out_fails_by_itself(table, name):
    kind = "regressor" if name == "IsotonicRegression" else "classifier"
    with pytest.raises((ValueError, IndexError)):
        made(name, kind).fit(*table)


@pytest.mark.parametrize("name", names_of("classifier"))
def test_classifiers(table, name):
    X, score = table
    names = np.array(["few", "some", "many"], dtype=object)
    y = names[np.minimum(score, 1) if name in TWO_CLASSES else score]
    distiller = distilled(made(name, "classifier"), X, y, 24)
    assert set(distiller.y_synthetic_) == set(y)


@pytest.mark.parametrize("name", names_of("regressor"))
def test_regressors(table, name):
    X, score = table
    y = 1.0 + score + 0.1 * X[:, 0]
    if name in SEVERAL_TARGETS:
        y = np.column_stack([y, X[:, 1]])
    distiller = distilled(made(name, "regressor"), X, y, 24)
    assert distiller.y_synthetic_.shape == (24, *y.shape[1:])
