"""Reduced sets with ``size`` rows of each class, or ``size`` rows in regression.

Only "distill" uses an estimator. In regression, features are clustered, and a center
gets the mean target of its cluster. "kmedoids" are the real rows nearest to k-means
centers rather than exact medoids.
"""

import time
from functools import lru_cache

import numpy as np
from imblearn.under_sampling import ClusterCentroids
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.metrics import pairwise_distances_argmin
from sklearn.preprocessing import QuantileTransformer

from benchmarks._tables._data import load
from benchmarks._tables._estimators import targets
from skdistill import DatasetDistiller
from skdistill.evaluation._baselines import reduced_set


def distill(estimator, split, size, seed):
    """Return ``X, y, seconds`` of the distiller with default settings."""
    target = targets(estimator, split.y, split.n_classes)
    options = {"outer_loss": "log_loss"} if target.ndim == 2 else {}
    # No class has fewer than twice the rows, so each of them gets the same number.
    n_synthetic = size * max(split.n_classes, 1)
    distiller = DatasetDistiller(
        estimator, n_synthetic=n_synthetic, random_state=seed, **options
    )
    start = time.perf_counter()
    distiller.fit(split.X, target)
    seconds = time.perf_counter() - start
    return distiller.X_synthetic_, distiller.y_synthetic_, seconds


@lru_cache(maxsize=32)
def baseline(method, table, folder, size, seed):
    """Return ``X, y, seconds`` of a reduced set, the same for every estimator."""
    split = load(table, folder, seed)
    start = time.perf_counter()
    X, y = BASELINES[method](split, size, seed)
    return X, y, time.perf_counter() - start


def _sample(split, size, seed):
    return _of_package("sample", split, split.X, size, seed)


def _kmeans(split, size, seed):
    return _of_package("kmeans", split, split.X, size, seed)


def _kmeans_quantiles(split, size, seed):
    quantiles = QuantileTransformer(n_quantiles=min(1000, len(split.X)))
    X, y = _of_package("kmeans", split, quantiles.fit_transform(split.X), size, seed)
    return quantiles.inverse_transform(X), y


def _of_package(method, split, X, size, seed):
    codes = split.y if split.n_classes else None
    n_rows = np.full(split.n_classes, size) if split.n_classes else size
    return reduced_set(method, X, split.y, codes, n_rows, random_state=seed)[:2]


def _ward(split, size, seed):
    X, y = [], []
    for members in _groups(split):
        labels = AgglomerativeClustering(size).fit_predict(split.X[members])
        for cluster in range(size):
            rows = members[labels == cluster]
            X.append(split.X[rows].mean(axis=0))
            y.append(split.y[rows].mean())
    return np.array(X), np.array(y, dtype=split.y.dtype)


def _kmedoids(split, size, seed):
    rows = []
    for members in _groups(split):
        kmeans = KMeans(size, random_state=seed).fit(split.X[members])
        nearest = pairwise_distances_argmin(kmeans.cluster_centers_, split.X[members])
        rows.append(members[nearest])
    rows = np.concatenate(rows)
    return split.X[rows], split.y[rows]


def _cluster_centroids(split, size, seed):
    sizes = dict.fromkeys(range(split.n_classes), size)
    sampler = ClusterCentroids(sampling_strategy=sizes, random_state=seed)
    return sampler.fit_resample(split.X, split.y)


def _groups(split):
    """Return the rows of each class, or all rows."""
    if not split.n_classes:
        return [np.arange(len(split.y))]
    return [np.flatnonzero(split.y == c) for c in range(split.n_classes)]


BASELINES = {
    "random": _sample,
    "kmeans": _kmeans,
    "kmeans-quantiles": _kmeans_quantiles,
    "ward": _ward,
    "kmedoids": _kmedoids,
    "cluster-centroids": _cluster_centroids,
}
#: "all" are all training rows; they have no size.
METHODS = ("all", *BASELINES, "distill")
