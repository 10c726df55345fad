"""How an outer optimizer ended, and what a user can do about it."""

from enum import Enum
from typing import NamedTuple

import numpy as np


class Outcome(Enum):
    """How an optimizer ended; the value is the remedy, empty where none is needed."""

    CONVERGED = ""
    #: A callback asked for it.
    STOPPED = " "
    MAX_ITER = (
        "The outer loss did not converge within max_iter={max_iter} iterations. The "
        "rows are usable; raise max_iter or tol, or scale the features."
    )
    STALLED = (
        "The outer loss could not be lowered any further, although its gradient is not "
        "zero: it is not smooth there, or rounding hides the descent. The rows are "
        "usable; scale the features and the targets, raise tol, or start from others "
        "(init)."
    )
    NOT_FINITE = (
        "The outer loss or its gradient became infinite or NaN. The best rows before "
        "that are returned; scale the features and the targets, or start from others "
        "(init)."
    )

    def warning(self, **settings):
        """Return the text of a ConvergenceWarning, empty where there is none."""
        return self.value.format(**settings).strip()


class OuterResult(NamedTuple):
    """Where an outer optimizer ended.

    Attributes
    ----------
    x : ndarray
        Best vector.
    value : float
        Its value, as the optimizer judged it.
    n_iter : int
        Outer iterations.
    outcome : Outcome
        How it ended.
    """

    x: np.ndarray
    value: float
    n_iter: int
    outcome: Outcome
