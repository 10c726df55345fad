"""Rows with learned numeric targets on which a linear student trains to a given model.

The stationarity equations are ``W = A' S`` and ``A' 1 = c b``, see ``_given_targets``.
If targets are learned, the pulls ``A`` can be chosen freely, because suitable targets
follow from ``Z = S W' + b``; for ridge regression they are
``Y = Z + alpha diag(1/w) A``. So choose any ``A`` (m, k) that fulfills the second
equation and whose rows span the columns of ``W``. Then the closest rows to reference
rows ``S0``,

    S = S0 + pinv(A)' (W - A' S0)

with these targets, train to ``(W, b)`` for any norm of ``W``. This requires
``m >= rank(W)`` rows, and one more with a free intercept, because the columns of ``A``
then sum to zero. (Chen, Huang and Weng, "Provable and Efficient Dataset Distillation
for Kernel Ridge Regression", NeurIPS 2024, Theorem 4.1, prove this for ridge regression
without intercept.) Least squares have no penalty, and their targets are ``Z``, without
error. Then ``W = A' S`` says that ``W`` is in the span of the rows, so it is the
solution of minimum norm.

Large pulls ``A`` move the rows little but the targets far from the model. So several
candidates are tried: ridge regressions of ``W`` on the rows,
``A = inv(K + l I) S0 W'`` with ``K = S0 S0'``. With more rows than features and a small
``l``, the rows do not move at all.

If rows or targets of all candidates exceed the range of the data, two steps alternate.
Given ``A``, alternating projections find rows in a box that solve the equations. Given
the rows, they find pulls in a box, which correspond to targets in a box.
"""

from copy import copy
from itertools import chain

import numpy as np
from scipy.linalg import eigh, helmert

from skdistill.solvers.exact._span import project_into_box

#: Values of ``l``, relative to the largest eigenvalue of ``K``.
RIDGES = np.geomspace(1e-10, 1e2, 25)
#: Maximum number of alternations between rows and pulls.
MAX_TURNS = 5
#: Maximum number of sets from which alternations start.
MAX_ALTERNATIONS = 5
#: Maximum error of the equations, relative to the model, of an exact set.
ROUNDING = 1e-9
#: No bounds.
FREE = (-np.inf, np.inf)


def rows_needed(student, span):
    """Return the minimum number of rows that reproduce a model by learned targets."""
    return span.V.shape[1] + student.is_centered


def reproducing_sets(
    student,
    params,
    synthetic,
    bounds,
    scale,
    target_scale,
    *,
    target_bounds=FREE,
    ranges=FREE,
    target_ranges=FREE,
    wanted=None,
):
    """Yield sets that train to a model, the most plausible ones first.

    Sets within the ranges of the data come first, and of these the nearest ones to the
    reference.

    Parameters
    ----------
    student : LinearStudent
        Gives the loss and says whether there is an intercept.
    params : LinearParams
        The model to reproduce.
    synthetic : SyntheticSet
        Reference rows, with the weights and ``C`` that they train with.
    bounds : tuple of two ndarrays of shape (p,)
        Minimum and maximum of each feature. All sets meet them, even if they do not
        train to the model then.
    scale : ndarray of shape (p,)
        Unit of each feature.
    target_scale : float or ndarray of shape (k,)
        Unit of each target.
    target_bounds : tuple of two floats or ndarrays of shape (k,), default=FREE
        Minimum and maximum of each target, which all sets meet, too.
    ranges, target_ranges : tuples of two, default=FREE
        Preferred bounds of features and targets: the ranges of the data.
    wanted : ndarray of shape (k, p), default=None
        The required sum ``A' S``; by default it is the coefficients.

    Yields
    ------
    SyntheticSet
        Rows within the bounds and their targets.
    """
    units = scale, target_scale
    search = _Search(student, params, synthetic, units, bounds, target_bounds, wanted)
    plausible = search.restricted_to(ranges, target_ranges)

    @np.errstate(over="ignore", invalid="ignore")  # exponentials may overflow
    def shortfall(candidate):
        return not search.is_exact(candidate), plausible.excess(candidate)

    @np.errstate(over="ignore", invalid="ignore")
    def ranked(candidates):
        finite = (each for each in candidates if _is_finite(each))
        return sorted(
            finite, key=lambda each: (*shortfall(each), search.distance(each))
        )

    pulls = list(search.pulls())
    candidates = ranked(map(search.moved, pulls))
    if candidates and any(shortfall(candidates[0])):
        inside = [plausible.moved(A) for A in pulls]
        candidates = ranked([*candidates, *inside])
    if candidates and any(shortfall(candidates[0])):
        turns = (
            plausible.alternate(each) for each in ranked(inside)[:MAX_ALTERNATIONS]
        )
        candidates = ranked([*candidates, *chain.from_iterable(turns)])
    yield from candidates


class _Search:
    """The search for sets that train to a model, within bounds.

    Parameters
    ----------
    student, params, synthetic, bounds, target_bounds, wanted
        As for ``reproducing_sets``.
    units : tuple of (scale, target_scale)
        As for ``reproducing_sets``.
    """

    def __init__(
        self, student, params, synthetic, units, bounds, target_bounds, wanted
    ):
        self.student, self.synthetic = student, synthetic
        self.W, self.b = params
        self.wanted = self.W if wanted is None else wanted
        self.balance = student.intercept_penalty * self.b
        self.has_pulls = np.isfinite(student.strength_on(synthetic))
        self.scale, self.target_scale = units
        self.bounds, self.target_bounds = bounds, target_bounds

    def restricted_to(self, ranges, target_ranges):
        """Return the same search with bounds that are also within ranges."""
        search = copy(self)
        search.bounds = _intersection(self.bounds, ranges)
        search.target_bounds = _intersection(self.target_bounds, target_ranges)
        return search

    def pulls(self):
        """Yield candidates for ``A`` (m, k)."""
        X, student = self.synthetic.X, self.student
        # Rows in units of the features, centered if there is a free intercept.
        rows = (X - X.mean(axis=0) * student.is_centered) / self.scale
        wanted = self.wanted / self.scale
        common = np.repeat(self.balance[None] / len(rows), len(rows), axis=0)
        if student.intercept_penalty:
            # The mean of the pulls is given, so find the centered rest.
            wanted = wanted - common.T @ rows
            rows = rows - rows.mean(axis=0)
        for centered in _pulls(rows, wanted, student):
            yield common + centered

    def moved(self, A, reference=None):
        """Return the nearest rows to a reference for pulls ``A``, and their targets."""
        X = self.synthetic.X if reference is None else reference
        inverse = np.linalg.pinv(A, rcond=1e-12).T

        def project(X):
            X = X + self.scale * (inverse @ ((self.wanted - A.T @ X) / self.scale))
            # A second time, to correct rounding errors.
            return X + self.scale * (inverse @ ((self.wanted - A.T @ X) / self.scale))

        X = project_into_box(project, X, self.bounds)
        y = self.student.targets_for(self.raw(X), A, self.synthetic)
        return self.synthetic._replace(X=X, y=np.clip(y, *self.target_bounds))

    def alternate(self, candidate):
        """Yield the sets of alternations between rows and pulls."""
        for _ in range(MAX_TURNS * self.has_pulls):
            candidate = self.moved(self.pulls_within(candidate), candidate.X)
            yield candidate

    def pulls_within(self, candidate):
        """Return the nearest pulls that solve the equations for targets in bounds."""
        X = candidate.X
        equations = np.column_stack([X / self.scale, np.ones(len(X))])
        wanted = np.column_stack([self.wanted / self.scale, self.balance]).T
        if not self.student.fit_intercept:
            equations, wanted = equations[:, :-1], wanted[:-1]
        inverse = np.linalg.pinv(equations.T, rcond=1e-12)

        def project(A):
            return A + inverse @ (wanted - equations.T @ A)

        ends = [
            self.student.pull(self.raw(X), candidate._replace(y=self.targets(end)))
            for end in self.target_bounds
        ]
        return project_into_box(
            project, self.student.pull(self.raw(X), candidate), ends
        )

    def targets(self, value):
        """Return constant targets in the shape of the targets of the set."""
        y = self.synthetic.y
        return np.broadcast_to(value, y.reshape(len(y), -1).shape).reshape(y.shape)

    def raw(self, X):
        """Return the raw predictions of the model."""
        return X @ self.W.T + self.b

    def is_exact(self, candidate):
        """Whether the equations hold for a set."""
        X, raw = candidate.X, self.raw(candidate.X)
        if self.has_pulls:
            A = self.student.pull(raw, candidate)
        elif np.allclose(candidate.y, raw.reshape(candidate.y.shape)):
            # Without errors the pulls do not follow from the targets: use the rows.
            rows = X - X.mean(axis=0) * self.student.is_centered
            A = np.linalg.lstsq(rows.T, self.wanted.T, rcond=None)[0]
        else:
            return False
        error = np.abs(A.T @ X - self.wanted) / self.scale
        if error.max() > ROUNDING * np.abs(self.wanted / self.scale).max():
            return False
        off_balance = np.abs(A.sum(axis=0) - self.balance) * self.student.fit_intercept
        return (off_balance <= ROUNDING * np.abs(A).sum(axis=0)).all()

    def excess(self, candidate):
        """Return the mean square of the distances beyond the bounds, in units."""
        return sum(
            np.mean(np.maximum(np.maximum(low - value, value - high) / unit, 0.0) ** 2)
            for value, (low, high), unit in (
                (candidate.X, self.bounds, self.scale),
                (candidate.y, self.target_bounds, self.target_scale),
            )
        )

    def distance(self, candidate):
        """Return the mean square distance of rows from the reference.

        The mean square distance of targets from the model is added.
        """
        X, y = candidate.X, candidate.y
        raw = self.raw(X)
        predicted = self.student.targets_for(raw, np.zeros_like(raw), self.synthetic)
        error = (y - predicted).reshape(len(y), -1) / self.target_scale
        moved = (X - self.synthetic.X) / self.scale
        return np.mean(moved**2) + np.mean(error**2)


def _is_finite(synthetic):
    return np.isfinite(synthetic.X).all() and np.isfinite(synthetic.y).all()


def _intersection(bounds, ranges):
    """Return ranges clipped to the bounds."""
    return tuple(np.clip(end, *bounds) for end in ranges)


def _pulls(rows, wanted, student):
    """Yield candidates for ``A`` (m, k) with ``A' rows`` near ``wanted``."""
    m = len(rows)
    eigenvalues, vectors = eigh(rows @ rows.T)
    # Drop eigenvalues that are only rounding errors of the centering.
    is_felt = eigenvalues > 1e-13 * eigenvalues[-1]
    eigenvalues, vectors = eigenvalues[is_felt], vectors[:, is_felt]
    aim = vectors.T @ (rows @ wanted.T)
    if len(eigenvalues):
        for ridge in RIDGES * eigenvalues[-1]:
            A = vectors @ (aim / (eigenvalues + ridge)[:, None])
            yield A - student.fit_intercept * A.mean(axis=0)
    if student.intercept_penalty:
        # With these, the rows pull only at the intercept.
        yield np.zeros((m, len(wanted)))
    # If the rows do not span the model, take other pulls of about its size.
    V, singular, _ = np.linalg.svd(wanted, full_matrices=False)
    rank = np.sum(singular > 1e-12 * singular[0])
    apart = helmert(m).T if student.fit_intercept else np.eye(m)
    if rank <= apart.shape[1]:
        yield apart[:, :rank] @ (V[:, :rank] * singular[:rank]).T
