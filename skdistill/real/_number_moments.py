"""Ranges and moments of numeric targets, which can be combined over parts."""

from typing import NamedTuple

import numpy as np


class NumberMoments(NamedTuple):
    """Range and weighted moments (k,) of numeric targets.

    Attributes
    ----------
    low, high, mean, square : ndarray of shape (k,)
        Minimum, maximum, mean, and weighted sum of squared deviations from the mean.
    weight : float
        Sum of the weights.
    """

    low: np.ndarray
    high: np.ndarray
    mean: np.ndarray
    square: np.ndarray
    weight: float

    @property
    def deviation(self):
        """Standard deviation of each target."""
        return np.sqrt(self.square / self.weight)


def moments_of(Y, sample_weight):
    """Return the NumberMoments of numbers (n, k) with weights (n,)."""
    total = sample_weight.sum()
    mean = sample_weight @ Y / total
    square = sample_weight @ (Y - mean) ** 2
    return NumberMoments(Y.min(axis=0), Y.max(axis=0), mean, square, total)


def combined_moments(first, second):
    """Return the moments of two parts together (Chan, Golub and LeVeque, 1979)."""
    weight = first.weight + second.weight
    step = second.mean - first.mean
    return NumberMoments(
        np.minimum(first.low, second.low),
        np.maximum(first.high, second.high),
        first.mean + step * (second.weight / weight),
        first.square
        + second.square
        + step**2 * (first.weight * second.weight / weight),
        weight,
    )
