"""Columns of a table and the numbers that stand for them while rows are learned.

A category is one-hot, a block of columns; every other feature is one column, in the
order that the encoder of ``estimator_`` puts them. ``decode`` gives the table that is
returned: integers and booleans rounded, one category for each block, floats in the
precision of their column. ``round`` is what scikit-learn sees of that table.
"""

from contextlib import contextmanager

import numpy as np
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils import check_array

from skdistill._sklearn_compat import (
    _check_categorical_features,
    _check_sample_weight,
    _num_samples,
    _safe_indexing,
)
from skdistill.tables._frames import (
    column,
    column_dtypes,
    dtype_kind,
    float_dtype,
    frame_like,
    is_frame,
    is_missing,
    is_object,
)


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

    Raises
    ------
    ValueError
        If a column is neither categorical nor numeric, or a category is missing.
    """
    is_categorical = None
    if categorical_features is not None:
        if not is_frame(X):
            X = check_array(X, dtype=None, ensure_all_finite=False)
        is_categorical = _check_categorical_features(X, categorical_features)
    if is_categorical is None:
        return Table(X)
    categorical = np.flatnonzero(is_categorical)
    _refuse_missing(X)
    if sample_weight is not None:
        weight = _check_sample_weight(sample_weight, np.empty((_num_samples(X), 1)))
        X = _safe_indexing(X, np.flatnonzero(weight > 0))
    return Table(X, categorical)


def _name(X, j):
    return X.columns[j] if is_frame(X) else int(j)


def _refuse_missing(X):
    """Raise a ValueError that names the columns with missing values, if any."""
    features = range(X.shape[1]) if len(X.shape) == 2 else ()
    names = [_name(X, j) for j in features if is_missing(X, j).any()]
    if names:
        raise ValueError(
            f"X contains missing values (NaN) in the columns {names}. Impute them "
            "first, such as by a SimpleImputer before this step in a pipeline, or drop "
            "the rows."
        )


@contextmanager
def naming_missing_columns(X):
    """Name the columns if validation fails because values are missing."""
    try:
        yield
    except ValueError as error:
        of_X = "NaN" in str(error) or "pandas.NA" in str(error)
        if of_X and "y contains NaN" not in str(error):
            _refuse_missing(X if is_frame(X) else np.asarray(X))
        raise


class Table:
    """Columns of the real rows, and the numbers that stand for them.

    Parameters
    ----------
    X : DataFrame or array-like of shape (n, q)
        Real rows that have weight.
    categorical : ndarray of shape (n_categorical,), default=()
        Positions of the categorical features.

    Attributes
    ----------
    encoder : ColumnTransformer or None
        Fitted, one-hot encodes the categorical features with the categories of ``X``
        and passes the others on; None without categorical features.
    blocks : list of slice
        The columns that stand for each feature.
    is_discrete : ndarray of shape (q,)
        Which features are rounded: integers and booleans of DataFrames, categories.
    is_category : ndarray of shape (q,)
        Which features are one-hot encoded.
    n_columns : int
        Numbers that stand for a row.
    """

    def __init__(self, X, categorical=()):
        self.X = X
        self.encoder = None
        self.categories = {}
        self._integers = {}
        if is_frame(X):
            dtypes = column_dtypes(X)
            self._kinds = [dtype_kind(dtype) for dtype in dtypes]
            _refuse_other_than_numbers(X, dtypes, set(categorical))
        elif len(categorical):
            self._kinds = ["O" if X.dtype.kind not in "biuf" else "f"] * X.shape[1]
        else:  # plain numbers: nothing to know before they are validated
            self.is_discrete = None
            return
        self.is_discrete = np.array([kind in "biu" for kind in self._kinds])
        self.is_category = np.zeros_like(self.is_discrete)
        widths = np.ones(X.shape[1], dtype=int)
        order = np.arange(X.shape[1])
        if len(categorical):
            self.encoder = _fit_encoder(X, categorical)
            found = self.encoder.named_transformers_["categories"].categories_
            self.categories = dict(zip(categorical.tolist(), found, strict=True))
            self.is_discrete[categorical] = self.is_category[categorical] = True
            widths[categorical] = [len(values) for values in found]
            order = np.append(categorical, np.setdiff1d(order, categorical))
        ends = np.empty_like(widths)
        ends[order] = np.cumsum(widths[order])
        self.n_columns = int(widths.sum())
        self.blocks = [slice(end - w, end) for end, w in zip(ends, widths, strict=True)]

    @property
    def rounds(self):
        """Whether there is anything to round."""
        return self.is_discrete is not None and bool(self.is_discrete.any())

    def names(self, features):
        """Return the names of features, or their positions."""
        return [_name(self.X, j) for j in np.flatnonzero(features)]

    def encode(self, X, *, input_name="X"):
        """Return the numbers (n, p) that stand for rows like those of the table.

        Categories that the table does not have are encoded as zeros.
        """
        if self.encoder is not None:
            if not is_frame(X):
                X = check_array(X, dtype=None, ensure_all_finite=False)
            with naming_missing_columns(X):
                return check_array(
                    self.encoder.transform(X), dtype=np.float64, input_name=input_name
                )
        return check_array(X, dtype=np.float64, input_name=input_name, copy=True)

    def encode_init(self, X0):
        """Return the numbers that stand for starting rows.

        Raises
        ------
        ValueError
            If there is a category that the table does not have.
        """
        if self.encoder is None:
            return X0
        encoded = self.encode(X0, input_name="X of init")
        for j in self.categories:
            if not encoded[:, self.blocks[j]].any(axis=1).all():
                raise ValueError(
                    f"X of init has categories in {_name(self.X, j)!r} that X does not "
                    f"have. Expected some of {self.categories[j].tolist()}."
                )
        return encoded

    def set_range(self, X):
        """Learn the range of every feature from the numbers (n, p) of the real rows.

        Returns
        -------
        low, high : ndarray of shape (q,)
            Least and largest value of each feature; of categories zero and one.
        """
        low, high = (side(X, axis=0).astype(np.float64) for side in (np.min, np.max))
        if self.is_discrete is None:
            self.low, self.high = low, high
            return low, high
        first = [block.start for block in self.blocks]
        self.low, self.high = low[first], high[first]
        # A float may be next to the largest integer that a column holds.
        for j in self._features_of_kind("iu"):
            values = column(self.X, j)
            self._integers[j] = int(values.min()), int(values.max())
        for j in self.categories:
            self.low[j], self.high[j] = 0.0, 1.0
        return self.low, self.high

    def bounds(self, low, high):
        """Return bounds of the numbers (p,) from those of the features (q,).

        Integers stay within the range of the data, one-hot columns within zero and one.

        Raises
        ------
        ValueError
            If no integer of the data's range is within the bounds.
        """
        if self.is_discrete is None:
            return low, high
        low, high = low.copy(), high.copy()
        whole = self.is_discrete
        low[whole] = np.maximum(np.ceil(low[whole]), self.low[whole])
        high[whole] = np.minimum(np.floor(high[whole]), self.high[whole])
        for j in self.categories:
            low[j], high[j] = 0.0, 1.0
        if (low > high).any():
            raise ValueError(
                "feature_range leaves no integer within the range of the data to the "
                f"columns {self.names(low > high)}. Pass wider bounds, or floats."
            )
        if is_frame(self.X):
            self._round_inward(low, high)
        widths = [block.stop - block.start for block in self.blocks]
        order = np.argsort([block.start for block in self.blocks])
        repeats = np.repeat(order, np.array(widths)[order])
        return low[repeats], high[repeats]

    def _round_inward(self, low, high):
        """Make bounds numbers that a column of few digits can hold."""
        dtypes = column_dtypes(self.X)
        for j in self._features_of_kind("f"):
            width = float_dtype(dtypes[j]).type
            for side, inward in ((low, np.inf), (high, -np.inf)):
                with np.errstate(over="ignore"):
                    value = width(side[j])
                if value < side[j] if inward > 0 else value > side[j]:
                    value = np.nextafter(value, width(inward))
                side[j] = value

    def decode(self, X):
        """Return the rows that numbers (m, p) stand for, in the container that came in.

        Whatever the numbers are, the rows hold values that the columns can have.
        """
        if self.is_discrete is None:
            return X
        columns = [
            self._decode_feature(X[:, block], j) for j, block in enumerate(self.blocks)
        ]
        if is_frame(self.X):
            return frame_like(self.X, columns)
        rows = np.empty((len(X), len(columns)), dtype=self._array_dtype())
        for j, values in enumerate(columns):
            rows[:, j] = values
        return rows

    def _features_of_kind(self, kinds):
        """Return the features of these kinds that are not categorical."""
        return [
            j
            for j, kind in enumerate(self._kinds)
            if kind in kinds and j not in self.categories
        ]

    def _array_dtype(self):
        return np.float64 if "O" not in self._kinds else object

    def _decode_feature(self, X, j):
        if j in self.categories:
            return self.categories[j][np.argmax(X, axis=1)]
        values = X[:, 0]
        if not self.is_discrete[j]:
            return values
        values = np.clip(np.rint(values), self.low[j], self.high[j])
        if self._kinds[j] == "b":
            return values.astype(bool)
        low, high = self._integers[j]
        return [min(max(int(value), low), high) for value in values]

    def round(self, X):
        """Return the numbers that stand for the rows that are returned."""
        if self.is_discrete is None:
            return X
        return self.encode(self.decode(X))

    def fit(self, estimator, samples, labels, **fit_params):
        """Fit an estimator on rows of the table, behind the encoder if there is one."""
        if self.encoder is None:
            return estimator.fit(samples, labels, **fit_params)
        encoder = clone(self.encoder).fit(samples)
        # The same as fitting the pipeline, whatever the routing of metadata.
        estimator.fit(encoder.transform(samples), labels, **fit_params)
        return Pipeline([("encoder", encoder), ("estimator", estimator)])

    def last_step(self, fitted):
        """Return what ``fit`` fitted behind the encoder."""
        return fitted if self.encoder is None else fitted[-1]


def _fit_encoder(X, categorical):
    features = [_name(X, j) for j in categorical]
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


def _refuse_other_than_numbers(X, dtypes, categorical):
    refused = []
    for j, dtype in enumerate(dtypes):
        if j in categorical or dtype_kind(dtype) in "biuf":
            continue
        if is_object(dtype):
            try:
                np.asarray(column(X, j), dtype=np.float64)
            except (TypeError, ValueError):
                pass
            else:
                continue
        refused.append(f"{_name(X, j)!r} ({dtype})")
    if refused:
        raise ValueError(
            f"X has columns that are not numbers: {', '.join(refused)}. Name those "
            "that hold categories in categorical_features ('from_dtype' takes the "
            "columns of a categorical dtype), and turn the others into numbers."
        )
