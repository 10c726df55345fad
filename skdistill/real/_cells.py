"""Cells of real rows in any container, for the search: tables, texts, mixed columns.

A small table is made of cells of real rows. ``donors`` (m, q) has the index of the real
row that each cell comes from. Numeric columns may have other values than the data:
``numbers`` (m, r) has the values of the r numeric columns, with NaN for missing values,
and the entries of ``donors`` for these columns are ignored. Integers are rounded, and
all numbers stay within the range of the data.

A DataFrame or a two-dimensional array has columns. Any other container that can be
indexed by rows, such as a list of texts or a sparse matrix, has one column, whose cells
are whole rows.
"""

from collections.abc import Sequence
from functools import cached_property
from numbers import Integral, Real

import narwhals.stable.v2 as nw
import numpy as np
from scipy.sparse import issparse, vstack

from skdistill._sklearn_compat import (
    _check_categorical_features,
    _num_samples,
    _safe_indexing,
)
from skdistill.tables._frames import frame_like, without_rows
from skdistill.tables._ranges import read_range
from skdistill.tables._reading import column_names, is_frame, read, readable

#: Columns with larger integers are not numeric; they may hold identifiers.
MAX_WHOLE = 2**53


def read_cells(X, *, categorical_features=None, feature_range=None):
    """Return the Cells of real rows.

    Parameters
    ----------
    X : DataFrame, array, list or other container that is indexed by rows, of length n
        Real rows.
    categorical_features : None, "from_dtype" or array-like, default=None
        Columns that hold categories, see ``DatasetDistiller``.
    feature_range : None, "data", tuple or dict, default=None
        Bounds of the numbers, see ``DatasetDistiller``. Numbers also stay within the
        range of the data.

    Returns
    -------
    Cells
        An object of the subclass for the container.

    Raises
    ------
    ValueError
        If ``X`` is a lazy frame, if columns are unknown, or if the bounds exclude the
        range of the data.
    """
    if not is_frame(X):
        X = readable(X)  # refuses lazy frames
        if _holds_rows_of_numbers(X):
            X = np.asarray(X)
    if is_frame(X):
        form, names = FrameCells, column_names(X)
    elif isinstance(X, np.ndarray) and X.ndim == 2:
        form, names = ArrayCells, range(X.shape[1])
    else:
        form, names = RowCells, ["rows"]
    categorical = None
    if categorical_features is not None and form is not RowCells:
        categorical = _check_categorical_features(X, categorical_features)
    categorical = [] if categorical is None else np.flatnonzero(categorical).tolist()
    cells = form(X, set(categorical))
    if feature_range is not None and not isinstance(feature_range, str):
        cells.narrow(feature_range, names)
    return cells


def with_rows(X, X0, source="init"):
    """Return real rows and further rows in one container.

    The further rows are the start of a search.

    Parameters
    ----------
    X : container of length n
        Real rows.
    X0 : container of length m
        Further rows. Columns of a DataFrame are matched by name, and cast to the dtypes
        of ``X``.
    source : str, default="init"
        Name of their origin, for messages.

    Returns
    -------
    container of length n + m
        Both in the container of ``X``.

    Raises
    ------
    ValueError
        If the further rows have other columns, or values of other types.
    """
    if is_frame(X):
        return _frame_with_rows(X, X0, source)
    if issparse(X):
        return vstack([X, X0], format=X.format)
    if isinstance(X, list) and not _holds_rows_of_numbers(X):
        return X + list(X0)
    X, X0 = np.asarray(X), np.asarray(X0)
    if X.shape[1:] != X0.shape[1:]:
        raise ValueError(
            f"X of {source} has shape {X0.shape}; expected {(len(X0), *X.shape[1:])}. "
            "Pass rows with the features of X."
        )
    return np.concatenate([X, _in_dtype(X0, X.dtype, source)])


def _in_dtype(X0, dtype, source):
    """Return rows in the dtype of the real ones, except that strings may be longer."""
    if dtype.kind in "SU":
        return X0.astype(dtype.kind)
    try:
        # Round first, because a cast would truncate.
        return np.rint(X0).astype(dtype) if dtype.kind in "iu" else X0.astype(dtype)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"X of {source} has values that X of dtype {dtype} cannot hold. Pass rows "
            f"of this dtype. {error}"
        ) from error


def _frame_with_rows(X, X0, source):
    names, given = column_names(X), X0
    if not is_frame(X0):
        X0 = np.asarray(X0)
        if X0.ndim == 2 and X0.shape[1] == len(names):
            given = frame_like(without_rows(X), list(X0.T))
    missing = [name for name in names if name not in column_names(given)]
    if missing or not is_frame(given):
        raise ValueError(
            f"X of {source} lacks the columns {missing} of X. Pass all columns of X."
        )
    columns = {name: read(given)[name].to_list() for name in names}
    try:
        made = frame_like(without_rows(X), list(columns.values()))
    except Exception as error:  # each library raises other errors
        raise ValueError(
            f"X of {source} has values that the columns of X cannot hold. Pass rows "
            f"with the dtypes of X. {error}"
        ) from error
    return nw.concat([read(X), read(made)]).to_native()


class Cells:
    """The cells of real rows in any container.

    Parameters
    ----------
    X : container of length n
        Real rows.
    categorical : set of int
        Positions of columns that hold categories.

    Attributes
    ----------
    n_rows, n_columns : int
        Number of rows n, and number of columns q.
    is_number : ndarray of bool of shape (q,)
        Which columns are numeric.
    is_whole : ndarray of bool of shape (r,)
        Which of the numeric columns hold integers.
    low, high : ndarray of shape (r,)
        Minimum and maximum of the numeric columns.
    """

    def __init__(self, X, categorical):
        self.X = X
        self.n_rows = _num_samples(X)
        kinds = self._kinds(categorical)
        self.n_columns = len(kinds)
        self.is_number = np.array([kind is not None for kind in kinds], dtype=bool)
        self.is_whole = np.array([kind == "whole" for kind in kinds if kind], bool)
        self._number_columns = np.flatnonzero(self.is_number).tolist()

    @property
    def n_numbers(self):
        """Number of numeric columns."""
        return len(self.is_whole)

    @property
    def low(self):
        """Minimum of each numeric column."""
        return self._limits[0]

    @property
    def high(self):
        """Maximum of each numeric column."""
        return self._limits[1]

    @cached_property
    def _limits(self):
        ends = [_range_of(self._column(j)) for j in self._number_columns]
        return tuple(np.array(ends, dtype=np.float64).reshape(-1, 2).T)

    def narrow(self, feature_range, names):
        """Set bounds of the numbers, within the range of the data.

        Parameters
        ----------
        feature_range : tuple or dict
            See ``DatasetDistiller``.
        names : sequence of length q
            Names of the columns, or their positions in an array.

        Raises
        ------
        ValueError
            If the bounds exclude the range of the data for a column.
        """
        limits = np.zeros((2, self.n_columns))
        limits[:, self.is_number] = self._limits
        others = [names[j] for j in np.flatnonzero(~self.is_number)]
        given = read_range(
            feature_range, names, *limits, parameter="feature_range", without=others
        )
        low, high = (side[self.is_number] for side in given)
        low = np.where(self.is_whole, np.ceil(low), low)
        high = np.where(self.is_whole, np.floor(high), high)
        data_low, data_high = self._limits
        outside = (low > data_high) | (high < data_low) | (low > high)
        if outside.any():
            columns = [names[self._number_columns[r]] for r in np.flatnonzero(outside)]
            raise ValueError(
                f"feature_range leaves no value within the range of the data to the "
                f"columns {columns}. Pass wider bounds."
            )
        self._limits = np.maximum(low, data_low), np.minimum(high, data_high)

    def take(self, rows):
        """Return the real rows with some indices, in their container."""
        return _safe_indexing(self.X, rows)

    def donors(self, rows):
        """Return the donors (m, q) of whole real rows."""
        return np.repeat(np.asarray(rows)[:, None], self.n_columns, axis=1)

    def numbers(self, rows):
        """Return the numbers (m, r) of real rows, in double precision."""
        columns = [self._column(j)[rows] for j in self._number_columns]
        values = [np.asarray(column, dtype=np.float64) for column in columns]
        return np.array(values).T if values else np.empty((len(rows), 0))

    def allowed(self, numbers):
        """Return the nearest numbers (m, r) that are possible in the columns."""
        numbers = np.where(self.is_whole, np.rint(numbers), numbers)
        return np.clip(numbers, self.low, self.high)

    def table(self, donors, numbers):
        """Return a table of cells, in the container of the real rows.

        Parameters
        ----------
        donors : ndarray of int of shape (m, q)
            Index of the real row that each cell comes from.
        numbers : ndarray of shape (m, r)
            Values of the numeric columns.
        """
        numbers = iter(self.allowed(numbers).T)
        return self._container(
            [
                self._numbers_like(j, next(numbers))
                if self.is_number[j]
                else self._cells(j, donors[:, j])
                for j in range(self.n_columns)
            ]
        )

    def values(self, column, rows):
        """Return the cells of a column that is not numeric, as a list."""
        return list(self._cells(column, np.asarray(rows)))


class FrameCells(Cells):
    """Columns of a DataFrame of any library."""

    def _kinds(self, categorical):
        self._series = list(read(self.X).iter_columns())
        self._arrays = {}
        self._template = without_rows(self.X)
        return [
            None if j in categorical else _kind_of_series(series)
            for j, series in enumerate(self._series)
        ]

    def _column(self, j):
        if j not in self._arrays:
            values = self._series[j].to_numpy()
            if values.dtype.kind not in "iuf":
                values = values.astype(np.float64)
            self._arrays[j] = values
        return self._arrays[j]

    def _cells(self, j, rows):
        series = self._series[j]
        if series.implementation.is_pandas_like():
            return series.to_native().array.take(rows)
        return series[rows.tolist()]

    def _numbers_like(self, j, values):
        whole, missing = self._series[j].dtype.is_integer(), np.isnan(values).any()
        dtype = getattr(self._series[j].to_native(), "dtype", None)
        if isinstance(dtype, np.dtype) and not (whole and missing):
            return values.astype(dtype)  # faster than casting the frame
        if not whole:
            return values
        if not missing:
            return values.astype(np.int64)
        return [None if value != value else int(value) for value in values]

    def _container(self, columns):
        return frame_like(self._template, columns)


class ArrayCells(Cells):
    """Columns of a two-dimensional array, of one dtype or of objects."""

    def _kinds(self, categorical):
        kind = {"f": "number", "i": "whole", "u": "whole"}.get(self.X.dtype.kind)
        if kind == "whole" and self.X.size:
            ends = int(self.X.min()), int(self.X.max())
            kind = kind if max(map(abs, ends)) <= MAX_WHOLE else None
        kinds = [kind] * self.X.shape[1]
        if self.X.dtype == object:
            kinds = [_kind_of_objects(self.X[:, j]) for j in range(self.X.shape[1])]
        return [None if j in categorical else kind for j, kind in enumerate(kinds)]

    def numbers(self, rows):
        """Return the numbers (m, r) of real rows, in double precision."""
        values = self.X[rows]
        if not self.is_number.all():
            values = values[:, self.is_number]
        return _as_floats(values)

    def table(self, donors, numbers):
        """Return a table of cells, as an array of the same dtype."""
        rows = self.X[donors, np.arange(self.n_columns)]
        numbers = self.allowed(numbers)
        if self.X.dtype != object:
            rows[:, self.is_number] = numbers.astype(self.X.dtype)
            return rows
        for r, j in enumerate(self._number_columns):
            whole = self.is_whole[r]
            rows[:, j] = [
                int(value) if whole and value == value else value
                for value in numbers[:, r].tolist()
            ]
        return rows

    def _column(self, j):
        column = self.X[:, j]
        return _as_floats(column) if column.dtype == object else column

    def _cells(self, j, rows):
        return self.X[rows, j]


class RowCells(Cells):
    """Rows without columns, such as texts. Each row is one cell."""

    def _kinds(self, categorical):
        return [None]

    def table(self, donors, numbers):
        """Return whole real rows."""
        return self.take(donors[:, 0])

    def values(self, column, rows):
        """Return rows as a list, which is empty for sparse rows."""
        return [] if issparse(self.X) else list(self.take(np.asarray(rows)))


def _holds_rows_of_numbers(X):
    """Whether a sequence is a table of numbers that scikit-learn reads as an array."""
    if isinstance(X, np.ndarray) or not isinstance(X, Sequence) or isinstance(X, str):
        return False
    return all(
        isinstance(row, Sequence | np.ndarray)
        and not isinstance(row, str)
        and len(row) == len(X[0])
        and all(isinstance(value, Real) for value in row)
        for row in X
    )


def _kind_of_series(series):
    if series.dtype.is_float():
        return "number"
    if not series.dtype.is_integer():
        return None
    ends = series.min(), series.max()
    has_none = ends[0] is None or ends[0] != ends[0]
    return "whole" if has_none or max(map(abs, ends)) <= MAX_WHOLE else None


def _kind_of_objects(column):
    """Return the kind of a column of Python objects; None if not all are numbers."""
    if not all(isinstance(v, Real) and not isinstance(v, bool) for v in column):
        return None
    known = [value for value in column if value == value]
    if known and all(isinstance(v, Integral) and abs(v) <= MAX_WHOLE for v in known):
        return "whole"
    return "number"


def _as_floats(values):
    return np.asarray(values).astype(np.float64)


def _range_of(column):
    known = column[~np.isnan(column)] if column.dtype.kind == "f" else column
    return (known.min(), known.max()) if len(known) else (0.0, 0.0)
