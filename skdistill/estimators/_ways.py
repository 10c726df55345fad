"""By a student where there is one for the estimator, by search otherwise."""

from functools import partial

from skdistill.estimators._by_search import BySearch
from skdistill.estimators._by_student import ByStudent
from skdistill.estimators._fitting import warn
from skdistill.students import (
    NotMirrored,
    has_student,
    reads_tables,
    refuse_unmirrored,
    roles_of,
    student_for,
)
from skdistill.tables._columns import read_table


def is_searched(solver, estimator, X=None):
    """Return whether rows are found by search: asked for, or without a student.

    With the rows ``X`` as they came, also whether a step reads their columns in a way
    that no student mirrors.
    """
    if solver != "auto":
        return solver == "search"
    try:
        refuse_unmirrored(estimator)
        if X is not None:
            roles_of(estimator, X)
    except NotMirrored:
        return True
    return False


def takes_rows_as_they_come(solver, estimator):
    """Return whether gaps and categories are left to the estimator."""
    return is_searched(solver, estimator) or reads_tables(estimator)


def encoder_before(distiller, X):
    """Return what encodes categories before the estimator of a distiller, or None."""
    estimator = distiller._estimator()
    if is_searched(distiller.solver, estimator, X):
        return None
    roles = roles_of(estimator, X)
    table = read_table(X, distiller.categorical_features, None, roles)
    return table.encoder if table.encodes else None


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
