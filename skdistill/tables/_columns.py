"""Columns of a table and the numbers that stand for them while rows are learned.

There are three forms with the same methods: plain numbers, which stand for themselves;
the columns of a DataFrame, which come back with their names and dtypes; and columns of
which some are categories, one-hot for the estimator, a block of numbers each.
``decode`` gives the rows that are returned: integers and booleans rounded, one category
for each block, floats in the precision of their column. ``round`` is what scikit-learn
sees of these rows. No form keeps the real rows.
"""

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils import check_array, check_X_y
from sklearn.utils.validation import validate_data

from skdistill._sklearn_compat import (
    _check_categorical_features,
    _check_sample_weight,
    _num_samples,
    _safe_indexing,
)
from skdistill._weights import fit_on
from skdistill.tables._frames import frame_like, without_rows
from skdistill.tables._kinds import Categories, Floats, kinds_of_columns
from skdistill.tables._missing import naming_missing_columns, refuse_missing
from skdistill.tables._names import in_order
from skdistill.tables._ranges import read_range
from skdistill.tables._reading import (
    column_names,
    is_frame,
    read,
    readable,
)

#: Sparse forms whose entries scikit-learn can look through; others become CSR.
WITH_ENTRIES = ["csr", "csc", "coo", "bsr"]


def read_table(X, categorical_features, sample_weight):
    """Return the Table of real rows; those without weight have no say.

    Parameters
    ----------
    X : array-like of shape (n, q)
        Real rows as they came.
    categorical_features : None, "from_dtype" or array-like
        See ``DatasetDistiller``.
    sample_weight : array-like of shape (n,) or None
        Their weights.

    Returns
    -------
    Table
        In the form that suits the rows.

    Raises
    ------
    ValueError
        If ``X`` is a lazy frame, a column is neither categorical nor numeric, or a
        category is missing.
    """
    X = readable(X)
    if issparse(X):
        from skdistill.tables._sparse import SparseTable

        if categorical_features is not None:
            raise ValueError(
                "categorical_features needs columns that are stored, but X is a sparse "
                "matrix. Pass a DataFrame or an array, or X with one-hot columns."
            )
        return SparseTable(X)
    is_categorical = None
    if categorical_features is not None:
        if not is_frame(X):
            X = check_array(X, dtype=None, ensure_all_finite=False)
        is_categorical = _check_categorical_features(X, categorical_features)
    if is_categorical is None and not is_frame(X):
        return Table()
    rows = slice(None)
    if sample_weight is not None:
        weight = _check_sample_weight(sample_weight, np.empty((_num_samples(X), 1)))
        # Without any weight, validation says so.
        if not weight.all() and weight.any():
            rows = np.flatnonzero(weight > 0)
    if is_categorical is None:
        return TypedTable(X, rows)
    refuse_missing(X)
    return MixedTable(_safe_indexing(X, rows), np.flatnonzero(is_categorical))


class Table:
    """Plain numbers, which stand for themselves.

    Attributes
    ----------
    encodes : bool
        Whether ``estimator`` is fitted behind an encoder of categories.
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
            X, y = validate_data(
                estimator, X, y, dtype=[np.float64, np.float32], **check_params
            )
        self._name_features(X)
        return X, y

    def refuse_unreadable(self, X):
        """Raise a ValueError for samples to predict that ``fit`` would not take."""
        with naming_missing_columns(X):
            check_array(X, accept_sparse=WITH_ENTRIES, dtype=[np.float64, np.float32])

    def validate_new(self, estimator, X):
        """Validate rows that come after ``fit``."""
        X = readable(X)
        with naming_missing_columns(X):
            validate_data(estimator, X, reset=False, dtype=[np.float64, np.float32])

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
        """
        self._name_features(X)
        self.low, self.high = (
            side(X, axis=0).astype(np.float64) for side in (np.min, np.max)
        )
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
    """

    def __init__(self, X, rows=slice(None)):
        self._set_columns(X, kinds_of_columns(X, rows))

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


class MixedTable(TypedTable):
    """Columns of a DataFrame or of an array, some of which hold categories.

    Parameters
    ----------
    X : DataFrame or ndarray of shape (n, q)
        Real rows that have weight.
    categorical : ndarray of shape (n_categorical,)
        Positions of the categorical features.

    Attributes
    ----------
    encoder : ColumnTransformer
        Fitted, one-hot encodes the categorical features with the categories of ``X``
        and passes the others on.
    """

    encodes = True

    def __init__(self, X, categorical):
        if is_frame(X):
            _refuse_unless_encoded(X)
            columns = kinds_of_columns(X, categorical=set(categorical.tolist()))
        else:
            columns = [Floats() for _ in range(X.shape[1])]
        self.encoder = _fit_encoder(X, categorical)
        found = self.encoder.named_transformers_["categories"].categories_
        for j, categories in zip(categorical.tolist(), found, strict=True):
            columns[j] = Categories(categories)
        if not is_frame(X):  # what is learned are floats
            X = X[:0].astype(float if X.dtype.kind in "biuf" else object)
        self._set_columns(X, columns, categorical)

    def validate(self, estimator, X, y, **check_params):
        """Validate rows in ``fit``, and return the numbers that stand for them."""
        X, y = readable(X), readable(y, "y")
        validate_data(estimator, X, skip_check_array=True)
        if y is None:
            raise ValueError(
                f"This {type(estimator).__name__} estimator requires y to be passed, "
                "but the target y is None."
            )
        return check_X_y(self.encode(X), y, estimator=estimator, **check_params)

    def refuse_unreadable(self, X):
        """Raise a ValueError for samples to predict that ``fit`` would not take."""
        self.encode(X)

    def validate_new(self, estimator, X):
        """Validate rows that come after ``fit``."""
        X = readable(X)
        validate_data(estimator, X, reset=False, skip_check_array=True)
        self.encode(X)

    def encode(self, X, *, input_name="X"):
        """Return the numbers (n, p) that stand for rows like those of the table."""
        if not is_frame(X):
            X = check_array(X, dtype=None, ensure_all_finite=False)
        with naming_missing_columns(X):
            return check_array(
                self.encoder.transform(X), dtype=np.float64, input_name=input_name
            )

    def encode_init(self, X0, input_name="X of init"):
        """Return the numbers that stand for starting rows, columns matched by name."""
        X0 = super().encode_init(X0, input_name)
        encoded = self.encode(X0, input_name=input_name)
        for j in np.flatnonzero(self.is_category):
            if not encoded[:, self.blocks[j]].any(axis=1).all():
                raise ValueError(
                    f"{input_name} has categories in {self.feature_names[j]!r} that X "
                    "does not have. Expected some of "
                    f"{self._columns[j].categories.tolist()}."
                )
        return encoded

    def fit(self, estimator, samples, labels, sample_weight=None):
        """Fit an estimator on rows of the table, behind the encoder."""
        encoder = clone(self.encoder).fit(samples)
        # The same as fitting the pipeline, whatever the routing of metadata.
        fit_on(estimator, encoder.transform(samples), labels, sample_weight)
        return Pipeline([("encoder", encoder), ("estimator", estimator)])

    def last_step(self, fitted):
        """Return what ``fit`` fitted behind the encoder."""
        return fitted[-1]

    def _unbounded(self):
        return self.names(self.is_category)


def _refuse_unless_encoded(X):
    """Raise a ValueError unless scikit-learn's ColumnTransformer takes a DataFrame."""
    implementation = read(X).implementation
    if not (implementation.is_pandas() or implementation.is_polars()):
        raise ValueError(
            "categorical_features needs a DataFrame of pandas or polars, or an array; "
            f"got {type(X).__module__}.{type(X).__name__}, which the ColumnTransformer "
            "that encodes categories does not take. Convert X, such as by "
            "X.to_pandas()."
        )


def _fit_encoder(X, categorical):
    names = column_names(X)
    features = [names[j] for j in categorical]
    if not all(isinstance(name, str) for name in features):
        features = categorical.tolist()
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    encoder = ColumnTransformer(
        [("categories", one_hot, features)],
        remainder="passthrough",
        verbose_feature_names_out=False,
    )
    encoder.set_output(transform="default").fit(X)
    found = encoder.named_transformers_["categories"].categories_
    # A refit on a few rows has to know all the categories.
    return encoder.set_params(categories__categories=found)
