"""Moments of the classes of the real rows, from passes over their chunks.

Means first, then deviations from them: in one pass, features far from zero would lose
their variance to rounding.
"""

from typing import NamedTuple

import numpy as np


class ClassMoments(NamedTuple):
    """What a Gaussian needs to know of each class.

    Attributes
    ----------
    share : ndarray of shape (k,)
        Weights of the classes, of sum one.
    mean, variance : ndarray of shape (k, p)
        Weighted moments of each class.
    total_variance : ndarray of shape (p,)
        Variance of all rows, each counted once.
    """

    share: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    total_variance: np.ndarray


def class_moments(objective, n_classes):
    """Return the ClassMoments of the real rows.

    Parameters
    ----------
    objective : DenseObjective
        Its chunks are read twice; classes are indices (n,).
    n_classes : int
        Number of classes.
    """
    share = sums = plain = count = 0
    start = objective.X[0].astype(np.float64)  # constant features stay what they are
    for X, y, weight in objective.chunks():
        X, in_class = X.astype(np.float64) - start, np.eye(n_classes)[y]
        share = share + weight @ in_class
        sums = sums + (weight[:, None] * in_class).T @ X
        plain, count = plain + (weight > 0) @ X, count + np.sum(weight > 0)
    mean, origin = start + sums / share[:, None], start + plain / count
    variance = total = 0
    for X, y, weight in objective.chunks():
        X, in_class = X.astype(np.float64), np.eye(n_classes)[y]
        variance = variance + (weight[:, None] * in_class).T @ (X - mean[y]) ** 2
        total = total + (weight > 0) @ (X - origin) ** 2
    return ClassMoments(share, mean, variance / share[:, None], total / count)


def covariance_within(objective, mean, factor):
    """Return the sum (p, p) of ``weight * factor * deviation deviation'`` over rows.

    Parameters
    ----------
    objective : DenseObjective
        Its chunks are read once.
    mean : ndarray of shape (k, p)
        Means of the classes.
    factor : ndarray of shape (k,)
        Factor of each class.
    """
    covariance = 0
    for X, y, weight in objective.chunks():
        centered = X.astype(np.float64) - mean[y]
        covariance = covariance + (centered.T * (weight * factor[y])) @ centered
    return covariance
