"""Kinds of columns, and the numbers that encode them while rows are learned.

A kind has the attributes ``width``, the number of features that encode a value;
``is_discrete``, whether they are rounded; and ``is_category``. Its methods are

- ``bounds(low, high)``, which returns the nearest bounds within given ones that are
  possible values;
- ``decode(numbers)``, which returns the nearest possible values for any numbers
  (m, width).
"""

from collections import defaultdict

import narwhals.stable.v2 as nw
import numpy as np

from skdistill.tables._reading import (
    NotNumbersError,
    is_frame,
    native_dtypes,
    read,
)

#: Maximum number of integers whose ranges are computed at a time.
MAX_BLOCK = 2**18


class Floats:
    """Floats of some precision, such as "float32"."""

    width = 1
    is_discrete = is_category = False

    def __init__(self, dtype="float64"):
        self.dtype = dtype

    def bounds(self, low, high):
        """Return bounds that are possible in this precision."""
        return self._inward(low, np.inf), self._inward(high, -np.inf)

    def _inward(self, bound, inward):
        dtype = np.dtype(self.dtype).type
        with np.errstate(over="ignore"):
            value = dtype(bound)
        if float(value) < bound if inward > 0 else float(value) > bound:
            value = np.nextafter(value, dtype(inward))
        return value

    def decode(self, numbers):
        """Return the numbers."""
        return numbers[:, 0]


class WholeNumbers:
    """Integers or booleans, within the range of the data.

    Parameters
    ----------
    python_type : {int, bool}
        Type of the values.
    low, high : int
        Range of the values. It is stored in integers, because floats may not be exact.
    """

    width = 1
    is_discrete = True
    is_category = False

    def __init__(self, python_type, low, high):
        self.python_type = python_type
        self.low, self.high = int(low), int(high)

    def bounds(self, low, high):
        """Return the nearest whole bounds within given bounds and the range."""
        return max(np.ceil(low), float(self.low)), min(np.floor(high), float(self.high))

    def decode(self, numbers):
        """Return the nearest whole numbers within the range."""
        near = np.clip(np.rint(numbers[:, 0]), float(self.low), float(self.high))
        return [
            self.python_type(min(max(int(value), self.low), self.high))
            for value in near
        ]


class Categories:
    """Categories, each of which is encoded by a number between zero and one."""

    is_discrete = is_category = True

    def __init__(self, categories):
        self.categories = categories
        self.width = len(categories)

    def bounds(self, low, high):
        """Return zero and one."""
        return 0.0, 1.0

    def decode(self, numbers):
        """Return the categories of the largest numbers."""
        return self.categories[np.argmax(numbers, axis=1)]


def kinds_of_columns(X, rows=slice(None), *, categorical=()):
    """Return the kinds of the columns of a DataFrame.

    Parameters
    ----------
    X : DataFrame of shape (n, q)
        Real rows.
    rows : slice or ndarray of int, default=slice(None)
        Rows that decide on the range of integers.
    categorical : set of int, default=()
        Positions of categorical columns; their kind is None.

    Raises
    ------
    NotNumbersError
        If a column does not hold numbers.
    """
    frame = read(X)
    refused = not_numbers(X).difference(categorical)
    columns = [None] * len(frame.columns)
    by_dtype = defaultdict(list)
    for j, dtype in enumerate(frame.schema.values()):
        if j in categorical:
            continue
        if dtype.is_integer() or dtype == nw.Boolean:
            by_dtype[dtype].append(j)
        else:
            columns[j] = Floats(str(dtype).lower() if dtype.is_float() else "float64")
    if refused:
        names, dtypes = frame.columns, native_dtypes(X)
        listed = ", ".join(f"{names[j]!r} ({dtypes[j]})" for j in sorted(refused))
        raise NotNumbersError(
            f"X has columns that are not numbers: {listed}. Name those that hold "
            "categories in categorical_features ('from_dtype' takes all columns of a "
            "categorical dtype), and convert the others to numbers."
        )
    for dtype, positions in by_dtype.items():
        python_type = bool if dtype == nw.Boolean else int
        limits = _limits(frame, rows, positions)
        for j, ends in zip(positions, limits, strict=True):
            columns[j] = WholeNumbers(python_type, *ends)
    return columns


def not_numbers(X):
    """Return the positions of columns of a DataFrame or an array that are not numeric.

    Dates are not numeric. The values of Python objects are checked.
    """
    if not is_frame(X):
        are_objects = X.dtype.kind not in "biuf"
        return {
            j for j, column in enumerate(X.T) if are_objects and not _as_floats(column)
        }
    return {
        j
        for j, (column, dtype) in enumerate(
            zip(read(X).iter_columns(), read(X).schema.values(), strict=True)
        )
        if not (
            dtype.is_integer()
            or dtype == nw.Boolean
            or dtype.is_float()
            or _holds_floats(column)
        )
    }


def _limits(frame, rows, positions):
    """Yield the minimum and maximum of integer columns of one dtype.

    They are Python integers, because floats may not be exact. For a column without any
    value they are zero; it is refused later.
    """
    rows = rows if isinstance(rows, slice) else rows.tolist()
    # Single columns are slow if there are many, and all at once need too much memory.
    step = MAX_BLOCK // max(1, len(frame))
    if step < 2 or "128" in str(frame[:, positions[0]].dtype):  # NumPy has no 128 bits
        yield from (_limits_of(frame[rows, j]) for j in positions)
        return
    for start in range(0, len(positions), step):
        block = positions[start : start + step]
        values = frame[rows, block].to_numpy()
        if values.dtype.kind in "biu":
            yield from zip(
                values.min(axis=0).tolist(), values.max(axis=0).tolist(), strict=True
            )
        else:  # some values are missing
            yield from (_limits_of(frame[rows, j]) for j in block)


def _limits_of(column):
    has_values = column.null_count() < len(column)
    return (column.min(), column.max()) if has_values else (0, 0)


def _holds_floats(column):
    """Whether a column of objects, or of a dtype unknown to narwhals, is numeric."""
    known = column.dtype not in (nw.Object, nw.Unknown)
    if known and str(native_dtypes(column)[0]).lower() != "object":
        return False
    return _as_floats(column.to_numpy())


def _as_floats(values):
    """Whether the values of an array can be converted to floats."""
    if values.dtype.kind == "c":
        return False
    try:
        np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        return False
    return True
