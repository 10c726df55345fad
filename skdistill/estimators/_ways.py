"""By a student where there is one for the estimator, by search otherwise."""

from functools import partial

from skdistill.estimators._by_search import BySearch
from skdistill.estimators._by_student import ByStudent
from skdistill.estimators._fitting import warn
from skdistill.students import (
    NotMirrored,
    has_student,
    refuse_unmirrored,
    student_for,
)


def is_searched(solver, estimator):
    """Return whether rows are found by search: asked for, or without a student."""
    if solver != "auto":
        return solver == "search"
    try:
        refuse_unmirrored(estimator)
    except NotMirrored:
        return True
    return False


def way_for(distiller, estimator, X, y, sample_weight):
    """Return how to distill: what poses, solves and stores.

    Parameters
    ----------
    distiller : DatasetDistiller
        Its parameters say what is asked for.
    estimator : estimator object
        Unfitted.
    X, y, sample_weight : array-like
        The real rows, as they came.

    Returns
    -------
    ByStudent or BySearch
        The way.

    Raises
    ------
    NotMirrored
        If a solver is asked for that needs a student, and none will do.
    """
    rows = X, y, sample_weight
    solver = distiller.solver
    if solver == "search" or (solver == "auto" and not has_student(estimator)):
        return BySearch(distiller, estimator, *rows)
    student_of = partial(student_for, estimator, outer_loss=distiller.outer_loss)
    try:
        # What only search can read is not read as numbers.
        refuse_unmirrored(estimator)
        return ByStudent(distiller, estimator, student_of, *rows)
    except NotMirrored as reason:
        if solver != "auto":
            raise
        warn(f"{reason} Its rows are found by search instead, see solver='search'.")
    return BySearch(distiller, estimator, *rows)
