"""Search for a set, for any estimator, by refits of the estimator.

A set consists of cells of real rows (``_sets``). The search starts from k-means centers
or random rows (``_starts``). Moves (``_moves``) change the set, preferring cells of
rows that are typical of their class (``_typical``). Sets are compared (``_contest``) by
the loss (``_losses``) of refits (``_refits``, ``_estimators``) on real rows. The room
imports ``real``, ``synthetic``, ``optimizers``, and ``students`` for class weights.
"""

from skdistill.solvers.search._problem import SearchProblem
from skdistill.solvers.search._search import Searched, search

__all__ = ["SearchProblem", "Searched", "search"]
