"""Linear students: a convex loss of ``X @ coef.T + intercept`` and an L2 penalty.

With ``m`` synthetic samples, ``p`` features and ``k`` outputs, the inner objective is::

    F = C * sum_i w_i * loss(coef @ X_i + intercept, y_i)
        + 1/2 * ||coef||_F^2 + intercept_penalty / 2 * ||intercept||^2

``C`` is that of scikit-learn, or follows from another parameter such as ``alpha``. The
intercept is not penalized, except by LIBLINEAR. At the solution every row of ``coef``
is in the span of the samples. So Newton's method and the adjoint use an orthonormal
basis of the span. The variables are ``theta`` of shape (r + 1, k), with
``r = min(m, p)`` and the intercept in the last row. Matrices are small even if ``p`` is
large. Orthogonal to the span, the Hessian of ``F`` is the identity. With a free
intercept the samples are centered first, for precision with features far from zero.

Some losses only have piecewise second derivatives. Newton's method converges in one
step once the pieces no longer change.

NumPy and SciPy solve the problem. At these sizes they are as fast as compiled code.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.linalg.lapack import dpotri
from scipy.sparse.linalg import LinearOperator, cg

from skdistill.objectives._losses import PointwiseLoss
from skdistill.students._base import StationaryStudent, Student
from skdistill.students._params import LinearParams
from skdistill.synthetic._set import SyntheticSet

MAX_NEWTON_STEPS = 100
MAX_HALVINGS = 40
#: Maximum number of unknowns for which the Hessian is factorized.
MAX_DENSE_UNKNOWNS = 200
#: Maximum number of entries of the blocks of the preconditioner.
MAX_BLOCK_ENTRIES = 2**23
#: Maximum number of CG iterations, and number above which blocks are computed again.
MAX_CG_STEPS = 500
STALE_STEPS = 30


def linear_raw_prediction(params, X):
    """Return ``X @ coef.T + intercept`` (n, k) in the precision of ``X``."""
    coef, intercept = params
    return X @ coef.T.astype(X.dtype) + intercept.astype(X.dtype)


class LinearStudent(Student):
    """Student of an estimator whose model is linear.

    Parameters
    ----------
    estimator : estimator object
        The estimator to mirror.
    task : Task
        Describes the rows.
    loss : PointwiseLoss
        Training loss with its derivatives.
    n_outputs : int
        Number of rows of ``coef``.
    fit_intercept : bool
        Whether the model has an intercept; otherwise it is zero.
    """

    raw_prediction = staticmethod(linear_raw_prediction)
    # Linear models of few rows do not overfit: on seven tables, neither the penalty on
    # all rows nor held-back rows improved them.
    is_regularized = True
    holds_constants = False
    ignores_zeros = True
    takes_batches = False
    # Whether training minimizes the mean loss, so the total weight has no effect.
    averages = False

    def __init__(self, estimator, task, loss, n_outputs, fit_intercept):
        super().__init__(estimator, task)
        self.loss = loss
        self.n_outputs = n_outputs
        self.fit_intercept = fit_intercept
        self.intercept_penalty = 0.0

    @property
    def outer_loss(self):
        """The training loss."""
        return self.loss.traced

    @property
    def is_centered(self):
        """Whether shifting all samples only changes the intercept."""
        return self.fit_intercept and not self.intercept_penalty

    @property
    def outputs_add_up(self):
        """Whether the coefficients of all outputs add up to zero for any rows."""
        return self.loss.shift_invariant

    def strength(self, hyperparameters, total_weight):
        """Return ``C`` for rows with this total weight."""
        strength = self.loss_strength(hyperparameters)
        return strength / total_weight if self.averages else strength

    def strength_on(self, synthetic):
        """Return ``C`` for a set, which JAX may trace."""
        return self.strength(synthetic.hyperparameters, synthetic.sample_weight.sum())

    def start_of(self, y, sample_weight):
        """Return the intercepts (k,) from which training starts."""
        if self.loss.start is None or not self.is_centered:
            return np.zeros(self.n_outputs)
        return self.loss.start(y, sample_weight)

    def raw_unit(self, unit):
        """Return the unit of raw predictions, which is the root of that of the loss."""
        return 1.0 if self.loss.has_log_link else np.sqrt(unit)

    def pull(self, raw, synthetic):
        """Return the pulls ``A`` (m, k), the weighted negative gradients of the loss.

        With an L2 penalty, ``coef = A' X`` at the solution.
        """
        weight = self.strength_on(synthetic) * synthetic.sample_weight
        return -weight[:, None] * self.loss.gradient(raw, synthetic.y)

    def targets_for(self, raw, pull, synthetic):
        """Return numeric targets for which rows at ``raw`` have the pulls ``pull``."""
        weight = self.strength_on(synthetic) * synthetic.sample_weight
        targets = self.loss.target_for(raw, -pull / weight[:, None])
        return targets.reshape(synthetic.y.shape)

    def params_of(self, estimator, synthetic):
        """Return the coefficients that scikit-learn found."""
        coef = np.atleast_2d(np.asarray(estimator.coef_, dtype=np.float64))
        intercept = np.zeros(len(coef))
        if self.fit_intercept:
            intercept = np.asarray(estimator.intercept_, dtype=np.float64)
        return LinearParams(coef, intercept.reshape(-1))

    def among_zeros(self, params, is_kept):
        """Return the model with coefficients of zero for the other features."""
        coef = np.zeros((len(params.coef), len(is_kept)))
        coef[:, is_kept] = params.coef
        return params._replace(coef=coef)


class PenalizedLinearStudent(LinearStudent, StationaryStudent):
    """Student of an estimator that minimizes ``F`` above.

    Parameters
    ----------
    estimator, task, loss, n_outputs, fit_intercept
        As for ``LinearStudent``.
    intercept_penalty : float, default=0.0
        Strength of the penalty on the intercept.
    """

    def __init__(
        self,
        estimator,
        task,
        loss,
        n_outputs,
        fit_intercept,
        intercept_penalty=0.0,
    ):
        super().__init__(estimator, task, loss, n_outputs, fit_intercept)
        self.intercept_penalty = intercept_penalty if fit_intercept else 0.0

    def solve(self, synthetic, start=None):
        """Return the minimizer of ``F``, by Newton's method."""
        frame = _Frame(synthetic.X, self.is_centered)
        problem = self._problem(synthetic, frame)
        theta = problem.origin if start is None else frame.to_theta(start)
        if self.loss.upper_hessian is not None:
            # The Hessian is only positive definite near a minimum, so come near first.
            upper = self.loss._replace(hessian=self.loss.upper_hessian)
            theta = _newton(problem._replace(loss=upper), theta)
        return frame.to_params(_newton(problem, theta))

    def implicit_vjp(self, params, params_grad, synthetic):
        """Return the gradient in the set from that in ``params``, in closed form.

        With the adjoint ``(U, v)``, ``T = X U' + v``, and the first and second
        derivatives ``g`` and ``h`` of the loss, the gradient in the rows is
        ``-C w (g U + (h T) coef)``. The gradient in their weights is ``-C <g, T>``.
        """
        frame = _Frame(synthetic.X, self.is_centered)
        problem = self._problem(synthetic, frame)
        theta = frame.to_theta(params)
        adjoint = problem.hessian_solver(theta, rtol=1e-13)(
            frame.cotangent_to_theta(params_grad)
        )
        U = frame.to_params(adjoint).coef + frame.across(params_grad)
        T = problem.design @ adjoint
        raw = problem.design @ theta
        g = self.loss.gradient(raw, synthetic.y)
        h_T = self.loss.hessian(raw, synthetic.y).product(T)
        g_T = np.sum(g * T, axis=1)
        weight = problem.weight[:, None]
        strength, total = self.strength_on(synthetic), synthetic.sample_weight.sum()
        in_strength = -synthetic.sample_weight @ g_T
        weight_grad = -strength * g_T
        if self.averages:
            # The strength is inversely proportional to the total weight.
            weight_grad = weight_grad - in_strength * strength / total
            in_strength = in_strength / total
        return SyntheticSet(
            X=-weight * (g @ U + h_T @ params.coef),
            y=self._target_vjp(raw, synthetic.y, weight * T),
            sample_weight=weight_grad,
            hyperparameters=self.loss_strength_vjp(
                synthetic.hyperparameters, in_strength
            ),
        )

    def _target_vjp(self, raw, y, weighted_T):
        """Return the gradient in the targets, zero for labels that are not learned."""
        if self.task.classes is not None and not self.soft_labels:
            return np.zeros_like(y)
        return (self.loss.target_slope(raw, y) * weighted_T).reshape(y.shape)

    def loss_strength(self, hyperparameters):
        """Return ``C`` of the inner objective, which JAX may trace.

        If the student averages, it is ``C`` times the total weight.
        """
        return hyperparameters["C"]

    def loss_strength_vjp(self, hyperparameters, cotangent):
        """Return the gradient in the hyperparameters from the derivative in ``C``."""
        return {"C": cotangent}

    def hyperparameters_for(self, strength, total_weight):
        """Return the hyperparameters that lead to a ``strength``."""
        return {"C": strength}

    def stationarity(self, params, synthetic):
        """Return the gradient of ``F`` in ``params``, in JAX."""
        import jax
        import jax.numpy as jnp

        def inner_objective(params):
            used = params._replace(intercept=params.intercept * self.fit_intercept)
            raw = linear_raw_prediction(used, synthetic.X)
            losses = self.loss.traced(raw, synthetic.y)
            total = jnp.vdot(synthetic.sample_weight, losses)
            # A penalty keeps an unused intercept at zero.
            on_intercept = self.intercept_penalty if self.fit_intercept else 1.0
            penalty = jnp.vdot(params.coef, params.coef)
            penalty += on_intercept * jnp.vdot(params.intercept, params.intercept)
            return self.strength_on(synthetic) * total + 0.5 * penalty

        return jax.grad(inner_objective)(params)

    def _problem(self, synthetic, frame):
        m, r = frame.coordinates.shape
        # Without an intercept, a column of zeros and a penalty of one keep it zero.
        column = np.full((m, 1), float(self.fit_intercept))
        penalty = np.ones((r + 1, 1))
        penalty[-1] = self.intercept_penalty if self.fit_intercept else 1.0
        origin = np.zeros((r + 1, self.n_outputs))
        origin[-1] = self.start_of(synthetic.y, synthetic.sample_weight)
        return _InnerProblem(
            design=np.hstack([frame.coordinates, column]),
            penalty=penalty,
            y=synthetic.y,
            weight=self.strength_on(synthetic) * synthetic.sample_weight,
            loss=self.loss,
            origin=origin,
        )


class _Frame:
    """Coordinates of the samples in an orthonormal basis of their span.

    Attributes
    ----------
    mean : ndarray of shape (p,)
        Origin: the mean of the samples, or zero if they are not centered.
    coordinates : ndarray of shape (m, r)
        Samples minus the origin, in the basis.
    basis : ndarray of shape (p, r) or None
        The basis; None stands for the features, if these are no more than samples.
    """

    def __init__(self, X, is_centered):
        m, p = X.shape
        self.mean = X.mean(axis=0) * is_centered
        self.coordinates, self.basis = X - self.mean, None
        if m < p:
            self.basis, triangle = np.linalg.qr(self.coordinates.T)
            self.coordinates = triangle.T

    def _in_basis(self, rows):
        return rows if self.basis is None else rows @ self.basis

    def to_theta(self, params):
        """Return ``theta`` (r + 1, k) of a model, projected on the span."""
        intercept = params.intercept + params.coef @ self.mean
        return np.vstack([self._in_basis(params.coef).T, intercept])

    def to_params(self, theta):
        """Return the model of ``theta``."""
        coef = theta[:-1].T if self.basis is None else theta[:-1].T @ self.basis.T
        return LinearParams(coef, theta[-1] - coef @ self.mean)

    def cotangent_to_theta(self, grad):
        """Return the gradient in ``theta`` from the gradient in the model."""
        return np.vstack([self._in_basis(self._centered(grad)).T, grad.intercept])

    def across(self, grad):
        """Return the part (k, p) of a coefficient gradient orthogonal to the span."""
        if self.basis is None:
            return 0.0
        centered = self._centered(grad)
        return centered - (centered @ self.basis) @ self.basis.T

    def _centered(self, grad):
        return grad.coef - np.outer(grad.intercept, self.mean)


class _InnerProblem(NamedTuple):
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


def _newton(problem, theta):
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
