"""Equal rows as one row of their total weight, in an order that the rows decide."""

from hashlib import blake2b
from itertools import pairwise

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import gen_batches

from skdistill._forms import joined

#: Rows that are brought to one form at a time.
CHUNK_ROWS = 4096


def merge_equal_rows(X, y, sample_weight):
    """Find the different pairs of a sample and its target.

    What is fitted on them is the same, bit for bit, whether a row is repeated or weighs
    more, and in whatever order the rows come. Rows are equal if their numbers are,
    however these are written: zero may have a sign, and a number any precision that
    holds it.

    Parameters
    ----------
    X : ndarray or csr_array of shape (n, p)
        Samples.
    y : ndarray of shape (n,) or (n, k)
        Numeric targets.
    sample_weight : ndarray of shape (n,)
        Weights, not negative.

    Returns
    -------
    rows : ndarray of int of shape (n_distinct,)
        Index of one row of each kind, without those of weight zero.
    weight : ndarray of shape (n_distinct,)
        Total weight of each kind.
    """
    # Sorting digests takes far less time and memory than sorting rows.
    digests = [
        blake2b(row, digest_size=16).hexdigest()
        for chunk in gen_batches(len(sample_weight), CHUNK_ROWS)
        for row in _in_one_form(X[chunk], y[chunk])
    ]
    _, rows, kind = np.unique(digests, return_index=True, return_inverse=True)
    weight = np.bincount(kind, weights=sample_weight)
    return rows[weight > 0], weight[weight > 0]


def _in_one_form(X, y):
    """Yield the bytes of rows (n, p + k), equal where their numbers are."""
    rows = joined(X.astype(np.float64), y.reshape(len(y), -1).astype(np.float64))
    if issparse(rows):
        for start, stop in pairwise(rows.indptr.tolist()):
            yield rows.indices[start:stop].tobytes() + rows.data[start:stop].tobytes()
        return
    rows += 0.0  # of two zeros, the one without a sign
    rows[np.isnan(rows)] = np.nan  # of all the codes for no number, one
    for row in rows:
        yield row.tobytes()
