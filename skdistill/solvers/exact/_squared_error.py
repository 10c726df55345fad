"""Rows for a squared error and given targets, in closed form.

The training loss is ``sum_i w_i |z_i - y_i|^2 + alpha |W|^2``. Let ``Y`` and ``S`` be
targets and rows times ``diag(w)^1/2``, centered at their weighted means if there is a
free intercept. Then ``W = Y' inv(S S' + alpha) S``, so that ``W W' = Y' f(S S') Y``,
where ``f`` has the eigenvalues ``t / (t + alpha)^2 <= 1 / (4 alpha)``. So all rows
train to a model with ``W W' <= Y' Y / (4 alpha)``, in the order of positive
semi-definite matrices. Conversely, there are rows for each such model: with
``pinv(Y)' W = P diag(g) R'``, take ``S = P diag(s) R'`` where ``s / (s^2 + alpha)`` is
``g``. Without a penalty every model with ``W`` in the span of ``Y'`` is in reach.
"""

import numpy as np


def squared_error_rows(span, synthetic, alpha, student, Q):
    """Return the projection of the rows on the span of the model, and their pulls.

    Parameters
    ----------
    span : ModelSpan
        The model to reproduce.
    synthetic : SyntheticSet
        Gives the targets and the weights.
    alpha : float
        Strength of the penalty.
    student : LinearStudent
        Says whether the rows are centered.
    Q : ndarray of shape (m, r)
        Projection of reference rows. Of two solutions the nearer one is taken.

    Returns
    -------
    Q : ndarray of shape (m, r)
        Projection of rows that train to the model, or near it if it is out of reach.
    A : ndarray of shape (m, k)
        Pulls of the rows.
    """
    y, weight = synthetic.y.reshape(len(Q), -1), synthetic.sample_weight
    root = np.sqrt(weight)[:, None]
    share = weight / weight.sum() * student.is_centered
    y_mean, Q_mean = share @ y, share @ Q
    Y = root * (y - y_mean)
    P, g, R = np.linalg.svd(np.linalg.pinv(Y, rcond=1e-10).T @ span.V, False)
    # If the model is out of reach, take the nearest one.
    depth = np.sqrt(np.maximum(1 - 4 * alpha * g**2, 0.0))
    g = np.maximum(g, np.finfo(float).tiny)
    roots = np.array([(1 + depth) / (2 * g), (1 - depth) / (2 * g)])
    if not alpha:
        roots[1] = roots[0]
    # Take the root that is nearer to the reference.
    present = np.abs(np.einsum("mi,mr,ir->i", P, root * (Q - Q_mean), R))
    s = np.where(np.abs(roots[0] - present) < np.abs(roots[1] - present), *roots)
    center = Q_mean
    if student.is_centered:
        center = np.linalg.lstsq(span.V, y_mean - span.intercept, rcond=None)[0]
    A = root * (P / (s**2 + alpha)) @ (P.T @ Y)
    return center + (P * s) @ R / root, A
