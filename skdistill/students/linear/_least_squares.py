"""Least squares student, the counterpart of ``LinearRegression``.

Of all minimizers of ``sum_i w_i ||W x_i + b - y_i||^2``, scikit-learn takes the one
with the minimum norm of ``W``. With the centered rows ``Xc`` and targets ``Yc``::

    W' = N Xc' diag(w) Yc,    N = pinv(Xc' diag(w) Xc),    b = mean(Y) - W mean(X)

Singular values of ``diag(w)^1/2 Xc`` up to ``tol`` times the largest count as zero. Let
``G`` be the gradient of the outer loss in ``W``, and ``G0`` its part orthogonal to the
rows of ``Xc``, and let ``E = Yc - Xc W'``, ``H = N G'`` and ``T = Xc H``. The
derivative of a pseudo-inverse of constant rank (Golub and Pereyra, 1973) gives the
gradients

- ``w T`` in ``Y``, ``T E`` summed over the outputs in ``w``, and
- ``w (E H' - T W + Xc N W' G0)`` in ``X``.
"""

import numpy as np

from skdistill.objectives._losses import SQUARED_LOSS
from skdistill.students._base import NotMirrored
from skdistill.students._params import LinearParams
from skdistill.students.linear._base import LinearStudent
from skdistill.synthetic._set import SyntheticSet


class LinearRegressionStudent(LinearStudent):
    """Student of ``LinearRegression``.

    Parameters
    ----------
    estimator : LinearRegression
        The estimator to mirror.
    task : Task
        Features and outputs.

    Raises
    ------
    NotMirrored
        If a setting of the estimator is not supported.
    """

    loss_name = "squared_error"
    hyperparameters = {}

    def __init__(self, estimator, task):
        if estimator.positive:
            raise NotMirrored(
                "LinearRegression cannot be distilled with positive=True. Supported: "
                "coefficients of any sign, with or without intercept."
            )
        super().__init__(
            estimator,
            task,
            SQUARED_LOSS,
            task.n_outputs,
            estimator.fit_intercept,
        )

    def loss_strength(self, hyperparameters):
        """Return infinity, because this is the limit of ridge regression."""
        return np.inf

    def targets_for(self, raw, pull, synthetic):
        """Return the predictions, which are targets without an error."""
        return raw.reshape(synthetic.y.shape)

    def solve(self, synthetic, start=None):
        """Return the solution of minimum norm."""
        return self._decomposed(synthetic).params

    def implicit_vjp(self, params, params_grad, synthetic):
        """Return the gradient in the set, by the formulas of this module."""
        fit = self._decomposed(synthetic)
        weight, W = fit.weight[:, None], fit.params.coef
        share = weight / weight.sum() * self.fit_intercept
        G = params_grad.coef - np.outer(params_grad.intercept, fit.X_mean)
        H = fit.apply_inverse(G.T)
        T = fit.X @ H
        E = fit.Y - fit.X @ W.T
        G_across = G - fit.along_rows(G)
        X_grad = weight * (
            E @ H.T - T @ W + fit.X @ fit.apply_inverse(W.T) @ G_across
        ) - share * (params_grad.intercept @ W)
        y_grad = weight * T + share * params_grad.intercept
        # The intercept depends on the weights only through the means.
        weight_grad = np.sum(T * E, axis=1) + E @ params_grad.intercept * (
            self.fit_intercept / weight.sum()
        )
        return SyntheticSet(X_grad, y_grad.reshape(synthetic.y.shape), weight_grad, {})

    def _decomposed(self, synthetic):
        return _Decomposition(synthetic, self.fit_intercept, self.estimator.tol)


class _Decomposition:
    """The centered rows and their singular value decomposition."""

    def __init__(self, synthetic, fit_intercept, tol):
        X, y, self.weight, _ = synthetic
        Y = y.reshape(len(X), -1)
        share = self.weight / self.weight.sum() * fit_intercept
        self.X_mean, self.Y_mean = share @ X, share @ Y
        self.X, self.Y = X - self.X_mean, Y - self.Y_mean
        root = np.sqrt(self.weight)[:, None]
        left, singular, rows = np.linalg.svd(root * self.X, full_matrices=False)
        kept = singular > tol * singular[0]
        self.singular, self.rows = singular[kept], rows[kept]
        coef = ((left[:, kept] / self.singular).T @ (root * self.Y)).T @ self.rows
        self.params = LinearParams(coef, self.Y_mean - coef @ self.X_mean)

    def along_rows(self, G):
        """Return the projection of ``G`` (k, p) on the span of the rows."""
        return (G @ self.rows.T) @ self.rows

    def apply_inverse(self, V):
        """Return ``N @ V`` for ``V`` (p, k)."""
        return self.rows.T @ ((self.rows @ V) / self.singular[:, None] ** 2)
