"""What a fit tells on its way: loss curves, lines, callbacks, a request to stop.

One report goes through every phase of a fit. It counts the iterations on the set, of
which ``max_iter`` are allowed in all, and keeps the best set. Where real rows are held
back, the best is the one with the lowest loss on them.
"""

from time import perf_counter

import numpy as np


class Report:
    """The course of a fit.

    Parameters
    ----------
    max_iter : int
        Maximum number of iterations on the set.
    show : callable
        ``show(task_name, get_synthetic)``, called after each iteration; a true result
        is a request to stop.
    max_time : float or None
        Seconds after which iterations end.
    title : str
        What lines begin with.
    verbose : int
        Whether a line is printed for each iteration.

    Attributes
    ----------
    losses, validation_losses : list of float
        Outer loss of the set after each iteration, on the rows that it is learned from
        and on those held back, if there are any.
    judge : callable or None
        ``judge(synthetic) -> float``, the loss on rows that are held back.
    best : SyntheticSet or None
        The best set so far.
    best_loss, best_validation_loss : float
        Its losses; the latter is infinite if no rows are held back.
    stopped : bool
        Whether somebody asked to stop: every phase ends as soon as it can.
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
        """Iterations that are left."""
        return self.max_iter - len(self.losses)

    @property
    def keeps_a_set(self):
        """Whether there is a set to be kept if the fit is interrupted."""
        return self.best is not None or self._latest is not None

    @property
    def kept(self):
        """The set to be kept and its loss.

        On the way to the first iteration there is no best set: then it is the latest
        one, whose loss on all rows is not known.
        """
        if self.best is None:
            return self._latest, np.nan
        return self.best, self.best_loss

    @property
    def judges(self):
        """Whether sets are judged by rows that are held back."""
        return self.judge is not None

    def judge_by(self, judge, patience):
        """Let the loss on rows that are held back say which set is the best.

        Iterations end after ``patience`` of them without a better one.
        """
        self.judge, self._patience = judge, patience

    def consider(self, synthetic, loss):
        """Take a set for the best if it is, one that no iteration led to."""
        value = self.judge(synthetic)
        self._keep_best(synthetic, loss, value, value)

    def known(self, synthetic, loss, validation_loss):
        """Take a set for the best if it is, whose losses are known."""
        value = loss if validation_loss is None else validation_loss
        self._keep_best(synthetic, loss, value, validation_loss)

    def trial(self, synthetic, loss):
        """Take note of a step that is no iteration; return whether to end."""
        self._latest = synthetic
        if self.judges:
            self._since_best += 1
            self.consider(synthetic, loss)
        return self.stopped or self.has_lost_patience or self.has_expired

    def iteration(self, synthetic, loss, value=None, validation_loss=None):
        """Take note of the set after an iteration; return whether to end.

        ``value`` is what is minimized, where that is not the loss alone. A solver that
        judges sets itself says the loss on rows that it has held back.
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
        """Whether the time is over."""
        return perf_counter() - self._start >= self._max_time

    @property
    def has_lost_patience(self):
        """Whether the held-back loss has not fallen for long."""
        return self._since_best >= self._patience

    def model_iteration(self, get_synthetic, loss):
        """Take note of an iteration towards the model of all rows, which is no set."""
        self._print(f"model of all rows, its loss {loss:.6f}")
        return self._look("full-data model iteration", get_synthetic)

    def quiet(self, *_):
        """Return whether to stop, for phases that nobody looks at."""
        return self.stopped or self.has_expired

    def tell(self, text):
        """Print a line, if lines are asked for."""
        self._print(text)

    def phase(self, name):
        """Say what begins: the loss may jump, and the best set is one from there on."""
        self._print(name)
        self._best_value, self._since_best = np.inf, 0

    def fold(self, number, n_folds, synthetic, loss):
        """Take note of the best set of a fold, which is not returned."""
        self._print(f"fold {number}/{n_folds}, held-back loss {loss:.6f}")
        # Better than nothing, if the fit is interrupted before there is another.
        self.best = synthetic
        self._look("cross-validation fold", lambda: synthetic)

    def learn_by_folds(self, curve, best):
        """Take over the held-back losses (n + 1,) of folds, the first one of starts.

        ``best`` is the lowest.
        """
        self._fold_curve = curve
        self.best_validation_loss = float(best)

    @property
    def ends_by_folds(self):
        """Whether folds say after how many iterations to end, before ``max_iter``."""
        return self._fold_curve is not None

    @property
    def validation_curve(self):
        """Held-back losses that belong to ``losses``; None if no rows are held back."""
        if self.ends_by_folds:
            n_iter = len(self.losses)
            curve = np.pad(self._fold_curve, (0, n_iter), mode="edge")
            return curve[1 : n_iter + 1]
        return np.array(self.validation_losses) if self.validation_losses else None

    def attributes(self):
        """Return the fitted attributes that tell the course of a fit."""
        curve = self.validation_curve
        return {
            "n_iter_": len(self.losses),
            "loss_curve_": np.array(self.losses),
            "validation_loss_curve_": curve,
            "validation_loss_": None if curve is None else self.best_validation_loss,
        }

    def renew_patience(self):
        """Count from here how long the held-back loss has not fallen."""
        self._since_best = 0

    def _keep_best(self, synthetic, loss, value, validation_loss):
        # Later is better where it is the same, unless rows that are held back judge.
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
