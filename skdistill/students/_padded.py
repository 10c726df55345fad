"""Students that pad sets, to avoid compiling for each number of rows.

A program is compiled for the shapes of its arguments. So sets are padded to the next of
a few sizes, with rows that have no effect. Models have that size, too. So another
number of rows up to this size compiles nothing, neither for training nor for passes
over the real rows.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from skdistill.students._base import ClosedFormStudent
from skdistill.synthetic._set import SyntheticSet

#: Minimum number of rows of a padded set.
LEAST_ROWS = 8
#: Sizes up to this are powers of two. Between larger powers there are three more sizes,
#: because large passes over the real rows take longer than compiling.
LARGEST_POWER = 64


def padded_size(n_rows):
    """Return the padded number of rows for a set with ``n_rows`` rows."""
    power = 1 << max(n_rows - 1, LEAST_ROWS - 1).bit_length()
    if power <= LARGEST_POWER:
        return power
    step = power // 8
    return -(-n_rows // step) * step


def pad_rows(array, n_rows):
    """Return an array padded with zeros to ``n_rows`` rows."""
    array = np.asarray(array)
    return np.pad(array, [(0, n_rows - len(array))] + [(0, 0)] * (array.ndim - 1))


def pad_samples(X):
    """Return samples (m, p) padded with their mean, so that origins stay near them."""
    X = np.asarray(X, dtype=np.float64)
    missing = padded_size(len(X)) - len(X)
    return np.concatenate([X, np.repeat(X.mean(axis=0)[None], missing, axis=0)])


class PaddedStudent(ClosedFormStudent):
    """A student whose training is a formula that ignores padding rows.

    The samples of padding rows are the mean of the others, so that origins do not move.
    Their targets and weights are zero.

    Attributes
    ----------
    train : callable
        ``train(synthetic, is_row) -> params`` in JAX. It has to hash by value, as that
        of a ``ClosedFormStudent``. ``is_row`` (m,) is one for rows and zero for padding
        rows, which must only change the number of rows of ``params``.
    """

    train: Callable[..., Any]

    def implicit_vjp(
        self, params: Any, params_grad: Any, synthetic: SyntheticSet
    ) -> SyntheticSet:
        """Return the gradient in ``synthetic`` by differentiating the formula."""
        m = len(synthetic.X)
        grad = super().implicit_vjp(params, params_grad, synthetic)
        return grad._replace(
            X=grad.X[:m], y=grad.y[:m], sample_weight=grad.sample_weight[:m]
        )

    def _arguments(self, synthetic):
        """Return the padded set, and the mask of the rows that are not padding."""
        m, size = len(synthetic.X), padded_size(len(synthetic.X))
        filled = synthetic._replace(
            X=pad_samples(synthetic.X),
            y=pad_rows(synthetic.y, size),
            sample_weight=pad_rows(synthetic.sample_weight, size),
        )
        return filled, np.arange(size) < m
