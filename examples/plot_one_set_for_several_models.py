"""
==========================
One set for several models
==========================

Rows that are distilled for one estimator serve that one. A voting ensemble as the
estimator stands for several at once: the rows are learned for the mean loss of its
members, each in units of what chance costs. Here is what that gives for a set to share,
and for a set to search hyperparameters on.
"""

# %%
# A set for four classifiers
# --------------------------
# 20 rows for scikit-learn's digits, for three classifiers together. The forest is not
# among the members: it stands for a model that nobody has thought of yet.

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import spearmanr
from sklearn.base import clone
from sklearn.datasets import load_digits, make_classification
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from skdistill import DatasetDistiller, transfer_score

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)

members = [
    ("logistic", LogisticRegression(C=10, max_iter=1000)),
    ("neighbor", KNeighborsClassifier(1)),
    ("ridge", RidgeClassifier()),
]
distiller = DatasetDistiller(
    VotingClassifier(members), n_synthetic=20, max_iter=60, random_state=0
)
distiller.fit(X_train, y_train)

models = dict(members, forest=RandomForestClassifier(random_state=0))
results = transfer_score(
    distiller, models, X_test, y_test, X=X_train, y=y_train, random_state=0
)
print(f"{'test accuracy':14}" + "".join(f"{method:>9}" for method in results.scores))
for name in models:
    scores = [results.scores[method][name] for method in results.scores]
    print(f"{name:14}" + "".join(f"{score:9.2f}" for score in scores))

# %%
# Every member gains. The forest does not: it cuts the features one at a time, where
# learned rows may lie anywhere. For a forest, rows are found by search.
#
# A set to search hyperparameters on
# ----------------------------------
# Six members that differ in ``C`` alone. The question is not how well they do on 40
# rows, but whether 40 rows rank them as all rows do. Rows for one of the settings would
# favor it.

X, y = make_classification(
    1500,
    40,
    n_informative=8,
    n_redundant=10,
    flip_y=0.15,
    class_sep=0.7,
    random_state=0,
)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
scaler = StandardScaler().fit(X_train)
X_train, X_test = scaler.transform(X_train), scaler.transform(X_test)

strengths = [1e-3, 1e-2, 1e-1, 1, 10, 100]
settings = [(f"C={C}", LogisticRegression(C=C, max_iter=3000)) for C in strengths]


def scores_on(X_few, y_few):
    """Return the test accuracy of each setting, fitted on some rows."""
    return np.array(
        [clone(model).fit(X_few, y_few).score(X_test, y_test) for _, model in settings]
    )


full = scores_on(X_train, y_train)
joint = DatasetDistiller(VotingClassifier(settings), n_synthetic=40, random_state=0)
single = DatasetDistiller(settings[3][1], n_synthetic=40, random_state=0)
drawn = np.random.default_rng(0).choice(len(X_train), 40, replace=False)
sets = {
    "all settings": joint.fit(X_train, y_train).transform(X_train),
    "C=1 alone": single.fit(X_train, y_train).transform(X_train),
    "random rows": (X_train[drawn], y_train[drawn]),
}
fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
ax.plot(strengths, full, color="black", label="all 1,125 rows")
for name, rows in sets.items():
    found = scores_on(*rows)
    correlation = spearmanr(found, full).statistic
    regret = full.max() - full[found.argmax()]
    print(
        f"{name:13} rank correlation with all rows {correlation:5.2f}, "
        f"accuracy lost by the setting chosen {regret:.3f}"
    )
    ax.plot(strengths, found, marker=".", label=f"40 rows: {name}")
ax.set(xscale="log", xlabel="C", ylabel="test accuracy")
ax.legend()
plt.show()

# %%
# Rows for one setting say little about the others. Rows for all of them rank the
# settings nearly as all the data do, at the cost of fits on 40 rows.
