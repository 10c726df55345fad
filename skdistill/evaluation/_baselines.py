"""Reduced sets to compare with: drawn real rows, and k-means centers.

Both have the budget of the synthetic set, class by class, and its rule of weights.
"""

from typing import Literal

import numpy as np
from sklearn.base import is_classifier
from sklearn.cluster import KMeans
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import has_fit_parameter

from skdistill._sklearn_compat import _safe_indexing
from skdistill.real._targets import one_hot_classes
from skdistill.synthetic._allocation import rows_per_class
from skdistill.tables._frames import labels_like, samples_like

BASELINES: tuple[Literal["kmeans", "sample"], ...] = ("kmeans", "sample")


def class_codes(distiller, y):
    """Return the class index (n,) of each row, None if targets code no classes."""
    if is_classifier(distiller):
        return np.unique(np.asarray(y), return_inverse=True)[1]
    if distiller.outer_loss == "log_loss":
        return one_hot_classes(np.asarray(y))
    return None


def reduced_set(method, X, y, codes, n_rows, *, weighting="unit", random_state=None):
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
    codes : ndarray of shape (n,) or None
        Index of the class of each row, None to reduce all rows together.
    n_rows : int or ndarray of shape (n_classes,)
        Rows to return, or rows of each class; an int is shared as by the distiller.
    weighting : str, default="unit"
        See ``DatasetDistiller``; other than for "match", all rows weigh one.
    random_state : int, RandomState instance or None, default=None
        Draws the rows, and the seeds of k-means.

    Returns
    -------
    X_reduced : array or DataFrame of shape (n_rows, p)
        Rows, grouped by class.
    y_reduced : array, Series or DataFrame of shape (n_rows,) or (n_rows, n_outputs)
        Their targets.
    sample_weight : ndarray of shape (n_rows,) or None
        Weights to fit with, None with unit weights.
    """
    random_state = check_random_state(random_state)
    if codes is None:
        groups, n_rows = [np.arange(len(y))], np.array([n_rows])
    else:
        counts = np.bincount(codes)
        groups = [np.flatnonzero(codes == c) for c in range(len(counts))]
        if np.ndim(n_rows) == 0:
            n_rows = rows_per_class(n_rows, np.arange(len(counts)), counts)
    if method == "kmeans":
        same_target = codes is not None
        rows = _centers(X, y, groups, n_rows, same_target, random_state)
    else:
        rows = _drawn_rows(X, y, groups, n_rows, random_state)
    if weighting != "match":
        return *rows, None
    real_rows = np.array([len(members) for members in groups])
    return *rows, np.repeat(real_rows / n_rows, n_rows)


def fit_on_reduced(estimator, X, y, sample_weight):
    """Fit in place, with the weights if there are any and the estimator takes them."""
    if sample_weight is None or not has_fit_parameter(estimator, "sample_weight"):
        return estimator.fit(X, y)
    return estimator.fit(X, y, sample_weight=sample_weight)


def _drawn_rows(X, y, groups, n_rows, random_state):
    rows = np.concatenate(
        [
            np.resize(random_state.permutation(members), size)
            for members, size in zip(groups, n_rows, strict=True)
        ]
    )
    return _safe_indexing(X, rows), _safe_indexing(y, rows)


def _centers(X, y, groups, n_rows, same_target, random_state):
    X_in, y_in = X, y
    X, y = check_array(X, dtype=[np.float64, np.float32]), np.asarray(y)
    centers, targets = [], []
    for members, size in zip(groups, n_rows, strict=True):
        kmeans = KMeans(min(size, len(members)), random_state=random_state)
        labels = kmeans.fit_predict(X[members])
        found = np.unique(labels)  # fewer, if there are fewer distinct rows
        clusters = np.resize(found, size)
        centers.append(kmeans.cluster_centers_[clusters])
        if same_target:
            targets.append(np.repeat(y[members[:1]], size, axis=0))
        else:
            targets.append([y[members[labels == c]].mean(axis=0) for c in clusters])
    targets = np.concatenate(targets)
    return samples_like(X_in, np.concatenate(centers)), labels_like(y_in, targets)
