"""The rows that a fit starts from: given, from the last fit, or from real rows."""

from typing import NamedTuple

import numpy as np

from skdistill.synthetic._start import given_samples


class Last(NamedTuple):
    """Learned values, other than rows, that a warm start takes from the last fit.

    Attributes
    ----------
    sample_weight : ndarray of shape (m,) or None
        Learned weights; None stands for the weights given by ``weighting``.
    hyperparameters : dict of str to float
        Learned hyperparameters and smoothing parameters.
    """

    sample_weight: np.ndarray | None = None
    hyperparameters: dict = {}


def starting_rows(distiller, real, student, group_counts, columns, random_state):
    """Return the rows to start from.

    Parameters
    ----------
    distiller : DatasetDistiller
        Gives the parameters, and with ``warm_start`` the set of its last fit.
    real : RealRows
        The real rows.
    student : Student
        Says whether k-means clusters rows together with numeric targets.
    group_counts : ndarray of int of shape (n_groups,)
        Number of real rows in each group, for ``n_synthetic`` as a fraction.
    columns : Columns
        Columns of the real rows.
    random_state : RandomState
        Draws rows.

    Returns
    -------
    X0 : ndarray of shape (m, p)
        Samples.
    y0 : ndarray of shape (m,) or (m, k)
        Their targets, as indices of classes or numbers.
    last : Last
        Other learned values of the last fit.

    Raises
    ------
    ValueError
        If given rows do not fit the data, or are not as many as ``n_synthetic``.
    """
    targets, init, last = real.targets, distiller.init, Last()
    source = "init"
    goes_on = distiller.warm_start and hasattr(distiller, "X_synthetic_")
    if goes_on:
        source = "the previous fit (warm_start=True)"
        init = distiller.X_synthetic_, distiller.y_synthetic_
        last = Last(
            distiller.sample_weight_synthetic_
            if distiller.weighting == "learn"
            else None,
            distiller._learned_values,
        )
    n_rows = None
    if not (isinstance(distiller.init, tuple) and distiller.n_synthetic == "auto"):
        n_rows = targets.rows_of_groups(distiller.n_synthetic, group_counts)
    if isinstance(init, str):
        X0, y0 = targets.start(
            init, real, n_rows, random_state, student.clusters_targets
        )
        if not targets.learns(distiller.learn_labels):
            y0 = targets.held(y0)
        return X0, y0, last
    if len(init) != 2:
        raise ValueError(
            f"init must be a tuple (X0, y0) of two arrays; got {len(init)} values. "
            "Pass the rows and their targets."
        )
    X0 = columns.encode_init(init[0], f"X of {source}")
    X0 = given_samples(X0, real.n_features, source)
    y0, counts = targets.given(init[1], len(X0), source)
    if n_rows is not None and not targets.allows(counts, n_rows):
        raise ValueError(
            f"The starting set has {counts.tolist()} rows (per class), but "
            f"n_synthetic={distiller.n_synthetic!r} asks for {n_rows.tolist()}. Pass "
            "as many rows as n_synthetic, or leave it at 'auto'."
        )
    return X0, y0, last
