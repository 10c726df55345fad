"""
=========================================
Twenty rows from the workers of a cluster
=========================================

The rows lie on the workers of a Dask cluster, in eight partitions. The distiller goes
there: each worker computes the loss and its gradient on its own partitions, and sums
come back. Single rows are needed for a start, and a sample of at most 262,144 comes to
the client for that. Here the cluster is two workers on this machine. With the address
of another scheduler, nothing else changes.
"""

# %%
# Rows that are made where they lie
# ---------------------------------
# Each task makes one partition of 40,000 rows. On a real cluster it would read a file.
# Two more partitions are for the test.

from time import perf_counter

import dask
import dask.array as da
import matplotlib.pyplot as plt
import numpy as np
from distributed import Client, LocalCluster
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression

from skdistill import DatasetDistiller

N_ROWS, N_FEATURES = 40_000, 20
signs = np.random.default_rng(0).choice([-1.0, 1.0], N_FEATURES)


@dask.delayed
def partition(seed):
    """Return rows of correlated features, with their class in the last column."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N_ROWS, N_FEATURES)) + 2 * rng.normal(size=(N_ROWS, 1))
    y = X @ signs + 4 * rng.logistic(size=N_ROWS) > 1
    return np.column_stack([X, y])


def table(seeds):
    """Return X and y as arrays of Dask."""
    parts = [
        da.from_delayed(partition(seed), (N_ROWS, N_FEATURES + 1), float)
        for seed in seeds
    ]
    rows = da.concatenate(parts)
    return rows[:, :-1], rows[:, -1].astype(int)


cluster = LocalCluster(
    n_workers=2, threads_per_worker=1, processes=False, dashboard_address=":0"
)
client = Client(cluster)
X_test, y_test = table(range(2))
X_train, y_train = dask.persist(*table(range(2, 10)))
print(f"{len(X_train)} rows in {X_train.numblocks[0]} partitions")

# %%
# Distill on the cluster
# ----------------------
# ``score`` of an array of Dask adds up what the partitions score.

model = LogisticRegression(C=10)
start = perf_counter()
distiller = DatasetDistiller(model, n_synthetic=20, random_state=0)
distiller.fit(X_train, y_train)
print(f"distilled in {perf_counter() - start:.0f} s by {distiller.solver_!r}")
distilled = distiller.score(X_test, y_test)

# %%
# The comparison
# --------------
# The baselines come from one partition, which travels to the client. So do all rows,
# for once, since this table is small enough: they say what there is to reach.

X_part, y_part = dask.compute(X_train[:N_ROWS], y_train[:N_ROWS])
X_all, y_all, X_new, y_new = dask.compute(X_train, y_train, X_test, y_test)
rng = np.random.default_rng(0)
classes = [np.flatnonzero(y_part == label) for label in (0, 1)]
by_chance = []
for _ in range(20):
    drawn = np.concatenate([rng.choice(rows, 10, replace=False) for rows in classes])
    by_chance.append(model.fit(X_part[drawn], y_part[drawn]).score(X_new, y_new))
kmeans = [KMeans(10, n_init=1, random_state=0).fit(X_part[rows]) for rows in classes]
centers = np.vstack([clusters.cluster_centers_ for clusters in kmeans])
kmeans_score = model.fit(centers, np.repeat([0, 1], 10)).score(X_new, y_new)
scores = {
    "20 random rows": by_chance,
    "20 k-means centers": [kmeans_score],
    "20 distilled rows": [distilled],
    f"all {len(X_all)} rows": [model.fit(X_all, y_all).score(X_new, y_new)],
}
print("test accuracy")
for name, found in scores.items():
    print(f"  {name:20s}{np.mean(found):.3f}")
client.close()
cluster.close()

# %%
# Chance decides how good random rows are: there is a dot for each of twenty draws.

fig, ax = plt.subplots(figsize=(7, 2.8), layout="constrained")
colors = ["tab:gray", "tab:blue", "tab:orange", "black"]
for i, (found, color) in enumerate(zip(scores.values(), colors, strict=True)):
    ax.plot(found, np.full(len(found), i), "o", markersize=9, color=color, alpha=0.6)
ax.set_yticks(range(4), scores)
ax.set(
    xlabel="test accuracy",
    title="Logistic regression, distilled where the rows lie",
)
ax.grid(axis="x")
ax.margins(y=0.2)
plt.show()
