"""Kernel parameters that a Gaussian process chooses when it is fitted.

``fit`` maximizes the marginal likelihood of the synthetic rows over ``theta``, the
logarithms of the parameters that are free, within their bounds. There may be several
local maxima, and which one is found depends on the start and on the steps. So
scikit-learn itself goes first, and Newton's method goes on from where it stopped.

With the gradient ``g`` and the Hessian ``H`` of the negative logarithm, an optimum
moves with the rows by ``dtheta = -H^-1 dg``, by the implicit function theorem. So does
one more Newton step, in which ``H`` counts as a constant. Parameters that a bound keeps
stay there. Where the rows change so that another maximum is found, the loss of the set
jumps: an optimizer sees its value on the other side, and no derivative announces it.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skdistill._hidden_warnings import hiding
from skdistill._jax_scope import double_precision
from skdistill._programs import Program, join, split
from skdistill.students._base import NotMirrored

#: Newton steps; two to five lead from where scikit-learn stopped to rounding error.
MAX_STEPS = 10
#: Largest change that is left undone: it is squared by the step that follows.
STEP_TOL = 1e-8
MAX_HALVINGS = 10
#: Rounding of a likelihood, of which slopes have much less.
VALUE_TOL = 1e-10
#: Farthest way from where scikit-learn stopped, in the logarithms. If it is farther to
#: an optimum, the refit will not find that one either, and its stop is kept.
MAX_MOVE = 0.05
#: How near to a bound a parameter is at it.
NEAR_BOUND = 1e-9
#: Least curvature of a direction that is followed. scikit-learn stops at a slope of
#: 1e-5, so that it leaves flatter directions anywhere.
LEAST_CURVATURE = 1e-5


class Optimum(NamedTuple):
    """Where the likelihood is largest, and how far a slope moves that.

    Attributes
    ----------
    theta : array of shape (d,)
        Logarithms of the parameters.
    inverse : array of shape (d, d)
        Inverse of the Hessian in the directions that are free, zero in the others.
    """

    theta: Any
    inverse: Any

    def moved_by(self, slope):
        """Return ``theta``, which moves with the slope as the optimum does."""
        change = self.inverse @ slope
        return self.theta - (change - jax.lax.stop_gradient(change))


@dataclass(frozen=True)
class FreeParameters(Program):
    """Names and sizes of the parameters that ``theta`` has, in its order."""

    sizes: tuple = ()

    @classmethod
    def of(cls, estimator, kernel):
        """Return those that ``fit`` chooses, none where it leaves the kernel alone."""
        if estimator.optimizer is None:
            return cls()
        return cls(
            tuple(
                (f"kernel__{each.name}", each.n_elements)
                for each in kernel.hyperparameters
                if not each.fixed
            )
        )

    def __bool__(self):
        return bool(self.sizes)

    @property
    def names(self):
        """Their names, as ``set_params`` of the estimator has them."""
        return tuple(name for name, _ in self.sizes)

    def named(self, theta):
        """Return the parameters by their names, arrays of those that are."""
        named, start = {}, 0
        for name, size in self.sizes:
            part = theta[start : start + size]
            # JAX would take an array of NumPy in single precision.
            values = np.exp(part) if isinstance(part, np.ndarray) else jnp.exp(part)
            named[name] = values[0] if size == 1 else values
            start += size
        return named


def refuse_unmirrored_optimizer(estimator, kernel):
    """Raise NotMirrored where ``fit`` chooses in a way that is not taken here."""
    refused = []
    if not isinstance(estimator.optimizer, str | None):
        refused.append("an optimizer of your own")
    if estimator.n_restarts_optimizer > 0:
        refused.append(f"n_restarts_optimizer={estimator.n_restarts_optimizer}")
    if refused and estimator.optimizer is not None and kernel.n_dims > 0:
        raise NotMirrored(
            f"{type(estimator).__name__} cannot be distilled with "
            f"{' and '.join(refused)}. Supported: optimizer='fmin_l_bfgs_b' from the "
            "kernel as it is given, and optimizer=None, with learn_params to learn "
            "parameters of the kernel with the rows."
        )


def fitted(estimator, synthetic):
    """Return the estimator that scikit-learn fits, None where it finds no likelihood.

    Its warnings are hidden: those of the refit say whether parameters are near their
    bounds.
    """
    model = clone(estimator).set_params(**synthetic.hyperparameters)
    try:
        with hiding(ConvergenceWarning), hiding(RuntimeWarning):
            return model.fit(synthetic.X, synthetic.y)
    except np.linalg.LinAlgError:
        return None


def polish(loss, theta, bounds, data):
    """Go on to the minimum of a function of ``theta``, by Newton's method.

    Parameters
    ----------
    loss : callable
        ``loss(theta, data) -> float`` in JAX, as hashable: negative log-likelihood.
    theta : ndarray of shape (d,)
        Where to start.
    bounds : ndarray of shape (d, 2)
        Least and largest values.
    data : pytree
        What the function depends on besides.

    Returns
    -------
    Optimum
        The minimum, or the start where none is near; NaN where the start is.
    """
    low, high = bounds.T
    # The logarithm of an exponential need not be a bound to the last digit.
    theta = np.where(theta < low + NEAR_BOUND, low, theta)
    theta = np.where(theta > high - NEAR_BOUND, high, theta)
    start = theta, _derivatives(loss, theta, data)
    theta, (value, slope, hessian) = start
    for _ in range(MAX_STEPS):
        step = -_inverse(hessian, _is_free(theta, slope, low, high)) @ slope
        # Comparisons with NaN are false: without a likelihood there is no step.
        if not np.abs(step).max() > STEP_TOL:
            break
        for _ in range(MAX_HALVINGS):
            trial = np.clip(theta + step, low, high)
            found = _derivatives(loss, trial, data)
            if found[0] <= value + VALUE_TOL * max(1.0, abs(value)):
                break
            step = step / 2
        else:
            break  # as far as rounding lets it
        theta, (value, slope, hessian) = trial, found
        if np.abs(theta - start[0]).max() > MAX_MOVE:
            theta, (value, slope, hessian) = start
            break
    return Optimum(theta, _inverse(hessian, _is_free(theta, slope, low, high)))


def _is_free(theta, slope, low, high):
    """Whether no bound keeps a parameter."""
    return ~(((theta <= low) & (slope > 0)) | ((theta >= high) & (slope < 0)))


def _inverse(hessian, is_free):
    """Return the inverse in free directions that are not flat, zero in the others.

    A direction that is curved downwards, which no minimum has, counts as flat.
    """
    inverse = np.zeros_like(hessian)
    free = np.flatnonzero(is_free)
    if not np.isfinite(hessian).all():
        return inverse
    values, vectors = np.linalg.eigh(hessian[np.ix_(free, free)])
    followed = values > LEAST_CURVATURE
    values, vectors = values[followed], vectors[:, followed]
    inverse[np.ix_(free, free)] = (vectors / values) @ vectors.T
    return inverse


def _derivatives(loss, theta, data):
    form, numbers = split(loss)
    with double_precision():
        found = _value_slope_hessian(theta, data, numbers, form=form)
        return jax.tree.map(np.asarray, found)


@partial(jax.jit, static_argnames="form")
def _value_slope_hessian(theta, data, numbers, form):
    def loss(theta):
        return join(form, numbers)(theta, data)

    value, slope = jax.value_and_grad(loss)(theta)
    return value, slope, jax.hessian(loss)(theta)
