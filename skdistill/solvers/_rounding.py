"""Rounding of learned numbers to values that the columns of a table can have.

Categories are rounded first, because rounding them raises the loss most, and then
integers. In each step a share of the values is rounded, beginning with those that
change least, and the remaining ones are improved to compensate. Then single values are
exchanged if that lowers the loss. Finally the floats and the targets are refined on all
the data.
"""

import numpy as np

from skdistill.solvers._bilevel import minimize_outer_loss

#: Maximum distance from a possible value that counts as rounding error.
ROUNDING_ERROR = 1e-6
#: Maximum number of iterations on a sample after each step, and their tolerance.
STEP_MAX_ITER = 30
STEP_TOL = 3e-4
#: Maximum number of rounds of exchanges, and minimum relative decrease in a round.
MAX_ROUNDS = 10
MIN_GAIN = 3e-4
#: Maximum number of exchanges that are tried: in all, and of each kind in a row.
MAX_TRIALS = 600
MAX_FAILURES = 20
#: Steps by which an integer is changed.
INTEGER_STEPS = (16, 4, 1)


def round_set(problem, synthetic, units_at, columns, report):
    """Round a set to values that the columns can have, up to the precision of floats.

    Learned rows may be far from all possible rows. So the starting rows, and real rows
    near these, are rounded and improved, too. The best of the sets is returned.

    Parameters
    ----------
    problem : Problem
        The problem to solve.
    synthetic : SyntheticSet
        The set to round.
    units_at : callable
        ``units_at(synthetic)`` returns coordinates of the samples near a set.
    columns : Columns
        The columns, which say which values are possible.
    report : Report
        Takes note of the rounded set. After a request to stop, the set is rounded
        without improving it.

    Returns
    -------
    synthetic : SyntheticSet
        The rounded set.
    options : Options
        Options of the problem with bounds that keep the rounded entries fixed.
    """
    rounding = _Rounding(problem, units_at, columns, report)
    whole = synthetic._replace(X=columns.round(synthetic.X))
    if not np.allclose(whole.X, synthetic.X, rtol=0, atol=ROUNDING_ERROR):
        start, near = (
            each._replace(hyperparameters=synthetic.hyperparameters)
            for each in (problem.start, problem.near)
        )
        candidates = [whole, start._replace(X=columns.round(start.X))]
        if not report.stopped:
            candidates += [rounding.run(synthetic), rounding.run(near)]
        whole = min(candidates, key=report.judge or rounding.loss)
        if report.remaining:
            report.iteration(whole, problem.training_loss(whole))
    fixed = rounding.entries(columns.is_discrete, whole)
    return whole, rounding.hold(whole, fixed)


class _Rounding:
    """Rounds sets. Losses are computed on a sample of the real rows."""

    def __init__(self, problem, units_at, columns, report):
        self.student = problem.student
        self.objective = problem.with_penalty(problem.sample_loss)
        self.options = problem.options
        self.table = columns
        self.units_at = units_at
        self.report = report

    def run(self, synthetic):
        """Return the set with all integers and categories rounded."""
        table = self.table
        self.trials_left = MAX_TRIALS
        rounded = np.zeros_like(table.is_discrete)
        for kind in (table.is_category, table.is_discrete & ~table.is_category):
            if not kind.any():
                continue
            before = self.entries(rounded, synthetic)
            # The last values change most, so fewer of them are fixed at a time.
            for n_free in _halvings(kind.sum() * len(synthetic.X)):
                synthetic, fixed = self.fix(synthetic, kind, n_free)
                synthetic = self.refine(synthetic, fixed | before)
            rounded |= kind
            synthetic = self.exchange_and_refine(synthetic, rounded)
        return synthetic

    def entries(self, features, synthetic):
        """Return a mask (m, p) of the entries of a set that encode ``features``."""
        is_entry = np.zeros(synthetic.X.shape, dtype=bool)
        for j in np.flatnonzero(features):
            is_entry[:, self.table.blocks[j]] = True
        return is_entry

    def fix(self, synthetic, features, n_free):
        """Round all values of features except the ``n_free`` that change most.

        Returns
        -------
        synthetic : SyntheticSet
            The set.
        fixed : ndarray of shape (m, p)
            Mask of its rounded entries.
        """
        rounded = self.table.round(synthetic.X)
        change = np.abs(synthetic.X - rounded)
        blocks = [self.table.blocks[j] for j in np.flatnonzero(features)]
        change = np.column_stack([change[:, block].max(axis=1) for block in blocks])
        least = np.argsort(change, axis=None, kind="stable")[: change.size - n_free]
        fixed = self.entries(np.zeros_like(features), synthetic)
        for i, j in zip(*np.unravel_index(least, change.shape), strict=True):
            fixed[i, blocks[j]] = True
        return synthetic._replace(X=np.where(fixed, rounded, synthetic.X)), fixed

    def hold(self, synthetic, fixed):
        """Return options with bounds that keep the entries ``fixed`` (m, p) as is."""
        low, high = (np.where(fixed, synthetic.X, end) for end in self.options.bounds)
        return self.options._replace(bounds=(low, high))

    def refine(self, synthetic, fixed):
        """Improve the entries that are not fixed by a few iterations."""
        variables = self.hold(synthetic, fixed).variables(
            self.student, synthetic, self.units_at(synthetic)
        )
        synthetic, _ = minimize_outer_loss(
            self.student,
            self.objective,
            variables,
            unit=self.options.loss_unit,
            callback=self.report.quiet,
            max_iter=STEP_MAX_ITER,
            tol=STEP_TOL,
        )
        return synthetic

    def exchange_and_refine(self, synthetic, features):
        """Exchange rounded values and refine the rest while the loss falls."""
        fixed = self.entries(features, synthetic)
        loss = self.evaluate(synthetic)[0]
        for _ in range(MAX_ROUNDS):
            better = self.refine(self.exchange(synthetic, features), fixed)
            last_loss, loss = loss, self.evaluate(better)[0]
            if loss < last_loss:
                synthetic = better
            if not loss < (1 - MIN_GAIN) * last_loss:
                break
        return synthetic

    def loss(self, synthetic):
        """Return the loss of a set."""
        return self.evaluate(synthetic)[0]

    def evaluate(self, synthetic, start=None):
        """Return the loss of a set, its gradient in the params, and the params."""
        params = self.student.solve(synthetic, start=start)
        loss, params_grad = self.objective.value_and_grad(params)
        return float(loss), params_grad, params

    def exchange(self, synthetic, features):
        """Exchange one value at a time while that lowers the loss.

        The gradient proposes the exchanges.
        """
        loss, params_grad, params = self.evaluate(synthetic)
        improved = True
        while improved:
            improved = False
            grad = self.student.implicit_vjp(params, params_grad, synthetic).X
            for i, block, value in self.proposals(synthetic.X, grad, features):
                if not self.trials_left:
                    break
                self.trials_left -= 1
                X = synthetic.X.copy()
                X[i, block] = value
                candidate = synthetic._replace(X=X)
                seen = self.evaluate(candidate, params)
                if seen[0] < loss:
                    synthetic, (loss, params_grad, params) = candidate, seen
                    improved = True
                    break
        return synthetic

    def proposals(self, X, grad, features):
        """Yield exchanges ``(row, block, value)`` in the order of predicted decrease.

        The gradient overrates long steps. So exchanges are sorted separately for
        categories and for each length of the steps of integers.
        """
        low, high = self.options.bounds
        is_category = self.table.is_category
        kinds = [(features & is_category, None)]
        kinds += [(features & ~is_category, step) for step in INTEGER_STEPS]
        for of_kind, step in kinds:
            moves = []
            for j in np.flatnonzero(of_kind):
                block = self.table.blocks[j]
                now = X[:, None, block]
                if step is None:
                    values = np.eye(now.shape[2])[None]
                else:
                    values = now + np.array([[-step], [step]])
                    values = np.clip(values, low[block], high[block])
                change = np.sum(grad[:, None, block] * (values - now), axis=2)
                moves += [
                    (change[i, c], i, block, values[i % len(values), c])
                    for i, c in np.argwhere(change < 0)
                ]
            moves.sort(key=lambda move: move[0])
            yield from (move[1:] for move in moves[:MAX_FAILURES])


def _halvings(n):
    """Yield ``n // 2``, ``n // 4`` and so on down to zero."""
    while n:
        n //= 2
        yield n
