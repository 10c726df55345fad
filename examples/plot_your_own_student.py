"""
==============================
Counts: a student of your own
==============================

``DatasetDistiller`` knows some estimators. For any other whose training has a
gradient, write its *student*: the training problem on a few rows, stated so that it can
be differentiated. Here is one for ``PoissonRegressor``, which predicts counts.

Nothing below is private to the package.
"""

# %%
# The training problem
# --------------------
# scikit-learn minimizes a weighted mean loss and a penalty that spares the intercept,
#
# .. math::
#
#     F(w, b) = \frac{\sum_i s_i \, (e^{z_i} - y_i z_i)}{\sum_i s_i}
#     + \frac{\alpha}{2} \|w\|^2, \qquad z_i = \langle w, x_i \rangle + b .
#
# A student says four things about it: what the model predicts (``raw_prediction``), how
# predictions are judged on the real data (``outer_loss``), where the solution is
# (``solve``, which may be scikit-learn's own fit), and what holds there: the gradient
# of ``F``, its ``stationarity``, is zero. The implicit function theorem does the rest.

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from jax.scipy.special import xlogy
from sklearn.base import clone
from sklearn.linear_model import PoissonRegressor

from skdistill.students import (
    DataSpec,
    StationaryStudent,
    check_student,
    register_student,
)


def linear(params, X):
    """``X @ w + b``, in the precision of ``X`` and as a column."""
    w, b = (part.astype(X.dtype) for part in params)
    return (X @ w + b)[:, None]


def poisson_loss(raw_prediction, y):
    """Half the Poisson deviance: ``exp(z) - y z``, and what depends on ``y`` alone."""
    z = raw_prediction[:, 0]
    return jnp.exp(z) - y * z + xlogy(y, y) - y


class PoissonStudent(StationaryStudent):
    """Student of ``PoissonRegressor``."""

    raw_prediction = staticmethod(linear)
    outer_loss = staticmethod(poisson_loss)
    loss_name = "half_poisson_deviance"

    def __init__(self, estimator, spec):
        if not estimator.fit_intercept or estimator.alpha <= 0:
            raise ValueError("PoissonRegressor: alpha > 0 and an intercept, please.")
        super().__init__(estimator, spec)
        self.hyperparameters = {"alpha": float(estimator.alpha)}

    def solve(self, synthetic, start=None):
        """Fit scikit-learn's estimator to rounding error."""
        model = clone(self.estimator).set_params(
            alpha=synthetic.hyperparameters["alpha"],
            solver="newton-cholesky",
            tol=1e-12,
            max_iter=1000,
        )
        model.fit(synthetic.X, synthetic.y, sample_weight=synthetic.sample_weight)
        return self.params_of(model, synthetic)

    def params_of(self, estimator, synthetic):
        """Return coefficients and intercept."""
        return estimator.coef_, np.float64(estimator.intercept_)

    def stationarity(self, params, synthetic):
        """Return the gradient of ``F``."""

        def objective(params):
            losses = poisson_loss(linear(params, synthetic.X), synthetic.y)
            mean = jnp.average(losses, weights=synthetic.sample_weight)
            w, _ = params
            return mean + 0.5 * synthetic.hyperparameters["alpha"] * w @ w

        return jax.grad(objective)(params)


# %%
# Is it right?
# ------------
# ``check_student`` compares solutions and predictions with scikit-learn's, and the
# derivatives in rows, targets, weights and hyperparameters with finite differences. A
# sign that is wrong somewhere does not get past it.

estimator = PoissonRegressor(alpha=1e-2, solver="newton-cholesky", tol=1e-10)
check_student(PoissonStudent(estimator, DataSpec(4, None, 1, False)))
register_student(PoissonRegressor, PoissonStudent)

# %%
# A few rows for two thousand
# ---------------------------
# Counts that depend on eight features. The targets of the rows stay those of ``init``:
# learned ones may be any numbers, but no count is negative.

from sklearn.cluster import KMeans
from sklearn.metrics import mean_poisson_deviance
from sklearn.model_selection import train_test_split

from skdistill import DatasetDistiller

rng = np.random.default_rng(0)
X = rng.standard_normal((3000, 8))
y = rng.poisson(np.exp(X @ rng.normal(0, 0.3, 8) + 0.5))
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)


def test_deviance(X, y):
    """Mean Poisson deviance on new rows of the estimator fitted on these."""
    model = clone(estimator).fit(X, y)
    return mean_poisson_deviance(y_test, model.predict(X_test))


def kmeans_rows(m):
    """Centers of m clusters with their mean counts."""
    cluster = KMeans(m, n_init=1, random_state=0).fit(X_train)
    counts = np.bincount(cluster.labels_, weights=y_train)
    return cluster.cluster_centers_, counts / np.bincount(cluster.labels_)


sizes = [5, 10, 20]
deviances = {"random rows (median of 20)": [], "k-means rows": [], "distilled rows": []}
for m in sizes:
    picks = [rng.choice(len(X_train), m, replace=False) for _ in range(20)]
    picked = [test_deviance(X_train[pick], y_train[pick]) for pick in picks]
    distiller = DatasetDistiller(
        estimator, n_synthetic=m, learn_labels=False, max_iter=25, tol=1e-3
    )
    X_synthetic, y_synthetic = distiller.fit_transform(X_train, y_train)
    deviances["random rows (median of 20)"].append(np.median(picked))
    deviances["k-means rows"].append(test_deviance(*kmeans_rows(m)))
    deviances["distilled rows"].append(test_deviance(X_synthetic, y_synthetic))
everything = test_deviance(X_train, y_train)

for name, values in deviances.items():
    print(f"{name:28s}", *(f"{value:7.3f}" for value in values))
print(f"{f'all {len(X_train)} rows':28s} {everything:7.3f}")

# %%
# ``PoissonRegressor`` itself was fitted on each of the sets, and judged on counts that
# none of them saw.

fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for (name, values), marker in zip(deviances.items(), "svo", strict=True):
    ax.plot(sizes, values, marker=marker, label=name)
ax.axhline(everything, color="black", linestyle=":", label=f"all {len(X_train)} rows")
ax.set(
    xscale="log",
    yscale="log",
    xlabel="rows",
    ylabel="Poisson deviance on test rows",
    title="PoissonRegressor, distilled by a student of forty lines",
)
ax.set_xticks(sizes, sizes)
ax.minorticks_off()
ax.legend()
plt.show()
