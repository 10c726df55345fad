"""Targets and weights as columns of a table, or as separate arrays."""

import narwhals.stable.v2 as nw

from skdistill._sklearn_compat import _safe_indexing
from skdistill.real.sources._base import Block


def names_of_columns(*columns):
    """Return the targets and weights that are given as names of columns."""
    return [name for name in columns if isinstance(name, str)]


def block_of_frame(first, frame, y, sample_weight):
    """Return the Block of a DataFrame.

    Parameters
    ----------
    first : int
        Position of its first row.
    frame : DataFrame of shape (n, q)
        Some of the rows, including columns of targets and weights.
    y, sample_weight : str, array-like of all rows, or None
        Names of columns, or arrays for all rows.
    """
    table = nw.from_native(frame, eager_only=True)
    rows = slice(first, first + len(table))

    def part(column):
        if isinstance(column, str):
            return table[column].to_native()
        return None if column is None else _safe_indexing(column, rows)

    samples = table.drop(*names_of_columns(y, sample_weight))
    return Block(first, samples.to_native(), part(y), part(sample_weight))
