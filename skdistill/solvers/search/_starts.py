"""Sets to start from: k-means centers, the real rows next to them, and drawn rows.

k-means needs numbers. Numeric columns are standardized, or replaced by quantiles, which
do not depend on units and suit trees. Other columns become indicators of their values,
and texts become counts of hashed words. A center becomes a valid row: it has the most
frequent values of its cluster. In columns with too many different values, it has the
value of the nearest real row.
"""

import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.metrics import pairwise_distances_argmin

from skdistill.synthetic._start import kmeans_centers

#: Maximum number of rows for k-means in all groups, unless 64 for each center are more.
MAX_ROWS = 8192
#: Maximum number of values of a column that counts as categorical.
MAX_VALUES = 50
#: Number of features for a text.
HASHED_WORDS = 256
#: Number of sets of drawn rows.
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
        Number of rows of the set in each group.
    rows : ndarray of int of shape (n,)
        Indices of the real rows that may be used.
    y : ndarray of shape (n,) or (n, k)
        Their targets. Numeric targets are in units of their spread.
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
        Sets of centers and medoids, if k-means can cluster the rows, and sets of drawn
        real rows.
    """
    starts = []
    most = np.maximum(MAX_ROWS // len(counts), 64 * counts)
    members = [
        _some(np.flatnonzero(groups == g), sample_weight, most[g], random_state)
        for g in range(len(counts))
    ]
    looked_at = np.concatenate(members)
    # Rows drawn by weight have equal weights.
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
        if len(counts) == 1:  # cluster numeric targets along with the rows
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
    """Real rows as numbers, for k-means.

    Parameters
    ----------
    cells : Cells
        The real rows.
    rows : ndarray of int of shape (n,)
        Indices of the rows to use.
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
        # Rows of different categories have a distance of one.
        self._others = [each / np.sqrt(2) for each in indicators] + hashed

    def numbers(self, quantiles, weight):
        """Return the rows as numbers (n, d), given their weights (n,)."""
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
    """Return the share of the weight below each number, plus half of equal ones."""
    known = ~np.isnan(column)
    _, index = np.unique(column[known], return_inverse=True)
    shares = np.bincount(index, weights=weight[known]) / weight[known].sum()
    ranks = np.full(len(column), np.nan)
    ranks[known] = (np.cumsum(shares) - shares / 2)[index]
    return ranks


def _clusters(Z, sample_weight, n_clusters):
    """Return the row nearest to each k-means center, and the cluster of each row."""
    centers = kmeans_centers(Z, sample_weight, n_clusters, np.ones(Z.shape[1]))
    nearest = pairwise_distances_argmin(centers, Z)
    return nearest, pairwise_distances_argmin(Z, centers)


def _centers(table, start, clusters, weight, moves, quantiles):
    """Return the medoids with their values replaced by those of the clusters.

    These are means or medians of numbers, and the most frequent categories.
    """
    made, cells = start.copy(), moves.cells
    for i, members in enumerate(clusters):
        if not len(members):  # of equal centers, only one has rows
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
    """Return the weighted mean of each column, without missing values."""
    missing = np.isnan(values)
    weight = np.where(missing, 0.0, weight[:, None])
    return (weight * np.where(missing, 0.0, values)).sum(axis=0) / weight.sum(axis=0)


def _median(values, weight):
    """Return the weighted median of each column, without missing values."""
    order = np.argsort(values, axis=0, kind="stable")  # NaN comes last
    weight = np.where(np.isnan(values), 0.0, weight[:, None])
    cumulated = np.cumsum(np.take_along_axis(weight, order, axis=0), axis=0)
    middle = np.argmax(cumulated >= cumulated[-1] / 2, axis=0)
    return np.take_along_axis(values, order, axis=0)[middle, np.arange(len(middle))]


def _some(members, sample_weight, size, random_state):
    """Return the members, or a sample drawn by weight if there are many."""
    if len(members) <= size:
        return members
    share = sample_weight[members] / sample_weight[members].sum()
    return np.sort(random_state.choice(members, size=size, replace=False, p=share))
