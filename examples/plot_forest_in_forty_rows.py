"""
======================
A forest in forty rows
======================

Can a random forest be trained on forty rows of a table with strings and missing values?
A forest has no gradient. Here its rows are found by search: sets made of cells of real
rows are judged by refits of the whole pipeline, encoder and forest. They compete with
as many rows near the centers of k-means in each class, and with random ones.

The table is made up: 3,000 customers, and whether they will buy.
"""

# %%
# The table
# ---------
# Income is missing more often where people do not buy. Whether age speaks for or
# against buying depends on the channel.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.metrics import pairwise_distances_argmin
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skdistill import DatasetDistiller

rng = np.random.default_rng(0)
n_customers = 3000
X = pd.DataFrame(
    {
        "age": rng.integers(18, 80, n_customers),
        "income": rng.lognormal(3.3, 0.5, n_customers).round(1),
        "visits": rng.poisson(4, n_customers),
        "channel": rng.choice(["letter", "mail", "shop"], n_customers),
        "town": rng.choice(["Lima", "Oslo", "Rome", "York"], n_customers),
    }
)
sign = X["channel"].map({"letter": 1, "mail": -1, "shop": 0})
score = sign * (X["age"] - 49) / 10 + (X["income"] - 31) / 12 + (X["visits"] > 5) - 0.3
y = pd.Series(rng.random(n_customers) < 1 / (1 + np.exp(-1.5 * score)), name="buys")
X.loc[rng.random(n_customers) < np.where(y, 0.05, 0.25), "income"] = np.nan
X.loc[rng.random(n_customers) < 0.1, "town"] = None
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

# %%
# Forty rows by search
# --------------------
# The pipeline reads the table as it comes, and so does the distiller. A search spends
# its time on fitting the forest, which is small here. ``max_time`` would end it after
# some seconds; with ``max_iter`` the rows are the same on every machine.

numbers, strings = ["age", "income", "visits"], ["channel", "town"]
model = make_pipeline(
    make_column_transformer(
        (SimpleImputer(add_indicator=True), numbers),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), strings),
    ),
    RandomForestClassifier(20, min_samples_leaf=2),
)
distiller = DatasetDistiller(model, n_synthetic=40, max_iter=12, random_state=0)
distiller.fit(X_train, y_train)
print(f"{distiller.solver_}: {distiller.n_iter_} iterations")
print(distiller.to_frame().iloc[::5].to_string(index=False))
assert distiller.X_synthetic_.dtypes.equals(X.dtypes)

# %%
# Each field holds a value that the data have, or a number within their range; some are
# missing, as some of the data are.
#
# The baselines
# -------------
# A forest is a matter of luck, and so are random rows: every score is the mean over
# five forests, that of random rows also over five draws.


def score_of(rows, labels):
    forests = [
        clone(model).set_params(randomforestclassifier__random_state=100 + seed)
        for seed in range(5)
    ]
    scores = [forest.fit(rows, labels).score(X_test, y_test) for forest in forests]
    return np.mean(scores)


classes = [np.flatnonzero(y_train == label) for label in (False, True)]
encoder = make_pipeline(clone(model[0]), StandardScaler())
Z = encoder.fit_transform(X_train)
central = []
for rows in classes:
    centers = KMeans(20, random_state=0).fit(Z[rows]).cluster_centers_
    central.append(rows[pairwise_distances_argmin(centers, Z[rows])])
central = np.concatenate(central)
drawn = [
    np.concatenate([rng.choice(rows, 20, replace=False) for rows in classes])
    for _ in range(5)
]
random_scores = [score_of(X_train.iloc[rows], y_train.iloc[rows]) for rows in drawn]

scores = {
    "40 random rows": random_scores,
    "40 rows near k-means": [score_of(X_train.iloc[central], y_train.iloc[central])],
    "40 rows by search": [score_of(*distiller.transform(X_train))],
    f"all {len(X_train)} rows": [score_of(X_train, y_train)],
}
print("test accuracy of a random forest")
for name, values in scores.items():
    print(f"  {name:22s}{np.mean(values):.3f}")

fig, ax = plt.subplots(figsize=(7, 2.6), layout="constrained")
for name, values in scores.items():
    color = "tab:orange" if "search" in name else "tab:gray"
    ax.plot(values, [name] * len(values), "o", color=color)
ax.set(xlabel="test accuracy", title="A random forest on a made-up census")
ax.invert_yaxis()
plt.show()

# %%
# The search gains on k-means, but forty rows do not make up for all the data: a forest
# is made for many. A linear model takes fewer, see
# :ref:`sphx_glr_auto_examples_plot_mixed_table.py`.
