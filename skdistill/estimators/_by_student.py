"""Distilling with a student: read the rows, pose the problem, solve it, refit."""

from skdistill.estimators._refit import Refit
from skdistill.estimators._requests import check_requests
from skdistill.optimizers._outcome import Outcome
from skdistill.real._reading import read_rows
from skdistill.solvers._blas import blas_threads_for, single_blas_thread
from skdistill.solvers._distill import Distilled, distill
from skdistill.solvers._iterate import solver_of
from skdistill.solvers._problem import pose
from skdistill.students import NotMirrored, roles_of
from skdistill.tables._columns import named_categories
from skdistill.tables._reading import NotNumbersError, readable


class ByStudent:
    """The way of estimators that a student mirrors.

    Parameters
    ----------
    distiller : DatasetDistiller
        Its parameters.
    estimator : estimator object
        Unfitted.
    student_of : callable
        ``student_of(spec) -> Student``.
    X, y, sample_weight : array-like
        The real rows, as they came.
    """

    def __init__(self, distiller, estimator, student_of, X, y, sample_weight):
        roles = roles_of(estimator, X)
        if roles is not None and roles.is_picky:
            _refuse_other_categories(distiller.categorical_features, X, roles)
        try:
            real, self.columns = read_rows(distiller, X, y, sample_weight, roles)
        except NotNumbersError as error:
            if roles is None:
                raise
            raise NotMirrored(
                f"{type(estimator).__name__} cannot be differentiated on this table: "
                f"{error}"
            ) from error
        spec = real.targets.spec(real.n_features)
        student = student_of(spec._replace(layout=self.columns.layout))
        check_requests(distiller, estimator, student, real.targets)
        if distiller.solver == "exact" and self.columns.rounds:
            discrete = self.columns.names(self.columns.is_discrete)
            raise ValueError(
                "solver='exact' is not possible with columns that are rounded: "
                f"{discrete}. Pass solver='auto', or floats."
            )
        with single_blas_thread():  # k-means sets the same limit, for itself alone
            self.problem = pose(distiller, real, self.columns, student)
        student.refuse_rows(len(self.problem.start.X))
        self.refit = Refit(estimator, self.problem, self.columns)

    def distill(self, report):
        """Return the ``Distilled`` set."""
        with blas_threads_for(self.problem):
            return distill(self.problem, self.columns, report)

    def snapshot(self, synthetic):
        """Return the attributes of a set on the way."""
        return self.refit.snapshot(synthetic)

    def interrupted(self, synthetic):
        """Return the ``Distilled`` of the best set before an interrupt."""
        return Distilled(synthetic, Outcome.STOPPED, solver_of(self.problem))

    def store(self, distiller, result, report):
        """Give the distiller its fitted attributes."""
        self.refit.store(distiller, result, report)


def _refuse_other_categories(categorical_features, X, roles):
    """Raise NotMirrored for categories that the estimator takes for numbers."""
    named = named_categories(readable(X), categorical_features)
    if named is not None and (named & ~roles.is_category).any():
        raise NotMirrored(
            f"categorical_features={categorical_features!r} names columns that the "
            "pipeline does not one-hot encode itself, which cannot be differentiated. "
            "Add a OneHotEncoder for them."
        )
