"""The scope in which the package calls JAX, with fixed settings.

Only modules that import JAX import this one. The scope is entered for each call and
left after it. Its settings only hold for the thread, and callbacks and warnings of the
user get the user's settings.

JAX uses threads, which a process made by ``os.fork`` does not inherit. The first
compilation in such a process would wait for them forever, so the scope raises an error
instead.
"""

import os
import sys
from contextlib import contextmanager

import jax


@contextmanager
def double_precision():
    """Compute in double precision, with the settings that this package needs.

    It sets everything that changes results or makes a fit fail. Settings for logging
    and debugging, such as ``jax_log_compiles`` and ``jax_disable_jit``, stay the
    user's.

    Raises
    ------
    RuntimeError
        In a process that was forked after JAX had started its threads.
    """
    if _is_cut_off:
        raise RuntimeError(
            "This process was forked after JAX had started its threads. A fork does "
            "not copy threads, so JAX would wait for them forever. Fit in processes "
            "that are started in another way, such as by joblib's default, 'loky', or "
            "by multiprocessing.get_context('spawn') or 'forkserver'. Predicting does "
            "not use JAX and works here."
        )
    with (
        jax.enable_x64(True),
        # Vectors are broadcast against matrices, integers and floats are mixed, and
        # NumPy arrays are passed to JAX and back.
        jax.numpy_rank_promotion("allow"),
        jax.numpy_dtype_promotion("standard"),
        jax.transfer_guard("allow"),
        # Steps that lead to NaN are handled by the optimizers.
        jax.debug_nans(False),
        jax.debug_infs(False),
        # Multiply float32 rows in float32, not in a faster format of the device.
        jax.default_matmul_precision("highest"),
    ):
        yield


def _has_started():
    """Whether JAX has started its threads, in this process or its parent.

    JAX has no public name for this. If the private name changes, no fork is detected.
    """
    return bool(getattr(sys.modules.get("jax._src.xla_bridge"), "_backends", False))


def _is_alone():
    """Whether this is the only thread of the process; False if it is not known."""
    tasks = "/proc/self/task"
    return os.path.isdir(tasks) and len(os.listdir(tasks)) == 1


def _after_fork():
    global _is_cut_off
    _is_cut_off = _is_cut_off or _has_started()


#: Whether JAX has started its threads, but they do not exist in this process.
_is_cut_off = _has_started() and _is_alone()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
