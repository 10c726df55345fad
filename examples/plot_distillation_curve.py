"""
========================
How many rows do I need?
========================

As many as it takes to come near the score on all the data: cross-validation tells. The
other question, before a set is given away, is whether another model could use it.
"""

# %%
# Score against size
# ------------------
# In each fold, the training rows are reduced in three ways, and scikit-learn fits the
# estimator on what is left. The line is the score with all of them, and shades are one
# standard deviation over the folds.
#
# ``C`` decides how far few rows can reach, so here are two.

from time import perf_counter

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, train_test_split

from skdistill import (
    DatasetDistiller,
    DistillationCurveDisplay,
    DistillationDisplay,
    distillation_curve,
    transfer_score,
)

X, y = load_digits(return_X_y=True)
X, y = X[:1000] / 16, y[:1000]
cv = StratifiedKFold(3, shuffle=True, random_state=0)

fig, axes = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
for C, ax in zip((1, 100), axes, strict=True):
    estimator = LogisticRegression(C=C, max_iter=1000)
    start = perf_counter()
    curve = distillation_curve(
        estimator, X, y, n_synthetic=[10, 20, 40], cv=cv, random_state=0
    )
    print(f"C={C}: the curve took {perf_counter() - start:.0f} s")
    for method, scores in curve.test_scores.items():
        print(f"  {method:8s}", *(f"{score:.3f}" for score in scores.mean(axis=1)))
    print(f"  all rows {curve.full_test_scores.mean():.3f}")
    DistillationCurveDisplay.from_results(curve, ax=ax, score_name="Test accuracy")
    ax.set_title(f"LogisticRegression(C={C})")
    ax.label_outer()
plt.show()

# %%
# With ``C=100``, one row for each digit will do. With ``C=1`` the penalty keeps models
# that are fitted on few rows small: more rows help every method, distilled ones are
# ahead of k-means centers by little, and it would take more of them to come near all
# the data. Rows drawn at random are far behind in both.
#
# Would it do for another model?
# ------------------------------
# Forty rows for each of the two, given to other estimators. The baselines have the same
# number of rows, as means over several draws.

from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
estimators = {
    "k-NN": KNeighborsClassifier(1),
    "SVC": SVC(),
    "random forest": RandomForestClassifier(random_state=0),
}
for C in (1, 100):
    distiller = DatasetDistiller(LogisticRegression(C=C, max_iter=1000), n_synthetic=40)
    distiller.fit(X_train, y_train)
    results = transfer_score(
        distiller,
        {"logistic": distiller.estimator_, **estimators},
        X_test,
        y_test,
        X=X_train,
        y=y_train,
        n_repeats=3,
        random_state=0,
    )
    print(f"test accuracy on 40 rows, made for LogisticRegression(C={C})")
    print(" " * 15, *(f"{method:>8s}" for method in results.scores))
    for name in results.scores["distill"]:
        row = (f"{scores[name]:8.3f}" for scores in results.scores.values())
        print(f"  {name:13s}", *row)

# %%
# The rows for ``C=100`` are the best for the model that they were made for, and poor
# for the others: all three do better on k-means centers, and two of them even on random
# rows. Those for ``C=1`` serve the others about as well as k-means centers or better.
# No rule follows for other data: look at the models that matter, and at the baselines.
#
# What they look like
# -------------------
# The distilled rows need not look like digits. With ``C=100`` small differences between
# rows suffice for a logistic regression to tell classes apart, and less their mean, the
# rows are patterns of such differences.

display = DistillationDisplay.from_estimator(distiller, center="mean")
display.figure_.suptitle("40 distilled rows for C=100, less their mean")
plt.show()

# %%
# In the plane of the first two principal components of the real digits, most of
# them keep to the middle, rather than each to its class.

display = DistillationDisplay.from_estimator(
    distiller, kind="scatter", X=X_train, y=y_train
)
plt.show()
