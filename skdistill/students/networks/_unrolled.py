"""Training of a network, and backpropagation through all its steps.

A training is ``state_{t+1} = step(state_t, rows)``. The gradient in the last state is
pulled back step by step, and each step adds to the gradient in the rows. This requires
the states of all steps. To save memory, only the state at the beginning of each segment
of steps is stored, and the other states are computed a second time.

scikit-learn's rule decides in the training how many steps there are. Loops in the
program run for this number of steps, so other numbers compile nothing.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from skdistill.students.networks._training import (
    Rows,
    Watch,
    after_pass,
    initial_state,
    step,
)

#: Maximum number of bytes of stored states.
MAX_KEPT = 2**27


class Trace(NamedTuple):
    """The record of a training, for backpropagation.

    Attributes
    ----------
    layers : Layers
        The trained network.
    kept : State
        States at the beginning of each segment, along a first axis.
    rates : array of shape (n_passes,)
        Learning rates of "sgd" in each pass, relative to the initial one.
    n_steps : int
        Number of steps.
    """

    layers: Any
    kept: Any
    rates: Any
    n_steps: Any


class Batches(NamedTuple):
    """The rows of each batch.

    Attributes
    ----------
    order : array of int of shape (n_passes, n_batches, batch_size) or None
        Indices of rows; None means that every step uses all rows.
    size : array of shape (n_batches,)
        Number of rows in each batch; the rest of the last batch is padding.
    """

    order: Any
    size: Any

    def take(self, rows, t):
        """Return the batch of step ``t``."""
        if self.order is None:
            return rows
        n_batches, batch_size = self.order.shape[1:]
        index = self.order[t // n_batches, t % n_batches]
        batch = Rows(*(each[index] for each in rows))
        is_row = jnp.arange(batch_size) < self.size[t % n_batches]
        return batch._replace(weight=jnp.where(is_row, batch.weight, 0))


def segment_length(n_steps, layers, n_copies, itemsize):
    """Return the number of steps in a segment, as small as the memory allows."""
    size = sum(each.size for each in jax.tree.leaves(layers))
    n_kept = max(MAX_KEPT // max(n_copies * itemsize * size, 1), 1)
    length = 1
    while length**2 < n_steps and length + n_steps // length > n_kept:
        length += 1
    return length


@partial(jax.jit, static_argnames=("recipe", "n_passes", "segment"))
def train(rows, settings, layers, batches, *, recipe, n_passes, segment):
    """Train a network as scikit-learn does.

    Parameters
    ----------
    rows : Rows
        The rows to train on.
    settings : Settings
        Numeric settings; ``max_iter`` is at most ``n_passes``.
    layers : Layers
        The start.
    batches : Batches
        The batches of each pass.
    recipe : Recipe
        Settings that change the program.
    n_passes : int
        Maximum number of passes, which determines the size of arrays.
    segment : int
        Number of steps between two stored states.

    Returns
    -------
    Trace
        The record of the training.
    """
    rows, layers = _cast((rows, layers), recipe.dtype)
    n_batches, n_rows = len(batches.size), len(rows.X)
    n_segments = -(-n_passes * n_batches // segment)
    first = settings.learning_rate_init

    def one(carry):
        t, state, total, watch, rates = carry
        j, n_done = t % n_batches, t // n_batches + 1
        batch = batches.take(rows, t)
        state, loss = step(recipe, state, batch, settings, t, watch.rate / first)
        total += loss.astype(jnp.float64) * batches.size[j] / n_rows
        after = after_pass(recipe, watch, total, settings, n_done, n_rows)
        is_end = j == n_batches - 1
        watch = jax.tree.map(lambda new, old: jnp.where(is_end, new, old), after, watch)
        total = jnp.where(is_end, 0.0, total)
        rates = rates.at[(t + 1) // n_batches].set(watch.rate / first, mode="drop")
        return t + 1, state, total, watch, rates

    def one_segment(carry):
        kept, inner = carry
        t, state = inner[:2]
        kept = _put(kept, t // segment, state)
        until = t + segment
        inner = lax.while_loop(lambda c: (c[0] < until) & ~c[3].done, one, inner)
        return kept, inner

    state = initial_state(recipe, layers)
    kept = _room_for(n_segments, state)
    watch = Watch(jnp.asarray(jnp.inf), 0, first, False)
    inner = 0, state, 0.0, jax.tree.map(jnp.asarray, watch), jnp.ones(n_passes)
    kept, inner = lax.while_loop(lambda c: ~c[1][3].done, one_segment, (kept, inner))
    t, state, _, _, rates = inner
    return Trace(state.layers, kept, rates, t)


@partial(jax.jit, static_argnames=("recipe", "segment"))
def pull_back(trace, cotangent, rows, settings, batches, *, recipe, segment):
    """Return the gradients in rows and settings from that in the trained layers.

    Parameters
    ----------
    trace : Trace
        The record of the training.
    cotangent : Layers
        Gradient in the trained layers.
    rows, settings, batches, recipe, segment
        As for ``train``.

    Returns
    -------
    rows : Rows
        Gradients in the rows, in double precision.
    settings : Settings
        Gradients in the numeric settings.
    """
    low = _cast(rows, recipe.dtype)
    cotangent = _cast(cotangent, recipe.dtype)
    n_batches = len(batches.size)

    def after(state, rows, settings, t):
        batch = batches.take(rows, t)
        return step(recipe, state, batch, settings, t, trace.rates[t // n_batches])[0]

    def back(carry):
        t, start, states, adjoint, on_rows, on_settings = carry
        state = jax.tree.map(lambda each: each[t - start], states)
        _, vjp = jax.vjp(lambda s, r, h: after(s, r, h, t), state, low, settings)
        adjoint, of_rows, of_settings = vjp(adjoint)
        on_rows, on_settings = jax.tree.map(
            jnp.add, (on_rows, on_settings), (of_rows, of_settings)
        )
        return t - 1, start, states, adjoint, on_rows, on_settings

    def on_segment(carry):
        s, states, *sums = carry
        start = s * segment
        end = jnp.minimum(start + segment, trace.n_steps)
        state = jax.tree.map(lambda each: each[s], trace.kept)

        def again(t, carry):
            states, state = carry
            state = after(state, low, settings, t)
            return _put(states, t + 1 - start, state), state

        states, _ = lax.fori_loop(
            start, end - 1, again, (_put(states, 0, state), state)
        )
        _, _, states, *sums = lax.while_loop(
            lambda c: c[0] >= start, back, (end - 1, start, states, *sums)
        )
        return s - 1, states, *sums

    last = jax.tree.map(lambda each: jnp.zeros_like(each[0]), trace.kept)
    states = _room_for(segment, last)
    zeros = jax.tree.map(jnp.zeros_like, (low, settings))
    sums = last._replace(layers=cotangent), *zeros
    n_segments = -(-trace.n_steps // segment)
    *_, on_rows, on_settings = lax.while_loop(
        lambda c: c[0] >= 0, on_segment, (n_segments - 1, states, *sums)
    )
    return _cast(on_rows, "float64"), on_settings


def _room_for(n_states, state):
    return jax.tree.map(
        lambda each: jnp.zeros((n_states, *each.shape), each.dtype), state
    )


def _put(states, i, state):
    return jax.tree.map(lambda all_, each: all_.at[i].set(each), states, state)


def _cast(tree, dtype):
    return jax.tree.map(lambda each: each.astype(dtype), tree)
