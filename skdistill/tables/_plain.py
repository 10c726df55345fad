"""Tables of numeric columns, from an array or a DataFrame."""

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

#: Sparse formats that scikit-learn validates; others are converted to CSR.
WITH_ENTRIES = ["csr", "csc", "coo", "bsr"]


class Table:
    """A table of plain numbers, which are not encoded.

    Parameters
    ----------
    has_gaps : ndarray of bool of shape (q,), default=None
        Which features may have missing values; None means that none may.

    Attributes
    ----------
    encodes : bool
        Whether ``estimator`` is fitted behind an encoder of categories.
    holds_categories : bool
        Whether some columns are not numeric.
    leaves_out : bool
        Whether the rarest features may be left out of the learned rows.
    rounds : bool
        Whether some features are rounded. Only then there are the attributes

        blocks : list of slice
            Positions of the numbers that encode each feature.
        is_discrete, is_category : ndarray of shape (q,)
            Which features are rounded, and which of these are one-hot encoded.
    feature_names : sequence of length q
        Names of the features, or their positions in an array. It is set by ``validate``
        or ``set_range``.
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
        """The layout of the columns that the estimator gets."""
        return Layout.of_numbers(len(self.feature_names))

    def names(self, features):
        """Return the names of the features in a mask (q,), or their positions."""
        return [self.feature_names[j] for j in np.flatnonzero(features)]

    def validate(self, estimator, X, y, **check_params):
        """Validate rows in ``fit``.

        Parameters
        ----------
        estimator : estimator object
            Estimator that gets ``n_features_in_`` and ``feature_names_in_``.
        X, y : array-like
            Rows as they came, and their targets.
        **check_params : dict
            ``multi_output`` and ``y_numeric`` for scikit-learn's validation.

        Returns
        -------
        X : ndarray of shape (n, p)
            The numbers that encode the rows, in float32 or float64.
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
        """Return the numbers (n, p) that encode some of the rows, and their targets.

        Parameters
        ----------
        X, y : array-like
            Rows as they came, and their targets.
        checks_values : bool, default=True
            Whether to raise an error for missing or infinite values.
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
        """Raise a ValueError for samples of ``predict`` that ``fit`` would refuse."""
        with naming_missing_columns(X):
            check_array(
                X,
                accept_sparse=WITH_ENTRIES,
                dtype=[np.float64, np.float32],
                ensure_all_finite=self._finite,
            )

    def validate_new(self, estimator, X):
        """Validate rows after ``fit``."""
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
        """Return the numbers (n, p) that encode rows with these columns.

        Unknown categories are encoded as zeros.
        """
        return check_array(X, dtype=np.float64, input_name=input_name, copy=True)

    def encode_init(self, X0, input_name="X of init"):
        """Return the numbers that encode starting rows; columns are matched by name.

        Raises
        ------
        ValueError
            If a column or a category is unknown.
        """
        X0 = readable(X0, input_name)
        return in_order(X0, self.feature_names, input_name=input_name)

    def set_range(self, X):
        """Find the range of every feature from the numbers (n, p) of the real rows.

        Returns
        -------
        low, high : ndarray of shape (q,)
            Minimum and maximum of each feature; zero and one for categories.

        Raises
        ------
        ValueError
            If all values of a feature are missing.
        """
        self._name_features(X)
        self.low, self.high = (
            side.reduce(X, axis=0).astype(np.float64) for side in (np.fmin, np.fmax)
        )
        self._refuse_empty(np.isnan(self.low))
        return self.low, self.high

    def read_range(self, feature_range):
        """Return the bounds (q,) of the features from ``feature_range``.

        Parameters
        ----------
        feature_range : None, "data", tuple or dict
            See ``DatasetDistiller``. Series and dicts are matched by name.
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
        """Return bounds of the numbers (p,) from bounds of the features (q,).

        Integers stay within the range of the data, and one-hot numbers between zero and
        one.

        Raises
        ------
        ValueError
            If a column of integers has no possible value within the bounds.
        """
        return low, high

    def decode(self, X):
        """Return the rows of numbers (m, p), in the container of the real rows.

        All values are possible in their columns, for any numbers.
        """
        return X

    def round(self, X):
        """Return the numbers that encode the returned rows."""
        return X

    def widened(self, X):
        """Return the numbers of all features, with zeros for those left out."""
        return X

    def fit(self, estimator, samples, labels, sample_weight=None):
        """Fit an estimator on rows of the table, behind the encoder if there is one."""
        return fit_on(estimator, samples, labels, sample_weight)

    def last_step(self, fitted):
        """Return the fitted estimator behind the encoder."""
        return fitted

    def _name_features(self, X):
        self.feature_names = range(X.shape[1])

    def _refuse_empty(self, is_empty):
        if is_empty.any():
            raise ValueError(
                "All values of X are missing in the columns "
                f"{[str(name) for name in self._names_of_numbers(is_empty)]}, so no "
                "synthetic values can be learned. Drop these columns."
            )

    def _names_of_numbers(self, is_named):
        return self.names(is_named)

    def _unbounded(self):
        return []


class TypedTable(Table):
    """Numeric columns of a DataFrame, which have dtypes.

    Parameters
    ----------
    X : DataFrame of shape (n, q)
        Real rows.
    rows : slice or ndarray of int, default=slice(None)
        Rows of nonzero weight.
    has_gaps : ndarray of bool of shape (q,), default=None
        Which columns may have missing values.
    """

    def __init__(self, X, rows=slice(None), has_gaps=None):
        super().__init__(has_gaps)
        self._set_columns(X, kinds_of_columns(X, rows))

    @property
    def layout(self):
        """The layout of the columns that the estimator gets."""
        n_columns = len(self._columns)
        return Layout.of_blocks([1] * n_columns, self._template)

    def _set_columns(self, X, columns, first=()):
        """Store the kinds of columns, and the form of ``X`` without its rows.

        Among the numbers, the columns ``first`` come first.
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
        """Find the range of every feature from the numbers (n, p) of the real rows."""
        low, high = super().set_range(X)
        first = [block.start for block in self.blocks]
        self.low, self.high = low[first], high[first]
        self.low[self.is_category], self.high[self.is_category] = 0.0, 1.0
        return self.low, self.high

    def bounds(self, low, high):
        """Return bounds of the numbers (p,) from bounds of the features (q,)."""
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
        """Return the rows of numbers (m, p), in the container of the real rows."""
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
        """Return the numbers that encode the returned rows."""
        return self.encode(self.decode(X))

    def _name_features(self, X):
        """Do nothing, because the names of the columns are known."""

    def _names_of_numbers(self, is_named):
        return self.names([is_named[block].any() for block in self.blocks])
