"""Tables with categorical columns, each of which becomes a block of one-hot numbers.

Either an encoder of this package comes before the estimator, or the estimator encodes
the columns itself.
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

#: Maximum number of categories of an estimator that encodes them itself. With more, it
#: may need sparse arrays.
MAX_CATEGORIES = 2000


class MixedTable(TypedTable):
    """Columns of a DataFrame or an array, some of which are categorical.

    Parameters
    ----------
    X : DataFrame or ndarray of shape (n, q)
        Real rows of nonzero weight.
    categorical : ndarray of shape (n_categorical,)
        Positions of the categorical features.
    has_gaps : ndarray of bool of shape (q,), default=None
        Which of the other features may have missing values.

    Attributes
    ----------
    encoder : ColumnTransformer
        Fitted encoder. It one-hot encodes the categorical features with the categories
        of ``X``, and passes the other features on.
    """

    encodes = holds_categories = True

    def __init__(self, X, categorical, has_gaps=None):
        Table.__init__(self, has_gaps)
        encoder = _encoder(X, categorical)
        encoder.set_params(remainder="passthrough")
        self._set_encoder(X, encoder, categorical)

    def _set_encoder(self, X, encoder, categorical, unread=()):
        """Fit an encoder, and store the kinds of columns.

        Among the numbers, categorical columns come first, then the ``unread`` ones.
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
        if found:  # a fit on a few rows needs all categories
            encoder.set_params(categories__categories=list(found.values()))
        encoder.set_output(transform="default")
        # The encoder learns nothing else from the rows.
        self.encoder = encoder.fit(_safe_indexing(X, [0]))
        for j in unread:
            columns[j] = Categories(np.array([None]))
        if not is_frame(X):  # learned values are floats
            X = X[:0].astype(float if X.dtype.kind in "biuf" else object)
        self._set_columns(X, columns, [*categorical, *unread])

    def _categories(self, found):
        """Return the categories to encode, from those found in each column."""
        return found

    @property
    def layout(self):
        """The layout of the encoded columns, which the estimator gets."""
        return Layout.of_numbers(self.blocks[self._order[-1]].stop)

    def validate(self, estimator, X, y, **check_params):
        """Validate rows in ``fit``, and return the numbers that encode them."""
        X, y = readable(X), readable(y, "y")
        validate_data(estimator, X, skip_check_array=True)
        if y is None:
            raise ValueError(
                f"This {type(estimator).__name__} estimator requires y to be passed, "
                "but the target y is None. Pass y."
            )
        return self.numbers(X, y, estimator=estimator, **check_params)

    def numbers(self, X, y, *, checks_values=True, **check_params):
        """Return the numbers (n, p) that encode some of the rows, and their targets.

        Missing values are always checked, because the encoder would take them as
        categories.
        """
        numbers = self._numbers(readable(X))
        return check_X_y(
            numbers, readable(y, "y"), ensure_all_finite=self._finite, **check_params
        )

    def refuse_unreadable(self, X):
        """Raise a ValueError for samples of ``predict`` that ``fit`` would refuse."""
        self._numbers(X)

    def validate_new(self, estimator, X):
        """Validate rows after ``fit``."""
        X = readable(X)
        validate_data(estimator, X, reset=False, skip_check_array=True)
        self._numbers(X)

    def encode(self, X, *, input_name="X"):
        """Return the numbers (n, p) that encode rows with these columns."""
        return self._numbers(X, True, input_name)

    def _numbers(self, X, finite=None, input_name="X"):
        """Return the numbers of rows. Values may be missing where ``fit`` allows it."""
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
        """Raise a ValueError for missing categories, or numbers that must not miss."""
        allowed = None if self.has_gaps is None else self.has_gaps & ~self.is_category
        refuse_missing(X, allowed)

    def encode_init(self, X0, input_name="X of init"):
        """Return the numbers that encode starting rows; columns are matched by name."""
        X0 = super().encode_init(X0, input_name)
        encoded = self.encode(X0, input_name=input_name)
        for j in np.flatnonzero(self.is_category):
            if not encoded[:, self.blocks[j]].any(axis=1).all():
                raise ValueError(
                    f"{input_name} has categories in {self.feature_names[j]!r} that X "
                    "does not have. Pass categories among "
                    f"{self._columns[j].categories.tolist()}."
                )
        return encoded

    def fit(self, estimator, samples, labels, sample_weight=None):
        """Fit an estimator on rows of the table, behind the encoder."""
        encoder = clone(self.encoder).fit(samples)
        # This equals fitting the pipeline, but does not need metadata routing.
        fit_on(estimator, encoder.transform(samples), labels, sample_weight)
        return Pipeline([("encoder", encoder), ("estimator", estimator)])

    def last_step(self, fitted):
        """Return the fitted estimator behind the encoder."""
        return fitted[-1]

    def _unbounded(self):
        return self.names(self.is_category)


class SelfEncodedTable(MixedTable):
    """Columns some of which the estimator encodes itself.

    A missing category counts as a category. But if the estimator imputes it, all
    numbers of its block are zero. Columns that are neither used nor numeric are left
    empty.

    Parameters
    ----------
    X : DataFrame or ndarray of shape (n, q)
        Real rows.
    rows : slice or ndarray of int
        Rows of nonzero weight.
    roles : Roles
        How the estimator reads the columns.
    unread : ndarray of int
        Positions of columns that the estimator does not use and that are not numeric.
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
            # A passthrough would not turn missing integers of pandas into NaN.
            ("numbers", FunctionTransformer(_floats), numbers.tolist()),
        ]
        self._set_encoder(X, encoder, categorical.tolist(), unread.tolist())

    def _categories(self, found):
        n_categories = sum(map(len, found.values()))
        if n_categories > MAX_CATEGORIES:
            raise NotNumbersError(
                f"The columns that it one-hot encodes have {n_categories} categories, "
                f"but gradients need a dense array, with at most {MAX_CATEGORIES}."
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
        """Return the fitted estimator."""
        return fitted

    def _refuse_gaps(self, X):
        refuse_missing(X, self.has_gaps | self._own)


def _refuse_unless_encoded(X):
    """Raise NotNumbersError if a ColumnTransformer does not take a DataFrame."""
    implementation = read(X).implementation
    if not (implementation.is_pandas() or implementation.is_polars()):
        raise NotNumbersError(
            "Encoding categories needs a DataFrame of pandas or polars, or an array; "
            f"got {type(X).__module__}.{type(X).__name__}, which the ColumnTransformer "
            "of scikit-learn does not take. Convert X, such as by X.to_pandas()."
        )


def _encoder(X, categorical):
    """Return an unfitted encoder of some columns."""
    names = column_names(X)
    features = [names[j] for j in categorical]
    if not all(isinstance(name, str) for name in features):
        features = list(categorical)
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer(
        [("categories", one_hot, features)], verbose_feature_names_out=False
    )


def _values_of(X, positions):
    """Return the sorted values of columns, with None and NaN at the end."""
    if not len(positions):
        return []
    return OneHotEncoder().fit(_safe_indexing(X, positions, axis=1)).categories_


def _ones(X):
    return np.ones(X.shape)


def _floats(X):
    return check_array(X, dtype=np.float64, ensure_all_finite="allow-nan")


def _without_nan(categories):
    """Return categories except NaN."""
    is_missing = [each != each for each in categories.tolist()]
    return categories[~np.array(is_missing, dtype=bool)]
