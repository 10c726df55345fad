"""Huber student, the counterpart of ``HuberRegressor``.

With residuals ``r_i = y_i - X_i @ coef - intercept``, it minimizes, jointly in the
coefficients, the intercept and the scale ``s > 0``,

    F = sum_i w_i * (s + s * H(r_i / s)) + alpha * ||coef||^2

with ``H(t) = t^2`` up to ``epsilon`` and ``2 epsilon |t| - epsilon^2`` beyond. ``F`` is
convex. In rows that are not outliers it is quadratic over linear. So Newton's method
converges at once when the set of outliers no longer changes.

If a model interpolates many of the rows, the optimal scale is zero. Here it is kept
above a small share of the size of the targets.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import cho_solve

from skdistill._programs import Program
from skdistill.students._base import NotMirrored, Student
from skdistill.students.linear._inner_problem import factor_unit_diagonal
from skdistill.synthetic._set import SyntheticSet

MAX_STEPS = 500
#: Minimum and maximum damping of steps of Newton's method.
LEAST_DAMPING, MAX_DAMPING = 1e-6, 1e12
#: Maximum decrease, as a share of the value, that rounding may hide.
ROUNDING = 1e-10
#: Number of rows for each coefficient for which the scale is usually positive.
ROWS_FOR_COEFFICIENT = 1.5
#: Minimum scale after a step, as a share of the last one.
LEAST_SHARE = 0.1
#: Minimum scale, as a share of the size of the targets.
LEAST_SCALE = 1e-6


class HuberParams(NamedTuple):
    """A linear model, and the scale of its residuals.

    Attributes
    ----------
    coef : array of shape (1, p)
        Coefficients.
    intercept : array of shape (1,)
        Intercept.
    scale : array of shape (1,)
        Scale of the residuals.
    """

    coef: Any
    intercept: Any
    scale: Any


def with_scale(params, X):
    """Return predictions and the scale of the residuals as two columns (n, 2)."""
    import jax.numpy as jnp

    coef, intercept, scale = (part.astype(X.dtype) for part in params)
    z = X @ coef[0] + intercept
    return jnp.column_stack([z, jnp.broadcast_to(scale, z.shape)])


@dataclass(frozen=True)
class HuberLoss(Program):
    """The loss (n,) of predictions with their scale, in JAX."""

    epsilon: float

    def __call__(self, raw_prediction, y):
        import jax.numpy as jnp

        z, scale = raw_prediction.T
        distance, limit = abs(y.reshape(z.shape) - z), self.epsilon
        is_outlier = distance > limit * scale
        beyond = 2 * limit * distance - limit**2 * scale
        return scale + jnp.where(is_outlier, beyond, distance**2 / scale)


class HuberStudent(Student):
    """Student of ``HuberRegressor``.

    Parameters
    ----------
    estimator : HuberRegressor
        The estimator to mirror.
    task : Task
        Features and the output.

    Raises
    ------
    NotMirrored
        If a setting of the estimator is not supported.
    ValueError
        If there are several outputs.
    """

    raw_prediction = staticmethod(with_scale)
    loss_name = "huber"
    is_regularized = True
    holds_constants = False
    ignores_zeros = True
    takes_batches = False

    def __init__(self, estimator, task):
        super().__init__(estimator, task)
        refused = []
        if estimator.alpha == 0:
            refused.append("alpha=0 (no penalty: a few rows have no single solution)")
        if estimator.epsilon == 1:
            refused.append("epsilon=1 (its scale is zero)")
        if refused:
            raise NotMirrored(
                f"HuberRegressor cannot be distilled with {', '.join(refused)}. "
                "Supported: alpha > 0 with epsilon > 1, with or without intercept."
            )
        if task.n_outputs > 1:
            raise ValueError(
                f"HuberRegressor takes one output; y has {task.n_outputs} columns. "
                "Pass y of shape (n_samples,)."
            )
        self.epsilon = float(estimator.epsilon)
        self.hyperparameters = {"alpha": float(estimator.alpha)}
        self.outer_loss = HuberLoss(self.epsilon)

    def refuse_rows(self, n_rows):
        """Raise NotMirrored for so few rows that a model interpolates most of them."""
        n_coefficients = self.task.n_features + self.estimator.fit_intercept
        least = int(ROWS_FOR_COEFFICIENT * n_coefficients) + 1
        if n_rows < least:
            raise NotMirrored(
                f"HuberRegressor cannot be differentiated on {n_rows} rows, because a "
                f"model of {self.task.n_features} features interpolates most of them, "
                f"so its scale is zero. Supported: at least {least} rows (n_synthetic)."
            )

    def predictions(self, raw_prediction):
        """Return the predictions without the scale."""
        return raw_prediction[:, :1]

    def solve(self, synthetic, start=None):
        """Return the minimizer of ``F``, by Newton's method."""
        return _Inner(self, synthetic).solve(start)

    def params_of(self, estimator, synthetic):
        """Return the model that scikit-learn found."""
        return HuberParams(
            np.asarray(estimator.coef_, dtype=np.float64)[None],
            np.array([float(estimator.intercept_)]),
            np.array([float(estimator.scale_)]),
        )

    def among_zeros(self, params, is_kept):
        """Return the model with coefficients of zero for the other features."""
        coef = np.zeros((1, len(is_kept)))
        coef[:, is_kept] = params.coef
        return params._replace(coef=coef)

    def implicit_vjp(self, params, params_grad, synthetic):
        """Return the gradient in the set from that in ``params``, in closed form.

        It is the derivative of ``-<(U, v, t), gradient of F>`` in the set, where
        ``(U, v, t)`` is the adjoint. The code uses ``T = X U + v``.
        """
        inner = _Inner(self, synthetic)
        theta = inner.to_theta(params)
        cotangent = np.concatenate(
            [
                params_grad.coef[0] - params_grad.intercept * inner.mean,
                params_grad.intercept * self.estimator.fit_intercept,
                params_grad.scale,
            ]
        )
        adjoint = inner.solve_hessian(theta, cotangent)
        U, t = adjoint[:-2], adjoint[-1]
        T = inner.design @ adjoint[:-1]
        g, g_scale, h, h_scale = inner.derivatives(theta)
        change = h * T + h_scale * t
        weight, coef = synthetic.sample_weight, params.coef[0]
        return SyntheticSet(
            X=-weight[:, None] * (np.outer(g, U) + np.outer(change, coef)),
            y=(weight * change).reshape(synthetic.y.shape),
            sample_weight=-(g * T + g_scale * t),
            hyperparameters={"alpha": -2 * float(U @ coef)},
        )


class _Inner:
    """``F`` as a function of coefficients, the intercept at the mean, and the scale."""

    def __init__(self, student, synthetic):
        X, y, self.weight, hyperparameters = synthetic
        fit_intercept = student.estimator.fit_intercept
        self.y, self.epsilon = y.reshape(len(X)), student.epsilon
        self.mean = X.mean(axis=0) * fit_intercept
        self.design = np.column_stack(
            [X - self.mean, np.full(len(X), float(fit_intercept))]
        )
        # Without an intercept, a column of zeros and a penalty keep it zero.
        self.penalty = np.full(X.shape[1] + 2, 2 * hyperparameters["alpha"])
        self.penalty[-2:] = 0.0 if fit_intercept else 1.0, 0.0
        self.least = LEAST_SCALE * max(np.abs(self.y).max(), np.finfo(float).tiny)

    def to_theta(self, params):
        intercept = params.intercept + params.coef @ self.mean
        return np.concatenate([params.coef[0], intercept, params.scale])

    def to_params(self, theta):
        coef = theta[None, :-2]
        return HuberParams(coef, theta[-2:-1] - coef @ self.mean, theta[-1:])

    def parts(self, theta):
        residual = self.y - self.design @ theta[:-1]
        return residual, np.abs(residual) > self.epsilon * theta[-1], theta[-1]

    def value(self, theta):
        residual, is_outlier, scale = self.parts(theta)
        beyond = 2 * self.epsilon * np.abs(residual) - self.epsilon**2 * scale
        losses = scale + np.where(is_outlier, beyond, residual**2 / scale)
        return self.weight @ losses + 0.5 * self.penalty @ theta**2

    def derivatives(self, theta):
        """Return derivatives of the losses of rows.

        They are the first ones in the prediction and in the scale, the second one in
        the prediction, and the mixed one.
        """
        residual, is_outlier, scale = self.parts(theta)
        t = np.clip(residual / scale, -self.epsilon, self.epsilon)
        inside = ~is_outlier
        return -2 * t, 1 - t**2, 2 * inside / scale, 2 * inside * t / scale

    def gradient(self, theta):
        g, g_scale, _, _ = self.derivatives(theta)
        of_rows = np.append(self.design.T @ (self.weight * g), self.weight @ g_scale)
        return of_rows + self.penalty * theta

    def solve_hessian(self, theta, rhs, damping=0.0):
        """Solve with the Hessian, damped by a share of that without outliers."""
        _, g_scale, h, h_scale = self.derivatives(theta)
        t = np.divide(h_scale, h, out=np.zeros_like(h), where=h > 0)
        if theta[-1] <= self.least and self.weight @ g_scale > 0:
            # The scale is at its minimum and does not move.
            t, rhs = 0 * t, np.append(rhs[:-1], 0.0)
        rows = np.column_stack([self.design, t])
        matrix = (rows.T * (self.weight * h)) @ rows
        if damping:
            squares = np.append(self.weight @ self.design**2, self.weight.sum())
            matrix[np.diag_indices_from(matrix)] += damping * 2 / theta[-1] * squares
        matrix[np.diag_indices_from(matrix)] += self.penalty
        diagonal = np.diag(matrix)
        unit = 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
        matrix *= np.outer(unit, unit)
        matrix[np.diag_indices_from(matrix)] += np.where(
            diagonal > 0, 1e-15 * len(matrix), 1.0
        )
        factor = factor_unit_diagonal(matrix)
        return unit * cho_solve(factor, unit * rhs, check_finite=False)

    def solve(self, start):
        theta = np.zeros(self.design.shape[1] + 1)
        # Start from the mean, with the scale of the targets, so that few are outliers.
        if self.design[0, -1]:
            theta[-2] = np.average(self.y, weights=self.weight)
        squares = self.parts(theta)[0] ** 2
        size = np.sqrt(np.average(squares, weights=self.weight))
        theta[-1] = max(size, self.least)
        value = self.value(theta)
        if start is not None:
            given = self.to_theta(start)
            given[-1] = max(given[-1], self.least)
            if self.value(given) < value:
                theta, value = given, self.value(given)
        damping = 0.0
        for _ in range(MAX_STEPS):
            gradient = self.gradient(theta)
            step = -self.solve_hessian(theta, gradient, damping)
            decrement = -(gradient @ step)
            candidate = theta + step
            candidate[-1] = max(candidate[-1], LEAST_SHARE * theta[-1], self.least)
            found = self.value(candidate)
            is_lower = found <= value - 1e-4 * decrement + 1e-14 * abs(value)
            if not is_lower and decrement < ROUNDING * abs(value):
                # Rounding hides a decrease of the value, but not of the gradient.
                sizes = (
                    np.abs(each).max() for each in (self.gradient(candidate), gradient)
                )
                is_lower = np.less(*sizes)
            if not is_lower:
                # With almost only outliers, the Hessian is small and steps too long.
                if damping > MAX_DAMPING:
                    break
                damping = max(4 * damping, LEAST_DAMPING)
                continue
            damping = damping / 16 if damping > LEAST_DAMPING else 0.0
            theta, value = candidate, found
            if decrement <= 1e-25 * abs(value):
                break
        return self.to_params(theta)
