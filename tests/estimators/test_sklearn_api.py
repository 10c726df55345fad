"""The distiller among scikit-learn's tools."""

import pickle
import subprocess
import sys
import textwrap

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone, is_classifier
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.gaussian_process import (
    GaussianProcessClassifier,
    GaussianProcessRegressor,
)
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import (
    ElasticNet,
    GammaRegressor,
    HuberRegressor,
    Lasso,
    LinearRegression,
    LogisticRegression,
    MultiTaskElasticNet,
    MultiTaskLasso,
    PoissonRegressor,
    Ridge,
    RidgeClassifier,
    TweedieRegressor,
)
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.naive_bayes import (
    BernoulliNB,
    ComplementNB,
    GaussianNB,
    MultinomialNB,
)
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsRegressor,
    NearestCentroid,
)
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR
from sklearn.utils.estimator_checks import parametrize_with_checks

from skdistill import DatasetDistiller
from skdistill.students import _STUDENTS
from tests.conftest import make_table, strict_logistic

FEWER_ROWS = "transform returns the synthetic set, with fewer rows than X"
PAIR = "transform returns the pair (X, y), which is not one array"
#: Estimators with a student, besides the default.
ESTIMATORS = [
    ComplementNB(),
    ElasticNet(alpha=0.01),
    GaussianNB(),
    GaussianProcessClassifier(),
    GaussianProcessRegressor(optimizer=None),
    HuberRegressor(),
    KNeighborsClassifier(),
    KNeighborsRegressor(),
    KernelRidge(),
    Lasso(alpha=0.01),
    LinearDiscriminantAnalysis(),
    LinearRegression(),
    LinearSVC(),
    LinearSVR(loss="squared_epsilon_insensitive"),
    MLPClassifier(8, learning_rate_init=0.1, max_iter=30, random_state=0),
    MLPRegressor(
        hidden_layer_sizes=8, learning_rate_init=0.1, max_iter=30, random_state=0
    ),
    MultinomialNB(),
    NearestCentroid(),
    PoissonRegressor(),
    QuadraticDiscriminantAnalysis(solver="eigen", shrinkage=0.1),
    Ridge(),
    RidgeClassifier(),
    SVC(),
    SVR(),
    TweedieRegressor(power=1.5),
]


#: Checks of transformers bring targets that these refuse: zeros, or one output.
OF_OTHER_TARGETS = {GammaRegressor, MultiTaskElasticNet, MultiTaskLasso}


def test_every_student_is_checked():
    checked = {type(estimator) for estimator in ESTIMATORS}
    # BernoulliNB has a student of features from 0 to 1 alone.
    special = {LogisticRegression, BernoulliNB} | OF_OTHER_TARGETS
    assert checked == set(_STUDENTS) - special


# What these checks cover besides has a test of its own below.
EXPECTED_FAILED_CHECKS = {
    "check_transformer_general": FEWER_ROWS,
    "check_transformer_data_not_an_array": FEWER_ROWS,
    "check_methods_sample_order_invariance": FEWER_ROWS,
    "check_methods_subset_invariance": FEWER_ROWS,
    "check_pipeline_consistency": PAIR,
    "check_estimators_pickle": PAIR,
    "check_fit_idempotent": PAIR,
    "check_sample_weight_equivalence_on_dense_data": PAIR,
    "check_sample_weight_equivalence_on_sparse_data": PAIR,
}


def expected_failed_checks(distiller):
    """Regression data of the checks have so few rows that "auto" takes all of them."""
    if is_classifier(distiller):
        return EXPECTED_FAILED_CHECKS
    return {
        check: reason
        for check, reason in EXPECTED_FAILED_CHECKS.items()
        if check
        not in ("check_transformer_general", "check_transformer_data_not_an_array")
    }


@pytest.mark.slow
@parametrize_with_checks(
    [
        DatasetDistiller(max_iter=20),
        # These hold rows back in folds. Folds of noise would tell no more of others.
        DatasetDistiller(GaussianNB(), max_iter=3),
        DatasetDistiller(KNeighborsRegressor(), max_iter=3),
        *(
            DatasetDistiller(estimator, max_iter=3, early_stopping=False)
            for estimator in ESTIMATORS
        ),
    ],
    expected_failed_checks=expected_failed_checks,
    xfail_strict=True,
)
# The checks fit on noise, for a few iterations, and some on a feature that is constant
# within each class, of which NearestCentroid warns on the data, too.
@pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:self.within_class_std_dev_:UserWarning",
    "ignore:The outer loss is .* on rows that were held back",
)
def test_estimator_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def fitted(multiclass_table):
    X, y = multiclass_table
    return DatasetDistiller(random_state=0).fit(X, y)


def assert_same_set(a, b, **tolerances):
    assert_allclose(a.X_synthetic_, b.X_synthetic_, **tolerances)
    assert_array_equal(a.y_synthetic_, b.y_synthetic_)
    assert_allclose(a.sample_weight_synthetic_, b.sample_weight_synthetic_)


def test_pickle(fitted, multiclass_table):
    """The same as check_estimators_pickle."""
    X, _ = multiclass_table
    loaded = pickle.loads(pickle.dumps(fitted))
    assert_same_set(loaded, fitted, rtol=0)
    assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))
    assert_array_equal(loaded.transform(X)[0], fitted.transform(X)[0])


@pytest.mark.slow
def test_pickle_is_small_and_needs_no_jax(fitted, multiclass_table, tmp_path):
    """A pickle does not hold the real data, and predicting does not import JAX."""
    X, _ = multiclass_table
    path = tmp_path / "distiller.pickle"
    path.write_bytes(pickle.dumps(fitted))
    assert path.stat().st_size < fitted.X_synthetic_.nbytes + 10_000
    np.save(tmp_path / "X.npy", X)
    script = f"""
        import pickle, sys
        import numpy as np
        distiller = pickle.load(open({str(path)!r}, "rb"))
        X = np.load({str(tmp_path / "X.npy")!r})
        distiller.predict(X), distiller.transform(X)
        assert "jax" not in sys.modules and "matplotlib" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True)


def test_fit_is_idempotent(fitted, multiclass_table):
    """The same as check_fit_idempotent."""
    X, y = multiclass_table
    again = clone(fitted).fit(X, y)
    assert_same_set(again, fitted, rtol=0)
    assert_same_set(again.fit(X, y), fitted, rtol=0)


def test_lists_are_taken(fitted, multiclass_table):
    """The same as check_transformer_data_not_an_array."""
    X, y = multiclass_table
    assert_same_set(clone(fitted).fit(X.tolist(), y.tolist()), fitted, rtol=0)


def test_transform_ignores_which_rows_come(fitted, multiclass_table):
    """The same as check_methods_subset_invariance and ..._sample_order_invariance."""
    X, _ = multiclass_table
    for rows in (slice(None), slice(1), slice(None, None, -1)):
        samples, labels = fitted.transform(X[rows])
        assert_array_equal(samples, fitted.X_synthetic_)
        assert_array_equal(labels, fitted.y_synthetic_)
    for method in ("predict", "predict_proba", "decision_function"):
        predict = getattr(fitted, method)
        assert_allclose(predict(X[::-1])[::-1], predict(X), atol=1e-12)
        assert_allclose(predict(X[:1]), predict(X)[:1], atol=1e-12)


def test_fit_transform_is_fit_and_transform(fitted, multiclass_table):
    """The same as check_transformer_general."""
    X, y = multiclass_table
    samples, labels = clone(fitted).fit_transform(X, y)
    assert_array_equal(samples, fitted.X_synthetic_)
    assert_array_equal(labels, fitted.y_synthetic_)


def test_last_step_of_a_pipeline(binary_table):
    """The same as check_pipeline_consistency."""
    X, y = binary_table
    pipeline = make_pipeline(StandardScaler(), DatasetDistiller(random_state=0))
    pipeline.fit(3 * X + 1, y)
    alone = DatasetDistiller(random_state=0).fit(
        StandardScaler().fit_transform(3 * X + 1), y
    )
    assert_same_set(pipeline[-1], alone, rtol=0)
    assert pipeline.score(3 * X + 1, y) == alone.score(X, y)
    samples, labels = pipeline.transform(3 * X + 1)
    assert_array_equal(samples, alone.X_synthetic_)


@pytest.mark.slow
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_grid_search(multiclass_table, n_jobs):
    X, y = multiclass_table
    search = GridSearchCV(
        DatasetDistiller(LogisticRegression(), random_state=0),
        {"n_synthetic": [3, 9], "estimator__C": [1.0, 10.0]},
        cv=2,
        n_jobs=n_jobs,
        error_score="raise",
    ).fit(X, y)
    full = cross_val_score(LogisticRegression(), X, y, cv=2).mean()
    assert search.best_score_ > full - 0.05
    assert len(search.best_estimator_.X_synthetic_) in (3, 9)


def test_cross_validate_in_processes_and_threads(binary_table):
    X, y = binary_table
    distiller = DatasetDistiller(random_state=0)
    serial = cross_validate(distiller, X, y, cv=2)["test_score"]
    for backend in ("loky", "threading"):
        with joblib.parallel_backend(backend, n_jobs=2):
            scores = cross_validate(distiller, X, y, cv=2, n_jobs=2)["test_score"]
        assert_array_equal(scores, serial)


def test_sample_weight_is_repetition():
    """As check_sample_weight_equivalence_on_dense_data, with n_synthetic fixed.

    ``n_synthetic="auto"`` counts rows, which repetition changes.
    """
    X, y = make_table(3, n=60)
    rng = np.random.default_rng(0)
    weight = rng.integers(0, 4, len(y))
    args = {"n_synthetic": 6, "random_state": 0, "tol": 1e-8, "max_iter": 1000}
    distiller = DatasetDistiller(strict_logistic(), **args)
    weighted = clone(distiller).fit(X, y, sample_weight=weight)
    repeated = clone(distiller).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    removed = clone(distiller).fit(
        X[weight > 0], y[weight > 0], sample_weight=weight[weight > 0]
    )
    assert_same_set(removed, weighted, rtol=0)
    assert_allclose(repeated.loss_, weighted.loss_, rtol=1e-7)
    assert_allclose(repeated.predict_proba(X), weighted.predict_proba(X), atol=1e-5)


def test_follows_the_estimator():
    assert is_classifier(DatasetDistiller())
    assert not hasattr(DatasetDistiller(), "predict_quantiles")


def test_set_output_copes_with_the_shorter_tuple(multiclass_table):
    X, y = multiclass_table
    distiller = DatasetDistiller(random_state=0).set_output(transform="pandas")
    samples, labels = distiller.fit_transform(X, y)
    assert isinstance(samples, pd.DataFrame)
    assert list(samples.columns) == [f"x{i}" for i in range(X.shape[1])]
    frame = pd.DataFrame(X, columns=list("abcdef"), index=np.arange(len(X)) + 7)
    samples, labels = distiller.fit(frame, y).transform(frame)
    assert list(samples.columns) == list("abcdef")
    assert len(samples) == len(labels) == 30
    polars = DatasetDistiller(random_state=0).set_output(transform="polars")
    assert polars.fit_transform(X, y)[0].shape == (30, X.shape[1])


def test_set_output_of_rows_learned_from_an_array(multiclass_table):
    X, y = multiclass_table
    distiller = DatasetDistiller(random_state=0).fit(X, y)
    with pytest.warns(UserWarning, match="feature names"):
        samples, _ = distiller.set_output(transform="pandas").transform(
            pd.DataFrame(X, columns=list("abcdef"))
        )
    assert samples.shape == (30, X.shape[1])


def test_names_of_features_out(fitted):
    assert list(fitted.get_feature_names_out()) == [f"x{i}" for i in range(6)]
