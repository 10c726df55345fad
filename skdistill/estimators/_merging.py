"""Equal rows as one row of their total weight, in an order that the rows decide."""

from hashlib import blake2b

import numpy as np


def merge_equal_rows(X, y, sample_weight):
    """Find the different pairs of a sample and its target.

    What is fitted on them is the same, bit for bit, whether a row is repeated or weighs
    more, and in whatever order the rows come.

    Parameters
    ----------
    X : ndarray of shape (n, p)
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
        blake2b(sample.tobytes() + target.tobytes(), digest_size=16).hexdigest()
        for sample, target in zip(X, y, strict=True)
    ]
    _, rows, kind = np.unique(digests, return_index=True, return_inverse=True)
    weight = np.bincount(kind, weights=sample_weight)
    return rows[weight > 0], weight[weight > 0]
