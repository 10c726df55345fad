"""Columns of which some hold categories, a block of one-hot numbers each.

An encoder of ours comes before the estimator, or the estimator has one of its own.
"""

import numpy as np
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from sklearn.utils import check_array, check_X_y
from sklearn.utils.validation import validate_data

from skdistill._sklearn_compat import _safe_indexing
from skdistill._weights import fit_on
from skdistill.tables._kinds import Categories, Floats, kinds_of_columns
from skdistill.tables._layout import Layout
from skdistill.tables._missing import naming_missing_columns, refuse_missing
from skdistill.tables._plain import Table, TypedTable
from skdistill.tables._reading import (
    NotNumbersError,
    column_names,
    is_frame,
    read,
    readable,
)

#: An estimator that encodes more categories itself may count on sparse arrays.
MAX_CATEGORIES = 2000


class MixedTable(TypedTable):
    """Columns of a DataFrame or of an array, some of which hold categories.

    Parameters
    ----------
    X : DataFrame or ndarray of shape (n, q)
        Real rows that have weight.
    categorical : ndarray of shape (n_categorical,)
        Positions of the categorical features.
    has_gaps : ndarray of bool of shape (q,), default=None
        Which of the others may lack values.

    Attributes
    ----------
    encoder : ColumnTransformer
        Fitted, one-hot encodes the categorical features with the categories of ``X``
        and passes the others on.
    """

    encodes = holds_categories = True

    def __init__(self, X, categorical, has_gaps=None):
        Table.__init__(self, has_gaps)
        encoder = _encoder(X, categorical)
        encoder.set_params(remainder="passthrough")
        self._set_encoder(X, encoder, categorical)

    def _set_encoder(self, X, encoder, categorical, unread=()):
        """Fit an encoder, and keep the kinds of columns.

        The categorical ones come first among the numbers, then those ``unread``.
        """
        if is_frame(X):
            _refuse_unless_encoded(X)
            columns = kinds_of_columns(X, categorical={*categorical, *unread})
        else:
            columns = [Floats() for _ in range(X.shape[1])]
        found = _values_of(X, categorical)
        found = self._categories(dict(zip(categorical, found, strict=True)))
        for j, categories in found.items():
            columns[j] = Categories(categories)
        if found:  # a refit on a few rows has to know all the categories
            encoder.set_params(categories__categories=list(found.values()))
        encoder.set_output(transform="default")
        # Nothing else is learned from the rows.
        self.encoder = encoder.fit(_safe_indexing(X, [0]))
        for j in unread:
            columns[j] = Categories(np.array([None]))
        if not is_frame(X):  # what is learned are floats
            X = X[:0].astype(float if X.dtype.kind in "biuf" else object)
        self._set_columns(X, columns, [*categorical, *unread])

    def _categories(self, found):
        """Return which values to encode, of those found at positions of columns."""
        return found

    @property
    def layout(self):
        """The columns that the estimator gets, which are encoded."""
        return Layout.of_numbers(self.blocks[self._order[-1]].stop)

    def validate(self, estimator, X, y, **check_params):
        """Validate rows in ``fit``, and return the numbers that stand for them."""
        X, y = readable(X), readable(y, "y")
        validate_data(estimator, X, skip_check_array=True)
        if y is None:
            raise ValueError(
                f"This {type(estimator).__name__} estimator requires y to be passed, "
                "but the target y is None."
            )
        return self.numbers(X, y, estimator=estimator, **check_params)

    def numbers(self, X, y, *, checks_values=True, **check_params):
        """Return the numbers (n, p) that stand for some of the rows, and their targets.

        Missing values are always looked for: an encoder would take them for categories.
        """
        numbers = self._numbers(readable(X))
        return check_X_y(
            numbers, readable(y, "y"), ensure_all_finite=self._finite, **check_params
        )

    def refuse_unreadable(self, X):
        """Raise a ValueError for samples to predict that ``fit`` would not take."""
        self._numbers(X)

    def validate_new(self, estimator, X):
        """Validate rows that come after ``fit``."""
        X = readable(X)
        validate_data(estimator, X, reset=False, skip_check_array=True)
        self._numbers(X)

    def encode(self, X, *, input_name="X"):
        """Return the numbers (n, p) that stand for rows like those of the table."""
        return self._numbers(X, True, input_name)

    def _numbers(self, X, finite=None, input_name="X"):
        """Return the numbers of rows, which may have gaps where real ones may."""
        if not is_frame(X):
            X = check_array(X, dtype=None, ensure_all_finite=False)
        finite = self._finite if finite is None else finite
        if finite is not True:
            self._refuse_gaps(X)
        with naming_missing_columns(X):
            return check_array(
                self.encoder.transform(X),
                dtype=np.float64,
                input_name=input_name,
                ensure_all_finite=finite,
            )

    def _refuse_gaps(self, X):
        """Raise a ValueError if a category is missing, or a number that may not be."""
        allowed = None if self.has_gaps is None else self.has_gaps & ~self.is_category
        refuse_missing(X, allowed)

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


class SelfEncodedTable(MixedTable):
    """Columns of which the estimator encodes some, by the categories of its rows.

    A missing category is one of the categories, or no number of its block is one, if
    the estimator fills it. Columns that it does not read and that hold no numbers are
    left empty.

    Parameters
    ----------
    X : DataFrame or ndarray of shape (n, q)
        Real rows.
    rows : slice or ndarray of int
        Those that have weight.
    roles : Roles
        How the estimator reads the columns.
    unread : ndarray of int
        Positions of columns that it does not read and that hold no numbers.
    """

    encodes = False

    def __init__(self, X, rows, roles, unread):
        Table.__init__(self, roles.has_gaps)
        self._own = roles.is_category
        self._refuse_gaps(X)
        X = _safe_indexing(X, rows)
        categorical = np.flatnonzero(self._own)
        encoder = _encoder(X, categorical)
        numbers = np.setdiff1d(np.arange(len(self._own)), [*categorical, *unread])
        encoder.transformers += [
            ("unread", FunctionTransformer(_ones), unread.tolist()),
            # What is missing in integers of pandas is not passed on as NaN.
            ("numbers", FunctionTransformer(_floats), numbers.tolist()),
        ]
        self._set_encoder(X, encoder, categorical.tolist(), unread.tolist())

    def _categories(self, found):
        n_categories = sum(map(len, found.values()))
        if n_categories > MAX_CATEGORIES:
            raise NotNumbersError(
                f"The columns that it one-hot encodes have {n_categories} categories, "
                f"more than the {MAX_CATEGORIES} for which a dense array is made of "
                "the real rows."
            )
        return {
            j: _without_nan(each) if self.has_gaps[j] else each
            for j, each in found.items()
        }

    @property
    def layout(self):
        """The columns that the estimator gets, and the numbers of each."""
        labels = tuple(
            tuple(column.categories.tolist()) if is_own else None
            for column, is_own in zip(self._columns, self._own, strict=True)
        )
        return Layout(tuple(self.blocks), labels, self._template)

    def fit(self, estimator, samples, labels, sample_weight=None):
        """Fit an estimator on rows of the table."""
        return Table.fit(self, estimator, samples, labels, sample_weight)

    def last_step(self, fitted):
        """Return what ``fit`` fitted."""
        return fitted

    def _refuse_gaps(self, X):
        refuse_missing(X, self.has_gaps | self._own)


def _refuse_unless_encoded(X):
    """Raise a ValueError unless scikit-learn's ColumnTransformer takes a DataFrame."""
    implementation = read(X).implementation
    if not (implementation.is_pandas() or implementation.is_polars()):
        raise NotNumbersError(
            "categorical_features needs a DataFrame of pandas or polars, or an array; "
            f"got {type(X).__module__}.{type(X).__name__}, which the ColumnTransformer "
            "that encodes categories does not take. Convert X, such as by "
            "X.to_pandas()."
        )


def _encoder(X, categorical):
    """Return an encoder of some columns, not fitted."""
    names = column_names(X)
    features = [names[j] for j in categorical]
    if not all(isinstance(name, str) for name in features):
        features = list(categorical)
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer(
        [("categories", one_hot, features)], verbose_feature_names_out=False
    )


def _values_of(X, positions):
    """Return the sorted values of columns, None and NaN at the end."""
    if not len(positions):
        return []
    return OneHotEncoder().fit(_safe_indexing(X, positions, axis=1)).categories_


def _ones(X):
    return np.ones(X.shape)


def _floats(X):
    return check_array(X, dtype=np.float64, ensure_all_finite="allow-nan")


def _without_nan(categories):
    """Return categories but for NaN, which is the last one, if there is any."""
    is_missing = [each != each for each in categories.tolist()]
    return categories[~np.array(is_missing, dtype=bool)]
