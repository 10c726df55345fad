"""Adam on mini-batches of the real rows, for students that are expensive to evaluate.

Adam and its schedule come from optax. The step length falls from ``learning_rate`` to
zero along a cosine. The best iterate is chosen by a loss on fixed rows, because a
mini-batch is too noisy for that.
"""

from functools import lru_cache, partial

import jax
import numpy as np

from skdistill._jax_scope import double_precision
from skdistill.optimizers._outcome import Outcome, OuterResult


def minimize(
    value_and_grad,
    x0,
    *,
    lower,
    upper,
    n_rows,
    batch_size,
    n_batches,
    learning_rate,
    validate,
    random_state,
    max_iter,
    callback,
):
    """Minimize with Adam, projected on the bounds.

    Parameters
    ----------
    value_and_grad : callable
        ``value_and_grad(x, rows) -> (float, ndarray)`` on the real rows with the
        indices ``rows``.
    x0 : ndarray of shape (d,)
        Start.
    lower, upper : ndarray of shape (d,)
        Bounds; infinite entries stand for no bound.
    n_rows : int
        Number of real rows.
    batch_size : int
        Number of rows in a mini-batch.
    n_batches : int
        Number of mini-batches in an iteration.
    learning_rate : float
        Length of the first step, in units of the variables.
    validate : callable
        ``validate(x) -> float`` returns the value by which the best iterate is chosen.
    random_state : RandomState
        Shuffles the rows.
    max_iter : int
        Number of iterations.
    callback : callable
        ``callback(x, value)`` is called after each iteration, with ``value`` from
        ``validate``. The run stops if it returns true.

    Returns
    -------
    OuterResult
        The best iterate. A complete schedule counts as converged.
    """
    adam = _adam(max_iter * n_batches, learning_rate)
    batches = _batches(n_rows, batch_size, random_state)
    x = best = x0
    best_value = validate(x0)
    if not np.isfinite(best_value):
        return OuterResult(best, best_value, 0, Outcome.NOT_FINITE)
    with double_precision():
        state = adam.init(x)
    for n_iter in range(1, max_iter + 1):
        for _ in range(n_batches):
            _, grad = value_and_grad(x, next(batches))
            if not np.isfinite(grad).all():
                return OuterResult(best, best_value, n_iter - 1, Outcome.NOT_FINITE)
            with double_precision():
                x, state = _step(x, grad, state, lower, upper, adam=adam)
            x = np.asarray(x)
        value = validate(x)
        if not np.isfinite(value):
            return OuterResult(best, best_value, n_iter - 1, Outcome.NOT_FINITE)
        if value < best_value:
            best, best_value = x, value
        if callback(x, value):
            return OuterResult(best, best_value, n_iter, Outcome.STOPPED)
    return OuterResult(best, best_value, max_iter, Outcome.CONVERGED)


@partial(jax.jit, static_argnames="adam")
def _step(x, grad, state, lower, upper, adam):
    from optax import apply_updates

    updates, state = adam.update(grad, state)
    return jax.numpy.clip(apply_updates(x, updates), lower, upper), state


@lru_cache
def _adam(n_steps, learning_rate):
    """Return the same optimizer for the same schedule, so that it is compiled once."""
    import optax  # imported late: it is slow to import, and most fits do not need it

    return optax.adam(optax.cosine_decay_schedule(learning_rate, n_steps))


def _batches(n_rows, batch_size, random_state):
    """Yield indices of mini-batches forever; each pass over the rows is shuffled."""
    batch_size = min(batch_size, n_rows)
    while True:
        order = random_state.permutation(n_rows)
        for start in range(0, n_rows - batch_size + 1, batch_size):
            yield order[start : start + batch_size]
