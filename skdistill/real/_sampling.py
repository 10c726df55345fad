"""Samples that depend on the rows and their weights, but not on their order."""

import numpy as np

#: Multiples of the golden ratio, modulo one, fill every interval evenly.
GOLDEN_RATIO = (np.sqrt(5) - 1) / 2
#: Minimum number of rows of a group in a sample, if it has that many.
MIN_GROUP_ROWS = 32


def row_positions(X, scale, random_state):
    """Return the positions (n,) of rows along a random line, which rarely agree."""
    direction = random_state.standard_normal(X.shape[1])
    return X @ (direction / scale).astype(X.dtype)


def systematic_sample(positions, sample_weight, size, offset=0.5):
    """Draw rows at equal steps of cumulated weight along their positions.

    Parameters
    ----------
    positions : ndarray of shape (n,)
        Positions of the rows on a line.
    sample_weight : ndarray of shape (n,)
        Weights of the rows. A row of weight two is equivalent to two equal rows.
    size : int
        Number of draws.
    offset : float, default=0.5
        Position of the first draw in the first step, in [0, 1).

    Returns
    -------
    drawn : ndarray of shape (size,)
        Indices of rows. Heavy rows may be drawn several times.
    """
    order = np.argsort(positions, kind="stable")
    cumulated = np.cumsum(sample_weight[order])
    targets = (np.arange(size) + offset) / size * cumulated[-1]
    drawn = np.searchsorted(cumulated, targets, side="right")
    return order[np.minimum(drawn, len(order) - 1)]


def shares_of_groups(group_weight, size):
    """Return numbers of rows (n_groups,) in proportion to weights, with a minimum."""
    shares = np.ceil(size * group_weight / group_weight.sum()).astype(int)
    return np.maximum(shares, MIN_GROUP_ROWS)


def fair_places(positions, sample_weight):
    """Return places of rows in [0, 1) such that intervals have fair shares of weight.

    Rows that are neighbors on the line get places far apart.

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
