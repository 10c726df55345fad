"""Students of ``KNeighborsClassifier`` and ``KNeighborsRegressor``.

The model consists of ``m`` rows ``s_j`` with their targets, so there is nothing to
solve. But the choice of the ``k = n_neighbors`` nearest rows has no derivative. So the
outer loss uses a soft choice. With ``a_j = -gamma |x - s_j|^2``, the memberships are

    argmax_u  <u, a> - sum_j u_j log(u_j)    with  0 <= u_j <= 1,  sum_j u_j = k,

which is ``u_j = min(1, exp(a_j - t))`` with the threshold ``t`` that makes them sum to
``k``. For one neighbor this is the softmax of neighborhood components analysis [1]_ and
of stochastic neighbor compression [2]_. As ``gamma`` grows, ``u`` becomes one for the
``k`` nearest rows and zero elsewhere, so the soft vote becomes the vote of
scikit-learn. Rows vote with ``u_j``, or ``u_j / |x - s_j|`` for ``weights="distance"``.

``gamma`` is a smoothing parameter, which the estimator does not have. It is in units of
the inverse variance of the rows, so that the units of the features do not matter. For
other metrics, their squared distances are used instead of Euclidean ones, and the mean
distance from the center is used instead of the variance.

.. [1] J. Goldberger, G. Hinton, S. Roweis, R. Salakhutdinov, "Neighbourhood components
   analysis", NeurIPS 2004.
.. [2] M. Kusner, S. Tyree, K. Weinberger, K. Agrawal, "Stochastic neighbor
   compression", ICML 2014.
"""

from dataclasses import dataclass, replace
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

#: Factor of ``gamma`` at which the soft vote equals the vote, except for ties.
LIMIT_FACTOR = 1e12
#: Scores are sorted for more neighbors than this in double precision, and for more rows
#: than this in single precision. The limits were measured on one core.
MAX_MAXIMA = 48
MAX_SINGLE_ROWS = 400


class NeighborParams(NamedTuple):
    """Rows that vote.

    Attributes
    ----------
    centers : array of shape (m, p)
        The rows.
    targets : array of shape (m, k)
        Their classes, one-hot, or their numeric targets.
    gamma : float
        Sharpness of the soft vote, per squared unit of the features.
    votes : array of shape (m,)
        One for rows that vote, and zero for padding rows.
    """

    centers: Any
    targets: Any
    gamma: Any
    votes: Any


@dataclass(frozen=True)
class SoftVote(Program):
    """The logarithm of the vote of each row in a prediction.

    A rough vote uses single precision after the distances, which takes half the time.
    Sums over real rows stay in double precision.
    """

    n_neighbors: int
    by_distance: bool
    metric: Any = Euclidean()
    is_rough: bool = False

    def scores(self, params, X):
        """Return powers of the distances (n, m) of the rows, and their scores.

        The score of the nearest row is subtracted. This does not change memberships,
        and reduces rounding errors if all rows are far. Padding rows are infinitely
        far.
        """
        square = self.metric(X, params.centers.astype(X.dtype))
        votes = params.votes > 0
        nearest = jnp.where(votes, square, jnp.inf).min(axis=1, keepdims=True)
        away = square - lax.stop_gradient(nearest)
        scores = jnp.where(votes, -params.gamma.astype(X.dtype) * away, -jnp.inf)
        dtype = jnp.float32 if self.is_rough else X.dtype
        return square.astype(dtype), scores.astype(dtype)

    def log_votes(self, params, X):
        """Return the logarithms (n, m) of memberships and of weights by distance."""
        square, scores = self.scores(params, X)
        members = log_memberships(scores, self.n_neighbors)
        if not self.by_distance or self.n_neighbors == 1:
            return members, jnp.zeros_like(members)
        # The distance of equal rows may be this large by rounding.
        noise = 4 * jnp.finfo(square.dtype).eps * lax.stop_gradient(square.mean())
        return members, -jnp.log(jnp.maximum(square, noise)) / self.metric.power


@dataclass(frozen=True)
class ClassVote(SoftVote):
    """Logarithms (n, k) of the share of the vote for each class."""

    def __call__(self, params, X):
        if self.n_neighbors == 1:  # the shares are normalized below
            votes = self.scores(params, X)[1]
        else:
            votes = jnp.add(*self.log_votes(params, X))
        targets = params.targets.astype(votes.dtype)
        # Subtract the maximum of each class, so that shares which underflow still have
        # a logarithm.
        in_class = jnp.where(targets.T > 0, votes[:, None, :], -jnp.inf)
        top = lax.stop_gradient(in_class.max(axis=2))
        log_shares = top + jnp.log(jnp.exp(votes - top @ targets.T) @ targets)
        return log_shares - logsumexp(log_shares, axis=1, keepdims=True)


@dataclass(frozen=True)
class MeanVote(SoftVote):
    """The mean of the targets, weighted with votes, and its variance.

    The variance is that for memberships drawn independently of each other. The result
    has columns (n, 2 k): first means, then variances.
    """

    def __call__(self, params, X):
        members, counts = self.log_votes(params, X)
        total = logsumexp(members + counts, axis=1, keepdims=True)
        shares = jnp.exp(members + counts - total)
        spread = shares * jnp.exp(counts - total) * -jnp.expm1(members)
        targets = params.targets.astype(shares.dtype)
        origin = targets.mean(axis=0)
        targets -= origin
        mean = shares @ targets
        variance = spread @ targets**2 - 2 * mean * (spread @ targets)
        variance += spread.sum(axis=1, keepdims=True) * mean**2
        return jnp.hstack([mean + origin, jnp.maximum(variance, 0)])


def expected_squared_error(raw_prediction, y):
    """Return the squared error of the mean plus its variance, averaged over outputs."""
    k = raw_prediction.shape[1] // 2
    mean, variance = raw_prediction[:, :k], raw_prediction[:, k:]
    return SQUARED_LOSS.traced(mean, y) + variance.mean(axis=1)


def log_memberships(scores, k):
    """Return the logarithms (n, m) of memberships, which sum to k in each row.

    They are those of ``min(1, exp(scores - t))``, with a threshold ``t`` for each row.
    """
    if k == 1:
        return scores - logsumexp(scores, axis=1, keepdims=True)
    m = scores.shape[1]
    if k == m:
        return jnp.zeros_like(scores)
    # For each j, set the memberships of scores above the j-th largest to one, and let
    # the others be a softmax of the rest. Take the first j for which none exceeds one.
    fixed = lax.stop_gradient(scores)
    largest, n_above = _largest(fixed, k)
    least = largest[-1]
    rest = jnp.where(fixed <= least[:, None], fixed, -jnp.inf)
    log_sums = largest[:-1] + jnp.log(jnp.diff(n_above, axis=0))
    log_sums = jnp.concatenate(
        [
            jnp.where(largest[:-1] > least, log_sums, -jnp.inf),
            logsumexp(rest, axis=1)[None],
        ]
    )
    log_rest = lax.cumlogsumexp(log_sums, reverse=True)
    fits = largest - log_rest + jnp.log(k - n_above) <= 0
    # By rounding, there may be no such j. Then take the k-th largest score.
    fits |= jnp.concatenate([n_above[1:] >= k, fits[-1:] | True])
    first = jnp.argmax(fits, axis=0)[None]
    threshold, n_full = (
        jnp.take_along_axis(each, first, axis=0).T for each in (largest, n_above)
    )
    is_full = fixed > threshold
    rest = jnp.where(is_full, -jnp.inf, scores)
    soft = scores - logsumexp(rest, axis=1, keepdims=True) + jnp.log(k - n_full)
    return jnp.where(is_full, 0.0, soft)


def _largest(scores, k):
    """Return k values (k, n) in descending order, and how many scores exceed each.

    They are the k largest scores, or the k largest distinct ones. If there are fewer
    distinct ones, the smallest one is repeated, and all scores are counted. Taking one
    maximum after the other is faster than sorting, unless there are many.
    """
    is_single = scores.dtype == jnp.float32  # JAX has a faster top_k for these
    if scores.shape[1] > MAX_SINGLE_ROWS if is_single else k > MAX_MAXIMA:
        values = lax.top_k(scores, k)[0].T
        # Tied scores do not exceed each other.
        position = jnp.arange(k, dtype=scores.dtype)[:, None]
        is_first = values < jnp.roll(values, 1, axis=0)
        return values, lax.cummax(jnp.where(is_first, position, 0))
    above_all = jnp.full(len(scores), jnp.inf, scores.dtype)

    def following(value, _):
        n_above = (scores >= value[:, None]).sum(axis=1, dtype=scores.dtype)
        below = jnp.where(scores < value[:, None], scores, -jnp.inf).max(axis=1)
        value = jnp.where(below > -jnp.inf, below, value)
        return value, (value, n_above)

    return lax.scan(following, above_all, length=k)[1]


@dataclass(frozen=True)
class _Training(Program):
    metric: Any

    def __call__(self, synthetic, is_row):
        X, y, _, hyperparameters = synthetic
        share = is_row / is_row.sum()
        # For Euclidean distances, this is the variance of the rows.
        spread = share @ self.metric(X, (share @ X)[None])[:, 0]
        gamma = hyperparameters["gamma"] / jnp.where(spread > 0, spread, 1.0)
        return NeighborParams(X, y.reshape(len(X), -1), gamma, is_row)


class _NeighborsStudent(PaddedStudent):
    """The common part of both students.

    Parameters
    ----------
    estimator : KNeighborsClassifier or KNeighborsRegressor
        The estimator to mirror.
    task : Task
        Features and targets.

    Raises
    ------
    NotMirrored
        If a setting of the estimator is not supported.
    """

    hyperparameters = {}
    smoothing_params = {"gamma": 1.0}
    # A learned gamma would grow until the votes overfit the labels of the real rows.
    learns_smoothing_params = False
    clusters_targets = False
    ignores_zeros = True

    def __init__(self, estimator, task):
        _refuse_unmirrored(estimator)
        super().__init__(estimator, task)
        metric = metric_of(estimator)
        self.raw_prediction = self.vote(
            int(estimator.n_neighbors), estimator.weights == "distance", metric
        )
        self.rough_prediction = replace(self.raw_prediction, is_rough=True)
        self.train = _Training(metric)

    def solve(self, synthetic, start=None):
        """Return the rows and the sharpness of their vote."""
        n_neighbors = self.estimator.n_neighbors
        if n_neighbors > len(synthetic.X):
            raise ValueError(
                f"n_neighbors={n_neighbors} is more than the number of synthetic rows, "
                f"n_samples = {len(synthetic.X)}. Pass n_synthetic of at least "
                f"{n_neighbors}, or an estimator with fewer neighbors."
            )
        return super().solve(synthetic)

    def params_of(self, estimator, synthetic):
        """Return the rows that scikit-learn stored, with the sharpness of the set."""
        return self.solve(synthetic._replace(y=self._targets_of(estimator)))

    def as_predicted(self, params):
        """Return the limit of sharp votes, which is how scikit-learn predicts."""
        return params._replace(gamma=LIMIT_FACTOR * params.gamma)


class NeighborsClassifierStudent(_NeighborsStudent):
    """Student of ``KNeighborsClassifier``, with the log-loss of the soft vote.

    ``loss_`` is that of the soft vote, too, because probabilities of the vote may be
    zero, so that its log-loss would be infinite. ``score`` uses the vote itself.
    """

    vote = ClassVote
    loss_name = "log_loss"
    outer_loss = staticmethod(MULTINOMIAL_LOG_LOSS.traced)

    def encode(self, y):
        """Return one-hot rows (n, k)."""
        return np.eye(len(self.task.classes))[y]

    def _targets_of(self, estimator):
        return self.encode(estimator._y)


class NeighborsRegressorStudent(_NeighborsStudent):
    """Student of ``KNeighborsRegressor``, with the expected error of the soft vote.

    The squared error of the mean alone would suit a smooth average of many rows, which
    scikit-learn's vote does not have. Adding the variance favors sharp votes. In the
    limit of a sharp vote, the loss is the squared error of ``predict``.
    """

    vote = MeanVote
    loss_name = "expected_squared_error"
    outer_loss = staticmethod(expected_squared_error)

    def as_scored(self, params):
        """Return the limit of sharp votes, whose loss is the error of ``predict``."""
        return self.as_predicted(params)

    def _targets_of(self, estimator):
        return np.asarray(estimator._y, dtype=np.float64)


def _refuse_unmirrored(estimator):
    """Raise NotMirrored if a setting of the estimator is not supported."""
    if not (estimator.weights is None or isinstance(estimator.weights, str)):
        raise NotMirrored(
            f"{type(estimator).__name__} cannot be distilled with weights as a "
            "callable. Supported: weights='uniform' or 'distance'."
        )
