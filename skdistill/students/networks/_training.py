"""A step of scikit-learn's training of networks, and its stopping rule.

On a batch with weights ``w``, a step lowers

    sum_i w_i loss(raw_prediction_i, y_i) / sum_i w_i
        + alpha / 2 * sum_l ||W_l||^2 / sum_i w_i,

by Adam [1]_, or by gradient descent with plain or Nesterov momentum. Training ends
after ``max_iter`` passes over the rows, or when the mean loss of a pass has not fallen
by ``tol`` for ``n_iter_no_change`` passes.

.. [1] D. Kingma, J. Ba, "Adam: A method for stochastic optimization", ICLR 2015.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from skdistill.students.networks._forward import forward

#: Training with the schedule "adaptive" ends at this learning rate.
MIN_ADAPTIVE_RATE = 1e-6


@dataclass(frozen=True)
class Recipe:
    """Settings of a training that change its program.

    Attributes
    ----------
    activation : {"identity", "logistic", "tanh", "relu"}
        Activation of the hidden layers.
    output : {"softmax", "logistic", "identity"}
        Activation of the last layer, which determines the loss.
    solver : {"adam", "sgd"}
        Method of the steps.
    nesterov : bool
        Whether the momentum of "sgd" is Nesterov's.
    schedule : {"constant", "invscaling", "adaptive"}
        Learning rates of "sgd".
    dtype : {"float64", "float32"}
        Precision of the training.
    """

    activation: str
    output: str
    solver: str
    nesterov: bool
    schedule: str
    dtype: str


class Rows(NamedTuple):
    """The rows that a network is trained on: X (m, p), y (m, k) and weight (m,)."""

    X: Any
    y: Any
    weight: Any


class Settings(NamedTuple):
    """Numeric settings of a training, which do not change its program."""

    alpha: Any
    learning_rate_init: Any
    beta_1: Any
    beta_2: Any
    epsilon: Any
    momentum: Any
    power_t: Any
    tol: Any
    n_iter_no_change: Any
    max_iter: Any


class State(NamedTuple):
    """The network, and means of its gradients that the solver needs.

    Attributes
    ----------
    layers : Layers
        The network.
    first : Layers
        Mean of the gradients, or the velocity of "sgd".
    second : Layers or None
        Mean of the squared gradients, for "adam".
    """

    layers: Any
    first: Any
    second: Any = None


def initial_state(recipe, layers):
    """Return the state before the first step."""
    zeros = jax.tree.map(jnp.zeros_like, layers)
    return State(layers, zeros, zeros if recipe.solver == "adam" else None)


def step(recipe, state, batch, settings, n_before, rate):
    """Return the state after one batch, and the loss before it.

    Parameters
    ----------
    recipe : Recipe
        Settings that change the program.
    state : State
        The state before the step.
    batch : Rows
        The batch, padded with rows of weight zero.
    settings : Settings
        Numeric settings.
    n_before : int
        Number of steps before this one.
    rate : float
        Learning rate of "sgd" by its schedule, relative to the initial one.
    """
    gradient, loss = jax.grad(_objective, argnums=1, has_aux=True)(
        recipe, state.layers, batch, settings.alpha.astype(recipe.dtype)
    )
    return _UPDATES[recipe.solver](recipe, state, gradient, settings, n_before, rate), (
        loss
    )


def _objective(recipe, layers, batch, alpha):
    """Return the objective, and the loss that scikit-learn uses for stopping."""
    raw = forward(layers, batch.X, recipe.activation)
    total = batch.weight.sum()
    share = batch.weight / total
    penalty = alpha / 2 * sum(jnp.vdot(each, each) for each in layers.coefs) / total
    losses, watched = _LOSSES[recipe.output](raw, batch.y)
    return share @ losses + penalty, share @ watched + penalty


def _adam(recipe, state, gradient, settings, n_before, rate):
    beta_1, beta_2 = settings.beta_1, settings.beta_2
    t = n_before + 1.0
    length = settings.learning_rate_init * jnp.sqrt(1 - beta_2**t) / (1 - beta_1**t)
    length, beta_1, beta_2, epsilon = (
        each.astype(recipe.dtype) for each in (length, beta_1, beta_2, settings.epsilon)
    )
    first = jax.tree.map(
        lambda m, g: beta_1 * m + (1 - beta_1) * g, state.first, gradient
    )
    second = jax.tree.map(
        lambda v, g: beta_2 * v + (1 - beta_2) * g**2, state.second, gradient
    )
    layers = jax.tree.map(
        lambda w, m, v: w - length * m / (_root(v) + epsilon),
        state.layers,
        first,
        second,
    )
    return State(layers, first, second)


def _root(v):
    """Return the square root, with derivative zero at zero, for inactive units."""
    is_positive = v > 0
    return jnp.where(is_positive, jnp.sqrt(jnp.where(is_positive, v, 1)), 0)


def _sgd(recipe, state, gradient, settings, n_before, rate):
    length = (settings.learning_rate_init * rate).astype(recipe.dtype)
    momentum = settings.momentum.astype(recipe.dtype)

    def pushed(velocity):
        return jax.tree.map(lambda v, g: momentum * v - length * g, velocity, gradient)

    velocity = pushed(state.first)
    update = pushed(velocity) if recipe.nesterov else velocity
    return State(jax.tree.map(jnp.add, state.layers, update), velocity)


_UPDATES = {"adam": _adam, "sgd": _sgd}


def _softmax_losses(raw, y):
    losses = jax.nn.logsumexp(raw, axis=1) - (y * raw).sum(axis=1)
    return losses, -(y * _clipped(jax.nn.log_softmax(raw, axis=1))).sum(axis=1)


def _logistic_losses(raw, y):
    losses = jnp.logaddexp(0, raw) - y * raw
    watched = y * _clipped(-jnp.logaddexp(0, -raw))
    watched += (1 - y) * _clipped(-jnp.logaddexp(0, raw))
    return losses.sum(axis=1), -watched.sum(axis=1)


def _squared_losses(raw, y):
    # scikit-learn minimizes the sum over the outputs, but stops by their mean.
    squares = (raw - y) ** 2 / 2
    return squares.sum(axis=1), squares.mean(axis=1)


def _clipped(log_probability):
    epsilon = jnp.finfo(log_probability.dtype).eps
    return jnp.clip(log_probability, jnp.log(epsilon), jnp.log1p(-epsilon))


_LOSSES = {
    "softmax": _softmax_losses,
    "logistic": _logistic_losses,
    "identity": _squared_losses,
}


class Watch(NamedTuple):
    """State of the stopping rule and of the learning rate between passes.

    Attributes
    ----------
    best : float
        Lowest mean loss of a pass.
    n_stalled : int
        Number of passes without an improvement by ``tol``.
    rate : float
        Learning rate of "sgd".
    done : bool
        Whether training has ended.
    """

    best: Any
    n_stalled: Any
    rate: Any
    done: Any


def after_pass(recipe, watch, loss, settings, n_passes, n_rows):
    """Return the state of the stopping rule after a pass with a mean loss."""
    is_stalled = loss > watch.best - settings.tol
    n_stalled = jnp.where(is_stalled, watch.n_stalled + 1, 0)
    rate, ends = watch.rate, n_stalled > settings.n_iter_no_change
    if recipe.schedule == "invscaling":
        seen = (n_passes * n_rows + 1.0) ** settings.power_t
        rate = settings.learning_rate_init / seen
    elif recipe.schedule == "adaptive":
        n_stalled = jnp.where(ends, 0, n_stalled)
        is_small = rate <= MIN_ADAPTIVE_RATE
        rate, ends = jnp.where(ends & ~is_small, rate / 5, rate), ends & is_small
    best = jnp.minimum(watch.best, jnp.where(jnp.isnan(loss), jnp.inf, loss))
    return Watch(best, n_stalled, rate, ends | (n_passes >= settings.max_iter))
