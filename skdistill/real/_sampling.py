"""Samples of rows that depend on the data and their weights, not on their order."""

import numpy as np

#: Multiples of the golden ratio, modulo one, fill every interval evenly.
GOLDEN_RATIO = (np.sqrt(5) - 1) / 2
#: No group is left with fewer rows than this, if it has them.
MIN_GROUP_ROWS = 32


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


def shares_of_groups(group_weight, size):
    """Share a number of rows out by weight, (n_groups,)."""
    shares = np.ceil(size * group_weight / group_weight.sum()).astype(int)
    return np.maximum(shares, MIN_GROUP_ROWS)


def fair_places(positions, sample_weight):
    """Place rows in [0, 1), so that every interval holds its share of the weight.

    Neighbors on the line come to lie far apart.

    Parameters
    ----------
    positions, sample_weight : ndarray of shape (n,)
        As for ``systematic_sample``.

    Returns
    -------
    ndarray of shape (n,)
        The places.
    """
    order = np.argsort(positions, kind="stable")
    cumulated = np.cumsum(sample_weight[order]) - sample_weight[order] / 2
    places = np.empty(len(order))
    places[order] = cumulated / sample_weight.mean() * GOLDEN_RATIO % 1.0
    return places
