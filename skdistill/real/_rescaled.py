"""Real rows with shifted and scaled features, without a copy."""

import numpy as np

from skdistill.real._base import RealRows


class RescaledRows(RealRows):
    """Real rows ``(X - center) / scale``, without a copy of all rows.

    Parameters
    ----------
    real : RealRows
        The rows.
    center, scale : ndarray of shape (p,)
        Shift and divisor of each feature.
    """

    def __init__(self, real, center, scale):
        self.real, self.center, self.scale = real, center, scale
        self.n_rows, self.n_features = real.n_rows, real.n_features
        self.dtype, self.total_weight = real.dtype, real.total_weight
        self.targets = real.targets

    def map_sum(self, function, *arguments, rows=None):
        """Sum a function over chunks of rows, see ``RealRows``."""
        rescaled = _OfRescaled(function, self.center, self.scale)
        return self.real.map_sum(rescaled, *arguments, rows=rows)

    def take(self, rows):
        """Return the rows with some indices."""
        return _rescaled(self.real.take(rows), self.center, self.scale)

    def draw(self, sizes, random_state, offset=0.5):
        """Draw rows from every group, see ``RealRows``."""
        return self.real.draw(sizes, random_state, offset)

    def labels(self):
        """Return all targets."""
        return self.real.labels()

    def places(self, random_state):
        """Place every row in [0, 1), see ``RealRows``."""
        return self.real.places(random_state)

    def weighted_by(self, function):
        """Return the same rows with other weights."""
        return self._of(self.real.weighted_by(function))

    def only(self, rows):
        """Return a part of the rows, see ``RealRows``."""
        return self._of(self.real.only(rows))

    def _of(self, real):
        return RescaledRows(real, self.center, self.scale)

    @property
    def n_at_hand(self):
        """Number of rows that can be taken one by one."""
        return self.real.n_at_hand

    @property
    def group_counts(self):
        """Number of rows in each group."""
        return self.real.group_counts

    @property
    def group_weight(self):
        """Total weight of each group."""
        return self.real.group_weight

    @property
    def passed(self):
        """Positions among the rows that the user passed."""
        return self.real.passed

    @property
    def n_passed(self):
        """Number of rows that the user passed."""
        return self.real.n_passed

    @property
    def low(self):
        """Minimum of each feature."""
        return (self.real.low - self.center) / self.scale

    @property
    def high(self):
        """Maximum of each feature."""
        return (self.real.high - self.center) / self.scale


class _OfRescaled:
    """Applies a function to chunks after rescaling them. It can be pickled."""

    def __init__(self, function, center, scale):
        self.function, self.center, self.scale = function, center, scale

    def __call__(self, chunk, *arguments):
        return self.function(_rescaled(chunk, self.center, self.scale), *arguments)


def _rescaled(chunk, center, scale):
    dtype = chunk.X.dtype
    X = (np.asarray(chunk.X) - center.astype(dtype)) / scale.astype(dtype)
    return chunk._replace(X=X)
