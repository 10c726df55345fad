"""The inner problem of a linear student in the span of its samples, and its minimizer.

Some losses only have piecewise second derivatives. Newton's method converges in one
step once the pieces no longer change.

NumPy and SciPy solve the problem. At these sizes they are as fast as compiled code, and
there is nothing to compile.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.linalg.lapack import dpotri
from scipy.sparse.linalg import LinearOperator, cg

from skdistill.objectives._losses import PointwiseLoss

MAX_NEWTON_STEPS = 100
MAX_HALVINGS = 40
#: Maximum number of unknowns for which the Hessian is factorized.
MAX_DENSE_UNKNOWNS = 200
#: Maximum number of entries of the blocks of the preconditioner.
MAX_BLOCK_ENTRIES = 2**23
#: Maximum number of CG iterations, and number above which blocks are computed again.
MAX_CG_STEPS = 500
STALE_STEPS = 30


class InnerProblem(NamedTuple):
    """The inner problem in the span of the samples, as a function of ``theta``."""

    design: np.ndarray  # (m, r + 1), samples in the basis and a column for intercepts
    penalty: np.ndarray  # (r + 1, 1)
    y: np.ndarray  # (m,) or (m, k)
    weight: np.ndarray  # (m,), times C
    loss: PointwiseLoss
    origin: np.ndarray  # (r + 1, k), the start of training

    def value(self, theta):
        losses = self.loss.value(self.design @ theta, self.y)
        return self.weight @ losses + 0.5 * np.sum(self.penalty * theta**2)

    def gradient(self, theta):
        residual = self.loss.gradient(self.design @ theta, self.y)
        return self.design.T @ (self.weight[:, None] * residual) + self.penalty * theta

    def hessians(self, theta):
        """Return the second derivatives of the losses of rows, without weights."""
        return self.loss.hessian(self.design @ theta, self.y)

    def project(self, v):
        """Subtract the mean over outputs, on which the loss does not depend.

        This avoids a singular direction in conjugate gradients.
        """
        if self.loss.shift_invariant:
            v = v - v.mean(axis=1, keepdims=True)
        return v

    def hessian_solver(self, theta, rtol, preconditioner=None):
        """Return ``solve(rhs)`` for the Hessian at ``theta``; shapes are (r + 1, k).

        A small Hessian is factorized. For a large one, conjugate gradients are used,
        with a ``_Preconditioner`` at ``theta`` or near it.
        """
        hessians = self.hessians(theta)
        if theta.size <= MAX_DENSE_UNKNOWNS:
            solve_dense = self._factorize(hessians)
            return lambda rhs: self.project(solve_dense(self.project(rhs)))
        if preconditioner is None:
            preconditioner = _Preconditioner(self, hessians)
        shape, weight = theta.shape, self.weight[:, None]

        def product(v):
            v = v.reshape(shape)
            raw = weight * hessians.product(self.design @ v)
            return self.project(self.design.T @ raw + self.penalty * v).ravel()

        def precondition(v):
            return self.project(preconditioner.apply(v.reshape(shape))).ravel()

        def count(_):
            preconditioner.n_iter += 1

        def solve(rhs):
            preconditioner.n_iter = 0
            solution, _ = cg(
                LinearOperator((theta.size,) * 2, product),
                self.project(rhs).ravel(),
                rtol=rtol,
                maxiter=MAX_CG_STEPS,
                M=LinearOperator((theta.size,) * 2, precondition),
                callback=count,
            )
            return solution.reshape(shape)

        return solve

    def unit(self, curvature):
        """Return scales (r + 1, k) that give the Hessian a unit diagonal.

        They make the result independent of the units of features. ``curvature`` (m, k)
        includes the weights.
        """
        diagonal = (self.design**2).T @ curvature + self.penalty
        return 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))

    def _factorize(self, hessians):
        """Return a direct solver for the Hessian, with its diagonal scaled to one."""
        scale = self.unit(self.weight[:, None] * hessians.curvature)
        width, k = scale.shape
        matrix = np.empty((width, k, width * k))
        weighted = self.weight[:, None] * self.design
        for c in range(k):
            rows = weighted[:, :, None] * hessians.columns(c)[:, None, :]
            matrix[:, c] = self.design.T @ rows.reshape(len(rows), -1)
        matrix = matrix.reshape(width * k, -1)
        diagonal = np.arange(width * k)
        matrix[diagonal, diagonal] += np.repeat(self.penalty, k)
        flat = scale.ravel()
        matrix *= flat[:, None] * flat
        if self.loss.shift_invariant:
            # Add curvature in the singular direction, that of equal intercepts.
            null = np.zeros_like(scale)
            null[-1] = 1 / scale[-1]
            matrix += np.outer(null, null) / np.vdot(null, null)
        matrix[diagonal, diagonal] *= 1 + 1e-14 * width
        # If all rows have weight zero, the intercept has no curvature.
        matrix[diagonal, diagonal] += matrix[diagonal, diagonal] == 0
        factor = factor_unit_diagonal(matrix)

        def solve(rhs):
            solution = cho_solve(factor, (scale * rhs).ravel(), check_finite=False)
            return scale * solution.reshape(width, k)

        return solve


class _Preconditioner:
    """Inverses of the diagonal blocks of a Hessian, one for each output.

    They are exact for losses that do not couple outputs. For a softmax, about 10
    iterations remain. Outputs with equal curvature share a block. All outputs share
    that of the mean curvature if the blocks would be too large for the memory.

    Attributes
    ----------
    n_iter : int
        Iterations of the last solution; many mean that the blocks are out of date.
    """

    def __init__(self, problem, hessians):
        self.n_iter = 0
        design = problem.design
        width, k = design.shape[1], hessians.curvature.shape[1]
        curvature = problem.weight[:, None] * hessians.curvature
        if k * width**2 > MAX_BLOCK_ENTRIES:
            mean = curvature.mean(axis=1, keepdims=True)
            curvature = np.broadcast_to(mean, curvature.shape)
        self.scale = problem.unit(curvature)
        own, first, block_of = np.unique(
            curvature, axis=1, return_index=True, return_inverse=True
        )
        self.inverses = np.empty((len(first), width, width))
        for inverse, weight, c in zip(self.inverses, own.T, first, strict=True):
            felt = weight > 0
            rows = design if felt.all() else design[felt]
            block = (rows.T * weight[felt]) @ rows
            block[np.diag_indices_from(block)] += problem.penalty[:, 0]
            block *= self.scale[:, c, None] * self.scale[:, c]
            # The jitter prevents that rounding makes a singular block indefinite.
            np.fill_diagonal(block, 1 + 1e-14 * width)
            inverse[:] = _inverse(block)
        if len(first) > 1:
            self.inverses = self.inverses[block_of.ravel()]

    def apply(self, v):
        """Return the solutions (r + 1, k) for the blocks."""
        solved = self.inverses @ (self.scale * v).T[:, :, None]
        return self.scale * solved[:, :, 0].T


def _inverse(matrix):
    """Return the inverse of a positive definite matrix."""
    factor, _ = factor_unit_diagonal(matrix)
    inverse = np.triu(dpotri(factor)[0])
    return inverse + np.triu(inverse, 1).T


def factor_unit_diagonal(matrix):
    """Factorize a matrix of unit diagonal that may be indefinite by rounding.

    This happens if rounding errors of a large loss exceed the penalty. A jitter is then
    added until the matrix is positive definite.
    """
    jitter = 0.0
    while True:
        try:
            raised = matrix + jitter * np.eye(len(matrix)) if jitter else matrix
            return cho_factor(raised, check_finite=False)
        except LinAlgError:
            if not np.isfinite(matrix).all() or jitter > 1:
                raise
            jitter = max(100 * jitter, 1e-13)


def newton(problem, theta):
    """Minimize the inner objective by Newton's method with step halving."""
    value, at_origin = problem.value(theta), problem.value(problem.origin)
    if not value <= at_origin:
        # Do not use a start that is worse than the origin.
        theta, value = problem.origin, at_origin
    last_decrement, first_size, preconditioner = np.inf, None, None
    for _ in range(MAX_NEWTON_STEPS):
        gradient = problem.gradient(theta)
        # Early steps need not be precise; the last ones converge superlinearly.
        size = np.linalg.norm(gradient)
        first_size = size if first_size is None else first_size
        rtol = np.clip(size / first_size, 1e-6, 1e-1) if first_size else 1e-6
        is_large = theta.size > MAX_DENSE_UNKNOWNS
        if is_large and (preconditioner is None or preconditioner.n_iter > STALE_STEPS):
            preconditioner = _Preconditioner(problem, problem.hessians(theta))
        direction = -problem.hessian_solver(theta, rtol, preconditioner)(gradient)
        # Twice the distance to the minimum.
        decrement = -np.vdot(gradient, direction)
        rounding = 1e-14 * abs(value)
        length = 1.0
        for _ in range(MAX_HALVINGS):
            candidate = theta + length * direction
            candidate_value = problem.value(candidate)
            if candidate_value <= value - 1e-4 * length * decrement + rounding:
                break
            length /= 2
        else:
            break  # only rounding errors are left
        theta, value = candidate, candidate_value
        stalled = decrement < rounding and decrement > last_decrement / 4
        if stalled or decrement <= 1e-22 * (1 + abs(value)):
            break
        last_decrement = decrement
    return theta
