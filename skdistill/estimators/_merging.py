"""Merging equal rows into one row with their total weight, in a canonical order."""

from hashlib import blake2b
from itertools import pairwise

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import gen_batches

from skdistill._forms import joined

#: Number of rows that are converted at a time.
CHUNK_ROWS = 4096


def merge_equal_rows(X, y, sample_weight):
    """Find the distinct pairs of a sample and its target.

    A model fitted on them is the same, bit for bit, if a row is repeated instead of
    given a larger weight, and if the rows come in another order. Rows are equal if
    their numbers are equal: neither the sign of zero nor the precision matters.

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
        Index of one row for each distinct pair; pairs of weight zero are left out.
    weight : ndarray of shape (n_distinct,)
        Total weight of each distinct pair.
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
    """Yield the bytes of each row (p + k,), which are equal if the numbers are."""
    rows = joined(X.astype(np.float64), y.reshape(len(y), -1).astype(np.float64))
    if issparse(rows):
        for start, stop in pairwise(rows.indptr.tolist()):
            yield rows.indices[start:stop].tobytes() + rows.data[start:stop].tobytes()
        return
    rows += 0.0  # turns -0.0 into 0.0
    rows[np.isnan(rows)] = np.nan  # gives every NaN the same bits
    for row in rows:
        yield row.tobytes()
