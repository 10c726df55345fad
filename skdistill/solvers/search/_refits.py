"""Refits: clones of an estimator, fitted on sets, and their losses on real rows.

A candidate that is clearly worse than the incumbent on the first rows is not judged on
the others. Errors and warnings of the estimator do not leave this module.
"""

from typing import Any, NamedTuple

import numpy as np
from sklearn import config_context

from skdistill._hidden_warnings import hiding
from skdistill.solvers.search._estimators import searchable
from skdistill.solvers.search._losses import Scorer

#: Number of standard errors by which a candidate is clearly worse.
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
    """A set in the form that an estimator takes.

    Attributes
    ----------
    X : container of length m
        Samples.
    y : ndarray of shape (m,) or (m, k)
        Labels or numbers.
    sample_weight : ndarray of shape (m,) or None
        Weights; None stands for ones.
    """

    X: Any
    y: Any
    sample_weight: Any


class Raced(NamedTuple):
    """Result of comparing a candidate with the incumbent.

    Attributes
    ----------
    losses : ndarray of shape (n_seeds, n) or None
        Losses of the candidate; None if it is not better than the incumbent.
    n_refits : int
        Number of refits.
    """

    losses: Any
    n_refits: int


class Failed(NamedTuple):
    """A candidate that could not be judged.

    Attributes
    ----------
    error : Exception
        The error that the estimator raised.
    """

    error: Exception


def fit_plainly(estimator, X, y, sample_weight):
    """Fit an estimator in place and return it."""
    if sample_weight is None:
        return estimator.fit(X, y)
    return estimator.fit(X, y, sample_weight=sample_weight)


class Refits:
    """Fits clones of an estimator on sets and computes their losses.

    Parameters
    ----------
    estimator : estimator object
        Unfitted estimator.
    classes : ndarray of shape (n_classes,) or None
        Sorted labels; None for numbers.
    fit : callable, default=fit_plainly
        ``fit(estimator, X, y, sample_weight)`` returns the fitted estimator. It must be
        possible to pickle it.
    """

    def __init__(self, estimator, classes, fit=fit_plainly):
        self.estimator = estimator
        self.classes = classes
        self.fit = fit

    def mean_losses(self, training, seed, parts, few_members=False):
        """Return the mean losses of one refit on several parts, or ``Failed``.

        The estimator checks its parameters. It has its own settings, except for the
        number of members of an ensemble if ``few_members`` is true.
        """
        arguments = training, seed, parts, few_members
        return self._guarded(self._means, *arguments, checked=True)

    def losses(self, training, seed, rows):
        """Return the losses (n,) of one refit for comparisons, or ``Failed``."""
        return self._guarded(self._losses, training, seed, rows)

    def race(self, training, seeds, order, parts, reference):
        """Compare a candidate with the incumbent, and stop as soon as it is worse.

        Parameters
        ----------
        training : Training
            The candidate.
        seeds : sequence of int
            Seeds of the estimator.
        order : sequence of int
            Order in which the seeds are tried.
        parts : sequence of JudgingRows
            The first rows, and the other rows.
        reference : ndarray of shape (n_seeds, n)
            Losses of the incumbent.

        Returns
        -------
        Raced or Failed
            Losses of the candidate, or its error.
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
            except Exception as error:  # an estimator may raise anything
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
        # The candidate has to be better by a standard error over the seeds.
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
