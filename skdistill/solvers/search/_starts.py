"""Sets to start from: centers of k-means, the real rows next to them, drawn rows.

k-means needs numbers. Columns of numbers are taken in units of their spread, or as
quantiles, which do not depend on units and are what a tree sees; other columns as an
indicator of each value, texts as counts of hashed words. A center becomes a row that
the columns can hold: with the values that are the most frequent in its cluster, or, of
columns where hardly two rows agree, with those of the real row next to it.
"""

import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.metrics import pairwise_distances_argmin

from skdistill.synthetic._start import kmeans_centers

#: Rows that k-means looks at, all groups together, or 64 for each center.
MAX_ROWS = 8192
#: Columns with more values than this are no categories.
MAX_VALUES = 50
#: Numbers that stand for a text.
HASHED_WORDS = 256
#: Sets of drawn rows.
N_DRAWS = 6


def starting_sets(
    moves, counts, rows, y, sample_weight, typicality, groups, random_state
):
    """Return sets to start from.

    Parameters
    ----------
    moves : SetMoves
        Makes sets of real rows.
    counts : ndarray of int of shape (n_groups,)
        Rows of each group.
    rows : ndarray of int of shape (n,)
        Real rows that may be used.
    y : ndarray of shape (n,) or (n, k)
        Their targets, in units that are comparable.
    sample_weight : ndarray of shape (n,)
        Their weights.
    typicality : ndarray of shape (n,)
        How typical they are.
    groups : ndarray of int of shape (n,)
        Their groups.
    random_state : RandomState
        Draws rows.

    Returns
    -------
    clustered, drawn : list of CellSet
        Centers and medoids, for rows that k-means can cluster; and drawn real rows.
    """
    starts = []
    most = np.maximum(MAX_ROWS // len(counts), 64 * counts)
    members = [
        _some(np.flatnonzero(groups == g), sample_weight, most[g], random_state)
        for g in range(len(counts))
    ]
    looked_at = np.concatenate(members)
    # What is drawn by weights weighs one.
    is_whole = np.bincount(groups, minlength=len(counts)) <= most
    unit = np.where(is_whole[groups[looked_at]], sample_weight[looked_at], 1.0)
    table = _Embedding(moves.cells, rows[looked_at])
    sizes = np.array([len(each) for each in members])
    parts = np.split(np.arange(len(looked_at)), np.cumsum(sizes)[:-1])
    typical = unit * typicality[looked_at]
    for quantiles, weight, takes_medoids in (
        (False, unit, False),
        (True, unit, False),
        (True, typical, True),
    ):
        Z = table.numbers(quantiles, unit)
        if not Z.shape[1]:
            continue
        if len(counts) == 1:  # numbers are clustered along with the rows
            Z = np.hstack([Z, y[looked_at].reshape(len(Z), -1)])
        clusters = [
            _clusters(Z[part], weight[part], size)
            for part, size in zip(parts, counts, strict=True)
        ]
        medoids = np.concatenate(
            [part[nearest] for part, (nearest, _) in zip(parts, clusters, strict=True)]
        )
        start = moves.of_rows(rows[looked_at[medoids]])
        found = [
            part[labels == cluster]
            for part, (_, labels), size in zip(parts, clusters, counts, strict=True)
            for cluster in range(size)
        ]
        starts += [_centers(table, start, found, weight, moves, quantiles)]
        if takes_medoids:
            starts += [start]
    draws = []
    for _ in range(N_DRAWS):
        drawn = [
            moves.donors.distinct(group, size, random_state)
            for group, size in enumerate(counts)
        ]
        draws.append(moves.of_rows(np.concatenate(drawn)))
    return starts, draws


class _Embedding:
    """Real rows as numbers, of which k-means finds centers.

    Parameters
    ----------
    cells : Cells
        The real rows.
    rows : ndarray of int of shape (n,)
        Those to look at.
    """

    def __init__(self, cells, rows):
        self.rows = rows
        values = cells.numbers(rows)
        self.values = np.where(np.isfinite(values), values, np.nan)
        self.codes, hashed = {}, []
        for j in np.flatnonzero(~cells.is_number).tolist():
            values = cells.values(j, rows)
            found = {repr(value): None for value in values}
            if 1 < len(found) <= MAX_VALUES:
                names = {name: code for code, name in enumerate(found)}
                self.codes[j] = np.array([names[repr(value)] for value in values])
            elif values and all(isinstance(value, str) for value in values):
                words = HashingVectorizer(n_features=HASHED_WORDS, alternate_sign=False)
                hashed.append(words.transform(values).toarray())
        indicators = [np.eye(codes.max() + 1)[codes] for codes in self.codes.values()]
        # Two rows of different categories are as far apart as two of standard numbers.
        self._others = [each / np.sqrt(2) for each in indicators] + hashed

    def numbers(self, quantiles, weight):
        """Return the rows, which weigh ``weight`` (n,), as numbers (n, d)."""
        known = ~np.isnan(self.values).all(axis=0)
        Z = self.values[:, known]
        if quantiles:
            ranks = [_ranks(column, weight) for column in Z.T]
            Z = np.sqrt(12) * np.reshape(ranks, Z.T.shape).T
        else:
            spread = np.sqrt(_mean((Z - _mean(Z, weight)) ** 2, weight))
            Z = Z / np.where(spread > 0, spread, 1.0)
        Z = np.where(np.isnan(Z), _mean(Z, weight), Z)
        return np.hstack([Z, *self._others])


def _ranks(column, weight):
    """Return the share of weight below each number, half of that of equal ones."""
    known = ~np.isnan(column)
    _, index = np.unique(column[known], return_inverse=True)
    shares = np.bincount(index, weights=weight[known]) / weight[known].sum()
    ranks = np.full(len(column), np.nan)
    ranks[known] = (np.cumsum(shares) - shares / 2)[index]
    return ranks


def _clusters(Z, sample_weight, n_clusters):
    """Return the row next to each center of k-means, and the cluster of each row."""
    centers = kmeans_centers(Z, sample_weight, n_clusters, np.ones(Z.shape[1]))
    nearest = pairwise_distances_argmin(centers, Z)
    return nearest, pairwise_distances_argmin(Z, centers)


def _centers(table, start, clusters, weight, moves, quantiles):
    """Return a set of medoids with the numbers and values of their clusters."""
    made, cells = start.copy(), moves.cells
    for i, members in enumerate(clusters):
        if not len(members):  # of centers that repeat one has all the rows
            continue
        values, share = table.values[members], weight[members]
        known = ~np.isnan(values).all(axis=0)
        middle = _median if quantiles else _mean
        made.numbers[i, known] = middle(values[:, known], share)
        for j, codes in table.codes.items():
            most = np.bincount(codes[members], weights=share).argmax()
            first = members[np.argmax(codes[members] == most)]
            made.donors[i, j] = table.rows[first]
        if moves.donors.n_groups == 1 and moves.target_unit is not None:
            y = moves.donors.y[table.rows[members]]
            made.y[i] = np.average(y, axis=0, weights=share)
    return made._replace(numbers=cells.allowed(made.numbers))


def _mean(values, weight):
    """Return the weighted mean of each column, of what is not missing."""
    missing = np.isnan(values)
    weight = np.where(missing, 0.0, weight[:, None])
    return (weight * np.where(missing, 0.0, values)).sum(axis=0) / weight.sum(axis=0)


def _median(values, weight):
    """Return the weighted median of each column, of what is not missing."""
    order = np.argsort(values, axis=0, kind="stable")  # missing ones come last
    weight = np.where(np.isnan(values), 0.0, weight[:, None])
    cumulated = np.cumsum(np.take_along_axis(weight, order, axis=0), axis=0)
    middle = np.argmax(cumulated >= cumulated[-1] / 2, axis=0)
    return np.take_along_axis(values, order, axis=0)[middle, np.arange(len(middle))]


def _some(members, sample_weight, size, random_state):
    """Return some of the members, drawn by their weights if there are many."""
    if len(members) <= size:
        return members
    share = sample_weight[members] / sample_weight[members].sum()
    return np.sort(random_state.choice(members, size=size, replace=False, p=share))
