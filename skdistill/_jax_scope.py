"""The scope in which the package calls JAX, whatever settings the user has made.

Only modules that import JAX import this one. A scope is entered for one call and left
after it: the settings are those of a thread, and the user's are back when a callback
or a warning reaches the user.

JAX runs on threads, which a process made by ``os.fork`` does not inherit: the first
compilation there would wait for them forever. The scope refuses to be entered instead.
"""

import os
import sys
from contextlib import contextmanager

import jax


@contextmanager
def double_precision():
    """Compute in double precision, by the rules that this package is written for.

    What changes results or makes a fit fail is set here. Settings that report, or that
    help to debug a student, stay the user's: ``jax_log_compiles``, ``jax_disable_jit``.

    Raises
    ------
    RuntimeError
        In a process that was forked after JAX had started its threads.
    """
    if _is_cut_off:
        raise RuntimeError(
            "This process was forked after JAX had started its threads, which a fork "
            "leaves behind: JAX would wait for them forever. Fit in processes that are "
            "started in another way: by joblib's default, 'loky', or by "
            "multiprocessing.get_context('spawn') or 'forkserver'. Predicting needs no "
            "JAX and works here."
        )
    with (
        jax.enable_x64(True),
        # Vectors are broadcast against matrices, integers and floats are mixed, and
        # NumPy arrays are passed to JAX and back.
        jax.numpy_rank_promotion("allow"),
        jax.numpy_dtype_promotion("standard"),
        jax.transfer_guard("allow"),
        # A step that leads to NaN is taken back.
        jax.debug_nans(False),
        jax.debug_infs(False),
        # Float32 rows are multiplied in float32, not in what a device has that is
        # faster.
        jax.default_matmul_precision("highest"),
    ):
        yield


def _has_started():
    """Whether JAX has started its threads, in this process or in the one it is from.

    JAX has no public name for it. Under another name nothing is refused.
    """
    return bool(getattr(sys.modules.get("jax._src.xla_bridge"), "_backends", False))


def _is_alone():
    """Whether this is the only thread of the process; False if that is not known."""
    tasks = "/proc/self/task"
    return os.path.isdir(tasks) and len(os.listdir(tasks)) == 1


def _after_fork():
    global _is_cut_off
    _is_cut_off = _is_cut_off or _has_started()


#: Whether the threads of JAX were left behind: JAX has started, and they are not here.
_is_cut_off = _has_started() and _is_alone()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
