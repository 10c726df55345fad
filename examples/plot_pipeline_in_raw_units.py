"""
=======================
A pipeline in raw units
=======================

A scaler belongs in front of a logistic regression where features are in millimeters and
square millimeters. Distilled for the whole pipeline, ten rows come back in the units of
the table, and scikit-learn fits the scaler on them, too. Do they serve as well as all
the data? They compete with as many real rows, with centers of k-means, and with rows
that were distilled behind a scaler and scaled back.

The table is scikit-learn's breast cancer data: 30 features of cell nuclei, whose means
range from 0.004 to 881.
"""

# %%
# Ten rows
# --------
# What the scaler learns from the rows, their means and deviations, is differentiated
# along with the model behind it.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_breast_cancer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdistill import DatasetDistiller

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=0)

model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1))
distiller = DatasetDistiller(model, n_synthetic=10, random_state=0)
distiller.fit(X_train, y_train)
columns = ["mean area", "mean smoothness", "worst perimeter"]
print(f"found by {distiller.solver_}")
print(distiller.to_frame()[[*columns, "target"]].round(3).to_string(index=False))

# %%
# The baselines
# -------------
# All of them are ten rows, five of each class, on which the same pipeline is fitted.
# The rows that were distilled behind a scaler are right for the model, but not for the
# scaler: it finds other means and deviations in them than in all the data.


def scores_of(rows, labels):
    fitted = clone(model).fit(rows, labels)
    return fitted.score(X_test, y_test), log_loss(y_test, fitted.predict_proba(X_test))


rng = np.random.default_rng(0)
classes = [np.flatnonzero(y_train == label) for label in (0, 1)]
labels = np.repeat([0, 1], 5)
drawn = [
    np.concatenate([rng.choice(rows, 5, replace=False) for rows in classes])
    for _ in range(20)
]
random = [scores_of(X_train.iloc[rows], y_train.iloc[rows]) for rows in drawn]

scaler = StandardScaler().set_output(transform="pandas").fit(X_train)
Z_train = scaler.transform(X_train)
centers = [
    KMeans(5, random_state=0).fit(Z_train.iloc[rows]).cluster_centers_
    for rows in classes
]
behind = DatasetDistiller(model[-1], n_synthetic=10, random_state=0)
Z, labels_behind = behind.fit_transform(Z_train, y_train)


def in_raw_units(Z):
    return (
        X[:0]
        .reindex(range(len(Z)))
        .assign(**dict(zip(X.columns, scaler.inverse_transform(Z).T, strict=True)))
    )


results = {
    "10 random rows": np.mean(random, axis=0),
    "10 k-means centers": scores_of(in_raw_units(np.vstack(centers)), labels),
    "10 rows, scaled back": scores_of(in_raw_units(Z), labels_behind),
    "10 rows for the pipeline": scores_of(*distiller.transform(X_train)),
    f"all {len(X_train)} rows": scores_of(X_train, y_train),
}
print("                     test accuracy, log-loss")
for name, (accuracy, loss) in results.items():
    print(f"  {name:<24} {accuracy:.3f}     {loss:.3f}")

# %%
# Rows that reproduce the model of all the data exist here, and it is they that are
# found: the test scores are those of all rows, to the last digit. In raw units they lie
# close together. The scaler divides by their small deviations, which lets a few rows
# stand for a model with large coefficients.
#
# A table with gaps
# -----------------
# Now a fifth of the values is missing, of the test rows, too. An imputer comes first,
# and the table goes to the distiller as it is. The rows have no gaps: their own means
# fill those of the real rows. The iteration starts from rows for the model of the
# filled table, and five folds say when to end.

is_missing = rng.random(X.shape) < 0.2
X_gaps = X.mask(is_missing)
X_train, X_test, y_train, y_test = train_test_split(
    X_gaps, y, test_size=0.4, random_state=0
)
model = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression(C=0.1))
distiller_gaps = DatasetDistiller(model, n_synthetic=10, random_state=0)
distiller_gaps.fit(X_train, y_train)
drawn_gaps = [scores_of(X_train.iloc[rows], y_train.iloc[rows]) for rows in drawn]
results_gaps = {
    "10 random rows": np.mean(drawn_gaps, axis=0),
    "10 rows for the pipeline": scores_of(*distiller_gaps.transform(X_train)),
    f"all {len(X_train)} rows": scores_of(X_train, y_train),
}
print(f"found by {distiller_gaps.solver_}")
print("           with gaps test accuracy, log-loss")
for name, (accuracy, loss) in results_gaps.items():
    print(f"  {name:<24} {accuracy:.3f}     {loss:.3f}")

# %%
# Ten rows that do better than all of them are no rule: over six splits of this table
# the mean log-losses are 0.111 and 0.116. Behind a scaler, a few rows are less bound by
# the penalty, for better or worse.
#
# What they look like
# -------------------
# The ten rows of the first part in two of their features, among the real rows and from
# near. Scaled, they are as far from each other as any.

fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
names, features = load_breast_cancer().target_names, columns[:2]
for label, color in enumerate(["tab:red", "tab:blue"]):
    real = X.loc[y == label, features].to_numpy()
    rows = distiller.X_synthetic_.loc[distiller.y_synthetic_ == label, features]
    for ax in axes:
        ax.scatter(*real.T, s=4, alpha=0.3, color=color)
        ax.scatter(
            *rows.to_numpy().T, s=45, color=color, edgecolor="k", label=names[label]
        )
low, high = (distiller.X_synthetic_[features].agg(end) for end in ("min", "max"))
margin = 0.3 * (high - low)
axes[1].set_xlim(low.iloc[0] - margin.iloc[0], high.iloc[0] + margin.iloc[0])
axes[1].set_ylim(low.iloc[1] - margin.iloc[1], high.iloc[1] + margin.iloc[1])
for ax, title in zip(axes, ["ten rows among the real ones", "from near"], strict=True):
    ax.set(title=title, xlabel=features[0], ylabel=features[1])
axes[0].legend(title="distilled rows")
plt.show()
