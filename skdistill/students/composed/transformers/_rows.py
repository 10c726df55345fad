"""Transformers that process each row separately and learn nothing."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from skdistill._jax_scope import double_precision
from skdistill.students._base import NotMirrored
from skdistill.students.composed.transformers._base import TransformerMirror, refuse
from skdistill.students.composed.transformers._scaling import EPS


class _Stateless(TransformerMirror):
    def fit(self, X, is_row):
        """Return no stats."""
        return ()

    def stats_of(self, fitted):
        """Return no stats."""
        return ()


@dataclass(frozen=True)
class UnitNorm(_Stateless):
    """Mirror of ``Normalizer``."""

    norm: str

    @classmethod
    def of(cls, transformer):
        """Return the mirror of a transformer."""
        return cls(transformer.norm)

    def transform(self, stats, X):
        """Divide every row by its norm, except rows of zeros."""
        if self.norm == "l2":
            size = (X**2).sum(axis=1, keepdims=True)
            is_zero = size < (10 * EPS) ** 2
            return X / jnp.sqrt(jnp.where(is_zero, 1, size))
        reduce = jnp.sum if self.norm == "l1" else jnp.max
        size = reduce(jnp.abs(X), axis=1, keepdims=True)
        return X / jnp.where(size < 10 * EPS, 1, size)


@dataclass(frozen=True)
class Function(_Stateless):
    """Mirror of ``FunctionTransformer``, for functions that JAX can trace.

    A NumPy ufunc is replaced by the function of ``jax.numpy`` with the same name.
    """

    func: Any
    kw_args: tuple

    @classmethod
    def of(cls, transformer):
        """Return the mirror of a transformer."""
        func, kw_args = transformer.func, transformer.kw_args or {}
        refuse(
            "FunctionTransformer",
            {
                "accept_sparse=True": transformer.accept_sparse,
                "a func or kw_args that cannot be hashed": not (
                    _hashes(func) and _hashes(*kw_args.values())
                ),
            },
            "a function of each row that JAX can trace",
        )
        if isinstance(func, np.ufunc):
            func = getattr(jnp, func.__name__, func)
        return cls(func, tuple(sorted(kw_args.items())))

    def transform(self, stats, X):
        """Return the result of the function."""
        return X if self.func is None else self.func(X, **dict(self.kw_args))

    def n_features_out(self, n_features):
        """Return the number of features that the function returns.

        Raises
        ------
        NotMirrored
            If JAX cannot trace the function, or if it does not process each row
            separately.
        """
        if self.func is None:
            return n_features
        name = getattr(self.func, "__name__", repr(self.func))
        # Use positive and distinct rows to find out whether rows affect each other.
        rows = np.random.RandomState(0).uniform(0.5, 1.5, (3, n_features))
        try:
            with double_precision():
                traced = jax.jit(lambda X: self.transform((), X))
                all_rows, one_row = (np.asarray(traced(X)) for X in (rows, rows[:1]))
        except Exception as error:
            raise NotMirrored(
                f"FunctionTransformer cannot be differentiated with {name!r}, which "
                f"JAX cannot trace ({type(error).__name__}). Supported: NumPy's ufuncs "
                "and functions that are written in jax.numpy."
            ) from error
        if all_rows.ndim != 2 or len(all_rows) != 3 or all_rows.dtype.kind != "f":
            raise NotMirrored(
                f"FunctionTransformer cannot be differentiated with {name!r}, which "
                f"returns an array of shape {all_rows.shape} and dtype "
                f"{all_rows.dtype} for rows of shape {rows.shape}. Supported: "
                "functions that return floats, with a row for each row."
            )
        if not np.allclose(all_rows[:1], one_row, rtol=1e-9, equal_nan=True):
            raise NotMirrored(
                f"FunctionTransformer cannot be differentiated with {name!r}, because "
                "its result for a row depends on other rows. Supported: functions that "
                "process each row separately."
            )
        return all_rows.shape[1]


def _hashes(*values):
    try:
        hash(values)
    except TypeError:
        return False
    return True
