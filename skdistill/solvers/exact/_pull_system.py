"""The stationarity equations of a model on synthetic rows, and their solution.

With ``m`` rows, ``k`` outputs and a model of rank ``r``, there are ``k r + k``
equations for the ``m r`` entries of ``Q``, the projection of the rows on the span of
the model, see ``_given_targets``. Steps of minimum norm ``J' inv(J J' + l) f`` solve
them, so that the rows move as little as possible. For hundreds of classes the Jacobian
``J`` would be too large for the memory. Then only products with it are computed, and a
few iterations of LSMR find each step.
"""

from copy import copy

import numpy as np
from scipy.linalg import solve
from scipy.sparse.linalg import LinearOperator, lsmr

#: Maximum number of steps.
MAX_STEPS = 100
#: Pairs of a number of steps and the factor by which the error has to fall in them.
PATIENCE = ((20, 0.95), (40, 0.5))
#: Maximum error of the equations, relative to the model, that may be rounding.
ROUNDING = 1e-11
#: The surprise of a step is the error of its linear prediction, relative to the
#: residual. These are the maximum surprise of a step that is taken, of one after which
#: steps may be longer, and of one after which they may be much longer.
MAX_SURPRISE = 0.3
SMALL_SURPRISE = 0.1
NO_SURPRISE = 0.03
#: Maximum number of entries of the Jacobian for which it is computed.
MAX_JACOBIAN = 200_000
#: Tolerances and maximum number of iterations of LSMR. More iterations would go into
#: directions in which the equations are too nonlinear for a step to be taken.
LSMR_OPTIONS = {"atol": 1e-3, "btol": 0.03, "conlim": 0, "maxiter": 100}


class PullSystem:
    """The equations for ``Q``, in units of the coefficients.

    Parameters
    ----------
    student : LinearStudent
        Gives the loss and says whether there is an intercept.
    span : ModelSpan
        The model to reproduce.
    synthetic : SyntheticSet
        Targets, weights and ``C`` of the rows.
    Q : ndarray of shape (m, r)
        Projection of reference rows on the span; their size is the unit.
    """

    def __init__(self, student, span, synthetic, Q):
        self.loss = student.loss
        self.V, self.intercept, self.y = span.V, span.intercept, synthetic.y
        self.wanted = span.wanted
        self.weight = student.strength_on(synthetic) * synthetic.sample_weight
        self.size = np.linalg.norm(self.wanted)
        self.balance_unit = student.fit_intercept * np.sqrt(np.mean(Q**2)) / self.size
        self.balance = student.intercept_penalty * self.intercept

    def with_loss(self, loss):
        """Return the same equations for another loss."""
        system = copy(self)
        system.loss = loss
        return system

    def raw(self, Q):
        """Return the raw predictions (m, k)."""
        return Q @ self.V.T + self.intercept

    def pull(self, Q):
        """Return the pulls ``A`` (m, k) of the rows."""
        return -self.weight[:, None] * self.loss.gradient(self.raw(Q), self.y)

    def residual(self, Q):
        """Return the errors (k r + k,) of the equations."""
        A = self.pull(Q)
        balance = (A.sum(axis=0) - self.balance) * self.balance_unit
        return np.concatenate([(A.T @ Q - self.wanted).ravel() / self.size, balance])

    def nearest_felt(self, Q):
        """Shrink the rows toward their mean by the factor with the smallest residual.

        Rows far from the decision boundary hardly contribute to the gradient, so no
        step would move them.
        """
        center = Q.mean(axis=0)
        drawn = (center + (Q - center) / 2**i for i in range(40))
        return min(drawn, key=lambda Q: np.linalg.norm(self.residual(Q)))

    def solve(self, Q):
        """Solve the equations from ``Q``, or stop when the error no longer falls.

        This is Levenberg-Marquardt in the space of the few equations rather than the
        many unknowns. ``scipy.optimize.least_squares`` works in that of the unknowns
        and takes steps as long as its trust region allows.
        """
        with np.errstate(over="ignore", invalid="ignore"):  # exponentials may overflow
            return self._solve(Q)

    def _solve(self, Q):
        tangent_at = _FewEquations
        if self.V.size * Q.size > MAX_JACOBIAN:
            tangent_at = _ManyEquations
        residual, tangent = self.residual(Q), None
        damping, milestones = 1e-3, {steps: np.inf for steps, _ in PATIENCE}
        for i in range(MAX_STEPS):
            size = np.linalg.norm(residual)
            if size < 1e-14 or damping > 1e12:
                break
            due = [(steps, fall) for steps, fall in PATIENCE if i % steps == 0]
            if any(size > fall * milestones[steps] for steps, fall in due):
                break  # out of reach
            milestones.update((steps, size) for steps, _ in due)
            if tangent is None:
                tangent = tangent_at(self, Q)
            if not tangent.curvature > 0:
                break  # no row has a gradient
            # Some equations depend on others, so a ridge is always needed.
            ridge = max(damping, 1e-13) * tangent.curvature
            step, change = tangent.step(residual, ridge)
            candidate = self.residual(Q - step)
            surprise = np.linalg.norm(candidate - residual + change) / size
            if np.linalg.norm(candidate) < size and surprise < MAX_SURPRISE:
                Q, residual, tangent = Q - step, candidate, None
                if surprise < SMALL_SURPRISE:
                    damping /= 10 if surprise < NO_SURPRISE else 3
            elif size < ROUNDING:
                break
            else:
                # The step was too long: the error did not fall, or the rows would
                # move to where they have no gradient.
                damping *= 4
        return Q


class _Tangent:
    """The derivative of the equations at ``Q``: the common part of both forms.

    Attributes
    ----------
    curvature : float
        Mean eigenvalue of ``J J'``.
    """

    def __init__(self, system, Q):
        self.system, self.Q = system, Q
        self.A = system.pull(Q)
        self.hessians = system.loss.hessian(system.raw(Q), system.y)
        self.weight = system.weight[:, None]


class _FewEquations(_Tangent):
    """The derivative with the Jacobian as a matrix."""

    def __init__(self, system, Q):
        super().__init__(system, Q)
        k, r = system.V.shape
        slope = np.empty((k, len(Q), r))
        for c in range(k):
            slope[c] = -self.weight * self.hessians.columns(c) @ system.V
        matrix = np.einsum("ic,qr->cqir", self.A, np.eye(r))
        matrix += np.einsum("cir,iq->cqir", slope, Q)
        self.jacobian = np.concatenate(
            [
                matrix.reshape(-1, Q.size) / system.size,
                slope.reshape(-1, Q.size) * system.balance_unit,
            ]
        )
        self.gram = self.jacobian @ self.jacobian.T
        self.curvature = np.trace(self.gram) / len(self.gram)

    def step(self, residual, ridge):
        """Return the step (m, r) of minimum norm, and the change of the equations."""
        gram = self.gram.copy()
        gram[np.diag_indices_from(gram)] += ridge
        step = self.jacobian.T @ solve(gram, residual, assume_a="pos")
        return step.reshape(self.Q.shape), self.jacobian @ step


class _ManyEquations(_Tangent):
    """The derivative with the Jacobian as a linear operator."""

    def __init__(self, system, Q):
        super().__init__(system, Q)
        r = system.V.shape[1]
        # Sum the squared entries of the Jacobian: pulls, slopes and mixed terms.
        slope = sum(
            np.sum(self.hessians.product(np.tile(v, (len(Q), 1))) ** 2, axis=1)
            for v in system.V.T
        )
        slope = system.weight**2 * slope
        both = -self.weight * self.hessians.product(Q @ system.V.T)
        squares = r * np.vdot(self.A, self.A) + 2 * np.vdot(self.A, both)
        squares += slope @ np.sum(Q**2, axis=1)
        squares = squares / system.size**2 + slope.sum() * system.balance_unit**2
        self.curvature = squares / (system.V.size + len(system.V))

    @property
    def jacobian(self):
        """The operator. It is not cached, to avoid a reference cycle."""
        n_equations = self.system.V.size + len(self.system.V)
        return LinearOperator(
            (n_equations, self.Q.size),
            matvec=self.product,
            rmatvec=self.transposed_product,
            dtype=np.float64,
        )

    def product(self, step):
        """Return the change (k r + k,) of the equations."""
        system, step = self.system, step.reshape(self.Q.shape)
        change = -self.weight * self.hessians.product(step @ system.V.T)
        of_coef = (self.A.T @ step + change.T @ self.Q) / system.size
        return np.append(of_coef, change.sum(axis=0) * system.balance_unit)

    def transposed_product(self, errors):
        """Return the product (m r,) of the transposed Jacobian with errors."""
        system = self.system
        of_coef, balance = np.split(errors.ravel(), [system.V.size])
        of_coef = of_coef.reshape(system.V.shape) / system.size
        asked = self.Q @ of_coef.T + balance * system.balance_unit
        change = -self.hessians.product(self.weight * asked)
        return (self.A @ of_coef + change @ system.V).ravel()

    def step(self, residual, ridge):
        """Return the step (m, r) of about minimum norm, and the predicted change."""
        step = lsmr(self.jacobian, residual, damp=np.sqrt(ridge), **LSMR_OPTIONS)[0]
        return step.reshape(self.Q.shape), self.product(step)
