"""
======================================
Ten images that stand for 1,300 digits
======================================

How well can a classifier become that has seen ten images, one of each digit? It depends
on the images. Here are real ones, the mean of each digit (k-means with one center), and
images learned for the classifier: all are given to scikit-learn's
``LogisticRegression``, and judged on digits that nobody has seen.

The idea is that of dataset distillation [1]_: find the rows that, trained on, lead to a
model with a low loss on all the data.

.. [1] T. Wang, J.-Y. Zhu, A. Torralba and A. A. Efros, "Dataset Distillation",
   arXiv:1811.10959, 2018.
"""

# %%
# The data and the model
# ----------------------
# ``C`` limits how large the coefficients can become that ten rows induce. A value that
# leaves room, with few rows, is part of the recipe.

from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from skdistill import DatasetDistiller

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X / 16, y, stratify=y, random_state=0
)
estimator = LogisticRegression(C=100, max_iter=1000)

# %%
# Learn ten rows
# --------------
# ``estimator_`` is fitted by scikit-learn on the ten rows, and the outer problem sees
# the training images alone.

start = perf_counter()
distiller = DatasetDistiller(estimator, n_synthetic=10, feature_range=(-1, 1))
X_synthetic, y_synthetic = distiller.fit_transform(X_train, y_train)
seconds = perf_counter() - start

# %%
# The baselines
# -------------
# Real rows are drawn ten times, since luck decides how good they are. With one center
# for each class, k-means is the mean.

rng = np.random.default_rng(0)
random_scores = []
for _ in range(10):
    rows = [rng.choice(np.flatnonzero(y_train == digit)) for digit in range(10)]
    estimator.fit(X_train[rows], y_train[rows])
    random_scores.append(estimator.score(X_test, y_test))

means = np.stack([X_train[y_train == digit].mean(axis=0) for digit in range(10)])
kmeans_score = estimator.fit(means, np.arange(10)).score(X_test, y_test)
full_score = estimator.fit(X_train, y_train).score(X_test, y_test)

print(f"test accuracy of LogisticRegression(C=100), distilled in {seconds:.1f} s")
print(f"  10 random rows        {np.mean(random_scores):.3f} (mean of 10 draws)")
print(f"  10 k-means centers    {kmeans_score:.3f}")
print(f"  10 distilled rows     {distiller.score(X_test, y_test):.3f}")
print(f"  all {len(X_train)} rows         {full_score:.3f}")

# %%
# What they look like
# -------------------
# The distilled images look all but alike: what they have in common does not matter to
# the model, and with this ``C`` small differences suffice. Those, in the last row and
# magnified, show what it is told: red pixels speak for a digit, blue ones against it.

difference = X_synthetic - X_synthetic.mean(axis=0)
images = {
    "class means": means,
    "distilled": X_synthetic,
    "difference": difference / np.abs(difference).max(),
}
fig, axes = plt.subplots(3, 10, figsize=(10, 3.7), layout="constrained")
for row, (title, row_images) in zip(axes, images.items(), strict=True):
    row[0].set_ylabel(title)
    for image, ax in zip(row_images, row, strict=True):
        ax.imshow(image.reshape(8, 8), cmap="RdBu_r", vmin=-1, vmax=1)
        ax.set(xticks=[], yticks=[])
for digit, ax in zip(y_synthetic, axes[0], strict=True):
    ax.set_title(digit)
fig.suptitle(
    f"Test accuracy with ten rows: class means {kmeans_score:.3f}, distilled "
    f"{distiller.score(X_test, y_test):.3f}; with all {len(X_train)} rows "
    f"{full_score:.3f}"
)
fig.savefig("distilled_digits.png", dpi=150)
plt.show()

# %%
# Are they good for another model, too?
# -------------------------------------
# There is no promise of that: rows are made for one estimator with its ``C``. Look
# before you share them.

from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier

for other in (KNeighborsClassifier(1), RandomForestClassifier(random_state=0)):
    print(f"test accuracy of {other}")
    for name, images in [("k-means centers", means), ("distilled rows", X_synthetic)]:
        score = other.fit(images, np.arange(10)).score(X_test, y_test)
        print(f"  10 {name:19s}{score:.3f}")
