"""Baselines to compare a synthetic set with: random real rows and k-means centers.

They have as many rows in each class as the synthetic set, and the same weighting.
"""

from typing import Literal

import numpy as np
from sklearn.base import is_classifier
from sklearn.cluster import KMeans
from sklearn.exceptions import DataConversionWarning
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.validation import column_or_1d

from skdistill._sklearn_compat import _safe_indexing
from skdistill.estimators._fitting import warn
from skdistill.real._targets import class_targets, numeric_targets, one_hot_classes
from skdistill.synthetic._allocation import rows_per_class
from skdistill.tables._columns import read_table
from skdistill.tables._frames import labels_like

BASELINES: tuple[Literal["kmeans", "sample"], ...] = ("kmeans", "sample")


def targets_of(distiller, y):
    """Return targets, with a single column as (n,) as scikit-learn does.

    Warns of the column if an estimator of scikit-learn would warn of it.
    """
    if len(np.shape(y)) < 2 or np.shape(y)[1] > 1:
        return y
    if not get_tags(distiller).target_tags.multi_output:
        warn(
            "A column-vector y was passed when a 1d array was expected. Please change "
            "the shape of y to (n_samples,), for example using ravel().",
            DataConversionWarning,
        )
    return column_or_1d(y)


def reads_tables(distiller):
    """Whether the estimator of a distiller gets tables as they are."""
    from skdistill.estimators._ways import takes_rows_as_they_come

    return takes_rows_as_they_come(distiller.solver, distiller._estimator())


def class_codes(distiller, y):
    """Return the class index (n,) of each row, or None if there are no classes."""
    if is_classifier(distiller):
        return np.unique(np.asarray(y), return_inverse=True)[1]
    if distiller.outer_loss == "log_loss":
        return one_hot_classes(np.asarray(y))
    return None


def reduced_set(
    method,
    X,
    y,
    codes,
    n_rows,
    *,
    categorical_features=None,
    as_it_came=False,
    weighting="unit",
    random_state=None,
):
    """Reduce real rows to a given number, without regard to an estimator.

    Parameters
    ----------
    method : {"kmeans", "sample"}
        "kmeans" takes centers of scikit-learn's ``KMeans``, with the class or the mean
        target of their clusters. "sample" draws real rows without replacement. If a
        class has fewer rows than requested, they are repeated. In a table, k-means
        clusters the numbers that the estimator gets. A center then becomes a valid row
        of the table: it has the most frequent category of its cluster, and integers are
        rounded.
    X : array-like or DataFrame of shape (n, p)
        Real rows.
    y : array-like of shape (n,) or (n, n_outputs)
        Their targets.
    codes : ndarray of shape (n,) or None
        Index of the class of each row; None reduces all rows together.
    n_rows : int or ndarray of shape (n_classes,)
        Number of rows to return, or number for each class. An int is shared over the
        classes as by the distiller.
    categorical_features : None, "from_dtype" or array-like, default=None
        See ``DatasetDistiller``.
    as_it_came : bool, default=False
        Whether the estimator gets the table as it is. A center then has the most
        frequent value of each column that does not hold numbers.
    weighting : str, default="unit"
        See ``DatasetDistiller``. All rows have weight one unless it is "match".
    random_state : int, RandomState instance or None, default=None
        Seed for drawing rows and for k-means.

    Returns
    -------
    X_reduced : array or DataFrame of shape (n_rows, p)
        Rows, grouped by class.
    y_reduced : array, Series or DataFrame of shape (n_rows,) or (n_rows, n_outputs)
        Their targets.
    sample_weight : ndarray of shape (n_rows,) or None
        Weights to fit with; None if all are one.
    """
    random_state = check_random_state(random_state)
    if codes is None:
        groups, n_rows = [np.arange(len(y))], np.array([n_rows])
    else:
        counts = np.bincount(codes)
        groups = [np.flatnonzero(codes == c) for c in range(len(counts))]
        if np.ndim(n_rows) == 0:
            n_rows = rows_per_class(n_rows, np.arange(len(counts)), counts)
    if method == "kmeans" and as_it_came:
        rows = _centers_as_they_came(
            X, y, codes, n_rows, categorical_features, random_state
        )
    elif method == "kmeans":
        same_target = codes is not None
        table = read_table(X, categorical_features, None)
        rows = _centers(X, y, table, groups, n_rows, same_target, random_state)
    else:
        rows = _drawn_rows(X, y, groups, n_rows, random_state)
    if weighting != "match":
        return *rows, None
    real_rows = np.array([len(members) for members in groups])
    return *rows, np.repeat(real_rows / n_rows, n_rows)


def _drawn_rows(X, y, groups, n_rows, random_state):
    rows = np.concatenate(
        [
            np.resize(random_state.permutation(members), size)
            for members, size in zip(groups, n_rows, strict=True)
        ]
    )
    return _safe_indexing(X, rows), _safe_indexing(y, rows)


def _centers_as_they_came(X, y, codes, n_rows, categorical_features, random_state):
    if codes is None:
        values = np.asarray(y, dtype=np.float64)
        targets, y_in = numeric_targets(values, np.ones(len(values)), y)
    else:
        targets, y_in = class_targets(np.asarray(y), y)
    # The solvers import JAX, so they are imported only here.
    from skdistill.solvers.search._clustered import clustered_rows

    X, y = clustered_rows(X, y_in, targets, n_rows, categorical_features, random_state)
    labels = y if codes is None else targets.classes[y]
    return X, targets.in_container(labels, learned=codes is None)


def _centers(X, y, table, groups, n_rows, same_target, random_state):
    y_in = y
    X, y = table.encode(X), np.asarray(y)
    table.set_range(X)
    centers, targets = [], []
    for members, size in zip(groups, n_rows, strict=True):
        kmeans = KMeans(min(size, len(members)), random_state=random_state)
        labels = kmeans.fit_predict(X[members])
        found = np.unique(labels)  # fewer than size if there are few distinct rows
        clusters = np.resize(found, size)
        centers.append(kmeans.cluster_centers_[clusters])
        if same_target:
            targets.append(np.repeat(y[members[:1]], size, axis=0))
        else:
            targets.append([y[members[labels == c]].mean(axis=0) for c in clusters])
    targets = labels_like(y_in, np.concatenate(targets))
    return table.decode(np.concatenate(centers)), targets
