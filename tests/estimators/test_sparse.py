"""Distilling sparse rows: the set that dense rows have, and texts in pipelines."""

import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone, is_regressor
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    Ridge,
    RidgeClassifier,
)
from sklearn.metrics import log_loss
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsRegressor,
    NearestCentroid,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, OneHotEncoder, StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR
from sklearn.tree import DecisionTreeClassifier

from skdistill import (
    DatasetDistiller,
    DistillationDisplay,
    DistillationSampler,
    DistilledClassifier,
    DistilledRegressor,
    distillation_curve,
    transfer_score,
)
from skdistill.students import NotMirrored
from tests.conftest import strict_logistic

# A set of a few rows, after few iterations, is often clearly worse on rows held back.
pytestmark = [
    pytest.mark.filterwarnings("ignore:The outer loss is .* on rows that were held"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]
N_ROWS, N_FEATURES = 300, 30
QUICK = [strict_logistic(C=10), Ridge(tol=1e-12)]
SLOW = [
    LogisticRegression(C=0.1, class_weight="balanced", tol=1e-10, max_iter=10_000),
    RidgeClassifier(tol=1e-12),
    LinearRegression(tol=1e-12),
    LinearSVC(tol=1e-10, max_iter=100_000),
    LinearSVR(loss="squared_epsilon_insensitive", dual=False, tol=1e-12),
    SVC(tol=1e-8),
    SVR(tol=1e-8),
    SVC(kernel="poly", tol=1e-8, class_weight={0: 2.0, 1: 1.0, 2: 0.5}),
    KernelRidge(kernel="rbf"),
    KernelRidge(kernel="linear"),
    KernelRidge(kernel="poly"),
    KernelRidge(kernel="cosine"),
    KNeighborsClassifier(1),
    KNeighborsRegressor(3),
    NearestCentroid(),
    NearestCentroid(priors="empirical"),
    make_pipeline(MaxAbsScaler(), strict_logistic(C=10)),
    make_pipeline(StandardScaler(with_mean=False), KNeighborsClassifier(1)),
]


@pytest.fixture
def data(rng):
    """Return sparse rows, one of them empty, and targets of linear models."""
    X = sparse.random_array((N_ROWS, N_FEATURES), density=0.15, rng=rng, format="lil")
    X[[5], :] = 0
    X = sparse.csr_array(X)
    scores = X @ rng.standard_normal((N_FEATURES, 3))
    scores += 0.1 * rng.standard_normal(scores.shape)
    return X, scores.argmax(axis=1), scores[:, 0]


@pytest.fixture
def reviews(rng):
    """Return texts of two kinds that differ in how often they use some words."""
    words = np.array([f"word{i}" for i in range(60)])
    kind = rng.integers(0, 2, 160)
    liking = np.arange(1, 61) ** -0.5 * (1 + 2 * (np.arange(60) % 2 == [[0], [1]]))
    liking /= liking.sum(axis=1, keepdims=True)
    return [" ".join(rng.choice(words, 12, p=liking[c])) for c in kind], kind


def fit(X, y, estimator=None, sample_weight=None, **params):
    params = {"n_synthetic": 9, "max_iter": 4, "random_state": 0, **params}
    return DatasetDistiller(estimator, **params).fit(X, y, sample_weight)


def assert_same_set(distiller, expected, rtol=1e-6):
    samples = expected.X_synthetic_
    unit = np.abs(samples).max()
    assert sparse.issparse(distiller.X_synthetic_)
    assert_allclose(distiller.X_synthetic_.toarray(), samples, rtol, rtol * unit)
    assert_allclose(distiller.y_synthetic_, expected.y_synthetic_, rtol, rtol)
    assert_allclose(
        distiller.sample_weight_synthetic_, expected.sample_weight_synthetic_, rtol
    )
    assert_allclose(distiller.loss_curve_, expected.loss_curve_, rtol)
    assert_allclose(distiller.loss_, expected.loss_, rtol)
    if expected.validation_loss_curve_ is not None:
        held_back = distiller.validation_loss_curve_
        assert_allclose(held_back, expected.validation_loss_curve_, rtol)
    assert distiller.solver_ == expected.solver_


@pytest.mark.parametrize(
    "estimator",
    QUICK + [pytest.param(each, marks=pytest.mark.slow) for each in SLOW],
    ids=str,
)
def test_the_set_is_that_of_dense_rows(estimator, data, rng):
    X, labels, numbers = data
    y = numbers if is_regressor(estimator) else labels
    weight = None
    if "KNeighbors" not in str(estimator):
        weight = rng.uniform(0, 2, N_ROWS)
        weight[17] = 0
    dense = fit(X.toarray(), y, estimator, weight)
    distiller = fit(X, y, estimator, weight)
    assert_same_set(distiller, dense)
    assert_array_equal(distiller.predict(X), distiller.predict(sparse.csr_matrix(X)))
    assert_allclose(distiller.score(X, y), dense.score(X.toarray(), y), atol=1e-6)
    refitted = clone(estimator).fit(distiller.X_synthetic_, distiller.y_synthetic_)
    assert_array_equal(refitted.predict(X), distiller.predict(X))


@pytest.mark.parametrize(
    "params",
    [
        {"early_stopping": True, "max_iter": 8},
        {"weighting": "match"},
        {"weighting": "learn", "learn_params": ["C"]},
        {"learn_labels": True},
        {"feature_range": "data"},
        {"feature_range": (-0.1, 0.5)},
        {"init": "mean"},
        {"init": "sample"},
        {"solver": "lbfgs"},
        {"solver": "adam", "batch_size": 64},
    ],
    ids=str,
)
def test_settings_do_what_they_do_for_dense_rows(data, params):
    X, y, _ = data
    estimator = strict_logistic(C=10)
    assert_same_set(
        fit(X, y, estimator, **params), fit(X.toarray(), y, estimator, **params)
    )


@pytest.mark.slow
@pytest.mark.parametrize("init", ["kmeans", "mean", "sample"])
def test_starts_of_regressions(data, init):
    X, _, y = data
    for estimator in (Ridge(tol=1e-12), KNeighborsRegressor(1)):
        params = {"init": init, "max_iter": 1, "early_stopping": False}
        assert_same_set(
            fit(X, y, estimator, **params), fit(X.toarray(), y, estimator, **params)
        )


@pytest.mark.slow
def test_more_rows_than_a_sample_holds(rng):
    X = sparse.random_array((6000, 12), density=0.2, rng=rng, format="csr")
    y = (X @ rng.standard_normal(12) + 0.1 * rng.standard_normal(6000) > 0).astype(int)
    for params in ({}, {"weighting": "match"}):
        estimator = strict_logistic(C=1)
        assert_same_set(
            fit(X, y, estimator, **params), fit(X.toarray(), y, estimator, **params)
        )


@pytest.mark.parametrize("form", ["coo", "csc", "csr", "lil", "dok", "bsr"])
@pytest.mark.parametrize("kind", ["array", "matrix"])
def test_every_sparse_form(data, form, kind):
    X, y, _ = data
    given = getattr(sparse, f"{form}_{kind}")(X)
    before = given.copy()
    distiller = fit(given, y)
    assert_array_equal(
        distiller.X_synthetic_.toarray(), fit(X, y).X_synthetic_.toarray()
    )
    assert isinstance(distiller.X_synthetic_, getattr(sparse, f"csr_{kind}"))
    assert_array_equal(given.toarray(), before.toarray())


def test_entries_may_be_zero_repeated_and_unsorted(data, rng):
    X, y, _ = data
    coo = sparse.coo_array(X)
    halves = np.concatenate([coo.data / 4, 3 * coo.data / 4, np.zeros(50)])
    rows, columns = (
        np.concatenate([part, part, rng.integers(0, size, 50)])
        for part, size in zip(coo.coords, X.shape, strict=True)
    )
    order = rng.permutation(len(rows))
    order = order[np.argsort(rows[order], kind="stable")]
    indptr = np.append(0, np.cumsum(np.bincount(rows, minlength=N_ROWS)))
    entries = halves[order], columns[order], indptr
    messy = sparse.csr_array(entries, shape=X.shape)
    assert not messy.has_canonical_format
    before = messy.data.copy()
    assert_allclose(
        fit(messy, y).X_synthetic_.toarray(), fit(X, y).X_synthetic_.toarray()
    )
    assert_array_equal(messy.data, before)


def test_precision_integers_and_wide_indices(data):
    X, y, _ = data
    single = fit(X.astype(np.float32), y)
    assert_allclose(single.loss_, fit(X, y).loss_, rtol=1e-4)
    counts = sparse.csr_array((10 * X).astype(np.int32))
    assert_same_set(fit(counts, y), fit(counts.toarray(), y))
    wide = sparse.csr_array(X)
    wide.indices, wide.indptr = wide.indices.astype(int), wide.indptr.astype(int)
    expected = fit(X, y, SVC())
    result = fit(wide, y, SVC())
    assert_array_equal(result.X_synthetic_.toarray(), expected.X_synthetic_.toarray())


def test_missing_and_infinite_entries_are_refused(data):
    X, y, _ = data
    for value, name in ((np.nan, "NaN"), (np.inf, "infinity")):
        bad = X.copy()
        bad.data[3] = value
        with pytest.raises(ValueError, match=name):
            fit(bad, y)
    with pytest.raises(ValueError, match="categorical_features needs"):
        fit(X, y, categorical_features=[0])
    with pytest.raises(ValueError, match="features"):
        fit(X, y).transform(X[:, :5])


def test_a_hypergradient_is_that_of_refits(data, rng):
    """The reference refits scikit-learn on moved rows and scores it on sparse rows."""
    from skdistill.estimators._by_student import ByStudent
    from skdistill.solvers._bilevel import BilevelLoss
    from skdistill.students import student_for

    X, y, _ = data
    estimator = strict_logistic(C=10)
    way = ByStudent(
        DatasetDistiller(estimator, n_synthetic=9, random_state=0),
        estimator,
        lambda task: student_for(estimator, task),
        X,
        y,
        None,
    )
    start = way.problem.start
    _, hypergrad = BilevelLoss(way.problem.student, way.problem.loss).value_and_grad(
        start
    )
    direction = rng.standard_normal(start.X.shape)

    def refit_loss(step):
        model = clone(estimator).fit(start.X + step * direction, way.problem.y0)
        return log_loss(y, model.predict_proba(X))

    far, near = ((refit_loss(h) - refit_loss(-h)) / (2 * h) for h in (2e-4, 1e-4))
    expected = near + (near - far) / 3
    assert_allclose(np.vdot(hypergrad.X, direction), expected, rtol=1e-6)


# Texts


def test_texts_in_pipelines(reviews):
    texts, y = reviews
    distiller = DatasetDistiller(n_synthetic=6, random_state=0)
    pipeline = make_pipeline(TfidfVectorizer(), distiller).fit(texts, y)
    assert pipeline.score(texts, y) > 0.8
    assert sparse.issparse(pipeline[-1].X_synthetic_)
    distilled = DistilledClassifier(LinearSVC(), distiller)
    assert (
        make_pipeline(CountVectorizer(), distilled).fit(texts, y).score(texts, y) > 0.8
    )


def test_a_column_transformer_in_front(reviews, rng):
    texts, y = reviews
    table = pd.DataFrame({"text": texts, "size": rng.standard_normal(len(y))})
    table["town"] = rng.choice(["Bern", "Oslo"], len(y))
    columns = make_column_transformer(
        (TfidfVectorizer(), "text"),
        (OneHotEncoder(), ["town"]),
        (StandardScaler(), ["size"]),
        sparse_threshold=1.0,
    )
    distilled = DistilledClassifier(
        LogisticRegression(), DatasetDistiller(n_synthetic=6, random_state=0)
    )
    pipeline = make_pipeline(columns, distilled).fit(table, y)
    assert sparse.issparse(pipeline[-1].distiller_.X_synthetic_)
    assert pipeline.score(table, y) > 0.75


def test_equal_rows_are_merged(data):
    """Repeating a row has the same effect as its weight, in any order."""
    X, _, y = data
    again = sparse.csr_array(X[:50].toarray() + 1.0)
    again.data[:] = X[:50].toarray().ravel()  # with zeros among the entries
    twice = sparse.vstack([X, again], format="csr")
    order = np.random.default_rng(1).permutation(twice.shape[0])
    weight = np.where(np.arange(N_ROWS) < 50, 2.0, 1.0)
    distiller = DatasetDistiller(n_synthetic=5, random_state=0)
    repeated = DistilledRegressor(Ridge(), distiller)
    repeated.fit(twice[order], np.concatenate([y, y[:50]])[order])
    weighted = DistilledRegressor(Ridge(), distiller)
    weighted.fit(X, y, sample_weight=weight)
    assert_array_equal(repeated.estimator_.coef_, weighted.estimator_.coef_)


@pytest.mark.slow
def test_search_takes_the_rest(reviews):
    texts, y = reviews
    X = CountVectorizer().fit_transform(texts)
    distiller = fit(X, y, DecisionTreeClassifier(), n_synthetic=6, max_iter=5)
    assert distiller.solver_ == "search"
    assert distiller.score(X, y) > 0.7
    laplacian = KernelRidge(kernel="laplacian")
    with pytest.warns(UserWarning, match="sparse X.*found by search instead"):
        distiller = fit(X, y * 1.0, laplacian, n_synthetic=6, max_iter=2)
    assert distiller.solver_ == "search"
    with pytest.raises(NotMirrored, match=r"kernel='laplacian'.*X\.toarray"):
        fit(X, y * 1.0, laplacian, solver="lbfgs")


def test_estimators_that_take_no_sparse_rows_are_named(data):
    X, y, _ = data
    for estimator in (GaussianNB(), make_pipeline(StandardScaler(), SVC())):
        with pytest.raises(TypeError, match=f"{type(estimator).__name__} .* sparse"):
            fit(X, y, estimator)


# The other tools


@pytest.mark.slow
def test_the_other_tools_take_sparse_rows(data):
    X, y, _ = data
    distiller = fit(X, y, learn_labels=True)
    samples, labels = distiller.transform(X.tocoo())
    assert samples.shape == (27, N_FEATURES)
    assert distiller.to_frame().shape == (27, N_FEATURES + 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        curve = distillation_curve(
            LogisticRegression(), X, y, n_synthetic=[3, 6], cv=2, random_state=0
        )
        expected = distillation_curve(
            LogisticRegression(),
            X.toarray(),
            y,
            n_synthetic=[3, 6],
            cv=2,
            random_state=0,
        )
    for method in ("distill", "sample"):
        assert_allclose(
            curve.test_scores[method], expected.test_scores[method], atol=1e-12
        )
    distiller = fit(X, y)
    scores = transfer_score(distiller, [SVC(), LinearSVC()], X, y, X=X, y=y).scores
    assert set(scores["kmeans"]) == {"svc", "linearsvc"}
    samples, labels = DistillationSampler(distiller).fit_resample(X, y)
    assert sparse.issparse(samples)
    assert len(labels) == 9


def test_a_display_draws_the_set_and_refuses_the_rows(data):
    X, y, _ = data
    distiller = fit(X, y)
    display = DistillationDisplay.from_estimator(distiller, kind="table")
    assert_array_equal(display.X_synthetic, distiller.X_synthetic_.toarray())
    with pytest.raises(TypeError, match="dense X"):
        DistillationDisplay.from_estimator(distiller, X=X, y=y)


def test_a_warm_start_goes_on(data):
    X, y, _ = data
    distiller = fit(X, y, SVC(), warm_start=True, max_iter=3)
    loss = distiller.loss_
    assert distiller.fit(X, y).loss_ <= loss
    again = fit(X, y, SVC(), init=distiller.transform(X), max_iter=1)
    assert again.loss_ <= loss + 1e-3


@pytest.mark.slow
def test_x_is_never_dense(rng):
    """As a dense array the rows would take 8 GB."""
    X = sparse.random_array((20_000, 50_000), density=1e-3, rng=rng, format="csr")
    y = rng.integers(0, 2, 20_000)
    tracemalloc.start()
    for estimator in (LogisticRegression(), KNeighborsClassifier(1)):
        fit(X, y, estimator, n_synthetic=2, max_iter=2)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 300e6
