"""
==============================
Spectra: a student of your own
==============================

``DatasetDistiller`` knows many estimators. For any other whose training can be
differentiated, write its *student*: the training problem on a few rows, stated in JAX.
Here is one for ``PLSRegression``, by which chemists read concentrations off spectra.

Nothing below is private to the package.
"""

# %%
# The training problem
# --------------------
# Partial least squares looks for a few directions of the standardized features that
# have much to do with the target. Each one is a formula,
#
# .. math::
#
#     w = \frac{X^\top y}{\|X^\top y\|}, \quad t = X w, \quad
#     p = \frac{X^\top t}{t^\top t}, \quad q = \frac{y^\top t}{t^\top t},
#
# after which :math:`t p^\top` is taken from :math:`X` and :math:`t q` from :math:`y`,
# for the next one. With all of them as columns, the coefficients are
# :math:`W (P^\top W)^{-1} q`.
#
# A ``ClosedFormStudent`` states such a formula as ``train``, and JAX differentiates it.
# Besides, it says what the model predicts (``raw_prediction``), how predictions are
# judged on the real data (``outer_loss``), and where the same numbers are in the fitted
# estimator (``params_of``). Training that is the minimum of a function is stated by its
# gradient instead, see ``StationaryStudent``.

from functools import partial

import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.cross_decomposition import PLSRegression

from skdistill.students import (
    ClosedFormStudent,
    Task,
    check_student,
    register_student,
)


def train(synthetic, n_components):
    """Return coefficients and intercept."""
    X, y = synthetic.X, synthetic.y
    x_mean, y_mean = X.mean(axis=0), y.mean()
    x_scale, y_scale = X.std(axis=0, ddof=1), y.std(ddof=1)
    X, y = (X - x_mean) / x_scale, (y - y_mean) / y_scale
    W, P, q = [], [], []
    for _ in range(n_components):
        w = X.T @ y / jnp.linalg.norm(X.T @ y)
        t = X @ w
        W.append(w)
        P.append(X.T @ t / (t @ t))
        q.append(y @ t / (t @ t))
        X, y = X - jnp.outer(t, P[-1]), y - t * q[-1]
    W, P, q = jnp.array(W).T, jnp.array(P).T, jnp.array(q)
    coef = W @ jnp.linalg.solve(P.T @ W, q) * y_scale / x_scale
    return coef, y_mean - coef @ x_mean


def linear(params, X):
    """``X @ coef + intercept``, in the precision of ``X`` and as a column."""
    coef, intercept = (part.astype(X.dtype) for part in params)
    return (X @ coef + intercept)[:, None]


def squared_error(raw_prediction, y):
    """Squared error of the only output."""
    return (raw_prediction[:, 0] - y) ** 2


#: One function for each number of components: a program is compiled for each.
train_of = {n: partial(train, n_components=n) for n in range(1, 11)}


class PLSStudent(ClosedFormStudent):
    """Student of ``PLSRegression`` with one target."""

    raw_prediction = staticmethod(linear)
    outer_loss = staticmethod(squared_error)
    loss_name = "squared_error"
    hyperparameters = {}

    def __init__(self, estimator, task):
        if not estimator.scale:
            raise ValueError("PLSRegression: scale=True, please.")
        super().__init__(estimator, task)
        self.train = train_of[estimator.n_components]

    def params_of(self, estimator, synthetic):
        """Return coefficients and intercept for features that are not centered."""
        coef = estimator.coef_[0]
        at_zero = estimator.predict(np.zeros((1, len(coef))))
        return coef, np.float64(np.ravel(at_zero)[0])


# %%
# Is it right?
# ------------
# ``check_student`` compares solutions and predictions with scikit-learn's, and the
# derivatives in rows and targets with finite differences. A sign that is wrong
# somewhere does not get past it.

estimator = PLSRegression(n_components=3)
check_student(PLSStudent(estimator, Task(6, None, 1, False)))
register_student(PLSRegression, PLSStudent)

# %%
# A few spectra for six hundred
# -----------------------------
# Mixtures of four substances, each with its bands; the first one's share is asked for.

from sklearn.cluster import KMeans
from sklearn.model_selection import train_test_split

from skdistill import DatasetDistiller

rng = np.random.default_rng(0)
wavelengths = np.linspace(0, 1, 60)
bands = np.exp(-(((wavelengths - rng.random((4, 3, 1))) / 0.08) ** 2)).sum(axis=1)
shares = rng.dirichlet(np.ones(4), 900)
X = shares @ bands + 0.1 * rng.standard_normal((900, 60))
y = 100 * shares[:, 0]
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)


def score(X, y):
    """R2 on new spectra of the estimator fitted on these."""
    return clone(estimator).fit(X, y).score(X_test, y_test)


def kmeans_rows(m):
    """Centers of m clusters with their mean shares."""
    cluster = KMeans(m, n_init=1, random_state=0).fit(X_train)
    sums = np.bincount(cluster.labels_, weights=y_train)
    return cluster.cluster_centers_, sums / np.bincount(cluster.labels_)


sizes = [5, 10]
scores = {"random rows (median of 20)": [], "k-means rows": [], "distilled rows": []}
for m in sizes:
    picks = [rng.choice(len(X_train), m, replace=False) for _ in range(20)]
    picked = [score(X_train[pick], y_train[pick]) for pick in picks]
    distiller = DatasetDistiller(estimator, n_synthetic=m, max_iter=30, random_state=0)
    scores["random rows (median of 20)"].append(np.median(picked))
    scores["k-means rows"].append(score(*kmeans_rows(m)))
    scores["distilled rows"].append(score(*distiller.fit_transform(X_train, y_train)))
everything = score(X_train, y_train)

for name, values in scores.items():
    print(f"{name:28s}", *(f"{value:7.3f}" for value in values))
print(f"{f'all {len(X_train)} rows':28s} {everything:7.3f}")

# %%
# ``PLSRegression`` itself was fitted on each of the sets, and judged on spectra that
# none of them saw.

fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for (name, values), marker in zip(scores.items(), "svo", strict=True):
    ax.plot(sizes, values, marker=marker, label=name)
ax.axhline(everything, color="black", linestyle=":", label=f"all {len(X_train)} rows")
ax.set(
    xlabel="rows",
    ylabel="R2 on test spectra",
    title="PLSRegression, distilled by a student of forty lines",
)
ax.set_xticks(sizes, sizes)
ax.legend()
plt.show()
