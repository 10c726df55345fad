"""
===================================================
Can a grid search be run on a distilled set?
===================================================

A search fits a model for every candidate. On a distilled set a fit takes next to no
time, but the set is made for one setting of the estimator, and the candidates are other
ones. So the search is run three times here, for the penalty ``C`` of a logistic
regression: on all rows, on fifty distilled ones, and on fifty real ones. What the small
sets recommend is then confirmed, or not, on all rows.
"""

# %%
# The data
# --------
# The candidates are judged by their log-loss on validation rows that no set was made
# from.

from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, PredefinedSplit, train_test_split

from skdistill import DatasetDistiller

X, y = load_digits(return_X_y=True)
X_rest, X_test, y_rest, y_test = train_test_split(X / 16, y, stratify=y, random_state=0)
X_train, X_val, y_train, y_val = train_test_split(
    X_rest, y_rest, stratify=y_rest, random_state=0
)
estimator = LogisticRegression(max_iter=1000)
candidates = np.logspace(-2, 2, 9)

# %%
# The three searches
# ------------------
# ``C`` multiplies a sum over the training rows. For it to mean the same on fifty rows,
# these must weigh together what all do: ``weighting="match"``, and the same for real
# ones. The rows are distilled for the default, ``C=1``: nothing is known yet that would
# speak for another value.


def search(X, y, sample_weight=None):
    """Return the validation loss of each candidate fitted on some rows."""
    fold = np.repeat([-1, 0], [len(y), len(y_val)])  # train on -1, validate on 0
    grid_search = GridSearchCV(
        estimator,
        {"C": candidates},
        scoring="neg_log_loss",
        cv=PredefinedSplit(fold),
        refit=False,
    )
    if sample_weight is None:
        sample_weight = np.ones(len(y))
    grid_search.fit(
        np.vstack([X, X_val]),
        np.concatenate([y, y_val]),
        sample_weight=np.concatenate([sample_weight, np.ones(len(y_val))]),
    )
    return -grid_search.cv_results_["mean_test_score"]


start = perf_counter()
losses = {f"all {len(y_train)} rows": search(X_train, y_train)}
full_seconds = perf_counter() - start

start = perf_counter()
distiller = DatasetDistiller(estimator, n_synthetic=50, weighting="match")
distiller.fit(X_train, y_train)
distill_seconds = perf_counter() - start

start = perf_counter()
losses["50 distilled rows"] = search(
    distiller.X_synthetic_, distiller.y_synthetic_, distiller.sample_weight_synthetic_
)
search_seconds = perf_counter() - start

rng = np.random.default_rng(0)
drawn = np.concatenate(
    [rng.choice(np.flatnonzero(y_train == digit), 5) for digit in range(10)]
)
losses["50 random rows"] = search(
    X_train[drawn], y_train[drawn], np.full(50, len(y_train) / 50)
)

print(f"search on all rows:        {full_seconds:5.1f} s")
print(f"search on distilled rows:  {search_seconds:5.1f} s")
print(f"     after distilling for  {distill_seconds:5.1f} s")

# %%
# Distilling counts, too. With a thousand rows there is little to gain: the fits on all
# of them are short themselves.

# %%
# Confirmed?
# ----------
# Each recommendation is fitted on *all* training rows, and judged on test rows.

print("fitted on all rows with the C that is recommended by")
for name, loss in losses.items():
    best = candidates[np.argmin(loss)]
    confirmed = LogisticRegression(C=best, max_iter=1000).fit(X_train, y_train)
    test_loss = log_loss(y_test, confirmed.predict_proba(X_test))
    accuracy = confirmed.score(X_test, y_test)
    print(
        f"  {name:18s} C={best:<5.3g} test log-loss {test_loss:.4f}, "
        f"test accuracy {accuracy:.4f}"
    )

# %%
# Where the set can be trusted
# ----------------------------
# At the ``C`` that it was made for, the set stands for all the rows. How far that
# reaches is not known beforehand: confirm what it recommends.

fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
styles = [
    {"color": "black", "linewidth": 4, "alpha": 0.4},
    {"color": "tab:orange", "marker": "o"},
    {"color": "tab:gray", "marker": "o"},
]
for (name, loss), style in zip(losses.items(), styles, strict=True):
    ax.plot(candidates, loss, label=name, **style)
ax.axvline(1, color="tab:orange", linestyle=":", label="distilled for C=1")
ax.set(
    xscale="log",
    yscale="log",
    xlabel="candidate C",
    ylabel="validation log-loss",
    title=(
        f"Search on all rows: {full_seconds:.1f} s; distilled: {search_seconds:.1f} s, "
        f"after {distill_seconds:.1f} s"
    ),
)
ax.legend()
plt.show()
