"""Rows with learned numeric targets on which a linear student trains to a given model.

Stationarity reads ``W = A' S`` and ``A' 1 = c b``, see ``_given_targets``. If targets
are free, so is the pull ``A``: targets at which the loss pulls as asked follow from
``Z = S W' + b``, for ridge regression ``Y = Z + alpha diag(1/w) A``. So choose any
``A`` (m, k) with this balance that spans what ``W`` spans, and the closest rows to
reference rows ``S0``

    S = S0 + pinv(A)' (W - A' S0)

with these targets train to ``(W, b)``, whatever its norm. It takes ``m >= rank(W)``
rows, and one more with a free intercept, since the columns of ``A`` then sum to zero
(Chen, Huang and Weng, "Provable and Efficient Dataset Distillation for Kernel Ridge
Regression", NeurIPS 2024, Theorem 4.1, have the ridge without intercept). Without a
penalty, least squares, the targets are ``Z``: the error is zero, and ``W = A' S``
says that ``W`` is in the span of the rows, which makes it the solution of least norm.

Which ``A`` is a matter of taste: strong pulls move the rows little and the targets far
from the model. The candidates are ridge regressions of ``W`` on the rows,
``A = inv(K + l I) S0 W'`` with ``K = S0 S0'``; with more rows than features and a small
``l`` the rows do not move at all.
"""

import numpy as np
from scipy.linalg import eigh, helmert

from skdistill.solvers.exact._span import within

#: Ridges, relative to the largest eigenvalue of ``K``.
RIDGES = np.geomspace(1e-10, 1e2, 25)


def rows_needed(student, span):
    """Fewest rows that reproduce a model if their targets are learned."""
    return span.V.shape[1] + student.is_centered


def reproducing_sets(student, params, synthetic, bounds, scale, target_scale):
    """Yield sets that train to a model, those first that stay near their reference.

    Parameters
    ----------
    student : LinearStudent
        States the loss and whether there is an intercept.
    params : LinearParams
        The model to reproduce.
    synthetic : SyntheticSet
        Reference rows, with the weights and ``C`` that they train with.
    bounds : tuple of two ndarrays of shape (p,)
        Least and largest value of each feature.
    scale : ndarray of shape (p,)
        Unit of each feature.
    target_scale : float or ndarray of shape (k,)
        Unit of each target.

    Yields
    ------
    SyntheticSet
        Rows within the bounds and their targets.
    """
    W, b = params
    mean = synthetic.X.mean(axis=0)
    # From their mean or not, in units of the features.
    rows = (synthetic.X - mean * student.is_centered) / scale
    wanted = W / scale
    balance = np.zeros_like(W[:, :1].T) + student.intercept_penalty * b
    common = np.repeat(balance / len(rows), len(rows), axis=0)
    if student.intercept_penalty:
        # Part of the pull is given: the rest is centered.
        wanted = wanted - common.T @ rows
        rows = rows - rows.mean(axis=0)

    def moved(A):
        """Rows for a pull, and targets for these."""
        inverse = np.linalg.pinv(A, rcond=1e-12).T

        def project(X):
            X = X + scale * (inverse @ ((W - A.T @ X) / scale))
            # Once more, for what is lost in rounding.
            return X + scale * (inverse @ ((W - A.T @ X) / scale))

        X = within(project, synthetic.X, bounds)
        y = student.targets_for(X @ W.T + b, A, synthetic)
        return synthetic._replace(X=X, y=y)

    def cost(candidate):
        X, y, _, _ = candidate
        error = (y.reshape(len(y), -1) - X @ W.T - b) / target_scale
        return np.mean(((X - synthetic.X) / scale) ** 2) + np.mean(error**2)

    candidates = [
        moved(common + centered) for centered in _pulls(rows, wanted, student)
    ]
    yield from sorted(
        (each for each in candidates if np.isfinite(each.X).all()), key=cost
    )


def _pulls(rows, wanted, student):
    """Candidates for ``A`` (m, k) with ``A' rows`` near what is wanted."""
    m = len(rows)
    eigenvalues, vectors = eigh(rows @ rows.T)
    # Rounding says that the rows are not centered: what is left there is no pull.
    is_felt = eigenvalues > 1e-13 * eigenvalues[-1]
    eigenvalues, vectors = eigenvalues[is_felt], vectors[:, is_felt]
    aim = vectors.T @ (rows @ wanted.T)
    if len(eigenvalues):
        for ridge in RIDGES * eigenvalues[-1]:
            A = vectors @ (aim / (eigenvalues + ridge)[:, None])
            yield A - student.fit_intercept * A.mean(axis=0)
    if student.intercept_penalty:
        # A single row pulls at the intercept alone.
        yield np.zeros((m, len(wanted)))
    # Rows that do not span as much as the model: others, about as large.
    V, singular, _ = np.linalg.svd(wanted, full_matrices=False)
    rank = np.sum(singular > 1e-12 * singular[0])
    apart = helmert(m).T if student.fit_intercept else np.eye(m)
    if rank <= apart.shape[1]:
        yield apart[:, :rank] @ (V[:, :rank] * singular[:rank]).T
