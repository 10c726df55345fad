"""Reduced sets to compare with: drawn real rows, and k-means centers.

Both have the budget of the synthetic set, class by class, and its rule of weights.
"""

import numpy as np
from sklearn.cluster import KMeans
from sklearn.utils import _safe_indexing, check_array, check_random_state
from sklearn.utils.validation import has_fit_parameter

from skdistill._frames import labels_like, samples_like

BASELINES = ("kmeans", "sample")


def reduced_set(method, X, y, n_rows, *, weighting="unit", random_state=None):
    """Reduce real rows to a given number, without any learning for an estimator.

    Parameters
    ----------
    method : {"kmeans", "sample"}
        Centers of scikit-learn's ``KMeans``, with the class or with the mean target of
        their clusters; or real rows, drawn without replacement. A class that is asked
        for more rows than it has repeats them.
    X : array-like or DataFrame of shape (n, p)
        Real rows.
    y : array-like of shape (n,) or (n, n_outputs)
        Their targets.
    n_rows : int or ndarray of shape (n_classes,)
        Rows to return; an array says how many of each class, sorted.
    weighting : str, default="unit"
        See ``DatasetDistiller``; other than for "match", all rows weigh one.
    random_state : int, RandomState instance or None, default=None
        Draws the rows, and the seeds of k-means.

    Returns
    -------
    X_reduced : array or DataFrame of shape (n_rows.sum(), p)
        Rows, grouped by class.
    y_reduced : array or Series of shape (n_rows.sum(),) or (n_rows.sum(), n_outputs)
        Their targets.
    sample_weight : ndarray of shape (n_rows.sum(),) or None
        Weights to fit with, None with unit weights.
    """
    random_state = check_random_state(random_state)
    members, n_rows = _members(y, n_rows)
    reduce = _centers if method == "kmeans" else _drawn_rows
    X_reduced, y_reduced = reduce(X, y, members, n_rows, random_state)
    if weighting != "match":
        return X_reduced, y_reduced, None
    real_rows = np.array([len(rows) for rows in members])
    return X_reduced, y_reduced, np.repeat(real_rows / n_rows, n_rows)


def fit_on_reduced(estimator, X, y, sample_weight):
    """Fit in place, with the weights if there are any and the estimator takes them."""
    if sample_weight is None or not has_fit_parameter(estimator, "sample_weight"):
        return estimator.fit(X, y)
    return estimator.fit(X, y, sample_weight=sample_weight)


def _members(y, n_rows):
    """Positions of the real rows to reduce together: a class, or all of them."""
    if np.ndim(n_rows) == 0:
        return [np.arange(len(y))], np.array([n_rows])
    _, codes = np.unique(np.asarray(y), return_inverse=True)
    return [np.flatnonzero(codes == c) for c in range(len(n_rows))], n_rows


def _drawn_rows(X, y, members, n_rows, random_state):
    rows = np.concatenate(
        [
            np.resize(random_state.permutation(rows), size)
            for rows, size in zip(members, n_rows, strict=True)
        ]
    )
    return _safe_indexing(X, rows), _safe_indexing(y, rows)


def _centers(X, y, members, n_rows, random_state):
    X_in, y_in = X, y
    X, y = check_array(X, dtype=[np.float64, np.float32]), np.asarray(y)
    by_class = len(members) > 1
    centers, targets = [], []
    for rows, size in zip(members, n_rows, strict=True):
        kmeans = KMeans(min(size, len(rows)), random_state=random_state).fit(X[rows])
        found = np.unique(kmeans.labels_)  # fewer, if there are fewer distinct rows
        clusters = np.resize(found, size)
        centers.append(kmeans.cluster_centers_[clusters])
        if by_class:
            targets.append(np.repeat(y[rows[:1]], size))
        else:
            means = [y[kmeans.labels_ == c].mean(axis=0) for c in clusters]
            targets.append(np.array(means))
    samples = samples_like(X_in, np.concatenate(centers))
    targets = np.concatenate(targets)
    return samples, labels_like(y_in, targets) if by_class else targets
