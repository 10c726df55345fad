"""The dual problem of a support vector machine, and the derivative of its solution.

In signed coefficients ``b_i``, with signs ``s_i``, targets ``t_i`` and bounds ``C_i``::

    min_b  b' K b / 2 - t' b   subject to   0 <= s_i b_i <= C_i,   sum_i b_i = 0

Let ``r = t - K b``. A solution has an intercept ``c``, the multiplier of the sum. It
fulfills ``r_i = c`` if ``b_i`` is strictly within its bounds ("free"), ``r_i <= c`` if
``b_i`` can only increase, and ``r_i >= c`` if it can only decrease. Without free
coefficients, libsvm puts ``c`` in the middle of the allowed interval.

As long as no coefficient arrives at a bound or leaves it, the free coefficients ``F``
and ``c`` solve

    K_FF b_F + c = t_F - K_FB b_B,    sum(b_F) = -sum(b_B)

with the other coefficients ``B`` at their bounds. The same symmetric system with the
gradient in ``(b_F, c)`` as right-hand side gives the adjoint ``(u_F, v)``. Then the
gradients are ``u`` in ``t``, ``-u b'`` in ``K``, and ``s_B (gradient - K u - v)_B`` in
the upper bounds that are reached.
"""

import warnings
from typing import NamedTuple

import numpy as np
from scipy.linalg import lstsq
from scipy.linalg.lapack import dsysvx
from sklearn.exceptions import ConvergenceWarning

#: Maximum rounding error of ``r``, relative to the size of its terms.
ROUNDING = 1e-13
#: Maximum number of exchanges; with repeated rows the search may cycle.
MAX_EXCHANGES = 1000
#: Minimum error that raises a warning after that number of exchanges.
LARGE_ERROR = 1e-8


class Dual(NamedTuple):
    """The problem, with ``m`` coefficients.

    Attributes
    ----------
    gram : ndarray of shape (m, m)
        ``K``.
    target, sign, upper : ndarray of shape (m,)
        ``t``, ``s`` and ``C``.
    """

    gram: np.ndarray
    target: np.ndarray
    sign: np.ndarray
    upper: np.ndarray

    def free(self, coef):
        """Return a mask of the coefficients within their bounds."""
        size = self.sign * coef
        return (size > 0) & (size < self.upper)

    def limits(self, coef, residual):
        """Return the two coefficients whose residuals limit the intercept.

        The first one has the largest residual of those that can increase. The second
        one has the smallest residual of those that can decrease. At the solution, the
        first residual is not larger than the second one.
        """
        size = self.sign * coef
        grows, shrinks = size < self.upper, size > 0
        increases = np.where(self.sign > 0, grows, shrinks)
        decreases = np.where(self.sign > 0, shrinks, grows)
        return (
            np.argmax(np.where(increases, residual, -np.inf)),
            np.argmin(np.where(decreases, residual, np.inf)),
        )


def solve_dual(dual, coef):
    """Return the solution to rounding error, and its intercept.

    This is a primal active-set method. It solves the equations of the free
    coefficients. The first coefficient that meets a bound on the way stays there. If
    none does, the coefficient at a bound that violates its inequality most becomes
    free.

    Parameters
    ----------
    dual : Dual
        The problem.
    coef : ndarray of shape (m,)
        Start within the bounds, preferably near the solution. Coefficients at a bound
        have to equal it exactly.

    Returns
    -------
    coef : ndarray of shape (m,)
        ``b``.
    intercept : float
        ``c``.
    """
    coef = coef.copy()
    free = dual.free(coef)
    for _ in range(MAX_EXCHANGES):
        while free.any() and not _move_free(dual, coef, free):
            pass  # each round moves a free coefficient to a bound
        residual = dual.target - dual.gram @ coef
        size = max(np.abs(dual.target).max(), (np.abs(dual.gram) @ np.abs(coef)).max())
        first, second = dual.limits(coef, residual)
        if residual[first] - residual[second] <= ROUNDING * len(coef) * size:
            break
        if free.any():
            intercept = residual[free].mean()
            above = residual[first] - intercept > intercept - residual[second]
            free[first if above else second] = True
        else:  # two coefficients have to move to keep the sum
            free[[first, second]] = True
    else:
        if residual[first] - residual[second] > LARGE_ERROR * size:
            warnings.warn(
                "The dual problem of a support vector machine was not solved, because "
                "it is ill-conditioned. Scale the features or lower C.",
                ConvergenceWarning,
                stacklevel=2,
            )
    return coef, _intercept(dual, coef)


def _move_free(dual, coef, free):
    """Move free coefficients towards the solution of their equations, up to a bound.

    This changes ``coef`` and ``free`` in place, and returns whether no bound was met.
    """
    rhs = np.append((dual.target - dual.gram @ coef)[free], -coef.sum())
    step, is_solution = _solve_bordered(dual.gram[np.ix_(free, free)], rhs)
    sign, upper = dual.sign[free], dual.upper[free]
    size, growth = sign * coef[free], sign * step[:-1]
    room = np.where(growth > 0, upper - size, size)
    with np.errstate(divide="ignore", invalid="ignore"):
        length = np.where(growth != 0, room / np.abs(growth), np.inf)
    blocking = np.argmin(length)
    is_blocked = length[blocking] < (1 if is_solution else np.inf)
    size = size + (length[blocking] if is_blocked else 1) * growth
    coef[free] = sign * np.clip(size, 0, upper)
    if is_blocked:
        row = np.flatnonzero(free)[blocking]
        coef[row] = sign[blocking] * upper[blocking] * (growth[blocking] > 0)
        free[row] = False
    return not is_blocked


def _solve_bordered(gram, rhs):
    """Solve the equations of the free coefficients and the intercept.

    Repeated rows make them singular. Then the solution of minimum norm is returned, and
    True. If there is no solution, a direction of unlimited descent is returned, and
    False.
    """
    system = np.ones((len(rhs), len(rhs)))
    system[:-1, :-1] = gram
    system[-1, -1] = 0
    # Call LAPACK, because scipy.linalg.solve would warn of singular systems.
    *_, solution, _, _, _, info = dsysvx(system, rhs)
    if info == 0:  # neither singular nor nearly so
        return solution[:, 0], True
    solution = lstsq(system, rhs, cond=1e-12, check_finite=False)[0]
    rest = rhs - system @ solution
    has_solution = np.linalg.norm(rest) <= 1e-9 * np.linalg.norm(rhs)
    return (solution, True) if has_solution else (rest, False)


def _intercept(dual, coef):
    residual = dual.target - dual.gram @ coef
    free = dual.free(coef)
    if free.any():
        return residual[free].mean()
    return residual[list(dual.limits(coef, residual))].mean()


def pull_back_dual(dual, coef, coef_grad, intercept_grad):
    """Return the gradient in the problem from that in its solution.

    Parameters
    ----------
    dual : Dual
        The problem.
    coef : ndarray of shape (m,)
        Its solution.
    coef_grad, intercept_grad : ndarray of shape (m,) and float
        Gradients in ``b`` and ``c``.

    Returns
    -------
    target_grad, upper_grad : ndarray of shape (m,)
        Gradients in ``t`` and ``C``. The gradient in ``K`` is minus the outer product
        of ``target_grad`` and ``coef``.
    """
    free = dual.free(coef)
    u, v = np.zeros(len(coef)), 0.0
    if free.any():
        rhs = np.append(coef_grad[free], intercept_grad)
        adjoint, has_solution = _solve_bordered(dual.gram[np.ix_(free, free)], rhs)
        if has_solution:
            u[free], v = adjoint[:-1], adjoint[-1]
    else:
        residual = dual.target - dual.gram @ coef
        for row in dual.limits(coef, residual):
            u[row] += intercept_grad / 2
    is_bound = (dual.sign * coef == dual.upper) & (dual.upper > 0)
    pulled = dual.sign * (coef_grad - dual.gram @ u - v)
    return u, np.where(is_bound, pulled, 0.0)
