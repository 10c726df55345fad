"""Outcomes of an outer optimizer, with the warnings that say what to do."""

from enum import Enum
from typing import NamedTuple

import numpy as np


class Outcome(Enum):
    """How an optimizer ended. The value is the text of the warning, if any."""

    CONVERGED = ""
    #: A callback requested to stop.
    STOPPED = " "
    MAX_ITER = (
        "The outer loss did not converge within max_iter={max_iter} iterations. The "
        "rows are usable. To improve them, raise max_iter or scale the features. To "
        "stop earlier, raise tol."
    )
    STALLED = (
        "The outer loss could not be lowered any further, although its gradient is not "
        "zero. Either it is not smooth here, or the decrease is below rounding errors. "
        "The rows are usable. To improve them, scale the features and the targets, or "
        "start from other rows (init). To stop earlier, raise tol."
    )
    NOT_FINITE = (
        "The outer loss or its gradient became infinite or NaN. The best rows before "
        "that are returned. Scale the features and the targets, or start from other "
        "rows (init)."
    )

    def warning(self, **settings):
        """Return the text of a ConvergenceWarning, or an empty string."""
        return self.value.format(**settings).strip()


class OuterResult(NamedTuple):
    """Result of an outer optimizer.

    Attributes
    ----------
    x : ndarray
        Best vector.
    value : float
        Its value, as the optimizer judged it.
    n_iter : int
        Number of outer iterations.
    outcome : Outcome
        How it ended.
    """

    x: np.ndarray
    value: float
    n_iter: int
    outcome: Outcome
