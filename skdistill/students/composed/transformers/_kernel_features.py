"""Transformers that approximate a kernel by features."""

from dataclasses import dataclass
from numbers import Integral
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from skdistill._programs import Program
from skdistill.students._base import NotMirrored
from skdistill.students.composed.transformers import _of_rows as of_rows
from skdistill.students.composed.transformers._base import TransformerMirror, refuse
from skdistill.students.kernel._kernels import (
    FIXED_PARAMS,
    INDEFINITE,
    KERNELS,
    LEARNED_PARAMS,
    as_pairs,
)

#: Minimum eigenvalue of a kernel matrix, to which scikit-learn raises smaller ones.
LEAST_EIGENVALUE = 1e-12
#: Default parameters of kernels if ``Nystroem`` has None.
KERNEL_DEFAULTS = {"degree": 3, "coef0": 1}


class Landmarks(NamedTuple):
    """Fitted attributes of ``Nystroem``.

    Attributes
    ----------
    components : array of shape (r, p)
        Landmarks, which are some of the rows.
    normalization : array of shape (r, r)
        Inverse square root of their kernel matrix.
    """

    components: Any
    normalization: Any


@dataclass(frozen=True)
class KernelLandmarks(Program, TransformerMirror):
    """Mirror of ``Nystroem``."""

    kernel: str
    gamma: float | None
    fixed: tuple
    n_components: int
    random_state: int

    ignores_copies = False
    is_flexible = True

    @classmethod
    def of(cls, transformer):
        """Return the mirror of a transformer."""
        kernel = transformer.kernel
        kernels = sorted(set(KERNELS).difference(INDEFINITE))
        refuse(
            "Nystroem",
            {
                f"kernel={kernel!r}": kernel not in kernels,
                "kernel_params": bool(transformer.kernel_params),
                **_random_state_refused(transformer),
            },
            f"an integer random_state and the kernels {', '.join(kernels)}",
        )
        given = {
            name: KERNEL_DEFAULTS[name]
            if getattr(transformer, name) is None
            else getattr(transformer, name)
            for name in FIXED_PARAMS[kernel]
        }
        gamma = transformer.gamma
        return cls(
            kernel,
            None if gamma is None else float(gamma),
            as_pairs(given),
            int(transformer.n_components),
            int(transformer.random_state),
        )

    def fit(self, X, is_row):
        """Return the Landmarks. Their choice depends on the number of rows."""
        r = self.n_components
        drawn = np.array(
            [
                np.random.RandomState(self.random_state).permutation(m)[:r]
                for m in range(r, len(X) + 1)
            ]
        )
        components = X[jnp.asarray(drawn)[is_row.sum().astype(int) - r]]
        gram = self._kernel(components, components)
        return Landmarks(components, inverse_root(gram))

    def transform(self, stats, X):
        """Return the features whose inner products approximate the kernel."""
        components, normalization = (leaf.astype(X.dtype) for leaf in stats)
        return self._kernel(X, components) @ normalization.T

    def stats_of(self, fitted):
        """Return the Landmarks that scikit-learn found."""
        return Landmarks(
            np.asarray(fitted.components_, dtype=np.float64),
            np.asarray(fitted.normalization_, dtype=np.float64),
        )

    def n_features_out(self, n_features):
        """Return the number of landmarks."""
        return self.n_components

    def refuse_rows(self, n_rows, n_features):
        """Raise NotMirrored if there are more landmarks than rows."""
        if self.n_components > n_rows:
            raise NotMirrored(
                f"Nystroem cannot be differentiated with n_components="
                f"{self.n_components} on {n_rows} synthetic rows. Supported: at most "
                "as many components as rows."
            )

    def _kernel(self, X, Z):
        params = dict(self.fixed)
        if LEARNED_PARAMS[self.kernel]:
            gamma = 1 / X.shape[1] if self.gamma is None else self.gamma
            params["gamma"] = jnp.asarray(gamma, X.dtype)
        return KERNELS[self.kernel](X, Z, params)


class Fourier(NamedTuple):
    """Random numbers of ``RBFSampler``.

    Attributes
    ----------
    weights : array of shape (p, r)
        Random frequencies, in inverse units of the rows.
    offset : array of shape (r,)
        Random phases.
    """

    weights: Any
    offset: Any


@dataclass(frozen=True)
class RandomFourier(Program, TransformerMirror):
    """Mirror of ``RBFSampler``."""

    gamma: float | str
    n_components: int
    random_state: int

    is_flexible = True

    @classmethod
    def of(cls, transformer):
        """Return the mirror of a transformer."""
        refuse(
            "RBFSampler",
            _random_state_refused(transformer),
            "an integer random_state",
        )
        gamma = transformer.gamma
        return cls(
            gamma if isinstance(gamma, str) else float(gamma),
            int(transformer.n_components),
            int(transformer.random_state),
        )

    def fit(self, X, is_row):
        """Return the Fourier features, which are drawn when the program is traced."""
        p = X.shape[1]
        random_state = np.random.RandomState(self.random_state)
        frequencies = random_state.normal(size=(p, self.n_components))
        offset = random_state.uniform(0, 2 * np.pi, size=self.n_components)
        gamma = self.gamma
        if isinstance(gamma, str):  # "scale"
            origin = of_rows.mean(X, is_row).mean()
            variance = of_rows.mean((X - origin) ** 2, is_row).mean()
            varies = variance != 0
            gamma = jnp.where(varies, 1 / (p * jnp.where(varies, variance, 1)), 1.0)
        return Fourier(jnp.sqrt(2 * gamma) * frequencies, jnp.asarray(offset))

    def transform(self, stats, X):
        """Return the features whose inner products approximate the kernel."""
        weights, offset = (leaf.astype(X.dtype) for leaf in stats)
        scale = np.sqrt(2 / self.n_components).astype(X.dtype)
        return scale * jnp.cos(X @ weights + offset)

    def stats_of(self, fitted):
        """Return the random numbers that scikit-learn drew."""
        return Fourier(
            np.asarray(fitted.random_weights_, dtype=np.float64),
            np.asarray(fitted.random_offset_, dtype=np.float64),
        )

    def n_features_out(self, n_features):
        """Return the number of random features."""
        return self.n_components


def _random_state_refused(transformer):
    random_state = transformer.random_state
    return {f"random_state={random_state!r}": not isinstance(random_state, Integral)}


@jax.custom_vjp
def inverse_root(gram):
    """Return the inverse square root of a positive semi-definite matrix (r, r)."""
    return _inverse_root_forward(gram)[0]


def _inverse_root_forward(gram):
    values, vectors = jnp.linalg.eigh(gram)
    root = jnp.sqrt(jnp.maximum(values, LEAST_EIGENVALUE))
    is_raised = values < LEAST_EIGENVALUE
    return (vectors / root) @ vectors.T, (vectors, root, is_raised)


def _inverse_root_backward(saved, cotangent):
    """Return the gradient by divided differences of ``1 / sqrt(l)``.

    They are finite for equal eigenvalues, too.
    """
    vectors, root, is_raised = saved
    slope = -1 / (root[:, None] * root * (root[:, None] + root))
    slope = jnp.where(is_raised[:, None] & is_raised, 0, slope)
    cotangent = (cotangent + cotangent.T) / 2
    return (vectors @ (slope * (vectors.T @ cotangent @ vectors)) @ vectors.T,)


inverse_root.defvjp(_inverse_root_forward, _inverse_root_backward)
