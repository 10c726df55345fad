"""Arrays and DataFrames of Dask. Functions run where the partitions are stored.

There is one task for each partition, and the workers combine their results in a tree.
In each pass the function with its small arguments is sent to the workers once, and one
result is sent back.
"""

from functools import cached_property, partial

import dask
import numpy as np

from skdistill._sklearn_compat import _num_samples
from skdistill.real.sources._base import Block, Source, combined

#: Number of rows that are used to find the shape and dtype of a result.
HEAD_ROWS = 8


class DaskSource(Source):
    """Rows of a Dask collection.

    Parameters
    ----------
    X : dask.array.Array or dask.dataframe.DataFrame
        Samples.
    y : dask.array.Array, dask.dataframe.Series, DataFrame or str
        Targets in the same partitions, or the name of their column.
    sample_weight : as ``y``, default=None
        Weights.

    Raises
    ------
    ValueError
        If ``y`` or ``sample_weight`` is partitioned differently from ``X``.
    """

    def __init__(self, X, y, sample_weight=None):
        named = [name for name in (y, sample_weight) if isinstance(name, str)]
        y, sample_weight = (
            X[column] if isinstance(column, str) else column
            for column in (y, sample_weight)
        )
        if named:
            X = X.drop(columns=named)
        # Keep references, because persisted data is deleted with its collection.
        self._collections = X, y, sample_weight
        parts = _partitions(X)
        self._parts = list(
            zip(
                parts,
                _beside(X, y, "y", len(parts)),
                _beside(X, sample_weight, "sample_weight", len(parts)),
                strict=True,
            )
        )

    @cached_property
    def _firsts(self):
        """Position of the first row of each partition, and the number of all rows."""
        lengths = dask.compute([_lengths(*part) for part in self._parts])[0]
        for lengths_of_parts in lengths:
            if len(set(lengths_of_parts)) > 1:
                n, *others = lengths_of_parts
                raise ValueError(
                    f"A partition of X has {n} rows, but those of y or sample_weight "
                    f"beside it have {others}. {_SAME_PARTITIONS}"
                )
        return np.cumsum([0] + [first for first, *_ in lengths]).tolist()

    def _tasks(self, function, *arguments):
        # A separate task, so that the arguments are sent once for all partitions, and
        # again if a worker is lost.
        given = dask.delayed((function, arguments), traverse=False, pure=False)
        return [
            _of_partition(given, first, *part)
            for first, part in zip(self._firsts, self._parts, strict=False)
        ]

    def reduce(self, function, combine, *arguments):
        """Combine the results of a function for all blocks, see ``Source``."""
        results = self._tasks(function, *arguments)
        together = dask.delayed(partial(combined, combine), pure=False)
        while len(results) > 1:
            pairs = zip(results[::2], results[1::2], strict=False)
            odd = results[len(results) - len(results) % 2 :]
            results = [together(*pair) for pair in pairs] + odd
        return results[0].compute(retries=1)

    def head(self):
        """Return some rows of the first partition that is not empty."""
        sizes = np.diff(self._firsts)
        if not sizes.any():
            return None
        return _first_rows(*self._parts[int(np.argmax(sizes > 0))]).compute()

    def map(self, function):
        """Return the results of a function for all blocks, as a Dask array."""
        from dask import array

        form = np.asarray(function(self.head()))
        sizes = np.diff(self._firsts).tolist()
        parts = [
            array.from_delayed(task, (size, *form.shape[1:]), form.dtype)
            for task, size in zip(self._tasks(function), sizes, strict=True)
            if size
        ]
        return array.concatenate(parts)


_SAME_PARTITIONS = (
    "Give both the same partitions, such as by y.rechunk(X.chunks[0]) for arrays."
)


def _is_array(collection):
    return hasattr(collection, "chunks")


def _partitions(collection):
    if _is_array(collection):
        if collection.ndim == 2:
            collection = collection.rechunk({1: -1})
        return collection.to_delayed().ravel().tolist()
    return list(collection.to_delayed())


def _beside(X, column, name, n_parts):
    """Return the partitions of targets or weights, or None for each."""
    if column is None:
        return [None] * n_parts
    if not dask.is_dask_collection(column):
        raise ValueError(
            f"X is a Dask collection, but {name} is {type(column).__name__}. Pass "
            f"{name} as one in the same partitions, or as the name of a column of X."
        )
    parts = _partitions(column)
    known = _is_array(X) and _is_array(column)
    if len(parts) != n_parts or (known and _differ(X.chunks[0], column.chunks[0])):
        raise ValueError(
            f"{name} is partitioned differently from X, in {len(parts)} partitions for "
            f"{n_parts}. {_SAME_PARTITIONS}"
        )
    return parts


def _differ(first, second):
    return not np.isnan([*first, *second]).any() and first != second


@partial(dask.delayed, pure=False)
def _lengths(*parts):
    return [_num_samples(part) for part in parts if part is not None]


@partial(dask.delayed, pure=False)
def _first_rows(*parts):
    return Block(0, *(None if part is None else part[:HEAD_ROWS] for part in parts))


@partial(dask.delayed, pure=False)
def _of_partition(given, first, *parts):
    function, arguments = given
    block = Block(first, *parts)
    if not block.n_rows:
        return None
    try:
        return function(block, *arguments)
    except Exception as error:
        error.add_note(f"In the partition of X that begins with row {first}.")
        raise
