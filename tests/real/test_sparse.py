"""Sparse rows answer what dense rows answer, and are never made dense."""

import tracemalloc

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array, random_array
from sklearn.base import is_regressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsRegressor,
    NearestCentroid,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, Normalizer, StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC

from skdistill.objectives import BestTemperature, OuterLoss
from skdistill.real import _sparse
from skdistill.real._base import NeedsFeatures
from skdistill.real._dense import DenseRows
from skdistill.real._moments import (
    class_moments,
    mean_and_covariance,
    mean_and_deviation,
)
from skdistill.real._sparse import SparseRows
from skdistill.real._targets import ClassTargets, NumericTargets
from skdistill.students import SyntheticSet, Task, student_for

N_ROWS, N_FEATURES, N_CLASSES = 700, 25, 3
QUICK = [LogisticRegression(), Ridge(), LinearSVC()]
SLOW = [
    LinearRegression(),
    SVC(),
    SVC(kernel="poly"),
    SVR(kernel="linear"),
    KernelRidge(kernel="rbf"),
    KernelRidge(kernel="poly"),
    KernelRidge(kernel="sigmoid"),
    KernelRidge(kernel="cosine"),
    KNeighborsClassifier(1),
    KNeighborsClassifier(3, weights="distance"),
    KNeighborsRegressor(2),
    NearestCentroid(),
    NearestCentroid(priors=[0.2, 0.3, 0.5]),
    make_pipeline(StandardScaler(with_mean=False), KNeighborsClassifier(1)),
    make_pipeline(MaxAbsScaler(), LogisticRegression()),
    make_pipeline(Normalizer(), LogisticRegression()),
]
ESTIMATORS = QUICK + [pytest.param(each, marks=pytest.mark.slow) for each in SLOW]
#: What a stand-in cannot answer.
REFUSED = [
    KernelRidge(kernel="laplacian"),
    make_pipeline(Normalizer("l1"), LogisticRegression()),
]


def rows_of(X, y, weight, form=SparseRows, **params):
    if y.dtype.kind == "i":
        targets = ClassTargets(y, np.arange(N_CLASSES))
    else:
        targets = NumericTargets.of(y, weight, y)
    X = csr_array(X) if form is SparseRows else X
    return form(X, y, weight, targets, **params)


@pytest.fixture
def X(rng):
    X = rng.standard_normal((N_ROWS, N_FEATURES))
    X *= rng.random(X.shape) < 0.15
    X[5], X[:, 3] = 0, 0
    return X


@pytest.fixture
def weight(rng):
    weight = rng.uniform(0, 2, N_ROWS)
    weight[11] = 0
    return weight


@pytest.fixture
def labels(rng):
    return rng.integers(0, N_CLASSES, N_ROWS).astype(np.int32)


def problem_for(estimator, X, labels, rng):
    """Return targets that suit an estimator, its student, and params of a few rows."""
    m = 9
    task = Task(N_FEATURES, np.arange(N_CLASSES), N_CLASSES, False)
    y, y0 = labels, np.repeat(np.arange(N_CLASSES), m // N_CLASSES)
    if is_regressor(estimator):
        task = Task(N_FEATURES, None, 1, False)
        y, y0 = rng.standard_normal(N_ROWS), rng.standard_normal(m)
    student = student_for(estimator, task)
    values = {**student.hyperparameters, **student.smoothing_params}
    samples = X[:m] + 0.1 * rng.standard_normal((m, N_FEATURES))
    synthetic = SyntheticSet(samples, student.encode(y0), np.ones(m), values)
    return y, student, student.solve(synthetic)


def assert_same(result, expected, rtol=1e-9):
    unit = max(np.abs(np.asarray(leaf)).max() for leaf in jax.tree.leaves(expected[1]))
    assert_allclose(result[0], expected[0], rtol=rtol)
    jax.tree.map(
        lambda a, b: assert_allclose(a, b, rtol=rtol, atol=rtol * unit),
        result[1],
        expected[1],
    )


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
def test_losses_and_gradients_are_those_of_dense_rows(
    estimator, X, labels, weight, rng
):
    y, student, params = problem_for(estimator, X, labels, rng)
    batch = rng.permutation(N_ROWS)[:99]
    losses = [
        OuterLoss(
            rows_of(X, y, weight, form), student.raw_prediction, student.outer_loss
        )
        for form in (DenseRows, SparseRows)
    ]
    for rows in (None, batch):
        expected, result = (loss.value_and_grad(params, rows) for loss in losses)
        assert_same(result, expected)


@pytest.mark.parametrize("estimator", REFUSED, ids=str)
def test_what_takes_features_is_refused(estimator, X, labels, weight, rng):
    y, student, params = problem_for(estimator, X, labels, rng)
    loss = OuterLoss(rows_of(X, y, weight), student.raw_prediction, student.outer_loss)
    with pytest.raises(NeedsFeatures, match="Factors"):
        loss.refuse(lambda: params)
    for refused in (
        lambda chunk, params: jnp.abs(chunk.X).sum(),
        lambda chunk, params: chunk.X[:, 0].sum(),
        lambda chunk, params: (chunk.X - params.sum() * jnp.ones((8, 1))).sum(),
        lambda chunk, params: (chunk.X**2).mean(),
    ):
        with pytest.raises(NeedsFeatures):
            rows_of(X, y, weight).refuse(refused, lambda: np.ones(2))


def test_an_error_of_a_student_stays_one(X, labels, weight):
    def wrong(chunk, params):
        return params + "text"

    with pytest.raises(TypeError) as error:
        rows_of(X, labels, weight).refuse(wrong, lambda: np.ones(2))
    assert not isinstance(error.value, NeedsFeatures)


def test_a_product_that_depends_on_another_is_not_taken_for_known(X, labels, weight):
    def nested(chunk, params):
        first = chunk.X @ params
        return (chunk.X @ (params * first.sum())).sum()

    value, _ = rows_of(X, labels, weight).value_and_grad(
        nested, np.ones((N_FEATURES, 1))
    )
    assert np.isnan(value)


@pytest.mark.slow
@pytest.mark.parametrize("chunk_rows", [1, 64, 700, 1024])
@pytest.mark.parametrize("block_products", [1, 10**4])
@pytest.mark.parametrize("squares", [False, True], ids=["plain", "scaled"])
def test_any_chunk_and_block_gives_the_sum(
    X, labels, weight, rng, chunk_rows, block_products, squares, monkeypatch
):
    if chunk_rows == 1:
        X, labels, weight = X[:20], labels[:20], weight[:20]
        labels[:3] = [0, 1, 2]
    monkeypatch.setattr(_sparse, "MAX_BLOCK_PRODUCTS", block_products)
    monkeypatch.setattr(_sparse, "MAX_BLOCK_ENTRIES", 100)
    priors = [0.2, 0.3, 0.5] if squares else "uniform"
    estimator = NearestCentroid(priors=priors)
    task = Task(N_FEATURES, np.arange(N_CLASSES), N_CLASSES, False)
    student = student_for(estimator, task)
    samples = rng.standard_normal((9, N_FEATURES))
    synthetic = SyntheticSet(
        samples, student.encode(np.arange(9) % 3), np.ones(9), student.smoothing_params
    )
    params = student.solve(synthetic)
    loss = student.raw_prediction, student.outer_loss
    expected = OuterLoss(rows_of(X, labels, weight, DenseRows), *loss)
    real = rows_of(X, labels, weight, chunk_rows=chunk_rows)
    assert_same(
        OuterLoss(real, *loss).value_and_grad(params), expected.value_and_grad(params)
    )
    for moments in (class_moments, mean_and_deviation):
        for result, dense in zip(moments(real), moments(expected.real), strict=True):
            assert_allclose(result, dense, atol=1e-13)
    mean, covariance = mean_and_covariance(real, True)
    assert_allclose(mean, mean_and_covariance(expected.real, True)[0], atol=1e-13)
    assert_allclose(covariance, mean_and_covariance(expected.real, True)[1], atol=1e-13)


def test_the_best_temperature(X, labels, weight, rng):
    _, student, params = problem_for(LogisticRegression(), X, labels, rng)
    values = [
        BestTemperature(rows_of(X, labels, weight, form), student.raw_prediction).value(
            params
        )
        for form in (DenseRows, SparseRows)
    ]
    assert_allclose(*values, rtol=1e-12)


@pytest.mark.slow
def test_single_precision_stays_single(X, labels, weight, rng):
    _, student, params = problem_for(KNeighborsClassifier(2), X, labels, rng)
    X = X.astype(np.float32)
    loss = student.raw_prediction, student.outer_loss
    expected = OuterLoss(rows_of(X, labels, weight, DenseRows), *loss)
    result = OuterLoss(rows_of(X, labels, weight), *loss)
    assert result.real.dtype == result.real.sample(100).dtype == np.float32
    assert_same(
        result.value_and_grad(params), expected.value_and_grad(params), rtol=1e-4
    )


def test_parts_draws_and_samples_are_those_of_dense_rows(X, labels, weight, rng):
    weight[11] = 1.0
    dense, sparse = (
        rows_of(X, labels, weight, form) for form in (DenseRows, SparseRows)
    )
    kept = np.sort(rng.permutation(N_ROWS)[:400])
    for d, s in ((dense, sparse), (dense.only(kept), sparse.only(kept))):
        assert_allclose((s.low, s.high), (d.low, d.high))
        assert_allclose(s.group_means(), d.group_means(), atol=1e-14)
        drawn = [rows.draw([5, None, 7], np.random.RandomState(0)) for rows in (d, s)]
        for one, other in zip(*drawn, strict=True):
            assert_array_equal(one, other)
        places = [rows.places(np.random.RandomState(1)) for rows in (d, s)]
        assert_allclose(*places)
        samples = [rows.sample(150) for rows in (d, s)]
        assert isinstance(samples[1], SparseRows)
        assert_allclose(samples[1].X.toarray(), samples[0].X)
        assert_allclose(samples[1].sample_weight, samples[0].sample_weight)
        doubled = s.weighted_by(lambda y, weight: weight * (1.0 + y))
        assert_allclose(
            doubled.group_means(),
            d.weighted_by(lambda y, weight: weight * (1.0 + y)).group_means(),
            atol=1e-14,
        )


def test_features_that_are_left_out_count_in_distances(X, labels, weight, rng):
    """They also count for synthetic rows that are zero there, in any units."""
    params = {"centers": rng.standard_normal((2, 10)), "scale": rng.uniform(1, 2, 10)}

    def squares(chunk, params):
        moved = chunk.X - params["centers"][0]
        scaled = moved / params["scale"]
        sums = (moved**2).sum(axis=1) * (1 + (scaled**2).sum(axis=1))
        return jnp.vdot(chunk.sample_weight, sums)

    kept = np.sort(rng.permutation(N_FEATURES)[:10])
    wide = {"centers": np.zeros((2, N_FEATURES)), "scale": np.ones(N_FEATURES)}
    wide["centers"][:, kept], wide["scale"][kept] = params["centers"], params["scale"]
    whole = rows_of(X, labels, weight)
    narrow = whole.with_features(kept)
    some = np.arange(5, 40)
    for real, expected in (
        (narrow, whole),
        (narrow.extract(some), whole.extract(some)),
        (narrow.only(some).sample(20), whole.only(some).sample(20)),
        (narrow.weighted_by(lambda y, weight: 2 * weight), whole),
    ):
        assert_allclose(
            real.value(squares, params), expected.value(squares, wide), rtol=1e-12
        )
        assert real.n_features == 10
    assert narrow.whole.n_features == N_FEATURES


@pytest.mark.slow
def test_other_values_compile_nothing(X, labels, weight, rng, count_compilations):
    _, student, params = problem_for(KNeighborsClassifier(2), X, labels, rng)
    loss = student.raw_prediction, student.outer_loss
    OuterLoss(rows_of(X, labels, weight), *loss).value_and_grad(params)
    half = jax.tree.map(lambda leaf: leaf / 2, params)
    with count_compilations() as counter:
        OuterLoss(rows_of(X * (X > 0), labels, weight), *loss).value_and_grad(half)
        OuterLoss(rows_of(X[:600], labels[:600], weight[:600]), *loss).value_and_grad(
            params
        )
    assert counter.count == 0


@pytest.mark.slow
def test_rows_are_never_dense(rng):
    """As dense arrays the rows would take 8 GB; a single chunk takes 200 MB."""
    X = random_array((20_000, 50_000), density=1e-3, rng=rng, format="csr")
    y = rng.integers(0, N_CLASSES, 20_000).astype(np.int32)
    real = rows_of(X, y, np.ones(20_000))
    task = Task(50_000, np.arange(N_CLASSES), N_CLASSES, False)
    student = student_for(KNeighborsClassifier(1), task)
    synthetic = SyntheticSet(
        X[:3].toarray(),
        student.encode(np.arange(3)),
        np.ones(3),
        student.smoothing_params,
    )
    params = student.solve(synthetic)
    loss = OuterLoss(real, student.raw_prediction, student.outer_loss)
    tracemalloc.start()
    loss.value_and_grad(params)
    real.sample(4096)
    real.draw([5, 5, 5], np.random.RandomState(0))
    class_moments(real)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100e6
