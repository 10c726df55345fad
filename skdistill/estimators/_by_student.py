"""Distilling with a student.

It reads the rows, poses the problem, solves it and refits the estimator.
"""

from scipy.sparse import issparse

from skdistill._sklearn_compat import _num_samples
from skdistill.estimators._any_estimator import tags_of
from skdistill.estimators._by_blocks import first_rows
from skdistill.estimators._refit import Refit
from skdistill.estimators._requests import check_requests
from skdistill.optimizers._outcome import Outcome
from skdistill.real._base import NeedsFeatures
from skdistill.real._reading import read_rows
from skdistill.real.sources import source_of
from skdistill.solvers._blas import blas_threads_for, single_blas_thread
from skdistill.solvers._distill import Distilled, distill
from skdistill.solvers._problem import pose
from skdistill.students import NotMirrored, roles_of
from skdistill.tables._columns import named_categories
from skdistill.tables._reading import NotNumbersError, readable

#: Maximum number of entries of a set that is learned from sparse rows.
MAX_SPARSE_ENTRIES = 2**21


class ByStudent:
    """Distills for an estimator that a student mirrors.

    Parameters
    ----------
    distiller : DatasetDistiller
        Its parameters.
    estimator : estimator object
        Unfitted.
    student_of : callable
        ``student_of(task) -> Student``.
    X, y, sample_weight : array-like
        The real rows, as they came.
    """

    def __init__(self, distiller, estimator, student_of, X, y, sample_weight):
        _refuse_sparse(estimator, X)
        source = source_of(X, y, sample_weight)
        X = X if source is None else source  # reads its lengths only once
        first = first_rows(X)
        roles = roles_of(estimator, first)
        if roles is not None and roles.is_picky:
            _refuse_other_categories(distiller.categorical_features, first, roles)
        try:
            real, self.columns = read_rows(distiller, X, y, sample_weight, roles)
        except NotNumbersError as error:
            if roles is None:
                raise
            raise NotMirrored(
                f"{type(estimator).__name__} cannot be differentiated on this table: "
                f"{error}"
            ) from error
        task = real.targets.task(real.n_features)
        student = student_of(task._replace(layout=self.columns.layout))
        student.refuse_range(real.low, real.high)
        check_requests(distiller, estimator, student, real.targets)
        real = self._of_common_features(distiller, real, student)
        if distiller.solver == "exact" and self.columns.rounds:
            discrete = self.columns.names(self.columns.is_discrete)
            raise ValueError(
                "solver='exact' is not possible with columns that are rounded: "
                f"{discrete}. Pass solver='auto', or convert these columns to floats."
            )
        with single_blas_thread():  # k-means sets this limit only for itself
            self.problem = pose(distiller, real, self.columns, student)
        student.refuse_rows(len(self.problem.start.X))
        with blas_threads_for(self.problem):
            _refuse_unseen(estimator, self.problem)
        self.refit = Refit(estimator, self.problem, self.columns)

    def _of_common_features(self, distiller, real, student):
        """Leave out rare features of sparse rows if the set would be too large.

        Raises
        ------
        NotMirrored
            If the student counts features, so that rows are searched for instead.
        ValueError
            If no features can be left out for this solver or student.

        Returns
        -------
        RealRows
            The rows with the features in which the set is learned.
        """
        if not self.columns.leaves_out:
            return real
        init = distiller.init
        if distiller.n_synthetic == "auto" and isinstance(init, tuple) and init:
            size = _num_samples(readable(init[0], "X of init"))
        else:
            n_synthetic, counts = distiller.n_synthetic, real.group_counts
            size = real.targets.rows_of_groups(n_synthetic, counts).sum()
        narrow, kept = real.in_common_features(max(MAX_SPARSE_ENTRIES // size, 1))
        if kept is None:
            return real
        student.refuse_left_out()
        if distiller.solver == "exact" or not student.ignores_zeros:
            raise ValueError(
                f"{size} synthetic rows of {real.n_features} features have more than "
                f"{MAX_SPARSE_ENTRIES} entries, so the rarest features would have to "
                "be left out. This is not possible with solver='exact', pipelines and "
                "registered students. Pass a smaller n_synthetic, or fewer features."
            )
        self.columns.keep(kept)
        return narrow

    def distill(self, report):
        """Return the ``Distilled`` set."""
        with blas_threads_for(self.problem):
            return distill(self.problem, self.columns, report)

    def snapshot(self, synthetic):
        """Return the fitted attributes for a set before the fit has ended."""
        return self.refit.snapshot(synthetic)

    def store_interrupted(self, distiller, report):
        """Give the distiller the best set before an interrupt."""
        synthetic, loss = report.kept
        found = Distilled(synthetic, Outcome.STOPPED, self.problem.solver)
        # Reading the rows may have failed: do not read them again for the loss.
        known_loss = loss if self.problem.real.is_reread else None
        self.refit.store(distiller, found, report, known_loss)

    def store(self, distiller, result, report):
        """Give the distiller its fitted attributes."""
        self.refit.store(distiller, result, report)


def _refuse_sparse(estimator, X):
    """Raise a TypeError for sparse rows if the estimator does not take them."""
    if issparse(X) and not tags_of(estimator).input_tags.sparse:
        raise TypeError(
            f"{type(estimator).__name__} does not take sparse data, but X is a sparse "
            "matrix. Pass X.toarray(), or another estimator."
        )


def _refuse_unseen(estimator, problem):
    """Raise NotMirrored if predictions need more of sparse rows than products."""
    try:
        problem.sample_loss.refuse(lambda: problem.student.solve(problem.start))
    except NeedsFeatures as reason:
        raise NotMirrored(
            f"{estimator!r} cannot be distilled by gradient with sparse X, because its "
            "predictions need more of the rows than products with them. Pass "
            "X.toarray(), or solver='search'."
        ) from reason


def _refuse_other_categories(categorical_features, X, roles):
    """Raise NotMirrored for categories that the estimator does not encode itself."""
    named = named_categories(readable(X), categorical_features)
    if named is not None and (named & ~roles.is_category).any():
        raise NotMirrored(
            f"categorical_features={categorical_features!r} names columns that the "
            "pipeline does not one-hot encode itself, so it cannot be differentiated. "
            "Add a OneHotEncoder for these columns to the pipeline."
        )
