"""
===================================================
Can hyperparameters be searched on a distilled set?
===================================================

A search fits a model for every candidate. On a distilled set a fit takes next to no
time, but the set is made for one setting of the estimator, and the candidates are other
ones. Here are a search that fifty rows can stand in for, and two in which they mislead.
Each is compared with the search on all rows, and with one on fifty random rows.
"""

# %%
# The data
# --------
# The candidates are judged on validation rows that no set was made from. What a search
# recommends is fitted on *all* training rows, and confirmed, or not, on test rows.

from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, PredefinedSplit, train_test_split
from sklearn.neighbors import KNeighborsClassifier

from skdistill import DatasetDistiller

X, y = load_digits(return_X_y=True)
X_rest, X_test, y_rest, y_test = train_test_split(X / 16, y, stratify=y, random_state=0)
X_train, X_val, y_train, y_val = train_test_split(
    X_rest, y_rest, stratify=y_rest, random_state=0
)
rng = np.random.default_rng(0)
digits = [np.flatnonzero(y_train == digit) for digit in range(10)]
drawn = np.concatenate([rng.choice(rows, 5, replace=False) for rows in digits])


def search(estimator, grid, scoring, rows, y_val, **params):
    """Return the validation score of each candidate fitted on some rows."""
    X, y = rows
    fold = np.repeat([-1, 0], [len(y), len(y_val)])  # train on -1, validate on 0
    grid_search = GridSearchCV(
        estimator, grid, scoring=scoring, cv=PredefinedSplit(fold), refit=False
    )
    grid_search.fit(np.vstack([X, X_val]), np.concatenate([y, y_val]), **params)
    return grid_search.cv_results_["mean_test_score"]


def confirm(estimator, grid, scoring, scores, y_train):
    """Fit what each search recommends on all rows, and print its score on test rows."""
    ((name, candidates),) = grid.items()
    for rows, found in scores.items():
        best = candidates[np.argmax(found)]
        model = clone(estimator).set_params(**{name: best}).fit(X_train, y_train)
        test_score = get_scorer(scoring)(model, X_test, y_test)
        print(f"  {rows:33s} {name}={best:<6.3g} {test_score:.3f}")


# %%
# The penalty of a linear model
# -----------------------------
# ``C`` multiplies a sum over the training rows. It means the same on fifty rows if
# these weigh together what all do, as with ``weighting="match"``. Rows of weight one
# call for a much larger ``C`` than all rows do. Both sets are made for ``C=1``.

logistic = LogisticRegression(max_iter=1000)
Cs = {"C": np.logspace(-2, 2, 9)}
all_rows, random_rows = (X_train, y_train), (X_train[drawn], y_train[drawn])
start = perf_counter()
losses = {"all rows": search(logistic, Cs, "neg_log_loss", all_rows, y_val)}
full_seconds = perf_counter() - start
for name, weighting in [("matched weights", "match"), ("unit weights", "unit")]:
    start = perf_counter()
    distiller = DatasetDistiller(logistic, n_synthetic=50, weighting=weighting)
    rows = distiller.fit_transform(X_train, y_train)
    distill_seconds = perf_counter() - start
    weight = np.append(distiller.sample_weight_synthetic_, np.ones(len(y_val)))
    start = perf_counter()
    losses[f"distilled rows, {name}"] = search(
        logistic, Cs, "neg_log_loss", rows, y_val, sample_weight=weight
    )
    print(f"{name}: distilled in {distill_seconds:.1f} s, ", end="")
    print(f"search {perf_counter() - start:.1f} s (on all rows {full_seconds:.1f} s)")
weight = np.repeat([len(y_train) / 50, 1], [50, len(y_val)])
losses["random rows, matched weights"] = search(
    logistic, Cs, "neg_log_loss", random_rows, y_val, sample_weight=weight
)
print("recommended by search on, and test score (minus log-loss) with all rows")
confirm(logistic, Cs, "neg_log_loss", losses, y_train)

# %%
# The number of neighbors
# -----------------------
# Now a fifth of the labels is drawn at random, except those of the test rows, so that
# a single neighbor is not to be trusted. Weights do not help here. Fifty rows have five
# of each digit, and fifteen neighbors are more than all of these. Besides, distilling
# has evened out the wrong labels, so that few are left to outvote.

noisy, noisy_val = (
    np.where(rng.random(len(labels)) < 0.2, rng.integers(0, 10, len(labels)), labels)
    for labels in (y_train, y_val)
)
neighbors = KNeighborsClassifier()
ks = {"n_neighbors": [1, 2, 3, 5, 9, 15]}
sets = {"all rows": (X_train, noisy)}
for k in (1, 5):
    distiller = DatasetDistiller(
        KNeighborsClassifier(k), n_synthetic=50, max_iter=30, random_state=0
    )
    sets[f"distilled rows for {k}"] = distiller.fit_transform(X_train, noisy)
sets["random rows"] = X_train[drawn], noisy[drawn]
accuracies = {
    name: search(neighbors, ks, "accuracy", rows, noisy_val)
    for name, rows in sets.items()
}
print("recommended by search on, and test accuracy with all rows")
confirm(neighbors, ks, "accuracy", accuracies, noisy)

# %%
# Where a set can be trusted
# --------------------------
# Left, the set with matched weights follows all the rows over the whole range, and the
# one with unit weights does not. Right, both sets recommend fewer neighbors than all
# the rows do. So confirm on real rows what a set recommends. Another remedy is a set
# for all candidates together, see
# :ref:`sphx_glr_auto_examples_plot_one_set_for_several_models.py`.

fig, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
styles = [
    {"color": "black", "linewidth": 4, "alpha": 0.4},
    {"color": "tab:orange", "marker": "o"},
    {"color": "tab:red", "marker": "o"},
    {"color": "tab:gray", "marker": "o"},
]
panels = [
    (losses, Cs, -1, {"ylabel": "validation log-loss", "yscale": "log"}),
    (accuracies, ks, 1, {"ylabel": "validation accuracy", "xticks": ks["n_neighbors"]}),
]
for ax, (scores, grid, sign, labels) in zip(axes, panels, strict=True):
    ((name, candidates),) = grid.items()
    for (rows, found), style in zip(scores.items(), styles, strict=True):
        ax.plot(candidates, sign * found, label=rows, **style)
    ax.set(xlabel=name, **labels)
    ax.legend(fontsize="small")
axes[0].set(xscale="log", title="Trust it, if the weights match")
axes[1].set(title="Do not trust it")
plt.show()
