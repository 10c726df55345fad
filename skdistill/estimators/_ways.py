"""Choice between distilling with a student and by search."""

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
    """Return whether rows are found by search, on request or without a student.

    If the rows ``X`` are given as they came, this includes the case that a step reads
    their columns in a way that no student mirrors.
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
    """Return whether the estimator gets missing values and categories itself."""
    return is_searched(solver, estimator) or reads_tables(estimator)


def encoder_before(distiller, X):
    """Return the encoder of categories before the estimator of a distiller, or None."""
    estimator = distiller._estimator()
    if is_searched(distiller.solver, estimator, X):
        return None
    roles = roles_of(estimator, X)
    table = read_table(X, distiller.categorical_features, None, roles)
    return table.encoder if table.encodes else None


def way_for(distiller, estimator, X, y, sample_weight):
    """Return the object that distills for an estimator, with a student or by search.

    Parameters
    ----------
    distiller : DatasetDistiller
        Its parameters say how to distill.
    estimator : estimator object
        Unfitted.
    X, y, sample_weight : array-like
        The real rows, as they came.

    Returns
    -------
    ByStudent or BySearch
        It poses the problem, solves it and stores the result.

    Raises
    ------
    NotMirrored
        If ``solver`` needs a student, and no student mirrors the estimator.
    """
    rows = X, y, sample_weight
    solver = distiller.solver
    if solver == "search" or (solver == "auto" and not has_student(estimator)):
        return BySearch(distiller, estimator, *rows)
    student_of = partial(student_for, estimator, outer_loss=distiller.outer_loss)
    try:
        # Check first: rows that only a search can read must not be read as numbers.
        refuse_unmirrored(estimator)
        return ByStudent(distiller, estimator, student_of, *rows)
    except NotMirrored as reason:
        if solver != "auto":
            raise
        warn(f"{reason} The rows are found by search instead, see solver='search'.")
    return BySearch(distiller, estimator, *rows)
