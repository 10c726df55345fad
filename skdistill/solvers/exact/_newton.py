"""Newton's method for the linear model of all real rows, to rounding error.

Conjugate gradients find the steps, in whitened coordinates. Products with the Hessian
are differences of gradients, so any objective is possible. The preconditioner is the
Hessian, or its diagonal blocks where it is expensive. For a squared error the Hessian
is known.
"""

from functools import partial

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse.linalg import LinearOperator, cg

from skdistill._forms import products_from
from skdistill.optimizers._outcome import Outcome
from skdistill.solvers.exact._whitening import MAX_DENSE_FEATURES

#: Maximum number of products with the Hessian in a step, and tolerance of the step.
NEWTON_PRODUCTS = 60
NEWTON_RTOL = 1e-3
#: Maximum number of times that a step is halved.
MAX_HALVINGS = 10
#: The blocks are computed again if a step leaves more than this share of the gradient.
SLOW = 0.03
#: Maximum number of multiplications for which blocks are computed in each step.
CHEAP_BLOCKS = 1e9
#: Maximum number of coefficients for the whole Hessian of coupled outputs, of 4 MB.
MAX_COUPLED = 700
#: Maximum entry of the gradient that counts as rounding, in units of the loss.
ROUNDING = 4 * np.finfo(np.float64).eps
#: Steps end when no coefficient changes by more, relative to the largest coefficient.
COEF_TOL = 1e-10


def polish(space, problem, max_iter, tol, callback):
    """Fit by Newton's method until the coefficients no longer change.

    Returns
    -------
    params : LinearParams
        The model.
    n_iter : int
        Number of steps.
    outcome : Outcome
        How the steps ended.
    """
    x = space.x0
    params, _ = space.unpack(x)
    value, grad = space.value_and_grad(x)
    if np.abs(grad).max() <= ROUNDING:
        space.report(callback, x, value)
        return space.centered(params), 1, Outcome.CONVERGED
    # Differences of gradients are exact for a quadratic loss. For others, this length
    # balances rounding and truncation.
    step_length = np.sqrt(np.finfo(problem.real.dtype).eps)
    blocks = None
    if space.student.loss.is_quadratic:
        step_length = 1.0
    elif space.whitening.size <= MAX_DENSE_FEATURES:
        blocks = _CurvatureBlocks(space, rows_for_blocks(problem, space.whitening))
    is_known = space.whitening.hessian is not None
    is_known |= blocks is not None and blocks.are_all
    preconditioner, is_slow = None, False
    outcome, first_size = Outcome.MAX_ITER, np.linalg.norm(grad)
    for n_iter in range(1, max_iter + 1):  # noqa: B007 (read after it)

        def product(v, x=x, grad=grad):
            norm = np.linalg.norm(v)
            if not norm:
                return v
            length = step_length / norm
            return (space.value_and_grad(x + length * v)[1] - grad) / length

        hessian = LinearOperator((len(x), len(x)), product, dtype=np.float64)
        if blocks is not None and (
            preconditioner is None or (blocks.are_cheap and is_slow)
        ):
            preconditioner = blocks.inverse(params)
        # Early steps need not be exact.
        rtol = max(NEWTON_RTOL, 0.1 * min(1.0, np.linalg.norm(grad) / first_size))
        if is_known and space.whitening.hessian is not None:
            step = -grad / space.whitening.hessian
        elif is_known:
            step = preconditioner @ -grad
        else:
            step, _ = cg(
                hessian,
                -grad,
                rtol=rtol,
                maxiter=NEWTON_PRODUCTS,
                M=preconditioner,
            )
        lower = _descend(space, x, step, value, grad)
        if lower is None:
            # Only rounding errors are left, unless those of the known Hessian are
            # large, as for features of very different units.
            if is_known and -np.vdot(grad, step) > 1e-14 * abs(value):
                is_known = False
                continue
            outcome = Outcome.CONVERGED
            break
        size = np.linalg.norm(grad)
        x, value, grad = lower
        is_slow = np.linalg.norm(grad) > SLOW * size
        if space.whitening.hessian is not None:
            is_known &= np.linalg.norm(grad) <= 0.1 * size
        before = params
        params, _ = space.unpack(x)
        change = np.abs(params.coef - before.coef).max()
        if space.report(callback, x, value):
            outcome = Outcome.STOPPED
            break
        is_same = change <= COEF_TOL * np.abs(params.coef).max()
        if np.abs(grad).max() <= ROUNDING or is_same:
            outcome = Outcome.CONVERGED
            break
    return space.centered(params), n_iter, outcome


def _descend(space, x, step, value, grad):
    """Halve a step until the value falls.

    Returns
    -------
    tuple of (x, value, grad) or None
        The new point, with its value and gradient; None if only rounding is left.
    """
    size, slope = np.linalg.norm(grad), np.vdot(grad, step)
    for _ in range(MAX_HALVINGS):
        candidate, candidate_grad = space.value_and_grad(x + step)
        # Near the minimum, rounding hides a decrease of the value, but not of the
        # gradient.
        if np.linalg.norm(candidate_grad) < 0.5 * size:
            return x + step, candidate, candidate_grad
        if -slope <= 1e-14 * abs(value):
            return None
        if candidate < value + 1e-4 * slope:
            return x + step, candidate, candidate_grad
        step, slope = step / 2, slope / 2
    return None


def rows_for_blocks(problem, whitening):
    """Return the rows for blocks of the Hessian: all rows, or a sample if expensive."""
    work = problem.real.n_rows * whitening.size**2 * problem.student.n_outputs
    is_cheap = work <= CHEAP_BLOCKS and whitening.size <= MAX_DENSE_FEATURES
    return problem.real if is_cheap else problem.sample


class _CurvatureBlocks:
    """Diagonal blocks of the Hessian on some rows.

    There is one block for each output, or a single one, which is the whole Hessian, if
    the loss couples the outputs and this is cheap. Whitened coordinates only use the
    mean curvature of the rows. The blocks use the curvature of each row and output.
    """

    def __init__(self, space, rows):
        self.space, self.rows = space, rows
        student, size = space.student, space.whitening.size
        self.basis = space.whitening.to_coef(np.eye(size))
        self.penalty = np.zeros((size + 1, size + 1))
        self.penalty[:-1, :-1] = space.ridge * self.basis @ self.basis.T
        intercept = np.append(-self.basis @ space.mean, 1.0)
        on_intercept = space.ridge * student.intercept_penalty
        self.penalty += on_intercept * np.outer(intercept, intercept)
        if not student.fit_intercept:
            self.penalty[-1, -1] = 1.0
        # A softmax couples the outputs.
        is_coupled = space.k > 1 and student.loss.shift_invariant
        n_products = rows.n_rows * (size + 1) ** 2 * space.k
        self.are_cheap = n_products <= CHEAP_BLOCKS
        #: Whether there is a single block for all outputs.
        self.is_whole = is_coupled and space.k * (size + 1) <= MAX_COUPLED
        self.is_whole &= n_products * (space.k + 1) / 2 <= CHEAP_BLOCKS
        #: Whether the blocks are the whole Hessian of the loss on all rows.
        self.are_all = self.are_cheap and rows is space.objective.real
        self.are_all &= self.is_whole or not is_coupled

    def inverse(self, params):
        """Return the inverse of the blocks at a model, as an operator."""
        k, space = self.space.k, self.space
        sums = _hessian_sums if self.is_whole else _curvature_sums
        blocks = self.rows.map_sum(
            partial(sums, student=space.student), params, self.basis, space.mean
        )
        factors = []
        for block in blocks:
            size = len(self.penalty)
            by_output = block.reshape(len(block) // size, size, -1, size)
            for c in range(len(by_output)):
                by_output[c, :, c] += self.penalty
            # A small ridge keeps steps short in directions without curvature.
            curvature = np.trace(block) / len(block)
            block[np.diag_indices_from(block)] += 1e-8 * curvature
            if self.is_whole:
                # A softmax does not see what its outputs share. Without this, rounding
                # errors of the gradient would become long steps there.
                each = np.arange(size)
                by_output[:, each, :, each] += curvature / k
            factors.append(cho_factor(block, overwrite_a=True, check_finite=False))
        # The blocks are those of the loss, and vectors and values have units.
        unit = space.unit / space.length**2

        def apply(x):
            v = np.column_stack([x[:-k].reshape(k, -1), x[-k:]])
            parts = zip(factors, v.reshape(len(factors), -1), strict=True)
            v = np.array([cho_solve(f, part) for f, part in parts]).reshape(k, -1)
            return unit * np.concatenate([v[:, :-1].ravel(), v[:, -1]])

        return LinearOperator((len(self.space.x0),) * 2, apply, dtype=np.float64)


def _curvature_sums(chunk, params, basis, mean, student):
    """Return blocks (k, size + 1, size + 1) of the Hessian; the intercept is last."""
    design, hessians = _design(chunk, params, basis, mean, student)
    curvature = hessians.curvature * chunk.sample_weight[:, None]
    return np.array([(design.T * each) @ design for each in curvature.T])


def _hessian_sums(chunk, params, basis, mean, student):
    """Return the Hessian (1, k (size + 1), k (size + 1)), ordered by outputs."""
    design, hessians = _design(chunk, params, basis, mean, student)
    k, size = len(params.coef), design.shape[1]
    hessian = np.empty((k, size, k, size))
    for c in range(k):
        columns = hessians.columns(c) * chunk.sample_weight[:, None]
        for d in range(c + 1):
            hessian[c, :, d] = (design.T * columns[:, d]) @ design
            hessian[d, :, c] = hessian[c, :, d]  # which is symmetric
    return hessian.reshape(1, k * size, k * size)


def _design(chunk, params, basis, mean, student):
    """Return whitened rows (n, size + 1) with a constant, and the Hessians of rows."""
    raw = chunk.X @ params.coef.T + params.intercept
    design = np.full((len(raw), len(basis) + 1), float(student.fit_intercept))
    design[:, :-1] = products_from(chunk.X, mean, basis.T)
    return design, student.loss.convex_hessian(raw, student.encode(chunk.y))
