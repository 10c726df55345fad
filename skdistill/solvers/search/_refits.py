"""Clones of an estimator, fitted on sets, and their losses on real rows.

A candidate that is clearly worse than the incumbent on the first rows is not judged on
the others. Whatever an estimator raises, warns of or says stays here.
"""

from typing import Any, NamedTuple

import numpy as np
from sklearn import config_context

from skdistill._hidden_warnings import hiding
from skdistill.solvers.search._estimators import searchable
from skdistill.solvers.search._losses import Scorer

#: Standard errors by which it must be worse there to be out of the race.
CLEARLY = 2.0


class JudgingRows(NamedTuple):
    """Real rows to judge on.

    Attributes
    ----------
    X : container of length n
        The rows.
    y : ndarray of shape (n,) or (n, k)
        Targets: indices of classes, or numbers.
    sample_weight : ndarray of shape (n,)
        Weights, which sum to one.
    """

    X: Any
    y: Any
    sample_weight: Any


class Training(NamedTuple):
    """A set as an estimator takes it.

    Attributes
    ----------
    X : container of length m
        Samples.
    y : ndarray of shape (m,) or (m, k)
        Labels or numbers.
    sample_weight : ndarray of shape (m,) or None
        Weights, None for ones.
    """

    X: Any
    y: Any
    sample_weight: Any


class Raced(NamedTuple):
    """How far a candidate came.

    Attributes
    ----------
    losses : ndarray of shape (n_seeds, n) or None
        Its losses, None if it is no better than the incumbent.
    n_refits : int
        Refits that it took.
    """

    losses: Any
    n_refits: int


class Failed(NamedTuple):
    """A candidate that could not be judged.

    Attributes
    ----------
    error : Exception
        What the estimator raised.
    """

    error: Exception


def fit_plainly(estimator, X, y, sample_weight):
    """Fit an estimator in place and return it."""
    if sample_weight is None:
        return estimator.fit(X, y)
    return estimator.fit(X, y, sample_weight=sample_weight)


class Refits:
    """Clones of an estimator, fitted on sets.

    Parameters
    ----------
    estimator : estimator object
        Unfitted.
    classes : ndarray of shape (n_classes,) or None
        Sorted labels; None for numbers.
    fit : callable, default=fit_plainly
        ``fit(estimator, X, y, sample_weight) -> fitted``, which can be pickled.
    """

    def __init__(self, estimator, classes, fit=fit_plainly):
        self.estimator = estimator
        self.classes = classes
        self.fit = fit

    def mean_losses(self, training, seed, parts, few_members=False):
        """Return the mean loss of one refit on each of several rows, or a ``Failed``.

        The estimator checks its parameters, and is as the user has it unless few
        members of an ensemble do.
        """
        arguments = training, seed, parts, few_members
        return self._guarded(self._means, *arguments, checked=True)

    def losses(self, training, seed, rows):
        """Return the losses (n,) of a refit on rows, for comparisons; or ``Failed``."""
        return self._guarded(self._losses, training, seed, rows)

    def race(self, training, seeds, order, parts, reference):
        """Compare a candidate with the incumbent, and give up when it is worse.

        Parameters
        ----------
        training : Training
            The candidate.
        seeds : sequence of int
            Seeds of the estimator.
        order : sequence of int
            The order in which they are tried.
        parts : sequence of JudgingRows
            The first rows, and the others.
        reference : ndarray of shape (n_seeds, n)
            Losses of the incumbent.

        Returns
        -------
        Raced or Failed
            Its losses.
        """
        return self._guarded(self._race, training, seeds, order, parts, reference)

    def _guarded(self, function, *arguments, checked=False):
        with (
            config_context(skip_parameter_validation=not checked),
            hiding(Warning),
            np.errstate(all="ignore"),
        ):
            try:
                return function(*arguments)
            except Exception as error:  # whatever other people's estimators raise
                return Failed(error)

    def _means(self, training, seed, parts, few_members):
        scorer = self._scorer(training, seed, few_members=few_members)
        return [part.sample_weight @ scorer.losses(part.X, part.y) for part in parts]

    def _losses(self, training, seed, rows):
        return self._scorer(training, seed).losses(rows.X, rows.y)

    def _race(self, training, seeds, order, parts, reference):
        weight = np.concatenate([part.sample_weight for part in parts])
        losses = np.empty_like(reference)
        n_first, excess = len(parts[0].y), []
        for i, s in enumerate(order, start=1):
            scorer = self._scorer(training, seeds[s])
            losses[s, :n_first] = scorer.losses(*parts[0][:2])
            if i == 1 and _is_clearly_worse(
                losses[s, :n_first] - reference[s, :n_first], parts[0].sample_weight
            ):
                return Raced(None, i)
            if n_first < len(weight):
                losses[s, n_first:] = scorer.losses(*parts[1][:2])
            excess.append(weight @ (losses[s] - reference[s]))
            if not sum(excess) < 0:
                return Raced(None, i)
        # One that a few seeds favor is not better yet.
        if not np.mean(excess) < -np.std(excess) / np.sqrt(len(excess)):
            return Raced(None, len(order))
        return Raced(losses, len(order))

    def _scorer(self, training, seed, *, few_members=True):
        estimator = searchable(self.estimator, seed, few_members=few_members)
        return Scorer(self.fit(estimator, *training), self.classes)


def _is_clearly_worse(differences, weight):
    share = weight / weight.sum()
    mean = share @ differences
    variance = share**2 @ (differences - mean) ** 2
    return not mean <= CLEARLY * np.sqrt(variance)
