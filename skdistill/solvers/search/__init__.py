"""Distilling for any estimator, by refits of the estimator itself.

A small set is made of cells of real rows (``_sets``), starts from k-means or from drawn
rows (``_starts``), is changed by moves (``_moves``) towards rows that are typical of
their class (``_typical``), and judged (``_contest``) by the loss (``_losses``) of
refits (``_refits``, ``_estimators``) on real rows. Imports ``real``, ``synthetic``,
``optimizers``, and ``students`` for class weights.
"""

from skdistill.solvers.search._problem import SearchProblem
from skdistill.solvers.search._search import Searched, search

__all__ = ["SearchProblem", "Searched", "search"]
