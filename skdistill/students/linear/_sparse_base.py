"""Linear students with an L1 penalty, which makes coefficients zero.

With the loss and the strength ``C`` of ``students.linear._base``, the inner objective
is

    F = C * sum_i w_i * loss(coef @ X_i + intercept, y_i)
        + l1 * sum_jk |coef_kj| + l2 / 2 * ||coef||_F^2

For several tasks the L1 term is ``l1 * sum_j ||coef_.j||`` over the features, so that
either all or none of the coefficients of a feature are zero. The intercept is not
penalized, except by LIBLINEAR.

The nonzero coefficients are called the *support*. At the solution they solve a smooth
system, and the derivatives of the loss in the other coefficients are at most ``l1``. If
they are less, small changes of the rows do not change the support, so the solution of
the system is differentiated (Bertrand et al., 2020). Newton's method on the support
finds the solution. Coefficients leave the support when they would change their sign,
and enter it when their derivative exceeds ``l1`` (Lee et al., 2006). For several tasks,
scikit-learn's coordinate descent finds the support.

References
----------
Q. Bertrand, Q. Klopfenstein, M. Blondel, S. Vaiter, A. Gramfort and J. Salmon,
"Implicit differentiation of Lasso-type models for hyperparameter optimization",
ICML 2020.

H. Lee, A. Battle, R. Raina and A. Ng, "Efficient sparse coding algorithms",
NeurIPS 2006.
"""

from abc import abstractmethod

import numpy as np
from scipy.linalg import cho_solve
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import MultiTaskElasticNet

from skdistill._hidden_warnings import hiding
from skdistill.students._params import LinearParams
from skdistill.students.linear._base import LinearStudent
from skdistill.students.linear._inner_problem import factor_unit_diagonal
from skdistill.synthetic._set import SyntheticSet

#: Maximum number of changes of the support, of steps of Newton's method on a support,
#: and of halvings of a step.
MAX_ROUNDS = 2000
MAX_STEPS = 50
MAX_HALVINGS = 40
#: Tolerances of coordinate descent in successive rounds, and maximum number of sweeps.
GROUP_TOLS = (1e-6, 1e-9, 1e-12, 1e-14, 1e-15, 1e-16)
MAX_SWEEPS = 5000
#: Maximum excess of a derivative over ``l1``, relative to it, that may be rounding.
ROUNDING = 1e-10


class SparseLinearStudent(LinearStudent):
    """Student of an estimator that minimizes ``F`` above.

    Parameters
    ----------
    estimator, task, loss, n_outputs, fit_intercept
        As for ``LinearStudent``.
    in_groups : bool, default=False
        Whether either all or none of the coefficients of a feature are zero.
    penalized_intercept : float, default=None
        Value of LIBLINEAR's constant feature, whose coefficient is penalized. By
        default the intercept is not penalized.
    """

    def __init__(
        self,
        estimator,
        task,
        loss,
        n_outputs,
        fit_intercept,
        in_groups=False,
        penalized_intercept=None,
    ):
        super().__init__(estimator, task, loss, n_outputs, fit_intercept)
        self.in_groups = in_groups
        self.penalized_intercept = penalized_intercept if fit_intercept else None

    @property
    def is_centered(self):
        """Whether shifting all samples only changes the intercept."""
        return self.fit_intercept and self.penalized_intercept is None

    @abstractmethod
    def penalties(self, hyperparameters):
        """Return ``l1`` and ``l2``."""

    def penalties_vjp(self, hyperparameters, of_l1, of_l2):
        """Return the gradient in the hyperparameters from that in ``l1`` and ``l2``."""
        return {}

    def loss_strength_vjp(self, hyperparameters, cotangent):
        """Return the gradient in the hyperparameters from the derivative in ``C``."""
        return {}

    def solve(self, synthetic, start=None):
        """Return the minimizer of ``F``, by Newton's method on the support."""
        return SparseProblem.of(self, synthetic).solve(start)

    def implicit_vjp(self, params, params_grad, synthetic):
        """Return the gradient in the set from that in ``params``, in closed form.

        The formulas are those of ``PenalizedLinearStudent``, with an adjoint that is
        zero outside the support.
        """
        problem = SparseProblem.of(self, synthetic)
        theta = problem.to_theta(params)
        active = problem.support(theta)
        adjoint = np.zeros_like(theta)
        rhs = problem.cotangent_to_theta(params_grad)[active]
        adjoint[active] = problem.solve_hessian(theta, active, rhs)
        T, raw = problem.design @ adjoint, problem.design @ theta
        g = self.loss.gradient(raw, synthetic.y)
        h_T = self.loss.hessian(raw, synthetic.y).product(T)
        g_T = np.sum(g * T, axis=1)
        strength, total = self.strength_on(synthetic), synthetic.sample_weight.sum()
        weight = strength * synthetic.sample_weight[:, None]
        in_strength = -synthetic.sample_weight @ g_T
        weight_grad = -strength * g_T
        if self.averages:
            weight_grad = weight_grad - in_strength * strength / total
            in_strength = in_strength / total
        U, coef = adjoint[:-1].T, theta[:-1].T
        penalized = problem.is_penalized & active
        directions = problem.directions(theta)
        hyperparameters = self.penalties_vjp(
            synthetic.hyperparameters,
            -np.vdot(adjoint[penalized], directions[penalized]),
            -np.vdot(adjoint[penalized], theta[penalized]),
        )
        for name, value in self.loss_strength_vjp(
            synthetic.hyperparameters, in_strength
        ).items():
            hyperparameters[name] = hyperparameters.get(name, 0.0) + value
        is_learned = self.task.classes is None or self.soft_labels
        y_grad = np.zeros_like(synthetic.y)
        if is_learned:
            slope = self.loss.target_slope(raw, synthetic.y)
            y_grad = (slope * weight * T).reshape(synthetic.y.shape)
        return SyntheticSet(
            X=-weight * (g @ U + h_T @ coef),
            y=y_grad,
            sample_weight=weight_grad,
            hyperparameters=hyperparameters,
        )


class SparseProblem:
    """``F`` as a function of ``theta`` (p + 1, k), with the intercept in the last row.

    Parameters
    ----------
    X : ndarray of shape (m, p)
        Samples.
    y : ndarray of shape (m,) or (m, k)
        Targets.
    weight : ndarray of shape (m,)
        Weights times ``C``.
    l1, l2 : float
        Strengths of the penalties.
    student : SparseLinearStudent
        Gives the loss, and says whether there is an intercept and whether coefficients
        are zero in groups.
    """

    def __init__(self, X, y, weight, l1, l2, student):
        self.y, self.weight, self.l1, self.l2 = y, weight, l1, l2
        self.loss, self.in_groups = student.loss, student.in_groups
        m, p = X.shape
        self.mean, self.unit = np.zeros(p), 1.0
        if student.is_centered:
            self.mean = np.average(X, axis=0, weights=weight)
        elif student.fit_intercept:
            self.unit = student.penalized_intercept
        column = np.full((m, 1), self.unit)
        self.design = np.hstack([X - self.mean, column])
        self.origin = np.zeros((p + 1, student.n_outputs))
        self.is_penalized = np.ones_like(self.origin, dtype=bool)
        self.is_penalized[-1] = not student.is_centered
        self.is_used = np.ones_like(self.origin, dtype=bool)
        self.is_used[-1] = student.fit_intercept

    @classmethod
    def of(cls, student, synthetic):
        """Return the problem of a student on a set."""
        X, y, weight, hyperparameters = synthetic
        weight = student.strength_on(synthetic) * weight
        return cls(X, y, weight, *student.penalties(hyperparameters), student)

    def to_theta(self, params):
        intercept = params.intercept + params.coef @ self.mean
        return np.vstack([params.coef.T, intercept / self.unit])

    def to_params(self, theta):
        coef = theta[:-1].T.copy()
        return LinearParams(coef, self.unit * theta[-1] - coef @ self.mean)

    def cotangent_to_theta(self, grad):
        centered = grad.coef - np.outer(grad.intercept, self.mean)
        return np.vstack([centered.T, self.unit * grad.intercept])

    def support(self, theta):
        """Return the mask of entries that are not fixed at zero."""
        active = (theta != 0) | ~self.is_penalized
        if self.in_groups:
            active[:-1] = active[:-1].any(axis=1, keepdims=True)
        return active & self.is_used

    def norms(self, theta):
        """Return the norms that ``l1`` penalizes, in the shape of ``theta``."""
        if not self.in_groups:
            return np.abs(theta)
        norms = np.linalg.norm(theta, axis=1, keepdims=True)
        return np.broadcast_to(norms, theta.shape)

    def directions(self, theta):
        """Return the derivatives of these norms, or zero where a norm is zero."""
        norms = self.norms(theta)
        return np.divide(theta, norms, out=np.zeros_like(theta), where=norms > 0)

    def value(self, theta):
        norms = self.norms(theta)[self.is_penalized]
        if self.in_groups:
            norms = norms / theta.shape[1]
        squares = np.sum(theta[self.is_penalized] ** 2)
        losses = self.weight @ self.loss.value(self.design @ theta, self.y)
        return losses + self.l1 * norms.sum() + 0.5 * self.l2 * squares

    def smooth_gradient(self, theta):
        """Return the gradient without the L1 penalty."""
        residual = self.loss.gradient(self.design @ theta, self.y)
        gradient = self.design.T @ (self.weight[:, None] * residual)
        return gradient + self.l2 * theta * self.is_penalized

    def solve_hessian(self, theta, active, rhs):
        """Solve with the Hessian on a support."""
        matrix = self._hessian(theta, active)
        diagonal = np.diag(matrix)
        unit = 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
        matrix = matrix * np.outer(unit, unit)
        jitter = 1e-15 * len(matrix)
        matrix[np.diag_indices_from(matrix)] = 1 + jitter
        factor = factor_unit_diagonal(matrix)
        return unit * cho_solve(factor, unit * rhs, check_finite=False)

    def _hessian(self, theta, active):
        features, outputs = np.nonzero(active)
        hessians = self.loss.hessian(self.design @ theta, self.y)
        columns = self.design[:, features]
        matrix = np.empty((len(features),) * 2)
        for c in range(theta.shape[1]):
            own = outputs == c
            curvature = self.weight[:, None] * hessians.columns(c)
            rows = columns * curvature[:, outputs]
            matrix[:, own] = rows.T @ columns[:, own]
        is_penalized = self.is_penalized[active]
        matrix[np.diag_indices_from(matrix)] += self.l2 * is_penalized
        if self.in_groups:
            norm = np.where(is_penalized, self.norms(theta)[active], np.inf)
            along = self.directions(theta)[active]
            curved = np.eye(len(norm)) - np.outer(along, along)
            same = features[:, None] == features
            matrix += self.l1 * same * curved / norm[:, None]
        if self.loss.shift_invariant:
            # Equal changes of all intercepts have no effect: add curvature there.
            common = (~is_penalized).astype(float)
            size = np.trace(matrix) / len(matrix)
            matrix += size * np.outer(common, common) / max(common.sum(), 1.0)
        return matrix

    def excess(self, theta, gradient, active):
        """Return the excess over ``l1`` of derivatives outside the support."""
        sizes = self.norms(gradient) - self.l1
        return np.where(active | ~self.is_used, -np.inf, sizes)

    def solve(self, start=None):
        """Return the minimizer as LinearParams."""
        theta = self.origin.copy()
        if start is not None:
            given = self.to_theta(start) * self.is_used
            if self.value(given) < self.value(theta):
                theta = given
        solve = self._solve_groups if self.in_groups else self._solve_entries
        return self.to_params(solve(theta))

    def _solve_entries(self, theta):
        active, signs = self.support(theta), self.directions(theta)
        n_entering = 1 + theta.size // 20
        for _ in range(MAX_ROUNDS):
            theta, active, gradient = self._on_support(theta, active, signs)
            excess = self.excess(theta, gradient, active)
            worst = excess.max(initial=-np.inf)
            if not worst > ROUNDING * self.l1:
                break
            n_entering = max(n_entering // 2, 1)
            least = np.sort(excess, axis=None)[-n_entering]
            entering = excess >= max(least, 0.5 * worst)
            signs = self.directions(theta)
            signs[entering] = -np.sign(gradient[entering])
            active = active | entering
        return theta

    def _solve_groups(self, theta):
        for tol in GROUP_TOLS:
            theta, active, gradient = self._on_support(
                theta, self.support(theta), self.directions(theta)
            )
            excess = self.excess(theta, gradient, active)
            slopes = gradient + self.l1 * self.directions(theta) * self.is_penalized
            worst = max(
                excess.max(initial=-np.inf), np.abs(slopes[active]).max(initial=0)
            )
            if not worst > ROUNDING * self.l1:
                break
            theta = self._descended(theta, tol)
        return theta

    def _descended(self, theta, tol):
        """Return the result of scikit-learn's coordinate descent from ``theta``.

        It is for groups and a squared error.
        """
        m, k = len(self.design), theta.shape[1]
        n_fitted = len(self.origin) - 1
        root = np.sqrt(2 * m / k * self.weight)[:, None]
        X, Y = self.design[:, :n_fitted], self.y
        intercept = np.zeros(k)
        if not self.is_penalized[-1].any():
            intercept = np.average(Y, axis=0, weights=self.weight)
        alpha = self.l1 + self.l2
        model = MultiTaskElasticNet(
            alpha=alpha,
            l1_ratio=self.l1 / alpha,
            fit_intercept=False,
            tol=tol,
            max_iter=MAX_SWEEPS,
            warm_start=True,
        )
        model.coef_ = np.asfortranarray(theta[:-1].T)
        with hiding(ConvergenceWarning):
            model.fit(root * X, root * (Y - intercept))
        return np.vstack([model.coef_.T, intercept])

    def _on_support(self, theta, active, signs):
        """Minimize on a support. Entries that become zero leave the support."""
        theta, active = theta.copy(), active.copy()
        value = self.value(theta)
        for _ in range(MAX_STEPS + active.sum()):
            if self.in_groups:
                signs = self.directions(theta)
            gradient = self.smooth_gradient(theta)
            slope = (gradient + self.l1 * signs * self.is_penalized)[active]
            if not len(slope):
                break
            step = -self.solve_hessian(theta, active, slope)
            decrement = -(slope @ step)
            moved = theta[active] + step
            crosses = np.zeros(len(moved), dtype=bool)
            if not self.in_groups:
                crosses = (moved * signs[active] < 0) & self.is_penalized[active]
            length = 1.0
            if crosses.any():
                candidate, left, found, length = self._cross(
                    theta, active, step, crosses
                )
                if found <= value or not length:
                    theta, value = candidate, found
                    active[tuple(np.argwhere(active)[left].T)] = False
                    signs = np.where(active, signs, 0.0)
                    continue
            candidate = theta.copy()
            for _ in range(MAX_HALVINGS):
                candidate[active] = theta[active] + length * step
                found = self.value(candidate)
                if found <= value - 1e-4 * length * decrement + 1e-14 * abs(value):
                    break
                length /= 2
            else:
                break
            theta, value = candidate, found
            if decrement <= 1e-26 * (1 + abs(value)) or self._is_linear(length, step):
                break
        return theta, active, self.smooth_gradient(theta)

    def _is_linear(self, length, step):
        """Whether a full step solves the problem, as for a quadratic function."""
        return self.loss.is_quadratic and length == 1 and not self.in_groups

    def _cross(self, theta, active, step, crosses):
        """Go to the best of the points on a step where an entry becomes zero.

        Returns
        -------
        theta : ndarray of shape (p + 1, k)
            The point.
        left : ndarray of int
            Positions in the support of the entries that are zero there.
        value : float
            The objective at the point.
        length : float
            Length of the step to the first of these points.
        """
        now = theta[active]
        with np.errstate(divide="ignore", invalid="ignore"):
            lengths = np.where(crosses, -now / step, np.inf)
        lengths = np.where(crosses & (now == 0), 0.0, lengths)
        best = None
        for length in np.unique(lengths[crosses])[:8]:
            candidate, moved = theta.copy(), now + length * step
            moved[lengths <= length] = 0.0
            candidate[active] = moved
            found = self.value(candidate)
            if best is None or found < best[2]:
                best = candidate, np.flatnonzero(lengths <= length), found
        return *best, lengths.min()
