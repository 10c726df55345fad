"""Comparison of candidate sets, by the losses of refits on some real rows.

For each candidate a clone of the estimator is fitted. For forests, some of the trees
suffice for comparisons. If fits are random, all candidates are fitted with the same
seeds, and a candidate has to be better on average over several seeds; another seed
comes first in each step. The value of a set is computed with other seeds, on more rows
and on the held-back rows.
"""

import numpy as np
from joblib import Parallel, delayed

from skdistill.optimizers._exchange import Contest
from skdistill.solvers.search._refits import Failed, Raced

#: Number of rows for comparisons at first; ``widen`` doubles it.
FIRST_ROWS = 2048
#: A candidate is first judged on one part in ``RACE`` of these rows, but at least on
#: ``MIN_RACE_ROWS``, because predicting in two parts does not pay for few rows.
RACE, MIN_RACE_ROWS = 4, 1024
#: Seeds for comparisons, and for values.
SEEDS = (0, 1, 2, 3, 4)
CHECK_SEEDS = (5, 6, 7, 8, 9)
#: Increment of all seeds at each reset.
STEP_OF_SEEDS = 10
#: Number of seeds if they change the loss by less than this share of it.
FEW_SEEDS, SMALL_CHANCE = 2, 0.01


class Value(float):
    """The value that decides which set is returned, with both losses of the set.

    Attributes
    ----------
    loss, validation_loss : float
        Loss on the rows for comparisons, and on the held-back rows. The latter is NaN
        if no rows are held back.
    """

    def __new__(cls, loss, validation_loss=np.nan):
        """Make the number, which is the loss on the held-back rows if there are any."""
        value = super().__new__(
            cls, loss if np.isnan(validation_loss) else validation_loss
        )
        value.loss, value.validation_loss = float(loss), float(validation_loss)
        return value


class RefitContest(Contest):
    """Compares sets by the losses of refits.

    Parameters
    ----------
    refits : Refits
        Fits clones of the estimator.
    training : callable
        ``training(candidate) -> Training``.
    rows : callable
        ``rows(start, stop) -> JudgingRows`` returns some of the rows for comparisons.
    n_rows : int
        Number of rows for comparisons.
    held_back : JudgingRows or None
        Rows that decide which set is returned. If None, the rows for comparisons do.
    n_jobs : int or None, default=None
        Number of parallel refits.

    Attributes
    ----------
    n_refits : int
        Number of refits so far.
    """

    def __init__(self, refits, training, rows, n_rows, held_back, n_jobs=None):
        self.refits = refits
        self.training = training
        self.n_jobs = n_jobs
        self.n_refits = 0
        self._seeds, self._check_seeds = SEEDS, CHECK_SEEDS
        self._knows_chance = False
        self._n_steps = 0
        self._rows, self._n_rows = rows, n_rows
        self._deciding = [rows(0, n_rows)]
        if held_back is not None:
            self._deciding.append(held_back)
        self._view(min(FIRST_ROWS, n_rows))

    def widen(self):
        """Use twice as many rows for comparisons from the next reset on."""
        if self._size == self._n_rows:
            return False
        self._view(min(2 * self._size, self._n_rows))
        return True

    def ranking(self, candidates):
        """Return the indices of candidates that do not fail, sorted by their losses.

        Raises
        ------
        ValueError
            If all candidates fail. Its cause is the error of the first one.
        """
        trainings = list(map(self.training, candidates))
        if not self._knows_chance:
            self._limit_seeds(trainings[0])
        seeds = self._seeds[:FEW_SEEDS]
        losses, errors = self._means(trainings, seeds, [self._whole], True)
        if not np.isfinite(losses).any():
            reason = "predicted nothing finite" if not errors else "failed"
            raise ValueError(
                f"{type(self.refits.estimator).__name__} {reason} after fits on all "
                f"{len(candidates)} sets that the search starts from, which have "
                f"{len(trainings[0].y)} rows each. Pass rows that it takes, a larger "
                "n_synthetic, or an estimator that can be fitted on so few rows."
                + (f" The first error was: {errors[0]}" if errors else "")
            ) from (errors[0] if errors else None)
        order = np.argsort(losses[:, 0], kind="stable")
        return [int(i) for i in order if np.isfinite(losses[i, 0])]

    def reset(self, candidate):
        """Make a candidate the incumbent, and use new seeds from now on."""
        if len(self._seeds) > 1:
            self._seeds = [seed + STEP_OF_SEEDS for seed in self._seeds]
        training = self.training(candidate)
        results = self._map(
            self.refits.losses,
            [(training, seed, self._whole) for seed in self._seeds],
        )
        failed = any(isinstance(each, Failed) for each in results)
        shape = len(self._seeds), len(self._whole.y)
        # If the incumbent fails with new rows or seeds, no candidate counts as better.
        self._reference = np.full(shape, -np.inf) if failed else np.array(results)

    def differences(self, candidates):
        """Return the losses of candidates minus that of the incumbent.

        They are infinite for candidates that are worse.
        """
        order = np.roll(np.arange(len(self._seeds)), self._n_steps).tolist()
        self._n_steps += 1
        course = self._seeds, order, self._parts, self._reference
        self._last = self._map(
            self.refits.race, [(self.training(each), *course) for each in candidates]
        )
        self.n_refits += sum(
            each.n_refits - 1 for each in self._last if isinstance(each, Raced)
        )
        return np.array([self._difference(each) for each in self._last])

    def settle(self, index):
        """Make a candidate of the last comparison the incumbent."""
        self._reference = self._last[index].losses

    def value(self, candidate):
        """Return the ``Value`` of a set."""
        training = self.training(candidate)
        losses, _ = self._means([training], self._check_seeds, self._deciding)
        return Value(*losses[0])

    def _limit_seeds(self, training):
        """Use few seeds if they matter little, and one seed if they do not matter."""
        results = self._map(
            self.refits.mean_losses,
            [(training, seed, [self._whole], True) for seed in self._seeds],
        )
        if any(isinstance(each, Failed) for each in results):
            return
        losses = np.ravel(results)
        if not np.isfinite(losses).all():
            return
        if np.ptp(losses) <= SMALL_CHANCE * losses.mean():
            n_seeds = FEW_SEEDS if np.ptp(losses) else 1
            self._seeds, self._check_seeds = SEEDS[:n_seeds], CHECK_SEEDS[:n_seeds]
        self._knows_chance = True

    def _view(self, size):
        """Take the first ``size`` rows for comparisons."""
        self._size = size
        n_first = min(max(size // RACE, MIN_RACE_ROWS), size)
        self._whole = self._rows(0, size)
        weight = self._whole.sample_weight
        self._parts = [
            self._rows(0, n_first)._replace(sample_weight=weight[:n_first]),
            self._rows(n_first, size)._replace(sample_weight=weight[n_first:]),
        ]

    def _means(self, trainings, seeds, parts, few_members=False):
        """Return mean losses (n_trainings, n_parts) over seeds, and errors."""
        arguments = [
            (each, seed, parts, few_members) for each in trainings for seed in seeds
        ]
        results = self._map(self.refits.mean_losses, arguments)
        errors = [each.error for each in results if isinstance(each, Failed)]
        losses = [
            [np.inf] * len(parts) if isinstance(each, Failed) else each
            for each in results
        ]
        shape = len(trainings), len(seeds), len(parts)
        losses = np.reshape(losses, shape).mean(axis=1)
        return np.where(np.isnan(losses), np.inf, losses), errors

    def _difference(self, raced):
        if isinstance(raced, Failed) or raced.losses is None:
            return np.inf
        gained = (raced.losses - self._reference).mean(axis=0)
        difference = self._whole.sample_weight @ gained
        return difference if np.isfinite(difference) else np.inf

    def _map(self, function, arguments):
        self.n_refits += len(arguments)
        if self.n_jobs in (None, 1):
            return [function(*each) for each in arguments]
        jobs = (delayed(function)(*each) for each in arguments)
        return Parallel(n_jobs=self.n_jobs)(jobs)
