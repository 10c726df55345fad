"""Fork after JAX has been used by somebody, and fit in the child; no test module."""

import multiprocessing
import sys
import warnings

import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

X, y = load_iris(return_X_y=True)


def fit():
    from skdistill import DatasetDistiller

    distiller = DatasetDistiller(LogisticRegression(max_iter=1000), n_synthetic=3)
    return distiller.fit(X, y)


def use_jax():
    import jax

    jax.jit(lambda x: x + 1)(1.0)


def in_forked_process(function, *args):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # JAX's, of the fork
        pool = multiprocessing.get_context("fork").Pool(1)
    with pool:
        return pool.apply(function, args)


def main(used_by):
    if used_by != "the user alone":
        import skdistill.students  # noqa: F401 - a user who has a student of their own
    if used_by == "nobody":
        assert in_forked_process(fit).score(X, y) > 0.9
        return
    if used_by == "a fit":
        distiller = fit()
        predicted = in_forked_process(distiller.predict, X)
        assert (predicted == distiller.predict(X)).all()
    else:
        use_jax()
    with pytest.raises(RuntimeError, match="forked after JAX had .*'spawn'"):
        in_forked_process(fit)
    if used_by == "a fit":
        assert fit().score(X, y) > 0.9  # the parent goes on


if __name__ == "__main__":
    main(sys.argv[1])
