"""Where warnings point to, and steps that follow a distiller."""

import sys
import warnings

import joblib
import numpy as np
import pytest
from imblearn.pipeline import make_pipeline as make_imblearn_pipeline
from numpy.testing import assert_array_equal
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill import DatasetDistiller, DistilledClassifier
from skdistill._weights import takes_weights
from skdistill.estimators._fitting import fit_behind, takes_tables, warn
from skdistill.estimators._merging import merge_equal_rows
from tests.conftest import make_table


@pytest.fixture(scope="module")
def data():
    return make_table(2, n=40)


def plain(classifier, X, y):
    classifier.fit(X, y)


def in_a_pipeline(classifier, X, y):
    make_pipeline(StandardScaler(), classifier).fit(X, y)


def in_a_search(classifier, X, y):
    GridSearchCV(classifier, {"distiller__n_synthetic": [4]}, cv=2).fit(X, y)


def in_a_cross_validation_of_a_pipeline(classifier, X, y):
    cross_val_score(make_pipeline(StandardScaler(), classifier), X, y, cv=2)


@pytest.mark.parametrize(
    "fit", [plain, in_a_pipeline, in_a_search, in_a_cross_validation_of_a_pipeline]
)
def test_a_warning_points_to_the_line_of_the_user(data, fit):
    unmirrored = LogisticRegression(solver="liblinear")
    few = DatasetDistiller(max_iter=1)
    classifier = DistilledClassifier(unmirrored, few)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit(classifier, *data)
    assert caught
    for warning in caught:
        assert issubclass(warning.category, UserWarning)
        assert warning.filename == __file__
        assert warning.lineno in {
            line for _, _, line in fit.__code__.co_lines() if line is not None
        }


def test_a_warning_out_of_nowhere_is_still_one():
    """In a thread there may be no line of the user that a warning could point to."""
    with pytest.warns(RuntimeWarning, match="of nowhere"):
        with joblib.parallel_config("threading", n_jobs=2):
            joblib.Parallel()([joblib.delayed(warn)("of nowhere", RuntimeWarning)])
    namespace = {"__name__": "skdistill.made_up", "warn": warn}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        exec("warn('from within')", namespace)
    assert caught[0].filename == __file__
    assert caught[0].lineno == sys._getframe().f_lineno - 2


# The pair (X, y) that a distiller returns is no array


@pytest.mark.parametrize(
    "steps",
    [
        make_pipeline(DatasetDistiller(), LogisticRegression()),
        make_pipeline(DatasetDistiller(), StandardScaler(), LogisticRegression()),
        make_pipeline(DatasetDistiller(), RandomForestClassifier()),
        make_pipeline(
            DatasetDistiller().set_output(transform="pandas"), LogisticRegression()
        ),
        make_imblearn_pipeline(DatasetDistiller(), LogisticRegression()),
        make_union(DatasetDistiller(), StandardScaler()),
    ],
    ids=["estimator", "transformer", "forest", "pandas", "imblearn", "union"],
)
def test_a_step_after_a_distiller_is_told_what_would_do(data, steps):
    with pytest.raises(TypeError, match="Let the last step be DistilledClassifier"):
        steps.fit_transform(*data) if hasattr(steps, "transform") else steps.fit(*data)


def test_the_pair_is_a_tuple(data):
    pair = DatasetDistiller(n_synthetic=4).fit_transform(*data)
    samples, labels = pair
    assert isinstance(pair, tuple)
    assert pair.X is samples
    assert pair.y is labels
    with pytest.raises(TypeError, match="unpack the pair"):
        np.asarray(pair)


# Weights and tables


def test_weights_reach_the_last_step_of_a_pipeline(data):
    X, y = data
    weight = np.where(y == 1, 9.0, 1.0)
    tree = DecisionTreeClassifier(max_depth=1, random_state=0)
    pipeline = make_pipeline(StandardScaler(), make_pipeline(tree))
    assert takes_weights(pipeline)
    assert not takes_weights(make_pipeline(KNeighborsClassifier()))
    fitted = fit_behind(None, pipeline, X, y, weight)
    expected = tree.fit(StandardScaler().fit_transform(X), y, sample_weight=weight)
    predicted = expected.predict_proba(StandardScaler().fit_transform(X))
    assert_array_equal(fitted.predict_proba(X), predicted)
    unweighted = tree.fit(StandardScaler().fit_transform(X), y)
    assert (
        unweighted.predict_proba(StandardScaler().fit_transform(X)) != predicted
    ).any()


# Equal rows, however they are written


def test_zeros_of_both_signs_are_equal():
    X = np.array([[0.0, 1.0], [-0.0, 1.0], [0.0, 2.0]])
    y = np.array([0.0, -0.0, 0.0])
    rows, weight = merge_equal_rows(X, y, np.ones(3))
    assert_array_equal(np.sort(weight), [1.0, 2.0])
    assert_array_equal(np.sort(X[rows, 1]), [1.0, 2.0])


def test_all_codes_of_nan_are_equal():
    payload = np.array([0x7FF8000000000001], dtype=np.uint64).view(np.float64)[0]
    X = np.array([[np.nan], [payload], [-payload], [1.0]])
    _, weight = merge_equal_rows(X, np.zeros(4), np.ones(4))
    assert_array_equal(np.sort(weight), [1.0, 3.0])


@pytest.mark.parametrize(
    "form",
    [
        lambda X: X.astype(np.float32),
        lambda X: np.asfortranarray(X),
        lambda X: np.repeat(X, 2, axis=1)[:, ::2],
        lambda X: X.astype(">f8"),
    ],
    ids=["float32", "columns", "view", "bytes swapped"],
)
def test_the_order_is_that_of_the_numbers(rng, form):
    X = rng.integers(-2, 3, (30, 3)) / 4
    y = rng.integers(0, 2, 30).astype(np.int8)
    expected = merge_equal_rows(X, y, np.ones(30))
    for part, same in zip(
        expected, merge_equal_rows(form(X), y, np.ones(30)), strict=True
    ):
        assert_array_equal(part, same)


def test_rows_of_more_than_one_chunk_are_merged(rng, monkeypatch):
    monkeypatch.setattr("skdistill.estimators._merging.CHUNK_ROWS", 7)
    X = rng.integers(0, 2, (30, 3)).astype(float)
    _, weight = merge_equal_rows(X, X[:, 0], np.ones(30))
    assert_array_equal(
        np.sort(weight), np.sort(np.unique(X, axis=0, return_counts=True)[1])
    )


def test_what_takes_a_table():
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

    columns = make_column_transformer((OneHotEncoder(), ["a"]))
    forest = RandomForestClassifier()
    for estimator in (
        make_pipeline(columns, forest),
        make_pipeline(OrdinalEncoder(), forest),
        GridSearchCV(make_pipeline(columns, forest), {}),
        HistGradientBoostingClassifier(categorical_features=["a"]),
    ):
        assert takes_tables(estimator)
    for estimator in (
        forest,
        make_pipeline(StandardScaler(), forest),
        HistGradientBoostingClassifier(),
        object(),
    ):
        assert not takes_tables(estimator)
