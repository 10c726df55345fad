"""From learned numbers to values that the columns of a table can have.

Categories come first, since their rounding costs most, then integers. They are fixed a
share at a time, the values that change least before the others, and what is still free
makes up for it. Then single values are exchanged where that lowers the loss. At last
the floats, the targets and the rest are refined on all the data.
"""

import numpy as np

from skdistill.solvers._bilevel import minimize_outer_loss

#: Values this near to those that the columns can have are theirs.
ROUNDING_ERROR = 1e-6
#: Iterations on a sample of the rows after each step, and their tolerance.
STEP_MAX_ITER = 30
STEP_TOL = 3e-4
#: Rounds of exchanges; each has to lower the loss by this share of it.
MAX_ROUNDS = 10
MIN_GAIN = 3e-4
#: Exchanges that are tried from a set, in all and of each kind in a row.
MAX_TRIALS = 600
MAX_FAILURES = 20
#: By how much an integer is changed.
INTEGER_STEPS = (16, 4, 1)


def round_set(problem, synthetic, units_at, columns, report):
    """Give a set values that the columns can have, up to the precision of floats.

    Parameters
    ----------
    problem : Problem
        What is to be solved. Its starting rows, and real rows near these, are rounded
        and improved, too, and the best set is kept, which may be one of theirs: what is
        learned may be far from any row that the columns can hold.
    synthetic : SyntheticSet
        The set to round.
    units_at : callable
        ``units_at(synthetic)``, coordinates of the samples near a set.
    columns : Columns
        Says which values they can have.
    report : Report
        Takes note of the rounded set; a request to stop leaves out what improves it.

    Returns
    -------
    synthetic : SyntheticSet
        The rounded set.
    options : Options
        The problem's, with bounds that hold what is rounded.
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
    """Rounding of a set, judged on a sample of the real rows."""

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
            # The last values change most: they are fixed one by one.
            for n_free in _halvings(kind.sum() * len(synthetic.X)):
                synthetic, fixed = self.fix(synthetic, kind, n_free)
                synthetic = self.refine(synthetic, fixed | before)
            rounded |= kind
            synthetic = self.exchange_and_refine(synthetic, rounded)
        return synthetic

    def entries(self, features, synthetic):
        """Return which entries (m, p) of a set stand for features (q,)."""
        is_entry = np.zeros(synthetic.X.shape, dtype=bool)
        for j in np.flatnonzero(features):
            is_entry[:, self.table.blocks[j]] = True
        return is_entry

    def fix(self, synthetic, features, n_free):
        """Round all values of features but the ``n_free`` that would change most.

        Returns
        -------
        synthetic : SyntheticSet
            The set.
        fixed : ndarray of shape (m, p)
            Which of its entries are rounded.
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
        """Return options with bounds that hold entries (m, p) of a set."""
        low, high = (np.where(fixed, synthetic.X, end) for end in self.options.bounds)
        return self.options._replace(bounds=(low, high))

    def refine(self, synthetic, fixed):
        """Improve what is not fixed, a little."""
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
        """Exchange values of rounded features and refine the rest, while it pays."""
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
        """Return the loss of a set, its derivatives in the params, and the params."""
        params = self.student.solve(synthetic, start=start)
        loss, params_grad = self.objective.value_and_grad(params)
        return float(loss), params_grad, params

    def exchange(self, synthetic, features):
        """Exchange one value at a time: the gradient proposes, the loss decides."""
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
        """Yield ``(row, block, value)`` by how much the gradient promises, by kind.

        It promises more of a longer step than the loss keeps: steps of each length are
        proposed on their own.
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
    """Yield about half of ``n``, a quarter, and so on, down to zero."""
    while n:
        n //= 2
        yield n
