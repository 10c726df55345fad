"""How an estimator reads the columns of a table, and the numbers that encode them."""

from dataclasses import dataclass
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from skdistill._sklearn_compat import _get_column_indices
from skdistill.tables._frames import without_rows
from skdistill.tables._reading import is_frame, readable


class Roles(NamedTuple):
    """How an estimator reads the columns of a table.

    Attributes
    ----------
    has_gaps : ndarray of bool of shape (q,)
        Columns that may have missing values, because the estimator imputes them.
    is_category : ndarray of bool of shape (q,)
        Columns that the estimator one-hot encodes.
    is_unused : ndarray of bool of shape (q,)
        Columns that the estimator does not use.
    is_picky : bool
        Whether the estimator selects or encodes columns, so that there must be no
        encoder before it.
    """

    has_gaps: np.ndarray
    is_category: np.ndarray
    is_unused: np.ndarray
    is_picky: bool

    @classmethod
    def of_numbers(cls, n_columns):
        """Return the roles of numeric columns without missing values."""
        none = np.zeros(n_columns, dtype=bool)
        return cls(none, none, none, False)


@dataclass(frozen=True)
class Layout:
    """The columns of a table in their order, and the numbers that encode them.

    Attributes
    ----------
    blocks : tuple of slice
        Positions of the numbers of each column in a row of numbers.
    labels : tuple of (tuple or None)
        Categories of each column, in the order of their numbers; None for a numeric
        column.
    header : DataFrame or ndarray
        The columns without rows, to select them by name or dtype.
    """

    blocks: tuple
    labels: tuple
    header: Any

    @classmethod
    def of_numbers(cls, n_columns):
        """Return the layout of numeric columns without names."""
        return cls.of_blocks([1] * n_columns, np.empty((0, n_columns)))

    @classmethod
    def of_header(cls, X):
        """Return the layout of rows in any container, with each column as one number.

        It is None for containers without columns, such as a list of texts.
        """
        X = readable(X)
        if not is_frame(X):
            X = X if hasattr(X, "shape") else np.asarray(X)
            if len(X.shape) != 2:
                return None
            X = np.empty((0, X.shape[1]))
        return cls.of_blocks([1] * X.shape[1], without_rows(X))

    @classmethod
    def of_blocks(cls, widths, header, labels=None):
        """Return the layout of columns of given widths, one block after the other."""
        ends = accumulate(widths)
        blocks = (slice(end - w, end) for end, w in zip(ends, widths, strict=True))
        return cls(tuple(blocks), labels or (None,) * len(widths), header)

    @property
    def n_columns(self):
        """Number of columns."""
        return len(self.blocks)

    @property
    def n_numbers(self):
        """Length of a row of numbers."""
        return sum(block.stop - block.start for block in self.blocks)

    def find(self, columns):
        """Return the positions of selected columns, as ``ColumnTransformer`` does."""
        if callable(columns):
            columns = columns(self.header)
        return [int(j) for j in _get_column_indices(self.header, columns)]

    def pick(self, positions):
        """Return the layout of some columns, and the positions of their numbers."""
        widths = [self.blocks[j].stop - self.blocks[j].start for j in positions]
        labels = tuple(self.labels[j] for j in positions)
        header = np.empty((0, len(positions)))
        numbers = [i for j in positions for i in range(*self._ends(j))]
        return Layout.of_blocks(widths, header, labels), tuple(numbers)

    def _ends(self, j):
        return self.blocks[j].start, self.blocks[j].stop
