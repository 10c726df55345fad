"""Distilling for any estimator, by refits of the estimator itself.

A small set is made of cells of real rows (``_sets``), starts from k-means or from drawn
rows (``_starts``), is changed by moves (``_moves``) towards rows that are typical of
their class (``_typical``), and judged by the loss of refits on real rows (``_judging``,
``_losses``, ``_estimators``). No student takes part. Imports ``real``, ``synthetic``
and ``optimizers``.
"""

from skdistill.solvers.search._problem import SearchProblem
from skdistill.solvers.search._search import Searched, search

__all__ = ["SearchProblem", "Searched", "search"]
