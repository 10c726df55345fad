"""Moments of the real rows, as sums over their chunks.

The first pass computes means, and the second one deviations from them. In a single
pass, rounding errors would exceed the variance of features far from zero.
"""

from typing import NamedTuple

import numpy as np

from skdistill._forms import dense, second_moment, squares_about, sums_from


class ClassMoments(NamedTuple):
    """Weights, means and variances of classes.

    Attributes
    ----------
    share : ndarray of shape (k,)
        Weights of the classes, which sum to one.
    mean, variance : ndarray of shape (k, p)
        Weighted moments of each class.
    total_variance : ndarray of shape (p,)
        Variance of all rows, without weights.
    """

    share: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    total_variance: np.ndarray


def first_row(real):
    """Return a row (p,) as the origin, so that constant features stay exact."""
    return dense(real.take(np.array([0])).X)[0]


def class_sums(chunk, origin, k):
    """Return weights (k,) and weighted sums (k, p) of classes, and plain sums.

    The plain sums are the sum (p,) and the number of rows with nonzero weight.
    """
    in_class = np.eye(k)[chunk.y] * chunk.sample_weight[:, None]
    counted = chunk.sample_weight > 0
    # The plain sum is that of an additional group with all rows.
    weights = np.column_stack([in_class, counted])
    sums = sums_from(chunk.X.astype(np.float64), origin, weights)
    return in_class.sum(axis=0), sums[:-1], sums[-1], counted.sum()


def _class_squares(chunk, mean, center):
    """Return weighted squares (k, p) about class means, and plain ones of all rows."""
    X = chunk.X.astype(np.float64)
    squares = squares_about(X, mean, chunk.y, chunk.sample_weight)
    return squares, _squares_of_all(chunk, center)


def _squares_of_all(chunk, center):
    """Return the sum (p,) of squares about a center, without weights."""
    X, counted = chunk.X.astype(np.float64), (chunk.sample_weight > 0) * 1.0
    return squares_about(X, center[None], np.zeros(len(counted), int), counted)[0]


def class_moments(real):
    """Return the ClassMoments of rows in classes, in two passes."""
    origin = first_row(real)
    share, sums, plain, count = real.map_sum(class_sums, origin, real.targets.n_groups)
    mean, center = origin + sums / share[:, None], origin + plain / count
    variance, total = real.map_sum(_class_squares, mean, center)
    return ClassMoments(share, mean, variance / share[:, None], total / count)


def _squares_within(chunk, mean, factor):
    centered = chunk.X.astype(np.float64) - mean[chunk.y]
    return (centered.T * (chunk.sample_weight * factor[chunk.y])) @ centered


def covariance_within(real, mean, factor):
    """Return the sum (p, p) of ``weight * factor * deviation deviation'`` over rows.

    Parameters
    ----------
    real : RealRows
        Rows in classes.
    mean : ndarray of shape (k, p)
        Means of the classes.
    factor : ndarray of shape (k,)
        Factor of each class.
    """
    return real.map_sum(_squares_within, mean, factor)


def _squares_of_classes(chunk, mean):
    X = chunk.X.astype(np.float64)
    squares = []
    for c, center in enumerate(mean):
        members = chunk.y == c
        centered = X[members] - center
        squares.append((centered.T * chunk.sample_weight[members]) @ centered)
    return np.array(squares)


def class_covariances(real, share, mean):
    """Return the weighted covariance (k, p, p) of each class.

    Parameters
    ----------
    real : RealRows
        Rows in classes.
    share : ndarray of shape (k,)
        Weights of the classes, which sum to one.
    mean : ndarray of shape (k, p)
        Their means.
    """
    return real.map_sum(_squares_of_classes, mean) / share[:, None, None]


def _second_sums(chunk, origin):
    X = chunk.X.astype(np.float64)
    weight = chunk.sample_weight
    return sums_from(X, origin, weight), second_moment(X, origin, weight)


def mean_and_covariance(real, is_centered):
    """Return the weighted mean (p,) and covariance (p, p) of the rows, in one pass.

    If ``is_centered`` is false, the covariance is the second moment about zero.
    """
    # Use a row as the origin, to avoid cancellation for features far from zero.
    origin = first_row(real) * is_centered
    mean, moment = real.map_sum(_second_sums, origin)
    if is_centered:
        moment -= np.outer(mean, mean)
        return origin + mean, moment
    return mean, moment


def _plain_sums(chunk, origin):
    counted = (chunk.sample_weight > 0) * 1.0
    return sums_from(chunk.X.astype(np.float64), origin, counted), counted.sum()


def mean_and_deviation(real):
    """Return the mean (p,) and standard deviation (p,) of rows, without weights."""
    origin = first_row(real)
    sums, count = real.map_sum(_plain_sums, origin)
    mean = origin + sums / count
    return mean, np.sqrt(real.map_sum(_squares_of_all, mean) / count)
