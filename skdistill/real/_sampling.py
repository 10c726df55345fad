"""Samples of rows that depend on the data and their weights, not on their order."""

import numpy as np


def row_positions(X, scale, random_state):
    """Place the rows on a random line: a sort key (n,) that is all but unique."""
    direction = random_state.standard_normal(X.shape[1])
    return X @ (direction / scale).astype(X.dtype)


def systematic_sample(positions, sample_weight, size, offset=0.5):
    """Draw rows at equal steps of cumulated weight along their positions.

    Parameters
    ----------
    positions : ndarray of shape (n,)
        Where the rows lie on a line.
    sample_weight : ndarray of shape (n,)
        Weights of the rows: a row of weight two is drawn as two equal rows are.
    size : int
        Number of draws.
    offset : float, default=0.5
        Where the first draw lies in the first step, in [0, 1).

    Returns
    -------
    drawn : ndarray of shape (size,)
        Indices of rows, heavy rows more than once.
    """
    order = np.argsort(positions, kind="stable")
    cumulated = np.cumsum(sample_weight[order])
    targets = (np.arange(size) + offset) / size * cumulated[-1]
    drawn = np.searchsorted(cumulated, targets, side="right")
    return order[np.minimum(drawn, len(order) - 1)]


def stratified_sample(y, positions, sample_weight, size):
    """Draw a systematic sample from every class, in proportion to its weight.

    Returns
    -------
    rows : ndarray of shape (at most n,)
        Indices of the drawn rows, each once.
    weight : ndarray of shape (n_rows,)
        Their weights; every class keeps its total.
    """
    totals = np.bincount(y, weights=sample_weight)
    rows, weights = [], []
    for c, total in enumerate(totals):
        members = np.flatnonzero(y == c)
        share = max(int(np.ceil(size * total / totals.sum())), 32)
        if share >= len(members):
            rows.append(members)
            weights.append(sample_weight[members])
            continue
        drawn = systematic_sample(positions[members], sample_weight[members], share)
        drawn, counts = np.unique(drawn, return_counts=True)
        rows.append(members[drawn])
        weights.append(counts * (total / share))
    return np.concatenate(rows), np.concatenate(weights)
