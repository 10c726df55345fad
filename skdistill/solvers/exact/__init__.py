"""Exact sets: rows that reproduce the model fitted on all real rows.

For linear students, also behind a scaler, the rows solve the stationarity equations of
the model. For students made of moments, the rows have the moments of the real data.
"""

from skdistill.solvers._problem import Start
from skdistill.solvers.exact._linear import reach_model_linear
from skdistill.solvers.exact._moments import has_moments, reach_model_moments
from skdistill.solvers.exact._scaled import is_scaled, reach_model_scaled
from skdistill.solvers.exact._sparse import reach_model_sparse
from skdistill.students.linear._base import LinearStudent
from skdistill.students.linear._sparse_base import SparseLinearStudent


def reach_model(problem, report):
    """Find rows that reproduce the model of all rows, or that come near it.

    It is called before the bilevel iteration.

    Parameters
    ----------
    problem : Problem
        The problem to solve.
    report : Report
        Takes note of the iterations towards the model.

    Returns
    -------
    Start
        The best rows. For other students these are the starting rows of the problem.

    Raises
    ------
    ValueError
        If ``solver="exact"`` and no rows reproduce the model.
    """
    options = problem.options
    if options.solver != "adam":
        if isinstance(problem.student, SparseLinearStudent):
            return reach_model_sparse(problem, report)
        if isinstance(problem.student, LinearStudent):
            return reach_model_linear(problem, report)
        if is_scaled(problem):
            return reach_model_scaled(problem, report)
        if has_moments(problem):
            return reach_model_moments(problem)
    if options.solver == "exact":
        raise ValueError(
            "solver='exact' is not supported for this estimator and these settings. "
            "Pass solver='auto'."
        )
    return Start(problem.start, lambda _: options.units)
