"""Tables that are sparse matrices, such as texts, one-hot columns and counts."""

import numpy as np
from scipy.sparse import csr_array, csr_matrix, isspmatrix
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from skdistill._forms import dense, ranges
from skdistill.tables._plain import WITH_ENTRIES, Table
from skdistill.tables._reading import readable


class SparseTable(Table):
    """The columns of a sparse matrix.

    Learned rows are dense, but they are returned as a CSR matrix or array, because that
    is what the estimator takes.

    Parameters
    ----------
    X : sparse matrix or array of shape (n, p)
        Real rows.
    """

    leaves_out = True

    def __init__(self, X):
        super().__init__()
        self._container = csr_matrix if isspmatrix(X) else csr_array
        self._kept = None

    def validate(self, estimator, X, y, **check_params):
        """Validate rows in ``fit``, and return them as a CSR array, without a copy."""
        X, y = validate_data(
            estimator,
            X,
            readable(y, "y"),
            accept_sparse="csr",
            dtype=[np.float64, np.float32],
            **check_params,
        )
        self._name_features(X)
        return canonical(X), y

    def validate_new(self, estimator, X):
        """Validate rows that come after ``fit``."""
        validate_data(
            estimator,
            readable(X),
            reset=False,
            accept_sparse=WITH_ENTRIES,
            dtype=[np.float64, np.float32],
        )

    def encode(self, X, *, input_name="X"):
        """Return rows with these columns as a CSR array."""
        return canonical(
            csr_array(
                check_array(
                    X, accept_sparse="csr", dtype=np.float64, input_name=input_name
                )
            )
        )

    def keep(self, features):
        """Learn only the features at positions (r,); the others are zero."""
        self._kept = features

    def encode_init(self, X0, input_name="X of init"):
        """Return starting rows as numbers (m, p), or (m, r) of the learned features."""
        X0 = self.encode(readable(X0, input_name), input_name=input_name)
        is_like_x = X0.shape[1] == len(self.feature_names)
        return dense(X0[:, self._kept] if self._kept is not None and is_like_x else X0)

    def read_range(self, feature_range):
        """Return the bounds of the learned features."""
        bounds = super().read_range(feature_range)
        if self._kept is None:
            return bounds
        return tuple(side[self._kept] for side in bounds)

    def set_range(self, X):
        """Find the range of every feature from the real rows."""
        self._name_features(X)
        self.low, self.high = ranges(X)
        return self.low, self.high

    def decode(self, X):
        """Return rows (m, p) of numbers as a CSR matrix or array."""
        rows = csr_array(X)
        if self._kept is not None:
            entries = rows.data, self._kept.astype(np.int32)[rows.indices], rows.indptr
            rows = csr_array(entries, shape=(len(X), len(self.feature_names)))
        return self._container(rows)

    def widened(self, X):
        """Return rows (m, p) of all features, with zeros for those left out."""
        return X if self._kept is None else self.decode(X).toarray()


def canonical(X):
    """Return a CSR array with sorted entries, without zeros and duplicates.

    ``X`` is not changed. The entries are not copied if they have this form already.
    """
    X = csr_array((X.data, X.indices, X.indptr), shape=X.shape)
    if not (X.has_canonical_format and X.data.all()):
        X = X.copy()
        X.sum_duplicates()
        X.eliminate_zeros()
    return X
