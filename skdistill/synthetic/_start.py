"""Starting synthetic sets: k-means centers, class means, real rows, or given arrays.

They depend on the rows and their weights, not on the order of rows or classes.
"""

import numpy as np
from scipy.sparse import csr_array
from sklearn.cluster import KMeans
from sklearn.utils import check_array

from skdistill.real._sampling import (
    row_positions,
    stratified_sample,
    systematic_sample,
)
from skdistill.synthetic._allocation import label_list

#: k-means looks at no more rows of a class than this, or 64 for each center.
MAX_KMEANS_ROWS = 2048
#: Rows that start alike would stay alike: by how much of a feature's range they part.
SEPARATION = 0.02


def initial_rows(init, X, y, sample_weight, n_rows, scale, random_state):
    """Return starting rows, grouped by class.

    Parameters
    ----------
    init : {"kmeans", "mean", "sample"}
        Where the rows come from, see ``DatasetDistiller``.
    X : ndarray of shape (n, p)
        Real rows.
    y : ndarray of shape (n,)
        Class indices.
    sample_weight : ndarray of shape (n,)
        Positive weights.
    n_rows : ndarray of shape (n_classes,)
        Synthetic rows for each class.
    scale : ndarray of shape (p,)
        Range of each feature, in which distances are measured.
    random_state : RandomState
        Draws the rows of "sample" and the small perturbation of equal rows.

    Returns
    -------
    X0 : ndarray of shape (n_rows.sum(), p)
        Rows in double precision.
    y0 : ndarray of shape (n_rows.sum(),)
        Their class indices.
    """
    y0 = np.repeat(np.arange(len(n_rows)), n_rows)
    if init == "sample":
        X0 = _sampled_rows(X, y, sample_weight, n_rows, scale, random_state)
    else:
        X0 = np.repeat(_class_means(X, y, sample_weight), n_rows, axis=0)
    if init == "kmeans" and n_rows.max() > 1:
        positions = row_positions(X, scale, np.random.RandomState(0))
        for c in np.flatnonzero(n_rows > 1):
            X0[y0 == c] = _class_centers(
                X, np.flatnonzero(y == c), positions, sample_weight, n_rows[c], scale
            )
    return _separate(X0, y0, scale, random_state), y0


def initial_rows_and_targets(init, X, y, sample_weight, size, scale, random_state):
    """Return starting rows and their numeric targets.

    Rows and targets are clustered together; "mean" takes the means of groups of equal
    weight along the targets.

    Parameters
    ----------
    init, X, sample_weight, scale, random_state
        As for ``initial_rows``.
    y : ndarray of shape (n,) or (n, k)
        Targets.
    size : int
        Number of synthetic rows.

    Returns
    -------
    X0 : ndarray of shape (size, p)
        Rows in double precision.
    y0 : ndarray of shape (size,) or (size, k)
        Their targets.
    """
    Y = y.reshape(len(y), -1)
    ranges = np.ptp(Y, axis=0)
    scale = np.concatenate([scale, np.where(ranges > 0, ranges, 1.0)])
    one_group = np.zeros(len(y), dtype=int)
    # A sample keeps the joint array small, and says as much to k-means.
    positions = row_positions(X, scale[: X.shape[1]], np.random.RandomState(0))
    positions = positions + row_positions(
        Y, scale[X.shape[1] :], np.random.RandomState(1)
    )
    rows, weight = stratified_sample(
        one_group, positions, sample_weight, max(MAX_KMEANS_ROWS, 64 * size)
    )
    joint = np.hstack([X[rows].astype(np.float64), Y[rows]])
    if init == "mean":
        groups, n_rows = _groups_along(Y[rows], weight, size), np.ones(size, dtype=int)
    else:
        groups, n_rows = one_group[rows], np.array([size])
    joint0, _ = initial_rows(init, joint, groups, weight, n_rows, scale, random_state)
    return joint0[:, : X.shape[1]], joint0[:, X.shape[1] :].reshape(-1, *y.shape[1:])


def _groups_along(Y, weight, n_groups):
    """Cut the rows into groups of about equal weight along their targets."""
    order = np.lexsort(Y.T[::-1])
    shares = np.cumsum(weight[order]) - weight[order] / 2
    groups = np.empty(len(Y), dtype=int)
    groups[order] = np.floor(shares / weight.sum() * n_groups).astype(int)
    # Heavy rows may leave a group empty: those that are left are numbered again.
    present, groups = np.unique(groups, return_inverse=True)
    return groups if len(present) == n_groups else np.arange(len(Y)) % n_groups


def _given_samples(X0, n_features):
    X0 = check_array(X0, dtype=np.float64, input_name="X of init", copy=True)
    if X0.shape[1] != n_features:
        raise ValueError(
            f"X of init has {X0.shape[1]} features, but the data has {n_features}."
        )
    return X0


def given_rows_and_targets(init, n_features, target_shape):
    """Validate arrays ``(X0, y0)`` passed as ``init`` for numeric targets."""
    X0 = _given_samples(init[0], n_features)
    y0 = check_array(
        init[1], dtype=np.float64, input_name="y of init", ensure_2d=False, copy=True
    )
    if y0.shape != (len(X0), *target_shape):
        raise ValueError(
            f"y of init has shape {y0.shape}; expected {(len(X0), *target_shape)}, a "
            "target for each row of X of init."
        )
    return X0, y0


def given_rows(init, n_features, classes):
    """Validate arrays ``(X0, y0)`` passed as ``init``; return y0 as indices."""
    X0 = _given_samples(init[0], n_features)
    y0 = np.asarray(init[1])
    if y0.shape != (len(X0),):
        raise ValueError(
            f"y of init has shape {y0.shape}; expected {(len(X0),)}, a label for each "
            "row of X of init."
        )
    if classes.dtype.kind in "mM":  # some NumPy hash units apart
        y0 = y0.astype(classes.dtype)
    given, known = set(label_list(y0)), set(label_list(classes))
    unknown, missing = (
        sorted(labels, key=str) for labels in (given - known, known - given)
    )
    if unknown or missing:
        raise ValueError(
            "y of init must contain every class in y and no other. "
            f"Unknown: {unknown}; missing: {missing}."
        )
    return X0, np.searchsorted(classes, y0)


def _class_means(X, y, sample_weight):
    """Weighted mean of every class, (k, p), without a copy of ``X``."""
    totals = np.bincount(y, weights=sample_weight)
    shares = csr_array(
        ((sample_weight / totals[y]).astype(X.dtype), (y, np.arange(len(y)))),
        shape=(len(totals), len(y)),
    )
    return (shares @ X).astype(np.float64)


def _sampled_rows(X, y, sample_weight, n_rows, scale, random_state):
    positions = row_positions(X, scale, random_state)
    offset = random_state.uniform()
    drawn = []
    for c, size in enumerate(n_rows):
        members = np.flatnonzero(y == c)
        rows = systematic_sample(
            positions[members], sample_weight[members], size, offset
        )
        drawn.append(members[rows])
    return X[np.concatenate(drawn)].astype(np.float64)


def _class_centers(X, members, positions, sample_weight, n_clusters, scale):
    """k-means centers of one class; fewer distinct rows than clusters: some repeat."""
    weight = sample_weight[members]
    max_rows = max(MAX_KMEANS_ROWS, 64 * n_clusters)
    if len(members) > max_rows:
        rows = systematic_sample(positions[members], weight, max_rows)
        members, weight = members[rows], np.ones(max_rows)
    Z = X[members].astype(np.float64) / scale
    seeds = _split_seeds(Z, weight, n_clusters)
    kmeans = KMeans(len(seeds), init=seeds, n_init=1, max_iter=50)
    centers = kmeans.fit(Z, sample_weight=weight).cluster_centers_ * scale
    return centers[np.arange(n_clusters) % len(centers)]


def _split_seeds(Z, weight, n_clusters):
    """Centers found by splitting, deterministic and independent of the row order.

    Var-Part (Su and Dy, "A deterministic method for initializing K-means clustering",
    2004): the cluster with the largest sum of squares is cut at the mean of its feature
    with the largest variance.
    """

    def cluster(rows):
        total = weight[rows].sum()
        mean = weight[rows] @ Z[rows] / total
        spread = weight[rows] @ (Z[rows] - mean) ** 2
        return rows, mean, spread

    clusters = [cluster(np.arange(len(Z)))]
    while len(clusters) < n_clusters:
        widest = max(range(len(clusters)), key=lambda i: clusters[i][2].sum())
        rows, mean, spread = clusters[widest]
        feature = np.argmax(spread)
        low = Z[rows, feature] <= mean[feature]
        if low.all() or not low.any():
            break  # equal rows, up to the rounding of their mean
        clusters[widest] = cluster(rows[low])
        clusters.append(cluster(rows[~low]))
    return np.array([mean for _, mean, _ in clusters])


def _separate(X0, y0, scale, random_state):
    """Move rows that repeat another one of their class apart, by a little."""
    _, index, counts = np.unique(
        np.column_stack([y0, X0]), axis=0, return_inverse=True, return_counts=True
    )
    index = index.ravel()
    if counts.max() == 1:
        return X0
    # The j-th copy moves alike in every class: the classes may come in any order.
    noise = random_state.uniform(-SEPARATION, SEPARATION, (counts.max(), X0.shape[1]))
    X0 = X0.copy()
    for repeated in np.flatnonzero(counts > 1):
        copies = np.flatnonzero(index == repeated)
        X0[copies] += noise[: len(copies)] * scale
    return X0
