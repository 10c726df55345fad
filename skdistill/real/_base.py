"""The contract of the real rows, wherever they lie.

Everything that the package asks of them is a sum over rows, or a few rows. So a new
container is one file: a subclass that says how a function is summed over its chunks,
and how rows are taken and drawn. Small arrays go out to where the rows lie, small sums
come back.
"""

from abc import ABC, abstractmethod
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np

from skdistill._programs import join, split
from skdistill.real._devices import spread
from skdistill.real._sampling import shares_of_groups


class Chunk(NamedTuple):
    """Some of the real rows.

    Attributes
    ----------
    X : ndarray or csr_array of shape (n, p)
        Samples, float32 or float64, NaN where a value is missing. ``skdistill._forms``
        has what both can do.
    y : ndarray of shape (n,) or (n, k)
        Targets as the outer loss takes them: indices of classes, or numbers.
    sample_weight : ndarray of shape (n,)
        Weights; zero for rows that fill a chunk up.
    """

    X: Any
    y: Any
    sample_weight: Any


class NeedsFeatures(TypeError):
    """A function asks for features of rows of which products alone are known."""


class RealRows(ABC):
    """The real rows, of which only sums and small parts are asked.

    Attributes
    ----------
    n_rows, n_features : int
        Their number, and that of their features.
    dtype : dtype
        Precision of the samples, float32 or float64.
    total_weight : float
        Sum of the weights.
    targets : Targets
        What ``y`` holds.
    group_counts : ndarray of int of shape (n_groups,)
        Rows of each group of ``targets``.
    group_weight : ndarray of shape (n_groups,)
        Their weights, summed.
    low, high : ndarray of shape (p,)
        Least and largest value of each feature, in double precision.
    filled : RealRows
        The same rows, with means in the place of missing values, for whoever measures
        distances or spreads. A student that imputes by itself sees them missing.
    passed : ndarray of int of shape (n_rows,)
        Positions of the rows among those that the user passed.
    n_passed : int
        How many these were.
    is_reread : bool
        Whether the rows are read anew for each sum, which may fail.
    n_at_hand : int
        Rows that can be taken one by one, to which indices refer: all of them, or a
        random sample of very many.
    """

    is_reread: bool = False

    n_rows: int
    n_features: int
    dtype: np.dtype
    total_weight: float
    targets: Any
    group_counts: np.ndarray
    group_weight: np.ndarray
    low: np.ndarray
    high: np.ndarray
    passed: np.ndarray
    n_passed: int

    @property
    def values_per_row(self):
        """How many values of a row are stored, about."""
        return self.n_features

    @property
    def n_at_hand(self):
        """Rows that can be taken one by one."""
        return self.n_rows

    @property
    def filled(self):
        """The rows themselves, where no values are missing."""
        return self

    @abstractmethod
    def map_sum(self, function, *arguments, rows=None):
        """Sum a function over chunks of rows.

        Parameters
        ----------
        function : callable
            ``function(chunk, *arguments) -> pytree of arrays`` in NumPy. Weights of all
            chunks sum to one. It can be pickled, and adds nothing for rows of weight
            zero. Functions in JAX have methods of their own, see below.
        *arguments : pytrees of small arrays
            What the function takes besides the chunk.
        rows : ndarray of int, default=None
            Indices of the rows at hand to take, for a mini-batch; by default all rows.

        Returns
        -------
        pytree of ndarray
            The sum, in double precision.
        """

    @abstractmethod
    def take(self, rows):
        """Return some rows by their indices, a ``Chunk`` with their weights."""

    @abstractmethod
    def draw(self, sizes, random_state, offset=0.5):
        """Draw rows from every group, by their weights.

        The rows of a group are ordered along a random line, in units of the features
        and of numeric targets, and drawn at equal steps of cumulated weight: what is
        drawn depends on the rows and their weights, not on their order.

        Parameters
        ----------
        sizes : sequence of int or None
            Draws from each group; None takes each of its rows once.
        random_state : RandomState
            Draws the line.
        offset : float, default=0.5
            Where the first draw lies in the first step, in [0, 1).

        Returns
        -------
        list of ndarray of int
            Indices of rows for each group; heavy rows come more than once.
        """

    @abstractmethod
    def weighted_by(self, function):
        """Return the same rows with other weights.

        Parameters
        ----------
        function : callable
            ``function(y, sample_weight, counts=None)``, the ``training_weight`` of a
            student: a factor for each group of rows, which their targets, weights and
            number decide. With ``counts`` the entries of ``y`` stand for so many rows,
            of which ``sample_weight`` is the sum.
        """

    @abstractmethod
    def labels(self):
        """Return the targets of all rows at hand, for splitters that stratify."""

    @abstractmethod
    def places(self, random_state):
        """Place the rows at hand in [0, 1), so that intervals hold fair shares of them.

        The rows of each group whose places lie within an interval have about its length
        as their share of the group's weight, and are spread over the group. Places
        depend on the rows and their weights, not on their order.

        Parameters
        ----------
        random_state : RandomState
            Draws the line along which the rows are spread.

        Returns
        -------
        ndarray of shape (n_at_hand,)
            The places.
        """

    @abstractmethod
    def only(self, rows):
        """Return a part of the rows, where they lie.

        Their weights are multiplied, so that every group of which there are any keeps
        its total.

        Parameters
        ----------
        rows : ndarray of int
            Sorted indices of the rows. Rows that are not at hand stay in any case.

        Returns
        -------
        RealRows
            The part.
        """

    def value(self, total, params):
        """Sum a function of ``params`` over chunks of rows.

        Parameters
        ----------
        total : callable
            ``total(chunk, params) -> array`` in JAX: an object that hashes by value and
            can be pickled. It adds nothing for rows of weight zero, and of ``chunk.X``
            it takes products with matrices, after a shift and in units of the features
            if need be, and sums of squares.
        params : pytree of small arrays
            What it depends on.

        Returns
        -------
        ndarray
            The sum, in double precision.
        """
        return self.map_sum(_Value(total), params)

    def value_and_grad(self, total, params, rows=None):
        """Sum a function of ``params`` over chunks of rows, with its gradient.

        Parameters
        ----------
        total, params
            As for ``value``; ``total`` is a number.
        rows : ndarray of int, default=None
            Indices of the rows to take, for a mini-batch; by default all.

        Returns
        -------
        value : ndarray
            The sum.
        grad : pytree of ndarray
            Its gradient, of the structure of ``params``.
        """
        return self.map_sum(_ValueAndGrad(total), params, rows=rows)

    def refuse(self, total, get_params):  # noqa: B027 (dense rows refuse nothing)
        """Raise NeedsFeatures if these rows cannot be seen as a function asks for.

        Parameters
        ----------
        total : callable
            As for ``value``.
        get_params : callable
            ``get_params()`` returns some ``params`` of it.
        """

    def in_common_features(self, most):
        """Return the rows with at most so many features, and which ones these are.

        Parameters
        ----------
        most : int
            Largest number of features.

        Returns
        -------
        real : RealRows
            The rows.
        kept : ndarray of int or None
            Sorted positions of the sparse features that are zero in the fewest rows;
            None for all features, as those of dense rows are.
        """
        return self, None

    @property
    def whole(self):
        """The rows with all of their features."""
        return self

    def group_means(self):
        """Return the weighted mean (n_groups, p) of every group."""
        sums = self.map_sum(_group_sums, self.targets)
        return sums / (self.group_weight / self.total_weight)[:, None]

    def rescaled(self, center, scale):
        """Return the rows ``(X - center) / scale``."""
        from skdistill.real._rescaled import RescaledRows

        return RescaledRows(self, center, scale)

    def extract(self, rows, sample_weight=None):
        """Return some rows in memory, with other weights if given."""
        from skdistill.real._in_memory import rows_in_memory

        X, y, own_weight = self.take(rows)
        weight = own_weight if sample_weight is None else sample_weight
        return rows_in_memory(X, y, weight, self.targets)

    def sample(self, size, number=0):
        """Return a sample of the rows, in memory.

        It is stratified by the groups of the targets, in proportion to their weight,
        and every group keeps its total. Not more than ``size`` rows, except that no
        group has less than a few.

        Parameters
        ----------
        size : int
            Rows to draw.
        number : int, default=0
            Which sample: another number draws other rows.

        Returns
        -------
        RowsInMemory
            All rows if there are no more than that.
        """
        sizes = [None] * len(self.group_counts)
        if self.n_rows > size:
            shares = shares_of_groups(self.group_weight, size).tolist()
            sizes = [
                None if count <= share else share
                for count, share in zip(self.group_counts, shares, strict=True)
            ]
        drawn = self.draw(sizes, np.random.RandomState(number))
        rows, weights = [], []
        for members, share, total in zip(drawn, sizes, self.group_weight, strict=True):
            if share is None:
                weights.append(self.take(members).sample_weight)
            else:
                members, counts = np.unique(members, return_counts=True)
                weights.append(counts * (total / share))
            rows.append(members)
        return self.extract(np.concatenate(rows), np.concatenate(weights))


# Compiled functions would be pickled with what they are made of, and compiled again
# wherever they arrive: these are found by their names.
class _Value(NamedTuple):
    total: Any

    def __call__(self, chunk, params):
        form, numbers = split(self.total)
        return _value(spread(chunk), _strong(params), numbers, form=form)


class _ValueAndGrad(NamedTuple):
    total: Any

    def __call__(self, chunk, params):
        form, numbers = split(self.total)
        return _value_and_grad(spread(chunk), _strong(params), numbers, form=form)


def _strong(params):
    """Return params in NumPy: for Python numbers, JAX would compile once more."""
    return jax.tree.map(np.asarray, params)


@partial(jax.jit, static_argnames="form")
def _value(chunk, params, numbers, form):
    return join(form, numbers)(chunk, params)


@partial(jax.jit, static_argnames="form")
def _value_and_grad(chunk, params, numbers, form):
    return jax.value_and_grad(join(form, numbers), argnums=1)(chunk, params)


def _group_sums(chunk, targets):
    X, y, weight = chunk
    in_group = np.eye(targets.n_groups)[targets.groups(y)] * weight[:, None]
    return in_group.T @ X
