"""Distilling with a student: read the rows, pose the problem, solve it, refit."""

from scipy.sparse import issparse

from skdistill.estimators._any_estimator import tags_of
from skdistill.estimators._refit import Refit
from skdistill.estimators._requests import check_requests
from skdistill.optimizers._outcome import Outcome
from skdistill.real._base import NeedsFeatures
from skdistill.real._reading import read_rows
from skdistill.solvers._blas import blas_threads_for, single_blas_thread
from skdistill.solvers._distill import Distilled, distill
from skdistill.solvers._iterate import solver_of
from skdistill.solvers._problem import pose
from skdistill.students import NotMirrored


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
        _refuse_sparse(estimator, X)
        real, self.columns = read_rows(distiller, X, y, sample_weight)
        student = student_of(real.targets.spec(real.n_features))
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
        _refuse_unseen(estimator, self.problem)
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


def _refuse_sparse(estimator, X):
    """Raise a TypeError for sparse rows, of which the estimator could predict none."""
    if issparse(X) and not tags_of(estimator).input_tags.sparse:
        raise TypeError(
            f"{type(estimator).__name__} does not take sparse data, but X is a sparse "
            "matrix. Pass X.toarray(), or another estimator."
        )


def _refuse_unseen(estimator, problem):
    """Raise NotMirrored if predictions of sparse rows take more than products."""
    try:
        problem.sample_loss.refuse(problem.student.solve(problem.start))
    except NeedsFeatures as reason:
        raise NotMirrored(
            f"{estimator!r} cannot be distilled by gradient with sparse X: predicting "
            "takes more of its rows than products with them. Pass X.toarray(), or "
            "solver='search'."
        ) from reason
