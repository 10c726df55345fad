"""What real rows answer, against NumPy: sums, parts, samples, moments."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skdistill.real._dense import DenseRows
from skdistill.real._moments import (
    class_moments,
    covariance_within,
    mean_and_covariance,
    mean_and_deviation,
)
from skdistill.real._rescaled import RescaledRows
from skdistill.real._targets import ClassTargets, NumericTargets

#: Far from zero: in double precision, squares of it say nothing of a unit variance.
FAR = 1e8
N_ROWS, N_FEATURES, N_CLASSES = 5000, 3, 3


@pytest.fixture
def arrays(rng):
    """Return more rows than a sample holds, in classes of unequal size and weight."""
    X = rng.standard_normal((N_ROWS, N_FEATURES)) * [1.0, 2.0, 0.5]
    y = rng.choice(N_CLASSES, N_ROWS, p=[0.7, 0.25, 0.05]).astype(np.int32)
    weight = rng.uniform(0.5, 2.0, N_ROWS) * np.array([1.0, 2.0, 8.0])[y]
    return X + y[:, None], y, weight


def rows(X, y, weight, **params):
    return DenseRows(X, y, weight, ClassTargets(y, np.arange(N_CLASSES)), **params)


def numbers(X, y, weight):
    return DenseRows(X, y, weight, NumericTargets.of(y, weight, y))


def products(chunk, matrix):
    """A sum to which each row of a chunk contributes separately."""
    weighted = chunk.sample_weight[:, None] * (chunk.X @ matrix)
    return {"X": weighted.T @ chunk.X, "y": chunk.sample_weight @ (chunk.y + 1.0)}


@pytest.mark.parametrize("chunk_rows", [1, 7, 64, 200, 256])
def test_any_chunk_size_gives_the_sum(arrays, chunk_rows, rng):
    """Sizes: not a divisor of the rows, one row, all rows, and more than all."""
    X, y, weight = (part[:200] for part in arrays)
    matrix = rng.standard_normal((N_FEATURES, 2))
    share = weight / weight.sum()
    total = rows(X, y, weight, chunk_rows=chunk_rows).map_sum(products, matrix)
    assert_allclose(total["X"], (X @ matrix).T @ (share[:, None] * X), rtol=1e-12)
    assert_allclose(total["y"], share @ (y + 1.0), rtol=1e-12)


@pytest.mark.parametrize("chunk_rows", [1, 7, 64, None])
def test_weights_of_a_mini_batch_add_up_to_one(arrays, chunk_rows, rng):
    X, y, weight = arrays
    batch = rng.permutation(N_ROWS)[:100]
    matrix = rng.standard_normal((N_FEATURES, 2))
    share = weight[batch] / weight[batch].sum()
    total = rows(*arrays, chunk_rows=chunk_rows).map_sum(products, matrix, rows=batch)
    expected = (X[batch] @ matrix).T @ (share[:, None] * X[batch])
    assert_allclose(total["X"], expected, rtol=1e-12)
    assert_allclose(total["y"], share @ (y[batch] + 1.0), rtol=1e-12)


def test_functions_see_chunks_of_one_shape(arrays):
    """A function is compiled once, and padding rows have weight zero."""
    seen = []

    def look(chunk):
        seen.append((chunk.X.shape, chunk.X.dtype, len(chunk.y)))
        return np.array([(chunk.sample_weight > 0).sum(), chunk.sample_weight.sum()])

    X, y, weight = arrays
    total = rows(X.astype(np.float32), y, weight, chunk_rows=512).map_sum(look)
    assert set(seen) == {((512, N_FEATURES), np.dtype(np.float32), 512)}
    assert_allclose(total, [N_ROWS, 1.0])


def test_rows_are_taken_with_their_weights(arrays):
    for part, expected in zip(rows(*arrays).take([5, 2, 5]), arrays, strict=True):
        assert_array_equal(part, expected[[5, 2, 5]])


def test_what_is_known_of_the_rows(arrays):
    X, y, weight = arrays
    real = rows(X.astype(np.float32), y, weight)
    assert (real.n_rows, real.n_features) == X.shape
    assert real.dtype == np.float32
    assert real.low.dtype == real.high.dtype == np.float64
    assert_allclose(real.low, X.min(axis=0), rtol=1e-6)
    assert_allclose(real.high, X.max(axis=0), rtol=1e-6)
    assert_allclose(real.total_weight, weight.sum())
    assert_array_equal(real.group_counts, np.bincount(y))
    assert_allclose(real.group_weight, np.bincount(y, weights=weight))


def test_other_weights_leave_the_rest(arrays):
    X, y, weight = arrays
    real = rows(X, y, weight, chunk_rows=100)
    doubled = real.weighted_by(lambda y, weight: weight * (1.0 + y))
    assert_allclose(doubled.group_weight, np.bincount(y, weights=weight * (1.0 + y)))
    assert_array_equal(doubled.take(np.arange(N_ROWS)).X, X)
    assert_allclose(real.group_weight, np.bincount(y, weights=weight))


def test_a_sample_is_all_rows_if_there_are_no_more(arrays):
    X, y, weight = (part[:50] for part in arrays)
    assert sorted(map(tuple, rows(X, y, weight).sample(50).X)) == sorted(map(tuple, X))


def test_a_sample_keeps_the_weight_of_every_group(arrays):
    X, y, weight = arrays
    sample = rows(X, y, weight).sample(600)
    assert 500 < sample.n_rows <= 600 + N_CLASSES
    assert_allclose(sample.group_weight, np.bincount(y, weights=weight))
    distinct = {tuple(row) for row in sample.X}
    assert len(distinct) == sample.n_rows
    assert distinct <= {tuple(row) for row in X}
    # Each row comes with the target that it has.
    label_of = {tuple(row): label for row, label in zip(X, y, strict=True)}
    assert [label_of[tuple(row)] for row in sample.X] == sample.y.tolist()


def test_another_sample_has_other_rows(arrays):
    real = rows(*arrays)
    first, second, again = (real.sample(300, number) for number in (0, 1, 1))
    distinct, others = ({tuple(row) for row in each.X} for each in (first, second))
    assert len(distinct & others) < 200
    assert_array_equal(second.X, again.X)


def test_a_sample_has_the_moments_of_the_rows(arrays):
    """Heavy rows are drawn more often or keep a larger weight."""
    X, y, weight = arrays
    sample = rows(X, y, weight).sample(600)
    mean, covariance = mean_and_covariance(sample, True)
    error = np.sqrt(np.diag(np.cov(X.T, aweights=weight)) / 600)
    assert (np.abs(mean - np.average(X, axis=0, weights=weight)) < 4 * error).all()
    assert_allclose(covariance, np.cov(X.T, aweights=weight, ddof=0), atol=0.5)


def test_small_groups_are_whole_in_a_sample(arrays):
    X, y, weight = arrays
    rare = np.flatnonzero(y == 2)[20:]
    X, y, weight = (np.delete(part, rare, axis=0) for part in arrays)
    sample = rows(X, y, weight).sample(600)
    members, drawn = y == 2, sample.y == 2
    assert members.sum() == drawn.sum() == 20
    order, drawn_order = np.argsort(X[members, 0]), np.argsort(sample.X[drawn, 0])
    assert_array_equal(X[members][order], sample.X[drawn][drawn_order])
    assert_allclose(
        weight[members][order], sample.sample_weight[drawn][drawn_order], rtol=1e-12
    )


def test_a_row_of_weight_two_is_sampled_as_two_rows(arrays):
    X, y, _ = arrays
    twice = np.arange(N_ROWS) % 3 == 0
    weighted = rows(X, y, 1.0 + twice).sample(600)
    counts = np.where(twice, 2, 1)
    repeated = rows(
        np.repeat(X, counts, axis=0), np.repeat(y, counts), np.ones(counts.sum())
    ).sample(600)

    def weight_of_rows(sample):
        distinct, index = np.unique(sample.X, axis=0, return_inverse=True)
        return distinct, np.bincount(index.ravel(), weights=sample.sample_weight)

    for one, other in zip(*map(weight_of_rows, (weighted, repeated)), strict=True):
        assert_allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize("what", ["classes", "numbers"])
def test_samples_and_draws_do_not_depend_on_the_order(arrays, what, rng):
    X, y, weight = arrays
    make = rows
    if what == "numbers":
        make, y = numbers, y + rng.standard_normal(N_ROWS)
    order = rng.permutation(N_ROWS)
    drawn = []
    for index in (np.arange(N_ROWS), order):
        real = make(X[index], y[index], weight[index])
        sample = real.sample(600)
        sizes = [5] * real.targets.n_groups
        groups = real.draw(sizes, np.random.RandomState(3), offset=0.2)
        along = np.argsort(sample.X[:, 0])
        drawn.append((sample.take(along), real.take(np.concatenate(groups))))
    for one, other in zip(*drawn, strict=True):
        assert_array_equal(one.X, other.X)
        assert_array_equal(one.y, other.y)
        assert_allclose(one.sample_weight, other.sample_weight, rtol=1e-12)


def test_draws_are_of_their_group_and_by_weight(arrays):
    X, y, weight = arrays
    weight = np.where(X[:, 0] > 1, 50.0, 1.0)
    real = rows(X, y, weight)
    drawn = real.draw([400, None, 3], np.random.RandomState(0))
    assert [len(members) for members in drawn] == [400, (y == 1).sum(), 3]
    for group, members in enumerate(drawn):
        assert (y[members] == group).all()
    assert len(np.unique(drawn[1])) == len(drawn[1])
    of_first = y == 0
    share = weight[of_first & (X[:, 0] > 1)].sum() / weight[of_first].sum()
    assert_allclose(np.mean(X[drawn[0], 0] > 1), share, atol=0.02)
    moved = real.draw([400, None, 3], np.random.RandomState(0), offset=0.01)
    assert (moved[0] != drawn[0]).any()


def test_equal_samples_with_other_targets_are_told_apart(rng):
    """The draw does not depend on the order of rows that differ only in targets."""
    y = rng.standard_normal(500)
    order = rng.permutation(500)
    drawn = [
        numbers(np.zeros((500, 1)), values, np.ones(500)).draw(
            [20], np.random.RandomState(0)
        )[0]
        for values in (y, y[order])
    ]
    assert_array_equal(y[drawn[0]], y[order][drawn[1]])


@pytest.mark.parametrize("origin", [0.0, FAR])
def test_group_means(arrays, origin):
    X, y, weight = arrays
    expected = [
        np.average(X[y == c], axis=0, weights=weight[y == c]) for c in range(N_CLASSES)
    ]
    means = rows(X + origin, y, weight, chunk_rows=300).group_means()
    assert_allclose(means - origin, expected, atol=1e-12 + 1e-14 * origin)


@pytest.mark.parametrize("origin", [0.0, FAR])
def test_mean_and_covariance(arrays, origin):
    X, y, weight = arrays
    real = rows(X + origin, y, weight, chunk_rows=300)
    mean, covariance = mean_and_covariance(real, True)
    rounding = 1e-12 + 1e-15 * origin
    expected = np.average(X, axis=0, weights=weight)
    assert_allclose(mean - origin, expected, atol=rounding * 10)
    expected = np.cov(X.T, aweights=weight, ddof=0)
    # The rows themselves are rounded to 1e-8.
    assert_allclose(covariance, expected, rtol=0, atol=1e-7 if origin else 1e-12)


def test_second_moment_without_centering(arrays):
    X, y, weight = arrays
    mean, moment = mean_and_covariance(rows(*arrays), False)
    share = weight / weight.sum()
    assert_allclose(moment, (X.T * share) @ X, rtol=1e-12)
    assert_allclose(mean, share @ X, rtol=1e-12)


@pytest.mark.parametrize("origin", [0.0, FAR])
def test_moments_of_classes(arrays, origin):
    X, y, weight = arrays
    real = rows(X + origin, y, weight, chunk_rows=300)
    moments = class_moments(real)
    totals = np.bincount(y, weights=weight)
    assert_allclose(moments.share, totals / totals.sum(), rtol=1e-12)
    rounding = 1e-7 if origin else 1e-12
    # Each row counts once, whatever it weighs.
    assert_allclose(moments.total_variance, X.var(axis=0), atol=rounding)
    factor = np.array([1.0, 0.5, 3.0])
    within = 0.0
    for c in range(N_CLASSES):
        of_class, share = X[y == c], weight[y == c]
        mean = np.average(of_class, axis=0, weights=share)
        assert_allclose(moments.mean[c] - origin, mean, atol=rounding)
        variance = np.average((of_class - mean) ** 2, axis=0, weights=share)
        assert_allclose(moments.variance[c], variance, atol=rounding)
        covariance = np.cov(of_class.T, aweights=share, ddof=0)
        within = within + factor[c] * moments.share[c] * covariance
    assert_allclose(
        covariance_within(real, moments.mean, factor), within, atol=3 * rounding
    )


def test_a_constant_feature_has_no_variance(arrays):
    """Rounding errors do not count as variance."""
    X, y, weight = arrays
    X[:, 1] = 0.1
    real = rows(X, y, weight)
    moments = class_moments(real)
    assert_array_equal(moments.mean[:, 1], 0.1)
    assert_array_equal(moments.variance[:, 1], 0.0)
    assert moments.total_variance[1] == 0
    _, covariance = mean_and_covariance(real, True)
    assert_array_equal(covariance[1], 0.0)


def test_plain_moments_far_from_zero(arrays):
    """Each row counts once, regardless of its weight."""
    X, y, weight = arrays
    mean, deviation = mean_and_deviation(rows(X + FAR, y, weight))
    assert_allclose(mean - FAR, X.mean(axis=0), atol=1e-7)
    assert_allclose(deviation, X.std(axis=0), rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rescaled_rows_are_rows_that_were_rescaled(arrays, dtype, rng):
    X, y, weight = arrays
    X = X.astype(dtype)
    center, scale = np.array([1.0, -2.0, 0.0]), np.array([2.0, 0.5, 8.0])
    rescaled = RescaledRows(rows(X, y, weight), center, scale)
    expected = rows(((X - center) / scale).astype(dtype), y, weight)
    matrix = rng.standard_normal((N_FEATURES, 2)).astype(dtype)
    rtol = 1e-5 if dtype == np.float32 else 1e-12
    part, batch = np.arange(0, N_ROWS, 3), np.arange(50)
    for own, theirs in (
        (rescaled, expected),
        (rescaled.only(part), expected.only(part)),
        (rescaled.weighted_by(_squared), expected.weighted_by(_squared)),
    ):
        for taken in (None, batch):
            total, wanted = (
                each.map_sum(products, matrix, rows=taken) for each in (own, theirs)
            )
            assert_allclose(total["X"], wanted["X"], rtol=rtol, atol=rtol)
        for name in ("low", "high", "group_weight", "group_counts", "passed"):
            assert_allclose(getattr(own, name), getattr(theirs, name), rtol=rtol)
        assert own.n_passed == theirs.n_passed
        assert own.take(batch).X.dtype == dtype
    assert_array_equal(rescaled.labels(), y)
    sample = rescaled.sample(300)
    assert_allclose(sample.X, (X[_found(X, sample, rescaled)] - center) / scale, rtol)


def _squared(y, sample_weight):
    return sample_weight**2


def _found(X, sample, rescaled):
    """Return the positions of the rows of a sample."""
    raw = sample.X * rescaled.scale + rescaled.center
    return np.abs(X[None] - raw[:, None]).sum(axis=2).argmin(axis=1)
