"""Implicit differentiation of any stationarity function, by jaxopt.

jaxopt is only imported here, and late, because it is slow to import and warns that it
is no longer developed. Its default linear solver leaves an error of one percent in a
hypergradient, so conjugate gradients are used, which reach rounding error.
"""

from functools import cache

import jax
import numpy as np
from jax.scipy.sparse.linalg import cg

from skdistill._hidden_warnings import hiding
from skdistill._jax_scope import double_precision


def implicit_vjp(stationarity, params, cotangent, synthetic, *, tol=1e-12):
    """Pull a cotangent on the inner solution back to the synthetic set.

    With ``stationarity(params, synthetic) = 0``, the result is
    ``-adjoint @ dstationarity/dsynthetic`` where ``hessian @ adjoint = cotangent``.

    Parameters
    ----------
    stationarity : callable
        Gradient of the inner objective in ``params``, of the same structure, in JAX.
    params : pytree
        Inner solution.
    cotangent : pytree
        Gradient of the outer loss in ``params``. If the Hessian is singular, it must
        have no component in the null space.
    synthetic : SyntheticSet
        The set that was solved for.
    tol : float, default=1e-12
        Relative residual of the adjoint.

    Returns
    -------
    SyntheticSet
        Gradient of the outer loss in every field of ``synthetic``.
    """
    root_vjp = _root_vjp()

    def solve(hessian_product, rhs):
        return cg(hessian_product, rhs, tol=tol)[0]

    with double_precision():
        # Use double precision arrays: JAX would compile once more for Python floats.
        params, cotangent, synthetic = jax.tree.map(
            np.float64, (params, cotangent, synthetic)
        )
        (grad,) = root_vjp(stationarity, params, (synthetic,), cotangent, solve=solve)
        return jax.tree.map(np.asarray, grad)


@cache
def _root_vjp():
    with hiding(DeprecationWarning):
        from jaxopt.implicit_diff import root_vjp

    return root_vjp
