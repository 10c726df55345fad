"""The sampler among the tools of imbalanced-learn and scikit-learn."""

import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from imblearn.base import is_sampler
from imblearn.ensemble import BalancedBaggingClassifier
from imblearn.pipeline import Pipeline, make_pipeline
from imblearn.under_sampling import RandomUnderSampler
from imblearn.utils.estimator_checks import (
    parametrize_with_checks as parametrize_with_imblearn_checks,
)
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.callback import ProgressBar
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from skdistill import DatasetDistiller, DistillationSampler

# The checks fit on noise, for a few iterations.
few_iterations = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning"
)


def with_collection(decorator):
    """Replace the deprecated generator that imbalanced-learn passes by a list."""
    names, checks = decorator.args
    return pytest.mark.parametrize(names, list(checks), **decorator.kwargs)


@pytest.mark.slow
@with_collection(parametrize_with_imblearn_checks([DistillationSampler()]))
@few_iterations
def test_checks_of_imbalanced_learn(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([DistillationSampler()])
@few_iterations
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def unbalanced():
    X, y = make_classification(
        n_samples=400, n_features=6, weights=[0.9], class_sep=0.7, random_state=0
    )
    return StandardScaler().fit_transform(X), y


def test_it_is_a_sampler_and_no_transformer():
    assert is_sampler(DistillationSampler())
    assert not hasattr(DistillationSampler(), "transform")
    assert not hasattr(DistillationSampler(), "fit_transform")


@pytest.mark.slow
def test_imbalanced_learn_is_not_imported():
    script = """
import sys
from sklearn import config_context
import skdistill
skdistill.DistillationSampler().fit_resample([[0.0], [1.0]], [0, 1])
assert "imblearn" not in sys.modules
import imblearn.pipeline
with config_context(enable_metadata_routing=True):
    skdistill.DistillationSampler().set_fit_resample_request(sample_weight=True)
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_it_returns_the_distilled_set(multiclass_table):
    X, y = multiclass_table
    n_synthetic = {0: 1, 1: 2, 2: 3}
    distiller = DatasetDistiller(LogisticRegression(C=10), n_synthetic=n_synthetic)
    sampler = DistillationSampler(distiller)
    X_resampled, y_resampled = sampler.fit_resample(X, y)
    alone = clone(distiller).fit(X, y)
    assert_array_equal(X_resampled, alone.X_synthetic_)
    assert_array_equal(y_resampled, [0, 1, 1, 2, 2, 2])
    assert sampler.sampling_strategy_ == n_synthetic
    assert not hasattr(distiller, "X_synthetic_")
    weight = np.linspace(0, 2, len(y))
    weighted, _ = sampler.fit_resample(X, y, sample_weight=weight)
    assert_array_equal(weighted, clone(distiller).fit(X, y, weight).X_synthetic_)


def test_in_a_pipeline_the_last_step_sees_only_the_distilled_rows(unbalanced):
    X, y = unbalanced
    sampler = DistillationSampler(DatasetDistiller(n_synthetic={0: 8, 1: 8}))
    pipeline = make_pipeline(StandardScaler(), sampler, LogisticRegression())
    pipeline.fit(3 * X + 1, y)
    distiller = pipeline[1].distiller_
    refitted = LogisticRegression().fit(distiller.X_synthetic_, distiller.y_synthetic_)
    assert_array_equal(pipeline[-1].coef_, refitted.coef_)
    assert_array_equal(
        pipeline.predict(3 * X + 1),
        refitted.predict(pipeline[0].transform(3 * X + 1)),
    )


def test_the_estimator_decides_what_balance_is_and_not_the_rows(unbalanced):
    """Evenly shared rows represent all the data as the estimator weighs it."""
    X, y = unbalanced

    def score(estimator):
        return cross_val_score(estimator, X, y, scoring="balanced_accuracy").mean()

    full = {}
    for class_weight in (None, "balanced"):
        estimator = LogisticRegression(class_weight=class_weight)
        full[class_weight] = score(estimator)
        sampler = DistillationSampler(DatasetDistiller(estimator, n_synthetic=20))
        # Of even rows the class weights are one: a plain estimator will do.
        pipeline = make_pipeline(sampler, LogisticRegression())
        assert_allclose(score(pipeline), full[class_weight], atol=0.02)
    assert full["balanced"] > full[None] + 0.05


def test_any_estimator_at_the_end_and_any_sampler_before(unbalanced):
    X, y = unbalanced
    pipeline = make_pipeline(
        RandomUnderSampler(sampling_strategy={0: 100}, random_state=0),
        DistillationSampler(DatasetDistiller(LogisticRegression(C=10))),
        RandomForestClassifier(n_estimators=10, random_state=0),
    )
    scores = cross_val_score(pipeline, X, y, cv=3, scoring="balanced_accuracy")
    assert scores.mean() > 0.6


def test_in_an_ensemble_of_imbalanced_learn(unbalanced):
    """Each member distills the rows that it was given, and fits on the result."""
    X, y = unbalanced
    y = np.array(["common", "rare"])[y]
    sampler = DistillationSampler(DatasetDistiller(n_synthetic=12))
    bagging = BalancedBaggingClassifier(
        LogisticRegression(), n_estimators=3, sampler=sampler, random_state=0
    ).fit(X, y)
    sets = []
    for member in bagging.estimators_:
        distiller = member[0].distiller_
        assert member[0].sampling_strategy_ == {0: 6, 1: 6}
        refitted = LogisticRegression().fit(
            distiller.X_synthetic_, distiller.y_synthetic_
        )
        assert_array_equal(member[-1].coef_, refitted.coef_)
        sets.append(distiller.X_synthetic_)
    assert not np.array_equal(sets[0], sets[1])
    alone = LogisticRegression().fit(X, y).score(X, y)
    assert bagging.score(X, y) > alone - 0.05


@pytest.mark.slow
def test_grid_search_over_the_sampler(unbalanced):
    X, y = unbalanced
    pipeline = Pipeline(
        [
            ("sampler", DistillationSampler(DatasetDistiller())),
            ("classifier", LogisticRegression()),
        ]
    )
    search = GridSearchCV(
        pipeline,
        {"sampler__distiller__n_synthetic": [4, 8]},
        cv=2,
        n_jobs=2,
        error_score="raise",
    ).fit(X, y)
    n_rows = search.best_params_["sampler__distiller__n_synthetic"]
    assert len(search.best_estimator_[0].distiller_.X_synthetic_) == n_rows


def test_weights_are_routed_to_it(unbalanced):
    X, y = unbalanced
    weight = np.where(y == 1, 9.0, 1.0)
    with config_context(enable_metadata_routing=True):
        sampler = DistillationSampler().set_fit_request(sample_weight=True)
        sampler.set_fit_resample_request(sample_weight=True)
        classifier = LogisticRegression().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(sampler, classifier)
        pipeline.fit(X, y, sample_weight=weight)
    expected, _ = DistillationSampler().fit_resample(X, y, sample_weight=weight)
    assert_array_equal(pipeline[0].distiller_.X_synthetic_, expected)


# The form of what comes back is that of what went in.


def test_polars(unbalanced):
    X, y = unbalanced
    frame = pl.DataFrame(X, schema=list("abcdef")).cast({"a": pl.Float32})
    labels = pl.Series("label", y)
    samples, targets = DistillationSampler().fit_resample(frame, labels)
    assert samples.schema == frame.schema
    assert targets.dtype == labels.dtype
    assert targets.name == "label"
    _, column = DistillationSampler().fit_resample(frame, labels.to_frame())
    assert column.schema == {"label": labels.dtype}


@pytest.mark.slow
def test_integers_are_rounded_in_frames_alone():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 4, (60, 3))
    y = X[:, 0] + X[:, 1] > 3
    expected, _ = DistillationSampler().fit_resample(X.astype(float), y)
    assert (expected % 1 != 0).any()
    for given in (X, X.astype(np.int8)):
        samples, targets = DistillationSampler().fit_resample(given, y)
        assert_allclose(samples, expected, rtol=1e-6)
        assert targets.dtype == bool
    frame = pd.DataFrame(X, columns=list("abc"))
    samples, _ = DistillationSampler().fit_resample(frame, y)
    assert samples.dtypes.equals(frame.dtypes)
    assert samples.min().min() >= 0
    assert samples.max().max() <= 3


def test_labels_of_a_frame_keep_their_dtype(unbalanced):
    X, y = unbalanced
    frame = pd.DataFrame({"label": pd.Categorical(np.array(["no", "yes"])[y])})
    _, targets = DistillationSampler().fit_resample(X, frame)
    assert targets.dtypes.equals(frame.dtypes)
    assert set(targets["label"]) == {"no", "yes"}


@pytest.mark.parametrize("unit", ["D", "ns"])
def test_labels_that_are_dates(unbalanced, unit):
    X, y = unbalanced
    days = np.array(["2020-01-01", "2021-01-01"], f"datetime64[{unit}]")
    n_synthetic = {days[0]: 3, days[1]: 2}
    sampler = DistillationSampler(DatasetDistiller(n_synthetic=n_synthetic))
    _, labels = sampler.fit_resample(X, days[y])
    assert_array_equal(labels, days[[0, 0, 0, 1, 1]])
    assert sampler.sampling_strategy_ == n_synthetic


def test_sparse_frames_stay_sparse(unbalanced):
    X, y = unbalanced
    dense = pd.DataFrame(X * (X > 0)).rename(columns=str)
    frame = dense.astype({"1": pd.SparseDtype(float, 0.0)})
    sampler = DistillationSampler(DatasetDistiller(n_synthetic=4, random_state=0))
    samples, _ = sampler.fit_resample(frame, y)
    expected, _ = sampler.fit_resample(dense, y)
    assert samples.dtypes.equals(frame.dtypes)
    assert_array_equal(samples, expected)


def test_one_hot_labels(multiclass_table):
    X, y = multiclass_table
    one_hot = np.eye(3, dtype=int)[y]
    sampler = DistillationSampler()
    samples, labels = sampler.fit_resample(X, y)
    for given in (
        one_hot,
        one_hot.tolist(),
        pd.DataFrame(one_hot, columns=list("abc")),
    ):
        same_samples, same_labels = sampler.fit_resample(X, given)
        assert type(same_labels) is type(given)
        assert_array_equal(same_samples, samples)
        assert_array_equal(np.argmax(same_labels, axis=1), labels)
    one_hot[0] = 0
    with pytest.raises(ValueError, match="every row .* a single one"):
        sampler.fit_resample(X, one_hot)


@pytest.mark.parametrize(
    "params", [{"weighting": "match"}, {"learn_params": ("C",)}], ids=str
)
def test_what_the_next_step_would_not_get_is_refused(unbalanced, params):
    sampler = DistillationSampler(DatasetDistiller(**params))
    with pytest.raises(ValueError, match=next(iter(params))):
        sampler.fit_resample(*unbalanced)


def test_the_sampler_does_not_keep_the_data():
    X, y = make_classification(2000, random_state=0)
    sampler = DistillationSampler(DatasetDistiller(n_synthetic=4))
    sampler.fit_resample(X, y)
    assert len(pickle.dumps(sampler)) < X.nbytes / 10
    frame = pd.DataFrame(X).rename(columns=str)
    assert sampler.fit(frame, y).get_feature_names_out()[0] == "0"
    assert not hasattr(sampler.fit(X, y), "feature_names_in_")


def test_progress_bar(unbalanced, capsys):
    sampler = DistillationSampler().set_callbacks(ProgressBar())
    sampler.fit_resample(*unbalanced)
    assert "DistillationSampler - distill | Data" in capsys.readouterr().out


# Regression


@pytest.fixture(scope="module")
def numbers():
    return make_regression(150, 5, noise=20.0, random_state=0)


def test_regression_in_a_pipeline(numbers):
    X, y = numbers
    sampler = DistillationSampler(DatasetDistiller(Ridge(), n_synthetic=20))
    pipeline = make_pipeline(StandardScaler(), sampler, Ridge())
    full = cross_val_score(Ridge(), X, y).mean()
    assert cross_val_score(pipeline, X, y).mean() > full - 0.05
    pipeline.fit(X, y)
    assert len(pipeline[1].distiller_.X_synthetic_) == 20
    assert not hasattr(pipeline[1], "sampling_strategy_")


@parametrize_with_checks([DistillationSampler(DatasetDistiller(Ridge()))])
def test_checks_of_scikit_learn_for_regression(estimator, check):
    check(estimator)


def test_numbers_come_back_in_their_form(numbers):
    X, y = numbers
    sampler = DistillationSampler(DatasetDistiller(Ridge(), n_synthetic=20))
    _, expected = sampler.fit_resample(X, y)
    _, narrow = sampler.fit_resample(X, y.astype(np.float32))
    assert narrow.dtype == np.float32
    assert_allclose(narrow, expected, rtol=1e-3)
    _, as_list = sampler.fit_resample(X, y.tolist())
    assert as_list == expected.tolist()
    Y = pl.DataFrame({"u": y, "v": X[:, 0]})
    _, targets = sampler.fit_resample(X, Y)
    assert targets.schema == Y.schema
