"""Fit with JAX's persistent compilation cache, and print its hits and misses."""

import sys
import warnings

import jax
import jax.monitoring
import numpy as np
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdistill import DatasetDistiller

counts = {"cache_hits": 0, "cache_misses": 0}


def count(event, **_):
    name = event.rpartition("/")[2]
    if name in counts:
        counts[name] += 1


if __name__ == "__main__":
    jax.monitoring.register_event_listener(count)
    # A process of a user: these are the user's settings.
    jax.config.update("jax_compilation_cache_dir", sys.argv[1])
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(0)
    X = rng.standard_normal((100, 4))
    for estimator, y in (
        (LogisticRegression(), X[:, 0] > 0),
        (
            make_pipeline(StandardScaler(), KernelRidge(kernel="rbf", coef0=0.5)),
            X[:, 0],
        ),
    ):
        DatasetDistiller(estimator, n_synthetic=6, max_iter=2, random_state=0).fit(X, y)
    print(*counts.values())
