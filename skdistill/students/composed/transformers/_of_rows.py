"""Statistics (p,) of the rows ``X`` (m, p) for which ``is_row`` (m,) is one, in JAX.

The others fill the array up, see ``skdistill.students._padded``. How many rows there
are is not known when the program is compiled.
"""

import jax.numpy as jnp


def only(X, is_row, other=0.0):
    """Return the rows, with another value in those that fill up."""
    return jnp.where(is_row[:, None] > 0, X, other)


def mean(X, is_row):
    """Mean of every feature."""
    return only(X, is_row).sum(axis=0) / is_row.sum()


def minimum(X, is_row):
    """Least value of every feature."""
    return only(X, is_row, jnp.inf).min(axis=0)


def maximum(X, is_row):
    """Largest value of every feature."""
    return only(X, is_row, -jnp.inf).max(axis=0)


def quantiles(X, is_row, shares):
    """Quantiles (q, p) of every feature, interpolated between rows.

    ``shares`` (q,) are in [0, 1].
    """
    ordered = jnp.sort(only(X, is_row, jnp.inf), axis=0)
    last = is_row.sum() - 1
    position = jnp.asarray(shares) * last
    before = jnp.floor(position)
    after = jnp.minimum(before + 1, last)
    low, high = (ordered[each.astype(int)] for each in (before, after))
    return low + (position - before)[:, None] * (high - low)


def median(X, is_row):
    """Median of every feature."""
    return quantiles(X, is_row, jnp.array([0.5]))[0]
