"""Scores against size, next to baselines, on real folds."""

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_diabetes
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedKFold,
    cross_val_score,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import scale

from skdistill import DatasetDistiller, distillation_curve
from skdistill.evaluation._baselines import reduced_set
from tests.conftest import make_table

ESTIMATOR = LogisticRegression(C=10)
SIZES = [3, 9]
FOLDS = StratifiedKFold(3)


@pytest.fixture(scope="module")
def data():
    return make_table(3)


@pytest.fixture(scope="module")
def curve(data):
    return distillation_curve(
        ESTIMATOR, *data, n_synthetic=SIZES, cv=FOLDS, random_state=0
    )


def same_scores(a, b):
    for method in a.methods:
        assert_allclose(a.test_scores[method], b.test_scores[method], rtol=1e-9)
    assert_allclose(a.full_test_scores, b.full_test_scores, rtol=1e-9)


@pytest.mark.slow
def test_distill_is_a_distiller_in_each_fold(data, curve):
    for size, scores in zip(SIZES, curve.test_scores["distill"], strict=True):
        distiller = DatasetDistiller(ESTIMATOR, n_synthetic=size, random_state=0)
        assert_allclose(scores, cross_val_score(distiller, *data, cv=FOLDS))


COLUMNS = {
    "pandas": lambda y: pd.DataFrame({"label": y}),
    "polars": lambda y: pl.DataFrame({"label": y}),
    "array": lambda y: np.asarray(y)[:, None],
}


@pytest.mark.slow
# One column of targets is warned of, as by scikit-learn's own estimators.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
@pytest.mark.parametrize("as_column", COLUMNS.values(), ids=COLUMNS)
def test_targets_of_one_column(data, curve, as_column):
    """Labels in a column are treated as labels, and numbers in it as numbers."""
    X, y = data
    options = {"n_synthetic": SIZES, "cv": FOLDS, "random_state": 0}
    same_scores(distillation_curve(ESTIMATOR, X, as_column(y), **options), curve)
    options["cv"] = KFold(2)
    ridge = [
        distillation_curve(Ridge(), X, target, **options)
        for target in (X[:, 0], as_column(X[:, 0]))
    ]
    same_scores(*ridge)


@pytest.mark.slow
def test_frames_that_are_lazy_or_sparse(data, curve):
    X, y = data
    for lazy in (pl.LazyFrame(X), pl.LazyFrame({"y": y})):
        X_or_y = (lazy, y) if len(lazy.collect_schema()) > 1 else (X, lazy)
        refused = "is a lazy frame, .*Collect it first|X is .* read block by block"
        with pytest.raises(ValueError, match=refused):
            distillation_curve(ESTIMATOR, *X_or_y, n_synthetic=SIZES)
    sparse = pd.DataFrame(X).rename(columns=str).astype(pd.SparseDtype(float, 0.0))
    again = distillation_curve(
        ESTIMATOR, sparse, y, n_synthetic=SIZES, cv=FOLDS, random_state=0
    )
    same_scores(again, curve)


@pytest.mark.slow
@pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:The outer loss is .* on rows that were held back",
)
def test_no_method_sees_a_test_row(data):
    """Held-back rows come from the training part, which all methods share.

    Other test rows lead to the same rows, for every method.
    """
    X, y = data
    # One neighbor keeps the rows that it was fitted on, and iterates with folds.
    distiller = DatasetDistiller(KNeighborsClassifier(1), max_iter=3)
    folds = list(FOLDS.split(X, y))[:1]

    def rows_by_method(X, y):
        fitted_on = []

        def score(estimator, X_test, y_test):
            fitted_on.append(np.sort(estimator._fit_X, axis=0))
            assert_array_equal(X_test, X[folds[0][1]])
            return 0.0

        distillation_curve(
            distiller, X, y, n_synthetic=6, cv=folds, scoring=score, random_state=0
        )
        return fitted_on

    other, labels, (train, test) = X.copy(), y.copy(), folds[0]
    other[test] = 10 * X[test]
    labels[test] = y[test][::-1]
    before, after = rows_by_method(X, y), rows_by_method(other, labels)
    assert len(before) == 4  # all rows, and three methods
    assert_array_equal(before[0], np.sort(X[train], axis=0))
    for a, b in zip(before, after, strict=True):
        assert_array_equal(a, b)


def test_full_is_the_estimator_in_each_fold(data, curve):
    assert_allclose(curve.full_test_scores, cross_val_score(ESTIMATOR, *data, cv=FOLDS))


def test_one_center_of_kmeans_is_the_class_mean(data, curve):
    X, y = data
    expected = []
    for train, test in FOLDS.split(X, y):
        means = [X[train][y[train] == c].mean(axis=0) for c in range(3)]
        model = clone(ESTIMATOR).fit(means, [0, 1, 2])
        expected.append(model.score(X[test], y[test]))
    assert_allclose(curve.test_scores["kmeans"][0], expected)


def test_shapes_and_times(curve):
    assert_array_equal(curve.n_synthetic, SIZES)
    assert curve.methods == ("distill", "kmeans", "sample")
    for method in curve.methods:
        assert (
            curve.test_scores[method].shape == curve.fit_times[method].shape == (2, 3)
        )
        assert (curve.fit_times[method] > 0).all()
    assert curve.full_fit_times.shape == curve.n_train.shape == (3,)
    assert_array_equal(curve.n_train, 80)


@pytest.mark.slow
def test_distillation_learns_something_that_baselines_do_not():
    X, y = make_table(2, n=300, seed=1)
    curve = distillation_curve(
        LogisticRegression(C=100), X, y, n_synthetic=[2], random_state=0
    )
    mean = {method: scores.mean() for method, scores in curve.test_scores.items()}
    assert mean["distill"] > max(mean["kmeans"], mean["sample"])
    assert_allclose(mean["distill"], curve.full_test_scores.mean(), atol=0.01)


def test_settings_of_a_distiller_are_used(data):
    X, y = data
    distiller = DatasetDistiller(
        ESTIMATOR, weighting="match", feature_range=(-1, 1), tol=1e-2, n_synthetic=50
    )
    curve = distillation_curve(
        distiller, X, y, n_synthetic=6, cv=FOLDS, scoring="neg_log_loss"
    )
    train, test = next(FOLDS.split(X, y))
    expected = clone(distiller).set_params(n_synthetic=6).fit(X[train], y[train])
    loss = log_loss(y[test], expected.predict_proba(X[test]))
    assert_allclose(curve.test_scores["distill"][0, 0], -loss, rtol=1e-6)
    assert distiller.n_synthetic == 50
    assert not hasattr(distiller, "estimator_")


def test_matched_weights_go_to_the_baselines(data):
    X, y = data
    keep = np.flatnonzero((y != 0) | (np.arange(len(y)) % 3 == 0))  # unbalanced
    X, y = X[keep], y[keep]
    distiller = DatasetDistiller(ESTIMATOR, weighting="match")
    curve = distillation_curve(
        distiller,
        X,
        y,
        n_synthetic=3,
        methods=["kmeans"],
        cv=FOLDS,
        scoring="neg_log_loss",
    )
    train, test = next(FOLDS.split(X, y))
    means = [X[train][y[train] == c].mean(axis=0) for c in range(3)]
    weight = np.bincount(y[train]).astype(float)
    model = clone(ESTIMATOR).fit(means, [0, 1, 2], sample_weight=weight)
    loss = log_loss(y[test], model.predict_proba(X[test]))
    assert_allclose(curve.test_scores["kmeans"][0, 0], -loss, rtol=1e-6)


def test_sizes_are_sorted_fractions_resolved_and_repeats_removed(data):
    curve = distillation_curve(
        ESTIMATOR,
        *data,
        n_synthetic=[8, 0.05, 4],
        methods=["sample"],
        cv=FOLDS,
        random_state=0,
    )
    assert_array_equal(curve.n_synthetic, [4, 8])
    assert list(curve.test_scores) == ["sample"]


def test_random_state_and_jobs(data, curve):
    options = {"n_synthetic": SIZES, "cv": FOLDS, "methods": ["sample"]}
    again = distillation_curve(ESTIMATOR, *data, **options, random_state=0, n_jobs=2)
    same_scores(again, curve)
    other = distillation_curve(ESTIMATOR, *data, **options, random_state=1)
    assert (other.test_scores["sample"] != curve.test_scores["sample"]).any()


@pytest.mark.slow
def test_threads(data, curve):
    with joblib.parallel_config("threading", n_jobs=2):
        again = distillation_curve(
            ESTIMATOR, *data, n_synthetic=SIZES, cv=FOLDS, random_state=0, verbose=1
        )
    same_scores(again, curve)


@pytest.mark.slow
def test_own_random_state_of_a_distiller_is_kept(data):
    """The distiller starts from drawn real rows and makes hardly any iterations."""

    def scores(own_seed, seed):
        distiller = DatasetDistiller(
            ESTIMATOR, init="sample", solver="adam", max_iter=1, random_state=own_seed
        )
        options = {"n_synthetic": 6, "methods": ["distill"], "cv": 2}
        curve = distillation_curve(distiller, *data, **options, random_state=seed)
        return curve.test_scores["distill"]

    assert_array_equal(scores(3, 0), scores(3, 1))
    assert (scores(None, 0) != scores(None, 1)).any()
    assert_array_equal(scores(None, 0), scores(None, 0))


@pytest.mark.slow
def test_pandas_and_labels_that_are_strings(data, curve):
    X, y = data
    frame = pd.DataFrame(X, columns=list("abcdef"), index=np.arange(len(X)) + 1000)
    labels = pd.Series(np.array(["cat", "dog", "eel"])[y], index=frame.index)
    framed = distillation_curve(
        ESTIMATOR, frame, labels, n_synthetic=SIZES, cv=FOLDS, random_state=0
    )
    same_scores(curve, framed)


def test_groups_reach_the_splitter(data):
    X, y = data
    groups = np.arange(len(y)) % 4
    curve = distillation_curve(
        ESTIMATOR,
        X,
        y,
        n_synthetic=6,
        methods=["sample"],
        groups=groups,
        cv=GroupKFold(4),
    )
    assert_allclose(
        curve.full_test_scores,
        cross_val_score(ESTIMATOR, X, y, groups=groups, cv=GroupKFold(4)),
    )


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ([2, 9], r"asks for \[2\] rows. Pass at least 3, one row for each class"),
        ([500], r"asks for \[500\] rows.* at most 80, the number of rows of"),
        ([0], "contains 0. Pass whole numbers of rows"),
        ([10.0], "contains 10.0. Pass"),
        ([True], "contains True. Pass"),
        (["auto"], "contains 'auto'. Pass"),
        ([], "n_synthetic is empty"),
    ],
)
def test_impossible_sizes(data, sizes, message):
    with pytest.raises(ValueError, match=message):
        distillation_curve(ESTIMATOR, *data, n_synthetic=sizes, cv=FOLDS)


def test_sizes_suit_the_smallest_of_unequal_folds(data):
    X, y = data
    groups = np.repeat([0, 1], [90, 30])  # training folds of 30 and 90 rows
    options = {"methods": ["sample"], "groups": groups, "cv": GroupKFold(2)}
    curve = distillation_curve(ESTIMATOR, X, y, n_synthetic=[0.2, 30], **options)
    assert_array_equal(curve.n_synthetic, [6, 30])
    assert sorted(curve.n_train) == [30, 90]
    with pytest.raises(ValueError, match="at most 30"):
        distillation_curve(ESTIMATOR, X, y, n_synthetic=[31], **options)


@pytest.mark.parametrize("methods", [["herding"], [], ["sample", "sample"]])
def test_impossible_methods(data, methods):
    with pytest.raises(ValueError, match="must name some of"):
        distillation_curve(ESTIMATOR, *data, n_synthetic=SIZES, methods=methods)


def test_one_line_of_progress(data, capsys, monkeypatch):
    options = {"n_synthetic": SIZES, "methods": ["sample"], "cv": FOLDS}
    distillation_curve(ESTIMATOR, *data, **options)
    assert capsys.readouterr() == ("", "")
    distillation_curve(ESTIMATOR, *data, **options, verbose=1)
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].startswith("[distillation_curve] 9/9 fits")

    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    distillation_curve(ESTIMATOR, *data, **options, verbose=1)
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert out.count("\r[distillation_curve]") == 9


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return scale(X), scale(y)


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_regression(diabetes, n_outputs):
    X, y = diabetes
    if n_outputs == 2:
        y = np.column_stack([y, X[:, 0] - y])
    cv = KFold(2)
    distiller = DatasetDistiller(Ridge(), n_synthetic=5, random_state=0)
    curve = distillation_curve(distiller, X, y, n_synthetic=[5], cv=cv, random_state=0)
    distilled = cross_val_score(distiller, X, y, cv=cv)
    assert_allclose(curve.test_scores["distill"][0], distilled)
    assert_allclose(curve.full_test_scores, cross_val_score(Ridge(), X, y, cv=cv))
    # Distilled rows reproduce the model, which clusters and draws only come near to.
    for baseline in ("kmeans", "sample"):
        assert (distilled > curve.test_scores[baseline][0]).all()


def test_regression_in_frames(diabetes):
    X, y = diabetes
    options = {"n_synthetic": 6, "cv": 2, "random_state": 0}
    frame = pd.DataFrame(X).add_prefix("x")
    for targets in (y, np.column_stack([y, -y])):
        framed = pd.Series(y, name="y")
        if targets.ndim == 2:
            framed = pd.DataFrame(targets, columns=["y", "z"])
        a = distillation_curve(Ridge(), X, targets, **options)
        b = distillation_curve(Ridge(), frame, framed, **options)
        same_scores(a, b)


def test_one_hot_targets_are_reduced_by_class(data):
    X, y = data
    Y = np.eye(3)[y]
    estimator = KernelRidge(kernel="rbf")
    distiller = DatasetDistiller(
        estimator, outer_loss="log_loss", weighting="match", tol=1e-2
    )
    with pytest.raises(ValueError, match="at least 3, one row for each class"):
        distillation_curve(distiller, X, Y, n_synthetic=2)
    curve = distillation_curve(
        distiller, X, Y, n_synthetic=3, methods=["kmeans"], cv=FOLDS.split(X, y)
    )
    expected = []
    for train, test in FOLDS.split(X, y):
        means = [X[train][y[train] == c].mean(axis=0) for c in range(3)]
        weight = np.bincount(y[train]).astype(float)
        model = clone(estimator).fit(means, np.eye(3), sample_weight=weight)
        expected.append(model.score(X[test], Y[test]))
    assert_allclose(curve.test_scores["kmeans"][0], expected)


def test_more_rows_than_a_class_has(rng):
    """Both methods repeat the rows of a class that has too few of them."""
    X = rng.normal(size=(12, 2))
    y = np.array([0] * 10 + [1] * 2)
    for method in ("kmeans", "sample"):
        X_reduced, y_reduced, weight = reduced_set(method, X, y, y, 8)
        assert_array_equal(y_reduced, [0] * 4 + [1] * 4)
        assert weight is None
        assert_allclose(np.unique(X_reduced[4:], axis=0), np.unique(X[10:], axis=0))


def test_matched_weights_sum_to_the_real_rows(rng):
    X, y = rng.normal(size=(30, 2)), np.repeat([0, 1], [20, 10])
    *_, weight = reduced_set("sample", X, y, y, np.array([4, 5]), weighting="match")
    assert_allclose(weight, np.repeat([5.0, 2.0], [4, 5]))


def test_targets_of_a_regression_are_means_of_clusters(rng):
    X, y = rng.normal(size=(40, 3)), rng.normal(size=40)
    X_reduced, y_reduced, weight = reduced_set(
        "kmeans", X, y, None, 5, weighting="match", random_state=0
    )
    kmeans = KMeans(5, random_state=0).fit(X)
    assert_allclose(X_reduced, kmeans.cluster_centers_)
    sums = np.bincount(kmeans.labels_, weights=y)
    assert_allclose(y_reduced, sums / np.bincount(kmeans.labels_))
    assert_allclose(weight, 8.0)
    _, outputs, _ = reduced_set("kmeans", X, np.column_stack([y, -y]), None, 5)
    assert outputs.shape == (5, 2)
    assert_allclose(outputs[:, 0], -outputs[:, 1])


def test_smaller_draws_are_parts_of_larger_ones(data):
    X, y = data
    small, large = (
        reduced_set("sample", X, y, y, 3 * size, random_state=0)[0].reshape(3, size, 6)
        for size in (2, 5)
    )
    assert_array_equal(small, large[:, :2])
