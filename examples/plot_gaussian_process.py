"""
===========================================
A Gaussian process for 120,000 rows, in 100
===========================================

A Gaussian process needs a matrix with a row and a column for each training row. For
120,000 rows that is 115 GB, so scikit-learn cannot fit it. The usual way out is a
random sample of the rows. Here a hundred distilled rows compete with samples of up to
2,000 rows, and with a hundred centers of k-means. What counts is R2 on test rows, and
the time that predictions take.
"""

# %%
# The data and the kernel
# -----------------------
# The targets are noisy, so that even the true function explains only a part of their
# variance. Scikit-learn fits the hyperparameters of the kernel on 500 rows. They stay
# fixed from then on, and are the same for all methods.

from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import make_friedman1
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.model_selection import train_test_split

from skdistill import DatasetDistiller

noise = 2.0
X, y = make_friedman1(125_000, n_features=5, noise=noise, random_state=0)
best_r2 = 1 - noise**2 / y.var()  # of the function without noise
y = (y - y.mean()) / y.std()
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=5000, random_state=0
)
start = ConstantKernel() * RBF() + WhiteKernel(0.1)
kernel = GaussianProcessRegressor(start).fit(X_train[:500], y_train[:500]).kernel_
model = GaussianProcessRegressor(kernel, optimizer=None)
print(f"kernel: {kernel}")

# %%
# A hundred rows
# --------------
# The features of the rows are learned, and so are their targets. A learned target
# stands for many real ones, and has less noise than any of them.

start = perf_counter()
distiller = DatasetDistiller(model, n_synthetic=100, max_iter=30, random_state=0)
distiller.fit(X_train, y_train)
print(f"distilled in {perf_counter() - start:.0f} s")

# %%
# The comparison
# --------------
# A center of k-means gets the mean target of its cluster. Scikit-learn fits the same
# model on each set of rows.

rng = np.random.default_rng(0)
few = {}
for n_rows in (100, 500, 1000, 2000):
    drawn = rng.choice(len(X_train), n_rows, replace=False)
    few[f"{n_rows} random rows"] = X_train[drawn], y_train[drawn]
clusters = KMeans(100, n_init=1, random_state=0).fit(X_train[:20_000])
labels = clusters.predict(X_train)
means = np.bincount(labels, weights=y_train) / np.bincount(labels)
few["100 k-means centers"] = clusters.cluster_centers_, means
few["100 distilled rows"] = distiller.transform(X_train)

fitted = {name: clone(model).fit(*rows) for name, rows in few.items()}
seconds = {name: [] for name in fitted}
for _ in range(5):  # in turns, and the fastest counts: other programs may be running
    for name, process in fitted.items():
        start = perf_counter()
        process.predict(X_test)
        seconds[name].append(perf_counter() - start)
results = {
    name: (min(seconds[name]), process.score(X_test, y_test))
    for name, process in fitted.items()
}
print("                         test R2   predict")
for name, (fastest, r2) in results.items():
    print(f"  {name:21s}{r2:9.3f}{1000 * fastest:7.0f} ms")
print(f"  {'function, no noise':21s}{best_r2:9.3f}")

# %%
# What is gained
# --------------
# The line is the best that any model can reach. A larger sample comes nearer to it, at
# the price of slower predictions. The distilled rows have seen all the data, and their
# model is as fast as any that has a hundred rows.

fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for kind, color in [
    ("random", "tab:gray"),
    ("k-means", "tab:blue"),
    ("distilled", "tab:orange"),
]:
    points = {name: point for name, point in results.items() if kind in name}
    ax.plot(*zip(*points.values(), strict=True), marker="o", color=color)
    for name, point in points.items():
        ax.annotate(name, point, (7, -11), textcoords="offset points", color=color)
ax.axhline(best_r2, color="black", linestyle=":", label="the function without noise")
ax.set(
    xscale="log",
    xlabel="seconds to predict 5,000 rows",
    ylabel="R2 on test rows",
    title="A Gaussian process fitted on a few of 120,000 rows",
    ylim=(0.745, 0.865),
)
ax.set_xlim(right=5 * results["2000 random rows"][0])
ax.legend(loc="lower right")
plt.show()
