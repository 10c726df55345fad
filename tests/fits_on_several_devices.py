"""Fit in a process whose JAX has several devices; no test module.

A file of NumPy holds the rows; what is found is printed.
"""

import json
import sys
import warnings

import jax
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

from skdistill import DatasetDistiller
from skdistill.real import _devices
from skdistill.real._base import Chunk


def main(path):
    warnings.simplefilter("ignore", ConvergenceWarning)
    table = np.load(path)
    found = {"devices": jax.local_device_count()}
    for estimator in (
        LogisticRegression(C=10),
        GaussianNB(),
        KNeighborsClassifier(2),
    ):
        distiller = DatasetDistiller(
            estimator, n_synthetic=6, max_iter=4, random_state=0
        )
        distiller.fit(table["X"], table["y"])
        found[type(estimator).__name__] = distiller.loss_
    rows = _devices.chunk_rows_for(3, np.float64, 10**6)
    zeros = np.zeros((rows, 3)), np.zeros(rows), np.zeros(rows)
    spread = _devices.spread(Chunk(*zeros))
    found["rows"] = rows
    found["shares"] = [
        shard.data.shape[0] for shard in getattr(spread.X, "addressable_shards", ())
    ]
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
