"""Starting synthetic sets: k-means centers, class means, real rows, or given arrays.

They depend on the rows and their weights, but not on the order of rows or classes. Of
the real rows, only means of groups and samples of each group are used.
"""

import heapq

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import pairwise_distances_argmin
from sklearn.utils import check_array

from skdistill._forms import (
    column,
    dense,
    group_sums,
    in_units,
    joined,
    squares_about,
)
from skdistill.synthetic._allocation import label_list

#: Maximum number of rows of a class for k-means, unless 64 for each center are more.
MAX_KMEANS_ROWS = 2048
#: Maximum number of values in these rows, for wide rows.
MAX_KMEANS_VALUES = 2**22
#: Maximum displacement of equal rows, as a share of the range of each feature. Equal
#: rows would otherwise stay equal.
SEPARATION = 0.02


def rows_of_groups(init, real, n_rows, random_state):
    """Return starting rows for each group of the real rows, such as a class.

    Parameters
    ----------
    init : {"kmeans", "mean", "sample"}
        Kind of starting rows, see ``DatasetDistiller``.
    real : RealRows
        Real rows, with positive weights.
    n_rows : ndarray of shape (n_groups,)
        Number of synthetic rows for each group.
    random_state : RandomState
        Draws the rows of "sample" and the small perturbation of equal rows.

    Returns
    -------
    X0 : ndarray of shape (n_rows.sum(), p)
        Rows in double precision, grouped.
    group : ndarray of shape (n_rows.sum(),)
        Their groups.
    """
    scale = _ranges(real.low, real.high)
    group = np.repeat(np.arange(len(n_rows)), n_rows)
    if init == "sample":
        offset = random_state.uniform()
        drawn = real.draw(n_rows.tolist(), random_state, offset)
        X0 = dense(real.take(np.concatenate(drawn)).X)
    else:
        X0 = np.repeat(real.group_means(), n_rows, axis=0)
    if init == "kmeans" and n_rows.max() > 1:
        most = np.maximum(_kmeans_rows(real), 64 * n_rows)
        sizes = np.where(n_rows > 1, np.minimum(real.group_counts, most), 0)
        is_whole = sizes == real.group_counts
        sizes = [
            None if whole else int(size)
            for whole, size in zip(is_whole, sizes, strict=True)
        ]
        drawn = real.draw(sizes, np.random.RandomState(0))
        for g in np.flatnonzero(n_rows > 1):
            X, _, weight = real.take(drawn[g])
            if sizes[g] is not None:  # the rows were drawn by weight
                weight = np.ones(X.shape[0])
            X0[group == g] = kmeans_centers(X, weight, n_rows[g], scale)
    return _separate(X0, group, scale, random_state), group


def rows_and_numbers(init, real, size, random_state, clusters_targets=True):
    """Return starting rows and their numeric targets.

    "kmeans" clusters rows and targets together. If ``clusters_targets`` is false, it
    clusters rows alone, and takes the mean target of each cluster. "mean" sorts the
    rows by their targets, cuts them into groups of equal weight, and takes the means.

    Parameters
    ----------
    init, real, random_state
        As for ``rows_of_groups``.
    size : int
        Number of synthetic rows.
    clusters_targets : bool, default=True
        Whether k-means clusters rows together with targets.

    Returns
    -------
    X0 : ndarray of shape (size, p)
        Rows in double precision.
    y0 : ndarray of shape (size,) or (size, k)
        Their targets.
    """
    targets, p = real.targets, real.n_features
    scale = _ranges(
        np.concatenate([real.low, targets.low]),
        np.concatenate([real.high, targets.high]),
    )
    if init == "sample":
        offset = random_state.uniform()
        (drawn,) = real.draw([size], random_state, offset)
        X, y, weight = real.take(drawn)
        joint0 = dense(_joint(X, y))
    else:
        # A sample suffices for k-means and keeps the joint array small.
        sample = real.sample(max(_kmeans_rows(real), 64 * size))
        y, weight = sample.y, sample.sample_weight
        joint = _joint(sample.X, y)
        if init == "mean":
            groups = _groups_along(y.reshape(len(y), -1), weight, size)
            joint0 = _means(joint, groups, weight)
        elif size > 1 and not clusters_targets:
            centers = kmeans_centers(sample.X, weight, size, scale[:p])
            nearest = pairwise_distances_argmin(
                in_units(sample.X, scale[:p]), centers / scale[:p]
            )
            found, groups = np.unique(nearest, return_inverse=True)
            means = _means(joint, groups, weight)
            joint0 = means[np.arange(size) % len(found)]
        elif size > 1:
            joint0 = kmeans_centers(joint, weight, size, scale)
        else:
            joint0 = _means(joint, np.zeros(len(weight), dtype=int), weight)
    joint0 = _separate(joint0, np.zeros(size, dtype=int), scale, random_state)
    return joint0[:, :p], joint0[:, p:].reshape(-1, *y.shape[1:])


def given_samples(X0, n_features, source):
    """Validate samples to start from.

    Parameters
    ----------
    X0 : array-like of shape (m, p)
        The samples.
    n_features : int
        Number of features that they must have.
    source : str
        Name of their origin, for messages.

    Raises
    ------
    ValueError
        If they have another number of features.
    """
    X0 = check_array(X0, dtype=np.float64, input_name=f"X of {source}", copy=True)
    if X0.shape[1] != n_features:
        raise ValueError(
            f"X of {source} has {X0.shape[1]} features, but the data has {n_features}. "
            "Pass rows with the features of the data."
        )
    return X0


def given_numbers(y0, n_rows, target_shape, source):
    """Validate numeric targets of given samples."""
    y0 = check_array(
        y0, dtype=np.float64, input_name=f"y of {source}", ensure_2d=False, copy=True
    )
    if y0.shape != (n_rows, *target_shape):
        raise ValueError(
            f"y of {source} has shape {y0.shape}; expected {(n_rows, *target_shape)}. "
            f"Pass a target for each row of X of {source}."
        )
    return y0


def given_classes(y0, n_rows, classes, source):
    """Validate labels of given samples, and return them as indices."""
    y0 = np.asarray(y0)
    if y0.shape != (n_rows,):
        raise ValueError(
            f"y of {source} has shape {y0.shape}; expected {(n_rows,)}. Pass a label "
            f"for each row of X of {source}."
        )
    if classes.dtype.kind in "mM":  # dates and times only compare in the same unit
        y0 = y0.astype(classes.dtype)
    given, known = set(label_list(y0)), set(label_list(classes))
    unknown, missing = (
        sorted(labels, key=str) for labels in (given - known, known - given)
    )
    if unknown or missing:
        raise ValueError(
            f"y of {source} must contain every class in y and no other. "
            f"Unknown: {unknown}; missing: {missing}."
        )
    return np.searchsorted(classes, y0)


def _kmeans_rows(real):
    """Return the number of rows for k-means with few centers."""
    return min(MAX_KMEANS_ROWS, MAX_KMEANS_VALUES // real.values_per_row)


def _ranges(low, high):
    return np.where(high > low, high - low, 1.0)


def _joint(X, y):
    return joined(X.astype(np.float64), y.reshape(len(y), -1))


def _groups_along(Y, weight, n_groups):
    """Cut the rows into groups of about equal weight along their targets."""
    order = np.lexsort(Y.T[::-1])
    shares = np.cumsum(weight[order]) - weight[order] / 2
    groups = np.empty(len(Y), dtype=int)
    groups[order] = np.floor(shares / weight.sum() * n_groups).astype(int)
    # Heavy rows may leave a group empty; then distribute the rows without weights.
    present, groups = np.unique(groups, return_inverse=True)
    return groups if len(present) == n_groups else np.arange(len(Y)) % n_groups


def _means(X, groups, weight):
    """Return the weighted means of groups, none of which is empty."""
    return group_sums(X, groups, weight / np.bincount(groups, weights=weight)[groups])


def kmeans_centers(X, weight, n_clusters, scale):
    """Return k-means centers (n_clusters, p), which do not depend on chance.

    Centers repeat if there are fewer distinct rows than clusters.

    Parameters
    ----------
    X : ndarray or csr_array of shape (n, p)
        Rows.
    weight : ndarray of shape (n,)
        Their weights.
    n_clusters : int
        Number of centers.
    scale : ndarray of shape (p,)
        Unit of each feature in distances.
    """
    Z = in_units(X.astype(np.float64), scale)
    seeds = _split_seeds(Z, weight, n_clusters)
    kmeans = KMeans(len(seeds), init=seeds, n_init=1, max_iter=50)
    centers = kmeans.fit(Z, sample_weight=weight).cluster_centers_ * scale
    return centers[np.arange(n_clusters) % len(centers)]


def _split_seeds(Z, weight, n_clusters):
    """Return initial centers that are deterministic and independent of the row order.

    The method is Var-Part (Su and Dy, "A deterministic method for initializing K-means
    clustering", 2004). It repeatedly takes the cluster with the largest sum of squares
    and splits it at the mean of the feature with the largest variance.
    """
    means, queue = [], []

    def add(rows):
        total = weight[rows].sum()
        mean = weight[rows] @ Z[rows] / total
        in_one = np.zeros(len(rows), dtype=int)
        spread = squares_about(Z[rows], mean[None], in_one, weight[rows])[0]
        heapq.heappush(queue, (-spread.sum(), len(means), rows, spread))
        means.append(mean)

    add(np.arange(Z.shape[0]))
    while len(queue) < n_clusters:
        _, index, rows, spread = heapq.heappop(queue)
        feature = np.argmax(spread)
        low = column(Z[rows], feature) <= means[index][feature]
        if low.all() or not low.any():
            return np.array([means[index]] + [means[each[1]] for each in queue])
        add(rows[low])
        add(rows[~low])
    return np.array([means[index] for _, index, _, _ in queue])


def _separate(X0, groups, scale, random_state):
    """Move rows that equal another row of their group apart, by a little."""
    rows = np.column_stack([groups, X0]) + 0.0  # turns -0.0 into 0.0
    # Compare bytes, because NumPy would make a dtype with a field for each number.
    rows = rows.view(np.dtype((np.void, rows.shape[1] * rows.itemsize))).ravel()
    _, index, counts = np.unique(rows, return_inverse=True, return_counts=True)
    if counts.max() == 1:
        return X0
    # The j-th copies in all groups move alike, so the order of groups does not matter.
    noise = random_state.uniform(-SEPARATION, SEPARATION, (counts.max(), X0.shape[1]))
    X0 = X0.copy()
    for repeated in np.flatnonzero(counts > 1):
        copies = np.flatnonzero(index == repeated)
        X0[copies] += noise[: len(copies)] * scale
    return X0
