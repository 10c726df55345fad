"""
=======================
A census in twelve rows
=======================

Can a table with categories, integers and floats be replaced by twelve rows that look
like it, in which every job exists and every age is a whole number? Here are such rows,
learned for scikit-learn's ``LogisticRegression``, against as many real ones, drawn at
random or nearest to the centers of k-means in each class.

The table is made up: 4,000 people, and whether they earn more than a threshold.
"""

# %%
# The table
# ---------

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import pairwise_distances_argmin
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skdistill import DatasetDistiller

rng = np.random.default_rng(0)
n_people = 4000
education = {"primary": -1.2, "secondary": -0.3, "bachelor": 0.8, "master": 1.5}
job = {"clerk": 0, "craft": -0.2, "farm": -0.9, "manager": 1, "service": -0.8}
X = pd.DataFrame(
    {
        "age": rng.integers(18, 70, n_people),
        "education": rng.choice(list(education), n_people, p=[0.2, 0.45, 0.25, 0.1]),
        "job": rng.choice(list(job), n_people),
        "hours": np.clip(rng.normal(38, 9, n_people).round(), 5, 80).astype("int8"),
        "savings": rng.lognormal(2, 0.7, n_people).astype("float32"),
        "married": rng.random(n_people) < 0.5,
    }
)
score = (
    X["education"].map(education)
    + X["job"].map(job)
    + 0.04 * (X["age"] - 44)
    + 0.06 * (X["hours"] - 38)
    + 0.05 * (X["savings"] - 9)
    + 0.9 * X["married"]
    - 0.6
)
y = pd.Series(rng.random(n_people) < 1 / (1 + np.exp(-1.5 * score)), name="earns more")
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

# %%
# Twelve learned rows
# -------------------
# ``categorical_features`` names the columns to one-hot encode. ``estimator_`` is then a
# pipeline of the encoder and the classifier, fitted by scikit-learn on the twelve rows
# exactly as they are shown here: rounded, and with one category in each field.

categorical = ["education", "job"]
estimator = LogisticRegression(C=10, solver="newton-cholesky")
distiller = DatasetDistiller(
    estimator, n_synthetic=12, categorical_features=categorical, random_state=0
)
X_synthetic, y_synthetic = distiller.fit_transform(X_train, y_train)
print(X_synthetic.assign(**{y.name: y_synthetic}).round(1).to_string(index=False))
assert X_synthetic.dtypes.equals(X.dtypes)

# %%
# The baselines
# -------------
# The same pipeline is fitted on twelve real rows, which are of both classes in equal
# parts, too. Luck decides how good random ones are: they are drawn twenty times.


def score_of(rows):
    model = clone(distiller.estimator_).fit(X_train.iloc[rows], y_train.iloc[rows])
    return model.score(X_test, y_test)


classes = [np.flatnonzero(y_train == label) for label in (False, True)]
random_scores = [
    score_of(np.concatenate([rng.choice(rows, 6, replace=False) for rows in classes]))
    for _ in range(20)
]

encoder = make_column_transformer(
    (OneHotEncoder(), categorical), remainder=StandardScaler()
)
Z = encoder.fit_transform(X_train)
central = []
for rows in classes:
    centers = KMeans(6, random_state=0).fit(Z[rows]).cluster_centers_
    central.append(rows[pairwise_distances_argmin(centers, Z[rows])])

full = clone(distiller.estimator_).fit(X_train, y_train)
scores = {
    "12 random rows": random_scores,
    "12 rows near k-means": [score_of(np.concatenate(central))],
    "12 distilled rows": [distiller.score(X_test, y_test)],
    f"all {len(X_train)} rows": [full.score(X_test, y_test)],
}
print("test accuracy of LogisticRegression(C=10); random rows are drawn 20 times")
for name, values in scores.items():
    print(f"  {name:22s}{np.mean(values):.3f}")

fig, ax = plt.subplots(figsize=(7, 2.6), layout="constrained")
for name, values in scores.items():
    color = "tab:orange" if "distilled" in name else "tab:gray"
    ax.plot(values, [name] * len(values), "o", color=color)
ax.set(xlabel="test accuracy", title="A logistic regression on a made-up census")
ax.invert_yaxis()
plt.show()

# %%
# Behind an encoder of one's own
# ------------------------------
# The distiller can also be the last step of a pipeline. Then it learns rows of what the
# steps before it return: scaled numbers and shares of categories. Nothing is rounded:
# twelve rows can do what all the data does, but nobody takes them for people.

pipeline = make_pipeline(
    encoder, DatasetDistiller(estimator, n_synthetic=12, random_state=0)
)
pipeline.fit(X_train, y_train)
rows = pipeline[-1].X_synthetic_
columns = pipeline[:-1].get_feature_names_out()
print(f"  12 encoded rows       {pipeline.score(X_test, y_test):.3f}")
print(pd.DataFrame(rows, columns=columns).iloc[:3].T.round(2).to_string())
