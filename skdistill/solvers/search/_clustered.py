"""k-means centers of rows in any container, as a baseline."""

import numpy as np

from skdistill.real._cells import read_cells
from skdistill.solvers.search._moves import Donors, SetMoves
from skdistill.solvers.search._starts import starting_sets


def clustered_rows(X, y, targets, n_rows, categorical_features, random_state):
    """Return k-means centers in the container of the real rows.

    Parameters
    ----------
    X : container of length n
        Real rows.
    y : ndarray of shape (n,) or (n, k)
        Their targets: indices of classes, or numbers.
    targets : Targets
        Describes ``y``.
    n_rows : ndarray of int of shape (n_groups,)
        Number of centers in each group.
    categorical_features : None, "from_dtype" or array-like
        See ``DatasetDistiller``.
    random_state : RandomState
        Draws a sample of the rows if there are many.

    Returns
    -------
    X_reduced : container
        Centers as valid rows of the table.
    y_reduced : ndarray
        Their targets in the form of ``y``; numeric ones are means of the clusters.
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
