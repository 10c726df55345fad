"""Predictions and scores for rows that are read block by block."""

import operator
from functools import partial

import numpy as np
from sklearn.base import is_regressor

from skdistill.real._number_moments import combined_moments, moments_of
from skdistill.real.sources import source_of
from skdistill.tables._reading import is_frame, read


def predicted_by_blocks(fitted, method, X):
    """Return the predictions of a method of ``fitted.estimator_`` for all rows.

    Parameters
    ----------
    fitted : estimator object
        Fitted estimator with ``estimator_`` and ``_samples``.
    method : str
        Name of the method, such as "predict".
    X : object
        Rows in any container.

    Returns
    -------
    ndarray, Dask array or None
        A Dask array for a Dask collection; None if the rows are not read by blocks.
    """
    source = source_of(X, None, None)
    return source and source.map(partial(_predicted, fitted, method))


def score_by_blocks(fitted, X, y, sample_weight):
    """Return the score of ``fitted.estimator_`` on rows that are read block by block.

    It is R2 for regressors, averaged over their targets. Otherwise it is the weighted
    mean of the estimator's ``score`` over the blocks.

    Parameters
    ----------
    fitted : estimator object
        As for ``predicted_by_blocks``.
    X, y, sample_weight : object
        Rows in any container, their targets and weights.

    Returns
    -------
    float or None
        The score; None if the rows are not read by blocks.
    """
    source = source_of(X, y, sample_weight)
    if source is None:
        return None
    if is_regressor(fitted):
        errors, moments = source.reduce(partial(_errors, fitted), _with_errors)
        varies = moments.square > 0
        share = errors / np.where(varies, moments.square, 1.0)
        return float(np.mean(np.where(varies, 1 - share, errors == 0)))
    score, weight = source.reduce(partial(_scored, fitted), operator.add)
    return float(score / weight)


def first_rows(X):
    """Return the first rows of a container that is read by blocks, in memory.

    Rows in memory are returned as they are. The rows of a ``Source`` lack the columns
    of targets and weights.
    """
    source = source_of(X, None, None)
    head = None if source is None else source.head()
    return X if head is None else head.X


def first_samples(fitted, X):
    """Return the first rows with only the features of a fitted estimator."""
    first = first_rows(X)
    return first if first is X else _features(fitted, first)


def _features(fitted, X):
    """Return only the columns of features, because a file may also hold targets."""
    names = getattr(fitted, "feature_names_in_", None)
    if names is None or not is_frame(X):
        return X
    frame = read(X)
    return frame.select([name for name in names if name in frame.columns]).to_native()


def _samples(fitted, block):
    return fitted._samples(_features(fitted, block.X))


def _predicted(fitted, method, block):
    return getattr(fitted.estimator_, method)(_samples(fitted, block))


def _weight(block):
    given = block.sample_weight
    return np.ones(block.n_rows) if given is None else np.asarray(given, dtype=float)


def _errors(fitted, block):
    weight, y = _weight(block), np.asarray(block.y, dtype=np.float64)
    if not weight.any():
        return None
    Y = y.reshape(len(y), -1)
    error = Y - _predicted(fitted, "predict", block).reshape(Y.shape)
    return weight @ error**2, moments_of(Y, weight)


def _with_errors(first, second):
    return first[0] + second[0], combined_moments(first[1], second[1])


def _scored(fitted, block):
    weight = _weight(block)
    if not weight.any():
        return None
    X, y = _samples(fitted, block), np.asarray(block.y)
    score = fitted.estimator_.score(
        X, y, **({} if block.sample_weight is None else {"sample_weight": weight})
    )
    return np.array([score * weight.sum(), weight.sum()])
