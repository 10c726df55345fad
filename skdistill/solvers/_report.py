"""What a fit tells on its way: the loss curve, lines, callbacks, a request to stop.

One report goes through every phase of a fit. It counts the iterations on the set, of
which ``max_iter`` are allowed in all, and keeps the best set, for the case that the fit
is interrupted.
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
    title : str
        What lines begin with.
    verbose : int
        Whether a line is printed for each iteration.

    Attributes
    ----------
    losses : list of float
        Outer loss of the set after each iteration.
    best : SyntheticSet or None
        The best set so far.
    best_loss : float
        Its loss.
    stopped : bool
        Whether somebody asked to stop: every phase ends as soon as it can.
    """

    def __init__(self, max_iter, *, show, title="", verbose=0):
        self.max_iter = max_iter
        self.losses = []
        self.best, self.best_loss = None, np.inf
        self.stopped = False
        self._best_value = np.inf
        self._show = show
        self._title = title
        self._verbose = verbose
        self._start = perf_counter()

    @property
    def remaining(self):
        """Iterations that are left."""
        return self.max_iter - len(self.losses)

    def iteration(self, synthetic, loss, value=None):
        """Take note of the set after an iteration; return whether to stop.

        ``value`` is what is minimized, where that is not the loss alone.
        """
        self.losses.append(float(loss))
        value = loss if value is None else value
        # Later is better where it is the same.
        if self.best is None or value <= self._best_value:
            self.best, self.best_loss = synthetic, float(loss)
            self._best_value = value
        self._print(f"iteration {len(self.losses)}, outer loss {loss:.6f}")
        return self._look("outer iteration", lambda: synthetic)

    def model_iteration(self, get_synthetic, loss):
        """Take note of an iteration towards the model of all rows, which is no set."""
        self._print(f"model of all rows, its loss {loss:.6f}")
        return self._look("full-data model iteration", get_synthetic)

    def quiet(self, *_):
        """Return whether to stop, for phases that nobody looks at."""
        return self.stopped

    def phase(self, name):
        """Say what begins: the loss may jump, and the best set is one from there on."""
        self._print(name)
        self._best_value = np.inf

    def _look(self, task_name, get_synthetic):
        self.stopped |= bool(self._show(task_name, get_synthetic))
        return self.stopped

    def _print(self, text):
        if self._verbose:
            print(f"[{self._title}] {text}, {perf_counter() - self._start:.1f} s")
