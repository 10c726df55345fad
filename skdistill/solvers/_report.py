"""The report of a fit: loss curves, printed lines, callbacks and requests to stop.

One report goes through all phases of a fit. It counts the iterations on the set, up to
``max_iter``, and keeps the best set. If real rows are held back, the best set is the
one with the lowest loss on them.
"""

from time import perf_counter

import numpy as np


class Report:
    """Progress of a fit.

    Parameters
    ----------
    max_iter : int
        Maximum number of iterations on the set.
    show : callable
        ``show(task_name, get_synthetic)`` is called after each iteration. A true result
        is a request to stop.
    max_time : float or None
        Maximum time in seconds; None sets no limit.
    title : str
        Beginning of each printed line.
    verbose : int
        Whether to print a line for each iteration.

    Attributes
    ----------
    losses, validation_losses : list of float
        Outer loss after each iteration, on the rows that the set is learned from and on
        the held-back rows. The latter is empty if no rows are held back.
    judge : callable or None
        ``judge(synthetic) -> float`` returns the loss on the held-back rows.
    best : SyntheticSet or None
        The best set so far.
    best_loss, best_validation_loss : float
        Losses of the best set; the latter is infinite if no rows are held back.
    stopped : bool
        Whether a callback has requested to stop. Every phase then ends soon.
    """

    def __init__(self, max_iter, *, show, max_time=None, title="", verbose=0):
        self.max_iter = max_iter
        self.losses, self.validation_losses = [], []
        self.best, self.best_loss = None, np.inf
        self._latest = None
        self.best_validation_loss = np.inf
        self.stopped = False
        self.judge, self._patience = None, np.inf
        self._fold_curve = None
        self._best_value, self._since_best = np.inf, 0
        self._show = show
        self._max_time = np.inf if max_time is None else max_time
        self._title = title
        self._verbose = verbose
        self._start = perf_counter()

    @property
    def remaining(self):
        """Number of remaining iterations."""
        return self.max_iter - len(self.losses)

    @property
    def keeps_a_set(self):
        """Whether there is a set to keep if the fit is interrupted."""
        return self.best is not None or self._latest is not None

    @property
    def kept(self):
        """The set to keep if the fit is interrupted, and its loss.

        Before the first iteration there is no best set. Then it is the latest set,
        whose loss on all rows is not known.
        """
        if self.best is None:
            return self._latest, np.nan
        return self.best, self.best_loss

    @property
    def judges(self):
        """Whether held-back rows judge the sets."""
        return self.judge is not None

    def judge_by(self, judge, patience):
        """Let the loss on held-back rows decide which set is the best.

        Iterations end after ``patience`` of them without a better set.
        """
        self.judge, self._patience = judge, patience

    def consider(self, synthetic, loss):
        """Judge a set that is not from an iteration, and keep it if it is the best."""
        value = self.judge(synthetic)
        self._keep_best(synthetic, loss, value, value)

    def known(self, synthetic, loss, validation_loss):
        """Keep a set with known losses if it is the best."""
        value = loss if validation_loss is None else validation_loss
        self._keep_best(synthetic, loss, value, validation_loss)

    def trial(self, synthetic, loss):
        """Take note of a step that does not count as an iteration.

        Returns whether to end.
        """
        self._latest = synthetic
        if self.judges:
            self._since_best += 1
            self.consider(synthetic, loss)
        return self.stopped or self.has_lost_patience or self.has_expired

    def iteration(self, synthetic, loss, value=None, validation_loss=None):
        """Take note of the set after an iteration, and return whether to end.

        ``value`` is the value that is minimized, if it is not the loss alone. A solver
        that judges sets itself passes its ``validation_loss`` on held-back rows.
        """
        self.losses.append(float(loss))
        text = f"iteration {len(self.losses)}/{self.max_iter}, outer loss {loss:.6f}"
        if self.judges:
            validation_loss = self.judge(synthetic)
        if validation_loss is not None:
            value = validation_loss
            self.validation_losses.append(validation_loss)
            text += f", held-back loss {validation_loss:.6f}"
        value = loss if value is None else value
        self._since_best += 1
        self._keep_best(synthetic, float(loss), value, validation_loss)
        self._print(text)
        self._look("outer iteration", lambda: synthetic)
        return self.stopped or self.has_lost_patience or self.has_expired

    @property
    def has_expired(self):
        """Whether ``max_time`` has passed."""
        return perf_counter() - self._start >= self._max_time

    @property
    def has_lost_patience(self):
        """Whether the held-back loss has not fallen for too many iterations."""
        return self._since_best >= self._patience

    def model_iteration(self, get_synthetic, loss):
        """Take note of an iteration of the fit of the model of all rows."""
        self._print(f"model of all rows, its loss {loss:.6f}")
        return self._look("full-data model iteration", get_synthetic)

    def quiet(self, *_):
        """Return whether to stop, as the callback of phases that are not reported."""
        return self.stopped or self.has_expired

    def tell(self, text):
        """Print a line if ``verbose`` is set."""
        self._print(text)

    def phase(self, name):
        """Begin a phase in which the loss may jump; earlier sets no longer count."""
        self._print(name)
        self._best_value, self._since_best = np.inf, 0

    def fold(self, number, n_folds, synthetic, loss):
        """Take note of the best set of a fold, which is not returned."""
        self._print(f"fold {number}/{n_folds}, held-back loss {loss:.6f}")
        # It is kept if the fit is interrupted before there is another set.
        self.best = synthetic
        self._look("cross-validation fold", lambda: synthetic)

    def learn_by_folds(self, curve, best):
        """Take over the mean held-back losses (n + 1,) of the folds.

        The first entry is the loss of the starts. ``best`` is the lowest loss.
        """
        self._fold_curve = curve
        self.best_validation_loss = float(best)

    @property
    def ends_by_folds(self):
        """Whether folds have decided on the number of iterations."""
        return self._fold_curve is not None

    @property
    def validation_curve(self):
        """Held-back loss for each of ``losses``; None if no rows are held back."""
        if self.ends_by_folds:
            n_iter = len(self.losses)
            curve = np.pad(self._fold_curve, (0, n_iter), mode="edge")
            return curve[1 : n_iter + 1]
        return np.array(self.validation_losses) if self.validation_losses else None

    def attributes(self):
        """Return the fitted attributes that describe the progress of the fit."""
        curve = self.validation_curve
        return {
            "n_iter_": len(self.losses),
            "loss_curve_": np.array(self.losses),
            "validation_loss_curve_": curve,
            "validation_loss_": None if curve is None else self.best_validation_loss,
        }

    def renew_patience(self):
        """Restart the count of iterations without a lower held-back loss."""
        self._since_best = 0

    def _keep_best(self, synthetic, loss, value, validation_loss):
        # Of sets with equal losses take the last one, unless held-back rows judge.
        is_equal = value == self._best_value and validation_loss is None
        if self.best is None or value < self._best_value or is_equal:
            self.best, self.best_loss = synthetic, loss
            if validation_loss is not None:
                self.best_validation_loss = validation_loss
            self._best_value, self._since_best = value, 0

    def _look(self, task_name, get_synthetic):
        self.stopped |= bool(self._show(task_name, get_synthetic))
        return self.stopped

    def _print(self, text):
        if self._verbose:
            print(f"[{self._title}] {text}, {perf_counter() - self._start:.1f} s")
