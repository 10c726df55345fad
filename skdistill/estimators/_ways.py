"""By a student where there is one for the estimator, by search otherwise."""

from functools import partial

from sklearn.ensemble import VotingClassifier, VotingRegressor

from skdistill._registered import registered_student
from skdistill.estimators._by_search import BySearch
from skdistill.estimators._by_student import ByStudent
from skdistill.estimators._fitting import warn
from skdistill.students import NotMirrored, has_student, student_for


def is_searched(solver, estimator):
    """Return whether rows are found by search: asked for, or without a student."""
    if solver != "auto":
        return solver == "search"
    return not has_student(estimator) or bool(_members_without_student(estimator))


def _members_without_student(estimator):
    """Return the members of a voting ensemble, at any depth, that have no student."""
    is_voting = type(estimator) in (VotingClassifier, VotingRegressor)
    if not is_voting or registered_student(type(estimator)):
        return [] if has_student(estimator) else [estimator]
    members = [member for _, member in estimator.estimators if member != "drop"]
    return [each for member in members for each in _members_without_student(member)]


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
    if is_searched(solver, estimator):
        if solver == "auto" and has_student(estimator):
            # Before the rows are read: these members may take what no student does.
            names = {
                type(each).__name__ for each in _members_without_student(estimator)
            }
            warn(
                f"There is no student for {', '.join(sorted(names))} within "
                f"{type(estimator).__name__}. Its rows are found by search instead, "
                "see solver='search'."
            )
        return BySearch(distiller, estimator, *rows)
    student_of = partial(student_for, estimator, outer_loss=distiller.outer_loss)
    try:
        return ByStudent(distiller, estimator, student_of, *rows)
    except NotMirrored as reason:
        if solver != "auto":
            raise
        warn(f"{reason} Its rows are found by search instead, see solver='search'.")
    return BySearch(distiller, estimator, *rows)
