"""Columns of numbers, which stand for themselves: of an array or of a DataFrame."""

import numpy as np
from sklearn.utils import check_array, check_X_y
from sklearn.utils.validation import validate_data

from skdistill._weights import fit_on
from skdistill.tables._frames import frame_like, without_rows
from skdistill.tables._kinds import kinds_of_columns
from skdistill.tables._layout import Layout
from skdistill.tables._missing import naming_missing_columns, refuse_missing
from skdistill.tables._names import in_order
from skdistill.tables._ranges import read_range
from skdistill.tables._reading import column_names, is_frame, readable

#: Sparse forms whose entries scikit-learn can look through; others become CSR.
WITH_ENTRIES = ["csr", "csc", "coo", "bsr"]


class Table:
    """Plain numbers, which stand for themselves.

    Parameters
    ----------
    has_gaps : ndarray of bool of shape (q,), default=None
        Which features may lack values in the real rows; None for none of them.

    Attributes
    ----------
    encodes : bool
        Whether ``estimator`` is fitted behind an encoder of categories.
    holds_categories : bool
        Whether some columns hold no numbers.
    leaves_out : bool
        Whether the rarest features may be left out of what is learned.
    rounds : bool
        Whether there is anything to round. Only then there are

        blocks : list of slice
            The columns that stand for each feature.
        is_discrete, is_category : ndarray of shape (q,)
            Which features are rounded, and which of these are one-hot encoded.
    feature_names : sequence of length q
        Names of the features; positions of those of an array. Known once there are
        numbers: after ``validate`` or ``set_range``.
    """

    encodes = False
    leaves_out = False
    rounds = False
    holds_categories = False

    def __init__(self, has_gaps=None):
        self.has_gaps = has_gaps
        self._finite = True if has_gaps is None or not has_gaps.any() else "allow-nan"

    @property
    def layout(self):
        """The columns that the estimator gets, and the numbers of each."""
        return Layout.of_numbers(len(self.feature_names))

    def names(self, features):
        """Return the names of features of a mask (q,), or their positions."""
        return [self.feature_names[j] for j in np.flatnonzero(features)]

    def validate(self, estimator, X, y, **check_params):
        """Validate rows in ``fit``.

        Parameters
        ----------
        estimator : estimator object
            Gets ``n_features_in_`` and ``feature_names_in_``.
        X, y : array-like
            Rows as they came, and their targets.
        **check_params : dict
            Passed to scikit-learn: ``multi_output``, ``y_numeric``.

        Returns
        -------
        X : ndarray of shape (n, p)
            The numbers that stand for the rows, float32 or float64.
        y : ndarray of shape (n,) or (n, k)
            Targets.
        """
        X, y = readable(X), readable(y, "y")
        with naming_missing_columns(X):
            numbers, y = validate_data(
                estimator,
                X,
                y,
                dtype=[np.float64, np.float32],
                ensure_all_finite=self._finite,
                **check_params,
            )
        if self._finite is not True:
            refuse_missing(X, self.has_gaps)
        self._name_features(numbers)
        return numbers, y

    def numbers(self, X, y, *, checks_values=True, **check_params):
        """Return the numbers (n, p) that stand for some of the rows, and their targets.

        Parameters
        ----------
        X, y : array-like
            Rows as they came, and their targets.
        checks_values : bool, default=True
            Whether values that are missing or infinite are an error.
        **check_params : dict
            Passed to ``sklearn.utils.check_X_y``.
        """
        X, y = readable(X), readable(y, "y")
        with naming_missing_columns(X):
            numbers, y = check_X_y(
                X,
                y,
                dtype=[np.float64, np.float32],
                ensure_all_finite=self._finite if checks_values else False,
                **check_params,
            )
        if checks_values and self._finite is not True:
            refuse_missing(X, self.has_gaps)
        return numbers, y

    def refuse_unreadable(self, X):
        """Raise a ValueError for samples to predict that ``fit`` would not take."""
        with naming_missing_columns(X):
            check_array(
                X,
                accept_sparse=WITH_ENTRIES,
                dtype=[np.float64, np.float32],
                ensure_all_finite=self._finite,
            )

    def validate_new(self, estimator, X):
        """Validate rows that come after ``fit``."""
        X = readable(X)
        with naming_missing_columns(X):
            validate_data(
                estimator,
                X,
                reset=False,
                dtype=[np.float64, np.float32],
                ensure_all_finite=self._finite,
            )

    def encode(self, X, *, input_name="X"):
        """Return the numbers (n, p) that stand for rows like those of the table.

        Categories that the table does not have are encoded as zeros.
        """
        return check_array(X, dtype=np.float64, input_name=input_name, copy=True)

    def encode_init(self, X0, input_name="X of init"):
        """Return the numbers that stand for starting rows, columns matched by name.

        Raises
        ------
        ValueError
            If there is a column or a category that the table does not have.
        """
        X0 = readable(X0, input_name)
        return in_order(X0, self.feature_names, input_name=input_name)

    def set_range(self, X):
        """Learn the range of every feature from the numbers (n, p) of the real rows.

        Returns
        -------
        low, high : ndarray of shape (q,)
            Least and largest value of each feature; of categories zero and one.

        Raises
        ------
        ValueError
            If a feature has no value at all.
        """
        self._name_features(X)
        self.low, self.high = (
            side.reduce(X, axis=0).astype(np.float64) for side in (np.fmin, np.fmax)
        )
        self._refuse_empty(np.isnan(self.low))
        return self.low, self.high

    def read_range(self, feature_range):
        """Return the bounds (q,) of the features that a user asks for.

        Parameters
        ----------
        feature_range : None, "data", tuple or dict
            See ``DatasetDistiller``; series and dicts are matched by name.
        """
        return read_range(
            feature_range,
            self.feature_names,
            self.low,
            self.high,
            parameter="feature_range",
            without=self._unbounded(),
        )

    def bounds(self, low, high):
        """Return bounds of the numbers (p,) from those of the features (q,).

        Integers stay within the range of the data, one-hot columns within zero and one.

        Raises
        ------
        ValueError
            If no integer of the data's range is within the bounds.
        """
        return low, high

    def decode(self, X):
        """Return the rows that numbers (m, p) stand for, in the container that came in.

        Whatever the numbers are, the rows hold values that the columns can have.
        """
        return X

    def round(self, X):
        """Return the numbers that stand for the rows that are returned."""
        return X

    def widened(self, X):
        """Return numbers of all features, where some were left out."""
        return X

    def fit(self, estimator, samples, labels, sample_weight=None):
        """Fit an estimator on rows of the table, behind the encoder if there is one."""
        return fit_on(estimator, samples, labels, sample_weight)

    def last_step(self, fitted):
        """Return what ``fit`` fitted behind the encoder."""
        return fitted

    def _name_features(self, X):
        self.feature_names = range(X.shape[1])

    def _refuse_empty(self, is_empty):
        if is_empty.any():
            raise ValueError(
                "X has no value at all in the columns "
                f"{[str(name) for name in self._names_of_numbers(is_empty)]}, from "
                "which synthetic ones could be learned. Drop these columns."
            )

    def _names_of_numbers(self, is_named):
        return self.names(is_named)

    def _unbounded(self):
        return []


class TypedTable(Table):
    """Columns with dtypes: those of a DataFrame.

    Parameters
    ----------
    X : DataFrame of shape (n, q)
        Real rows.
    rows : slice or ndarray of int, default=slice(None)
        Those that have weight.
    has_gaps : ndarray of bool of shape (q,), default=None
        Which columns may lack values.
    """

    def __init__(self, X, rows=slice(None), has_gaps=None):
        super().__init__(has_gaps)
        self._set_columns(X, kinds_of_columns(X, rows))

    @property
    def layout(self):
        """The columns that the estimator gets, and the numbers of each."""
        n_columns = len(self._columns)
        return Layout.of_blocks([1] * n_columns, self._template)

    def _set_columns(self, X, columns, first=()):
        """Keep the kinds of columns, and of ``X`` its form.

        The columns ``first`` come first among the numbers.
        """
        self.feature_names = column_names(X)
        self._template = without_rows(X)
        self._columns = columns
        self.is_discrete = np.array([column.is_discrete for column in columns])
        self.is_category = np.array([column.is_category for column in columns])
        self.rounds = bool(self.is_discrete.any())
        others = np.setdiff1d(np.arange(len(columns)), first)
        self._order = np.append(first, others).astype(int)
        widths = np.array([column.width for column in columns])
        ends = np.empty_like(widths)
        ends[self._order] = np.cumsum(widths[self._order])
        self.blocks = [slice(end - w, end) for end, w in zip(ends, widths, strict=True)]

    def set_range(self, X):
        """Learn the range of every feature from the numbers (n, p) of the real rows."""
        low, high = super().set_range(X)
        first = [block.start for block in self.blocks]
        self.low, self.high = low[first], high[first]
        self.low[self.is_category], self.high[self.is_category] = 0.0, 1.0
        return self.low, self.high

    def bounds(self, low, high):
        """Return bounds of the numbers (p,) from those of the features (q,)."""
        pairs = [
            column.bounds(*ends)
            for column, *ends in zip(self._columns, low, high, strict=True)
        ]
        low, high = np.array(pairs, dtype=np.float64).T
        if (low > high).any():
            raise ValueError(
                "feature_range leaves no integer within the range of the data to the "
                f"columns {self.names(low > high)}. Pass wider bounds, or floats."
            )
        widths = [self._columns[j].width for j in self._order]
        repeats = np.repeat(self._order, widths)
        return low[repeats], high[repeats]

    def decode(self, X):
        """Return the rows that numbers (m, p) stand for, in the container of ``X``."""
        values = [
            column.decode(X[:, block])
            for column, block in zip(self._columns, self.blocks, strict=True)
        ]
        if is_frame(self._template):
            return frame_like(self._template, values)
        rows = np.empty((len(X), len(values)), dtype=self._template.dtype)
        for j, column in enumerate(values):
            rows[:, j] = column
        return rows

    def round(self, X):
        """Return the numbers that stand for the rows that are returned."""
        return self.encode(self.decode(X))

    def _name_features(self, X):
        """Keep the names of the columns."""

    def _names_of_numbers(self, is_named):
        return self.names([is_named[block].any() for block in self.blocks])
