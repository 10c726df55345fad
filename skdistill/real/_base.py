"""The contract of the real rows, in memory or elsewhere.

The package only needs sums over the rows, and a few of the rows themselves. So a new
container takes one subclass, which sums functions over chunks of rows, and takes and
draws rows. Only small arrays and small sums move between the package and the rows.
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
        Samples in float32 or float64; missing values are NaN. ``skdistill._forms`` has
        operations for both kinds of arrays.
    y : ndarray of shape (n,) or (n, k)
        Targets in the form of the outer loss: indices of classes, or numbers.
    sample_weight : ndarray of shape (n,)
        Weights. Rows that pad a chunk have weight zero.
    """

    X: Any
    y: Any
    sample_weight: Any


class NeedsFeatures(TypeError):
    """A function needs features of sparse rows, of which only products are known."""


class RealRows(ABC):
    """The real rows, which give sums and small samples.

    Attributes
    ----------
    n_rows, n_features : int
        Number of rows, and number of features.
    dtype : dtype
        Precision of the samples, float32 or float64.
    total_weight : float
        Sum of the weights.
    targets : Targets
        Describes the targets.
    group_counts : ndarray of int of shape (n_groups,)
        Number of rows in each group of ``targets``.
    group_weight : ndarray of shape (n_groups,)
        Sum of the weights in each group.
    low, high : ndarray of shape (p,)
        Minimum and maximum of each feature, in double precision.
    filled : RealRows
        The same rows with means in the place of missing values, for distances and
        spreads. A student that imputes itself gets the rows with missing values.
    passed : ndarray of int of shape (n_rows,)
        Positions of the rows among those that the user passed.
    n_passed : int
        Number of rows that the user passed.
    is_reread : bool
        Whether the rows are read again for each sum, which may fail.
    n_at_hand : int
        Number of rows that can be taken one by one; indices refer to these. They are
        all rows, or a random sample if there are very many.
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
        """Approximate number of stored values in a row."""
        return self.n_features

    @property
    def n_at_hand(self):
        """Number of rows that can be taken one by one."""
        return self.n_rows

    @property
    def filled(self):
        """The rows themselves if no values are missing."""
        return self

    @abstractmethod
    def map_sum(self, function, *arguments, rows=None):
        """Sum a function over chunks of rows.

        Parameters
        ----------
        function : callable
            ``function(chunk, *arguments) -> pytree of arrays`` in NumPy. The weights of
            all chunks sum to one. It has to be possible to pickle it, and it has to
            return zeros for rows of weight zero. For functions in JAX, use ``value``
            and ``value_and_grad``.
        *arguments : pytrees of small arrays
            Further arguments of the function.
        rows : ndarray of int, default=None
            Indices of the rows of a mini-batch; by default all rows.

        Returns
        -------
        pytree of ndarray
            The sum, in double precision.
        """

    @abstractmethod
    def take(self, rows):
        """Return the ``Chunk`` of the rows with some indices."""

    @abstractmethod
    def draw(self, sizes, random_state, offset=0.5):
        """Draw rows from every group, by their weights.

        The rows of a group are sorted along a random line, in units of the features and
        of numeric targets, and drawn at equal steps of cumulated weight. So the drawn
        rows depend on the rows and their weights, but not on their order.

        Parameters
        ----------
        sizes : sequence of int or None
            Number of draws from each group; None takes each of its rows once.
        random_state : RandomState
            Draws the line.
        offset : float, default=0.5
            Position of the first draw in the first step, in [0, 1).

        Returns
        -------
        list of ndarray of int
            Indices of rows for each group. Heavy rows may be drawn several times.
        """

    @abstractmethod
    def weighted_by(self, function):
        """Return the same rows with other weights.

        Parameters
        ----------
        function : callable
            ``function(y, sample_weight, counts=None)`` is the ``training_weight`` of a
            student. It multiplies the weights of each group by a factor, which depends
            on targets, weights and counts. With ``counts``, each entry of ``y``
            represents that number of rows, with ``sample_weight`` as their total.
        """

    @abstractmethod
    def labels(self):
        """Return the targets of all rows at hand, for stratified splitters."""

    @abstractmethod
    def places(self, random_state):
        """Return a place in [0, 1) for each row at hand, for parts and folds.

        The rows with places in an interval are a fair sample of each group: their share
        of its weight is about the length of the interval, and they are spread over the
        group. Places depend on the rows and their weights, but not on their order.

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
        """Return a part of the rows, without copying them.

        Weights are multiplied such that each group keeps its total weight, unless it
        becomes empty.

        Parameters
        ----------
        rows : ndarray of int
            Sorted indices of the rows. Rows that are not at hand always stay.

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
            ``total(chunk, params) -> array`` in JAX. It has to hash by value, and it
            has to be possible to pickle it. Rows of weight zero must not change it. For
            sparse rows, it may only use ``chunk.X`` in products with matrices, also
            after shifting and scaling features, and in sums of squares.
        params : pytree of small arrays
            Parameters of a model.

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
            As for ``value``; ``total`` returns a number.
        rows : ndarray of int, default=None
            Indices of the rows of a mini-batch; by default all rows.

        Returns
        -------
        value : ndarray
            The sum.
        grad : pytree of ndarray
            Its gradient, of the structure of ``params``.
        """
        return self.map_sum(_ValueAndGrad(total), params, rows=rows)

    def refuse(self, total, get_params):  # noqa: B027 (dense rows refuse nothing)
        """Raise NeedsFeatures if these rows do not support a function.

        Parameters
        ----------
        total : callable
            As for ``value``.
        get_params : callable
            ``get_params()`` returns some ``params`` for the function.
        """

    def in_common_features(self, most):
        """Return the rows with only their most frequent features, if there are many.

        Parameters
        ----------
        most : int
            Maximum number of features.

        Returns
        -------
        real : RealRows
            The rows.
        kept : ndarray of int or None
            Sorted positions of these features, which are zero in the fewest rows. None
            means that all features are kept, as always for dense rows.
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
        and each group keeps its total weight. It may have more than ``size`` rows,
        because each group gets a minimum number of rows.

        Parameters
        ----------
        size : int
            Number of rows to draw.
        number : int, default=0
            Number of the sample. Another number draws other rows.

        Returns
        -------
        RowsInMemory
            The sample. It is all rows if there are at most ``size``.
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


# Compiled functions cannot be pickled without compiling them again. These classes are
# pickled by name, and call module-level functions.
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
    """Return params as NumPy arrays. JAX would compile once more for Python numbers."""
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
