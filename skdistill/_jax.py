"""The boundary between NumPy and JAX: double precision inside, NumPy outside."""

import functools

import jax
import numpy as np


def numpy_call(jitted):
    """Call a jitted function in double precision and return NumPy arrays.

    The switch is scoped to the call and to the thread: the caller's JAX settings stay
    as they are. Float32 arguments stay float32.
    """

    @functools.wraps(jitted)
    def call(*args, **kwargs):
        with jax.enable_x64(True):
            return jax.tree.map(np.asarray, jitted(*args, **kwargs))

    call.jitted = jitted
    return call
