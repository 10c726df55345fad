"""Statistics (p,) of the rows ``X`` (m, p) for which ``is_row`` (m,) is one, in JAX.

Other rows are padding, see ``skdistill.students._padded``. The number of rows is not
known when the program is compiled.
"""

import jax.numpy as jnp


def only(X, is_row, other=0.0):
    """Return the rows, with the value ``other`` in padding rows."""
    return jnp.where(is_row[:, None] > 0, X, other)


def mean(X, is_row):
    """Return the mean of every feature."""
    return only(X, is_row).sum(axis=0) / is_row.sum()


def minimum(X, is_row):
    """Return the minimum of every feature."""
    return only(X, is_row, jnp.inf).min(axis=0)


def maximum(X, is_row):
    """Return the maximum of every feature."""
    return only(X, is_row, -jnp.inf).max(axis=0)


def quantiles(X, is_row, shares):
    """Return quantiles (q, p) of every feature, interpolated between rows.

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
    """Return the median of every feature."""
    return quantiles(X, is_row, jnp.array([0.5]))[0]
