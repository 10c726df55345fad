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
"""

import numpy as np

from skdistill.students._base import StationaryStudent, Student
from skdistill.students._params import LinearParams
from skdistill.students.linear._inner_problem import InnerProblem, newton
from skdistill.synthetic._set import SyntheticSet


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
            theta = newton(problem._replace(loss=upper), theta)
        return frame.to_params(newton(problem, theta))

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
        return InnerProblem(
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
