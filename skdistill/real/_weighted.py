"""Real rows as far as only their targets and weights are used."""

import numpy as np

from skdistill.real._sampling import fair_places

#: With weights smaller than this, or larger than its inverse, floats may overflow.
LEAST_WEIGHT = 1e-60


def check_heaviest(heaviest):
    """Raise a ValueError if the largest of the weights is too small or too large."""
    if heaviest and not LEAST_WEIGHT <= heaviest <= 1 / LEAST_WEIGHT:
        raise ValueError(
            f"The largest sample_weight is {heaviest:.3g}. With such weights the "
            "penalty of an estimator may overflow or underflow. Divide them by their "
            "mean."
        )


class WeightedTargets:
    """Targets and weights of real rows, which suffice for parts and folds.

    Parameters
    ----------
    y : ndarray of shape (n,) or (n, k)
        Targets: indices of classes, or numbers.
    sample_weight : ndarray of shape (n,)
        Weights, all positive.
    targets : Targets
        Describes ``y``.
    """

    def __init__(self, y, sample_weight, targets):
        self.y, self.sample_weight, self.targets = y, sample_weight, targets
        self.n_rows = self.n_passed = self.n_at_hand = len(y)
        self.passed = np.arange(len(y))
        self.total_weight = float(sample_weight.sum())
        groups = targets.groups(y)
        self.group_counts = np.bincount(groups, minlength=targets.n_groups)
        self.group_weight = np.bincount(groups, sample_weight, targets.n_groups)

    def labels(self):
        """Return the targets."""
        return self.y

    def places(self, random_state):
        """Place every row in [0, 1), see ``RealRows``, in the order of targets."""
        places = np.empty(self.n_rows)
        groups = self.targets.groups(self.y)
        along = self.y.reshape(self.n_rows, -1)[:, 0].astype(np.float64)
        shuffled = random_state.permutation(self.n_rows)
        order = np.lexsort([shuffled, along])
        position = np.empty(self.n_rows)
        position[order] = np.arange(self.n_rows)
        for group in range(self.targets.n_groups):
            members = np.flatnonzero(groups == group)
            places[members] = fair_places(
                position[members], self.sample_weight[members]
            )
        return places
