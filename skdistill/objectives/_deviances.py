"""Half Tweedie deviances of positive targets, with a logarithmic link.

For a power ``p``, a raw prediction ``z`` and the prediction ``mu = exp(z)``, the half
deviance, up to terms that only depend on ``y``, is::

    mu^(2 - p) / (2 - p) - y mu^(1 - p) / (1 - p)

The limits are ``mu - y z`` for ``p = 1`` (Poisson) and ``z + y / mu`` for ``p = 2``
(gamma). The other terms make the loss zero for ``mu = y``. The loss is convex in ``z``
for ``1 <= p <= 2``. For larger powers it is convex as long as ``mu`` is not much larger
than ``y``.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.optimize import minimize_scalar

from skdistill._programs import Program
from skdistill.objectives._hessians import DiagonalHessians
from skdistill.objectives._losses import PointwiseLoss

#: Number of bisections for the maximum in ``pull_limit``.
MAX_BISECTIONS = 60


# Padding rows have a target and a weight of zero, so any finite loss suffices for them.


def _traced_poisson(raw_prediction, y):
    import jax.numpy as jnp
    from jax.scipy.special import xlogy

    z = raw_prediction[:, 0]
    y = y.reshape(z.shape)
    return jnp.exp(z) - y * z + xlogy(y, y) - y


def _traced_gamma(raw_prediction, y):
    import jax.numpy as jnp

    z = raw_prediction[:, 0]
    y = y.reshape(z.shape)
    return z + y * jnp.exp(-z) - jnp.log(jnp.where(y > 0, y, 1)) - 1


@dataclass(frozen=True)
class _TracedTweedie(Program):
    power: float

    def __call__(self, raw_prediction, y):
        import jax.numpy as jnp

        z, p = raw_prediction[:, 0], self.power
        y = y.reshape(z.shape)
        loss = jnp.exp((2 - p) * z) / (2 - p) - y * jnp.exp((1 - p) * z) / (1 - p)
        least = jnp.where(y > 0, y, 1) ** (2 - p) * jnp.where((y > 0) | (p > 2), 1, 0)
        return loss + least / ((1 - p) * (2 - p))


def _traced(power):
    named = {1.0: _traced_poisson, 2.0: _traced_gamma}
    return named.get(power) or _TracedTweedie(power)


@dataclass(frozen=True)
class _Deviance:
    """The loss and its derivatives in NumPy, for one output.

    Terms that only depend on ``y`` are left out, because adding them loses precision.
    The loss of large scores may be infinite.
    """

    power: float

    def value(self, raw_prediction, y):
        z, p = raw_prediction[:, 0], self.power
        y = y.reshape(z.shape)
        with np.errstate(over="ignore", invalid="ignore"):
            if p == 1:
                return np.exp(z) - y * z
            if p == 2:
                return z + y * np.exp(-z)
            return np.exp((2 - p) * z) / (2 - p) - y * np.exp((1 - p) * z) / (1 - p)

    def _powers(self, raw_prediction):
        """Return ``mu^(2 - p)`` and ``mu^(1 - p)``."""
        with np.errstate(over="ignore"):
            return tuple(np.exp((e - self.power) * raw_prediction) for e in (2, 1))

    def gradient(self, raw_prediction, y):
        own, of_target = self._powers(raw_prediction)
        with np.errstate(over="ignore", invalid="ignore"):
            return own - y.reshape(raw_prediction.shape) * of_target

    def hessian(self, raw_prediction, y):
        own, of_target = self._powers(raw_prediction)
        y, p = y.reshape(raw_prediction.shape), self.power
        with np.errstate(over="ignore", invalid="ignore"):
            return DiagonalHessians((2 - p) * own + (p - 1) * y * of_target)

    def upper_hessian(self, raw_prediction, y):
        """Return second derivatives without the negative part of powers above two."""
        _, of_target = self._powers(raw_prediction)
        y = y.reshape(raw_prediction.shape)
        return DiagonalHessians((self.power - 1) * y * of_target)

    def target_slope(self, raw_prediction, y):
        _, of_target = self._powers(raw_prediction)
        return of_target

    def target_for(self, raw_prediction, gradient):
        with np.errstate(over="ignore"):
            mean = np.exp(raw_prediction)
            return mean - gradient * mean ** (self.power - 1)

    def pull_limit(self, y):
        """Return the maximum of ``z (y mu^(1 - p) - mu^(2 - p))`` over ``z``.

        It is between 0 and ``log y``, where both factors have the same sign. Its
        logarithm is concave there, so bisection finds it.
        """
        p = self.power
        end = np.full(y.shape, -1 / (2 - p) if p < 2 else 0.0)  # for targets of zero
        np.log(y, out=end, where=y > 0)
        low, high = np.zeros(y.shape), np.ones(y.shape)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            for _ in range(MAX_BISECTIONS):
                share = (low + high) / 2
                z = share * end
                slope = end * (1 / z + 1 - p - 1 / (y * np.exp(-z) - 1))
                low = np.where(slope > 0, share, low)
                high = np.where(slope > 0, high, share)
            z = np.where(y > 0, low * end, end)
            return np.nan_to_num(z * (y * np.exp((1 - p) * z) - np.exp((2 - p) * z)))

    def centered_limit(self, y, sample_weight):
        """Return the lowest bound on the sum of pulls, over shifts of the scores.

        Subtracting ``c`` from the scores divides the targets by ``exp(c)``.
        """

        def limit(c):
            losses = self.pull_limit(y * np.exp(-c))
            return np.exp((2 - self.power) * c) * float(sample_weight @ losses)

        seen = np.log(y[y > 0])
        if not len(seen) or seen.min() == seen.max() and (y > 0).all():
            return 0.0
        center = float(self.start(y, sample_weight)[0])
        return min(limit(center), minimize_scalar(limit, (center, center + 1)).fun)

    def start(self, y, sample_weight):
        """Return the best constant, where scikit-learn's training starts."""
        return np.log(np.average(y.reshape(len(y), -1), axis=0, weights=sample_weight))


@lru_cache
def half_deviance(power):
    """Return half the Tweedie deviance of one output, with a logarithmic link.

    Parameters
    ----------
    power : float
        Power of the variance, at least one: 1 for Poisson, 2 for gamma.

    Returns
    -------
    PointwiseLoss
        The loss. Its targets are positive; they may be zero for powers below two.
    """
    forms = _Deviance(power)
    return PointwiseLoss(
        _traced(power),
        forms.value,
        forms.gradient,
        forms.hessian,
        forms.target_slope,
        False,
        forms.pull_limit,
        forms.target_for,
        forms.centered_limit,
        start=forms.start,
        upper_hessian=forms.upper_hessian if power > 2 else None,
        has_log_link=True,
    )
