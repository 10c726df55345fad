"""
=================================================
A few even rows for uneven classes: which to take
=================================================

One digit in ten is an 8. A classifier that is fitted on all digits misses many of them,
and a common remedy is to train on as many rows of the one class as of the other. Which
rows? Here they are drawn at random, or are the centers of k-means, both by
`imbalanced-learn <https://imbalanced-learn.org>`_, or they are distilled, by a
``DistillationSampler`` in the same pipeline of imbalanced-learn. All methods get the
same number of rows, all scores are of test folds.
"""

# %%
# The data and the references
# ---------------------------
# Balanced accuracy is the mean of the shares of 8s and of other digits that are found.
# ``class_weight="balanced"``, with all rows, is what a sampler has to be measured by.

from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from imblearn.pipeline import make_pipeline
from imblearn.under_sampling import ClusterCentroids, RandomUnderSampler
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score

from skdistill import DatasetDistiller, DistillationSampler

X, y = load_digits(return_X_y=True)
X, y = X / 16, (y == 8).astype(int)
print(f"{len(y)} digits, {y.mean():.1%} of them an 8")

plain = LogisticRegression(C=100, max_iter=1000)
balanced = LogisticRegression(C=100, max_iter=1000, class_weight="balanced")


def score(estimator, n_repeats=1):
    """Return the balanced accuracy in each test fold."""
    folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=n_repeats, random_state=0)
    return cross_val_score(estimator, X, y, cv=folds, scoring="balanced_accuracy")


references = {
    "all rows": score(plain).mean(),
    "all rows, class_weight='balanced'": score(balanced).mean(),
}

# %%
# Even rows
# ---------
# The last step of every pipeline is the plain classifier: half of its rows are 8s. The
# distiller is told what a good model is: that of ``balanced``. Random rows are drawn
# anew in each fold, and more often, since luck decides how good they are.

sizes = [2, 4, 10, 30]
results = {"random rows": [], "k-means centers": [], "distilled rows": []}
start = perf_counter()
for size in sizes:
    share = {0: size // 2, 1: size // 2}
    samplers = {
        "random rows": RandomUnderSampler(
            sampling_strategy=share, random_state=np.random.RandomState(0)
        ),
        "k-means centers": ClusterCentroids(
            sampling_strategy=share, estimator=KMeans(n_init=1, random_state=0)
        ),
        "distilled rows": DistillationSampler(
            DatasetDistiller(balanced, n_synthetic=share)
        ),
    }
    for name, sampler in samplers.items():
        n_repeats = 4 if name == "random rows" else 1
        results[name].append(score(make_pipeline(sampler, plain), n_repeats))

print(f"balanced test accuracy, mean of folds, in {perf_counter() - start:.0f} s")
print(f"  {'rows':35s}" + "".join(f"{size:7d}" for size in sizes))
for name, scores in results.items():
    print(f"  {name:35s}" + "".join(f"{fold.mean():7.3f}" for fold in scores))
for name, reference in references.items():
    print(f"  {name:35s}{reference:7.3f}")

fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for (name, scores), color in zip(
    results.items(), ["tab:gray", "tab:blue", "tab:orange"], strict=True
):
    means = [fold.mean() for fold in scores]
    spreads = [fold.std() for fold in scores]
    ax.errorbar(sizes, means, spreads, label=name, color=color, marker="o", capsize=3)
for (name, reference), style in zip(references.items(), [":", "--"], strict=True):
    ax.axhline(reference, color="black", linestyle=style, label=name)
ax.set(
    xscale="log",
    xticks=sizes,
    xticklabels=sizes,
    xlabel="training rows, as many 8s as other digits",
    ylabel="balanced accuracy (bars: std. of folds)",
    title="Is it an 8? Logistic regression on a few even rows",
)
ax.minorticks_off()
ax.legend(fontsize="small")
plt.show()

# %%
# Are even rows the remedy?
# -------------------------
# Not by themselves. Distilled for the plain classifier, rows as even as those above
# stand for what *it* learns from all the data, which is to miss 8s.

even = DistillationSampler(DatasetDistiller(plain, n_synthetic={0: 15, 1: 15}))
print("balanced test accuracy with 30 rows, as many 8s as other digits, distilled for")
print(f"  class_weight=None        {score(make_pipeline(even, plain)).mean():.3f}")
print(f"  class_weight='balanced'  {results['distilled rows'][3].mean():.3f}")
