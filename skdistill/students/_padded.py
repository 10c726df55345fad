"""Students whose programs serve sets of several sizes.

A program is compiled for the shapes of its arguments. So sets are filled up to the next
of a few sizes, with rows that say nothing: another number of rows up to there compiles
nothing, neither for training nor for the passes over the real rows, which see models of
that size.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from skdistill.students._base import ClosedFormStudent
from skdistill.synthetic._set import SyntheticSet

#: Fewest rows that a set is filled up to.
LEAST_ROWS = 8
#: Rows up to which the sizes are powers of two. Above, where passes over the real rows
#: cost more than compiling for another size, they are quarters of these.
LARGEST_POWER = 64


def padded_size(n_rows):
    """Return the number of rows that a set of so many is filled up to."""
    power = 1 << max(n_rows - 1, LEAST_ROWS - 1).bit_length()
    if power <= LARGEST_POWER:
        return power
    step = power // 8
    return -(-n_rows // step) * step


def pad_rows(array, n_rows):
    """Return an array with zeros for more rows."""
    array = np.asarray(array)
    return np.pad(array, [(0, n_rows - len(array))] + [(0, 0)] * (array.ndim - 1))


def pad_samples(X):
    """Return samples (m, p) with their mean for more rows: origins stay near them."""
    X = np.asarray(X, dtype=np.float64)
    missing = padded_size(len(X)) - len(X)
    return np.concatenate([X, np.repeat(X.mean(axis=0)[None], missing, axis=0)])


class PaddedStudent(ClosedFormStudent):
    """A student whose training is a formula that can leave out rows.

    Rows that fill a set up are the mean of the others, so that origins stay where they
    are; their targets and weights are zero.

    Attributes
    ----------
    train : callable
        ``train(synthetic, is_row) -> params`` in JAX, as hashable as that of a
        ``ClosedFormStudent``. ``is_row`` (m,) is one for rows, and zero for those that
        fill the set up: these change nothing but the number of rows of ``params``.
    """

    train: Callable[..., Any]

    def implicit_vjp(
        self, params: Any, params_grad: Any, synthetic: SyntheticSet
    ) -> SyntheticSet:
        """Pull a cotangent on ``params`` back through the formula."""
        m = len(synthetic.X)
        grad = super().implicit_vjp(params, params_grad, synthetic)
        return grad._replace(
            X=grad.X[:m], y=grad.y[:m], sample_weight=grad.sample_weight[:m]
        )

    def _arguments(self, synthetic):
        """Return a set with rows that fill it up, and which ones are none of these."""
        m, size = len(synthetic.X), padded_size(len(synthetic.X))
        filled = synthetic._replace(
            X=pad_samples(synthetic.X),
            y=pad_rows(synthetic.y, size),
            sample_weight=pad_rows(synthetic.sample_weight, size),
        )
        return filled, np.arange(size) < m
