"""Nearest-neighbor students, of ``KNeighborsClassifier`` and ``KNeighborsRegressor``.

There is nothing to solve: ``m`` rows ``s_j`` with their targets are the model. What
has no derivative is the choice of the ``k = n_neighbors`` nearest rows, and the outer
loss has a soft one instead. With ``a_j = -gamma |x - s_j|^2``, the memberships are

    argmax_u  <u, a> - sum_j u_j log(u_j)    with  0 <= u_j <= 1,  sum_j u_j = k,

which is ``u_j = min(1, exp(a_j - t))`` with the threshold ``t`` that makes them sum to
``k``. For one neighbor this is the softmax of neighborhood components analysis [1]_ and
of stochastic neighbor compression [2]_. As ``gamma`` grows, ``u`` becomes one for the
``k`` nearest rows and zero elsewhere, whatever ``k``: the soft vote becomes the vote of
scikit-learn. Rows vote with ``u_j``, or ``u_j / |x - s_j|`` for ``weights="distance"``.

``gamma`` is a surrogate, of no use to the estimator. It is counted in units of the
inverse variance of the rows, so that the units of the features do not matter. Of other
metrics the squared distances take the place of the euclidean ones, and their mean from
the center that of the variance.

.. [1] J. Goldberger, G. Hinton, S. Roweis, R. Salakhutdinov, "Neighbourhood components
   analysis", NeurIPS 2004.
.. [2] M. Kusner, S. Tyree, K. Weinberger, K. Agrawal, "Stochastic neighbor
   compression", ICML 2014.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.nn import logsumexp

from skdistill._programs import Program
from skdistill.objectives._losses import MULTINOMIAL_LOG_LOSS, SQUARED_LOSS
from skdistill.students._base import NotMirrored
from skdistill.students._padded import PaddedStudent
from skdistill.students.neighbors._metrics import Euclidean, metric_of

#: Factor of ``gamma`` at which the soft vote is the vote, but for ties.
LIMIT_FACTOR = 1e12


class NeighborParams(NamedTuple):
    """Rows that vote.

    Attributes
    ----------
    centers : array of shape (m, p)
        The rows.
    targets : array of shape (m, k)
        Their classes, one-hot, or their numbers.
    gamma : float
        Sharpness of the soft vote, per squared unit of the features.
    votes : array of shape (m,)
        One for rows that vote, zero for those that fill the set up.
    """

    centers: Any
    targets: Any
    gamma: Any
    votes: Any


@dataclass(frozen=True)
class SoftVote(Program):
    """How much each row takes part in a prediction, in logarithms."""

    n_neighbors: int
    by_distance: bool
    metric: Any = Euclidean()

    def log_votes(self, params, X):
        """Return the memberships (n, m) of the rows and what they count for then."""
        square = self.metric(X, params.centers.astype(X.dtype))
        scores = -params.gamma.astype(X.dtype) * square
        scores = jnp.where(params.votes > 0, scores, -jnp.inf)
        members = log_memberships(scores, self.n_neighbors)
        if not self.by_distance or self.n_neighbors == 1:
            return members, jnp.zeros_like(members)
        # Rounding leaves so much of the distance of equal rows.
        noise = 4 * jnp.finfo(X.dtype).eps * lax.stop_gradient(square.mean())
        return members, -jnp.log(jnp.maximum(square, noise)) / self.metric.power


@dataclass(frozen=True)
class ClassVote(SoftVote):
    """Logarithms (n, k) of the share of the vote for each class."""

    def __call__(self, params, X):
        votes = jnp.add(*self.log_votes(params, X))
        targets = params.targets.astype(X.dtype)
        # Each class is measured from a maximum of its own: shares too small to be told
        # from zero still have a logarithm.
        in_class = jnp.where(targets.T > 0, votes[:, None, :], -jnp.inf)
        top = lax.stop_gradient(in_class.max(axis=2))
        log_shares = top + jnp.log(jnp.exp(votes - top @ targets.T) @ targets)
        return log_shares - logsumexp(log_shares, axis=1, keepdims=True)


@dataclass(frozen=True)
class MeanVote(SoftVote):
    """Mean of the targets, weighted with the votes of their rows, and its variance.

    The variance is that of memberships drawn independently of each other. Columns
    (n, 2 k): means, then variances.
    """

    def __call__(self, params, X):
        members, counts = self.log_votes(params, X)
        total = logsumexp(members + counts, axis=1, keepdims=True)
        shares = jnp.exp(members + counts - total)
        spread = shares * jnp.exp(counts - total) * -jnp.expm1(members)
        targets = params.targets.astype(X.dtype)
        origin = targets.mean(axis=0)
        targets -= origin
        mean = shares @ targets
        variance = spread @ targets**2 - 2 * mean * (spread @ targets)
        variance += spread.sum(axis=1, keepdims=True) * mean**2
        return jnp.hstack([mean + origin, jnp.maximum(variance, 0)])


def expected_squared_error(raw_prediction, y):
    """Squared error of the mean plus its variance, (n,), a mean over the outputs."""
    k = raw_prediction.shape[1] // 2
    mean, variance = raw_prediction[:, :k], raw_prediction[:, k:]
    return SQUARED_LOSS.traced(mean, y) + variance.mean(axis=1)


def log_memberships(scores, k):
    """Logarithms of ``min(1, exp(scores - t))``, (n, m), that sum to k in each row."""
    if k == 1:
        return scores - logsumexp(scores, axis=1, keepdims=True)
    m = scores.shape[1]
    if k == m:
        return jnp.zeros_like(scores)
    # With the j largest at one, the others share k - j like a softmax. The first j for
    # which none of them exceeds one is the number of memberships at one.
    fixed = lax.stop_gradient(scores)
    largest, _ = lax.top_k(fixed, k)
    log_rest = jnp.logaddexp(
        lax.cumlogsumexp(largest, axis=1, reverse=True), _log_below(fixed, largest)
    )
    log_left = jnp.log(k - jnp.arange(k)).astype(scores.dtype)
    fits = (largest - log_rest + log_left <= 0).at[:, -1].set(True)
    n_full = jnp.argmax(fits, axis=1)[:, None]
    is_full = fixed > jnp.take_along_axis(largest, n_full, axis=1)
    rest = jnp.where(is_full, -jnp.inf, scores)
    log_left = jnp.log(k - is_full.sum(axis=1, keepdims=True)).astype(scores.dtype)
    soft = scores - logsumexp(rest, axis=1, keepdims=True) + log_left
    return jnp.where(is_full, 0.0, soft)


def _log_below(scores, largest):
    """Logarithm (n, 1) of the sum of ``exp(scores)`` over all but the largest."""
    last = largest[:, -1:]
    below = logsumexp(jnp.where(scores < last, scores, -jnp.inf), axis=1, keepdims=True)
    n_ties, n_taken = (
        (each == last).sum(axis=1, keepdims=True) for each in (scores, largest)
    )
    return jnp.logaddexp(below, last + jnp.log((n_ties - n_taken).astype(last.dtype)))


@dataclass(frozen=True)
class _Training(Program):
    metric: Any

    def __call__(self, synthetic, is_row):
        X, y, _, hyperparameters = synthetic
        share = is_row / is_row.sum()
        # Of euclidean distances, the variance of the rows.
        spread = share @ self.metric(X, (share @ X)[None])[:, 0]
        gamma = hyperparameters["gamma"] / jnp.where(spread > 0, spread, 1.0)
        return NeighborParams(X, y.reshape(len(X), -1), gamma, is_row)


class _NeighborsStudent(PaddedStudent):
    """What both students share.

    Parameters
    ----------
    estimator : KNeighborsClassifier or KNeighborsRegressor
        The estimator to mirror.
    spec : DataSpec
        Features and targets.

    Raises
    ------
    ValueError
        If the estimator has a setting that is not mirrored.
    """

    hyperparameters = {}
    surrogates = {"gamma": 1.0}
    # Learned, it would grow until the votes fit the labels of the real rows, wrong ones
    # included.
    learns_surrogates = False
    clusters_targets = False
    ignores_zeros = True

    def __init__(self, estimator, spec):
        _refuse_unmirrored(estimator)
        super().__init__(estimator, spec)
        metric = metric_of(estimator)
        self.raw_prediction = self.vote(
            int(estimator.n_neighbors), estimator.weights == "distance", metric
        )
        self.train = _Training(metric)

    def solve(self, synthetic, start=None):
        """Return the rows and the sharpness of their vote."""
        n_neighbors = self.estimator.n_neighbors
        if n_neighbors > len(synthetic.X):
            raise ValueError(
                f"n_neighbors={n_neighbors} asks for more neighbors than there are "
                f"synthetic rows, n_samples = {len(synthetic.X)}. Pass n_synthetic of "
                f"at least {n_neighbors}, or an estimator with fewer neighbors."
            )
        return super().solve(synthetic)

    def params_of(self, estimator, synthetic):
        """Return the rows that scikit-learn keeps, at the sharpness of the set."""
        return self.solve(synthetic._replace(y=self._targets_of(estimator)))

    def as_predicted(self, params):
        """Return the limit of sharp votes, which is how scikit-learn predicts."""
        return params._replace(gamma=LIMIT_FACTOR * params.gamma)


class NeighborsClassifierStudent(_NeighborsStudent):
    """Student of ``KNeighborsClassifier``: the log-loss of the soft vote.

    ``score`` of the refitted estimator is that of the vote itself. A probability of the
    vote may be zero, and its log-loss infinite: it is not what is reported.
    """

    vote = ClassVote
    loss_name = "log_loss"
    outer_loss = staticmethod(MULTINOMIAL_LOG_LOSS.traced)

    def encode(self, y):
        """Return one-hot rows (n, k)."""
        return np.eye(len(self.spec.classes))[y]

    def _targets_of(self, estimator):
        return self.encode(estimator._y)


class NeighborsRegressorStudent(_NeighborsStudent):
    """Student of ``KNeighborsRegressor``: the expected squared error of the soft vote.

    The squared error of the mean alone would have rows rely on a smooth blend that
    scikit-learn's vote does not have. With the variance of the blend, it is the error
    of ``predict`` in the limit, and sharp votes pay.
    """

    vote = MeanVote
    loss_name = "expected_squared_error"
    outer_loss = staticmethod(expected_squared_error)

    def as_scored(self, params):
        """Return the limit of sharp votes: its loss is the error of ``predict``."""
        return self.as_predicted(params)

    def _targets_of(self, estimator):
        return np.asarray(estimator._y, dtype=np.float64)


def _refuse_unmirrored(estimator):
    """Raise a ValueError that names the settings without a counterpart here."""
    if not (estimator.weights is None or isinstance(estimator.weights, str)):
        raise NotMirrored(
            f"{type(estimator).__name__} cannot be distilled with weights as a "
            "callable. Supported: weights='uniform' or 'distance'."
        )
