"""Fits whose threads are the first of a process that call JAX and look for BLAS."""

import faulthandler
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from skdistill import DatasetDistiller


def fit(seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((100, 6))
    estimator = LogisticRegression()
    DatasetDistiller(estimator, n_synthetic=6, max_iter=4).fit(X, X[:, 0] > 0)


def main():
    faulthandler.dump_traceback_later(120, exit=True)  # says where threads wait
    warnings.simplefilter("ignore", ConvergenceWarning)
    with ThreadPoolExecutor(4) as executor:
        list(executor.map(fit, range(8)))


if __name__ == "__main__":
    main()
