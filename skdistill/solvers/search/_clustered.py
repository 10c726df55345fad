"""k-means centers of rows as they came, without any learning for an estimator."""

import numpy as np

from skdistill.real._cells import read_cells
from skdistill.solvers.search._moves import Donors, SetMoves
from skdistill.solvers.search._starts import starting_sets


def clustered_rows(X, y, targets, n_rows, categorical_features, random_state):
    """Return centers of k-means in the container of the real rows.

    Parameters
    ----------
    X : container of length n
        Real rows.
    y : ndarray of shape (n,) or (n, k)
        Their targets: indices of classes, or numbers.
    targets : Targets
        What ``y`` holds.
    n_rows : ndarray of int of shape (n_groups,)
        Centers in each group.
    categorical_features : None, "from_dtype" or array-like
        See ``DatasetDistiller``.
    random_state : RandomState
        Draws rows where there are many.

    Returns
    -------
    X_reduced : container
        Rows that the columns can hold.
    y_reduced : ndarray
        Their targets, as ``y``; means of their clusters for numbers.
    """
    cells = read_cells(X, categorical_features=categorical_features)
    rows, weight = np.arange(len(y)), np.ones(len(y))
    groups = np.asarray(targets.groups(y))
    is_number = targets.classes is None
    donors = Donors(cells, y, groups, rows, weight)
    moves = SetMoves(
        donors, targets.groups, target_unit=targets.unit if is_number else None
    )
    near = y / targets.unit if is_number else y
    clustered, drawn = starting_sets(
        moves, n_rows, rows, near, weight, weight, groups, random_state
    )
    first = (clustered or drawn)[0]
    return cells.table(first.donors, first.numbers), first.y
