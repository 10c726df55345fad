"""The form of a set during the search: cells of real rows, targets and weights."""

from typing import Any, NamedTuple

import numpy as np


class CellSet(NamedTuple):
    """A set of m rows that consist of cells of real rows.

    Attributes
    ----------
    donors : ndarray of int of shape (m, q)
        Index of the real row that each cell comes from.
    numbers : ndarray of shape (m, r)
        Values of the numeric columns.
    y : ndarray of shape (m,) or (m, k)
        Targets: indices of classes, or numbers.
    sample_weight : ndarray of shape (m,)
        Weights to fit with.
    """

    donors: Any
    numbers: Any
    y: Any
    sample_weight: Any

    def copy(self):
        """Return a copy that may be changed in place."""
        return CellSet(*(part.copy() for part in self))

    def merged(self, others):
        """Return a set with the changes of several other sets.

        If several sets change the same row, the change of the first one is taken.

        Parameters
        ----------
        others : sequence of CellSet
            Sets that differ from this one in some rows.
        """
        merged, free = self.copy(), np.ones(len(self.y), dtype=bool)
        for other in others:
            changed = self.changed_rows(other) & free
            for part, new in zip(merged, other, strict=True):
                part[changed] = new[changed]
            free &= ~changed
        return merged

    def changed_rows(self, other):
        """Return a mask (m,) of the rows in which another set differs."""
        changed = np.zeros(len(self.y), dtype=bool)
        for part, new in zip(self, other, strict=True):
            same = part == new
            if part.dtype.kind == "f":
                same |= np.isnan(part) & np.isnan(new)
            changed |= ~same.reshape(len(self.y), -1).all(axis=1)
        return changed
