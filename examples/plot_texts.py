"""
================================================
Sixteen rows that know scikit-learn's docstrings
================================================

To which subpackage of scikit-learn does a docstring belong? A linear model on tf-idf
weights tells it from the words. Here it learns from sixteen rows, two for each of eight
subpackages. Distilled rows compete with real docstrings, drawn at random or chosen by
a search, with centers of k-means, and with all the docstrings.
"""

# %%
# The texts
# ---------
# They are the docstrings of classes, methods and functions, in the installation of
# scikit-learn that runs this example.

import inspect
from importlib import import_module
from pkgutil import walk_packages

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skdistill import DatasetDistiller, DistilledClassifier

packages = "cluster decomposition ensemble linear_model metrics model_selection "
packages = (packages + "neighbors preprocessing").split()
package_of = {}
for package in packages:
    path = import_module(f"sklearn.{package}").__path__
    for _, module, _ in walk_packages(path, f"sklearn.{package}."):
        own = () if ".tests" in module else vars(import_module(module)).values()
        for value in own:
            if getattr(value, "__module__", None) == module:
                methods = vars(value).values() if inspect.isclass(value) else ()
                for documented in (value, *filter(inspect.isfunction, methods)):
                    package_of[inspect.getdoc(documented) or ""] = package
package_of = {text: name for text, name in package_of.items() if len(text) > 80}

texts = np.array(list(package_of), dtype=object)
y = np.array(list(package_of.values()))
train, test, y_train, y_test = train_test_split(texts, y, stratify=y, random_state=0)
print(f"{len(train)} docstrings to learn from, {len(test)} to test on")

# %%
# Sixteen rows of tf-idf weights
# ------------------------------
# Behind the vectorizer the texts are a sparse matrix, which is never made dense. Each
# row weighs as much as the texts that it stands for (``weighting="match"``).

vectorizer = TfidfVectorizer(token_pattern="[A-Za-z]{3,}", sublinear_tf=True, min_df=2)
model = make_pipeline(vectorizer, LogisticRegression(C=10, max_iter=1000))
distilled = make_pipeline(
    vectorizer,
    DistilledClassifier(
        model[-1], DatasetDistiller(n_synthetic=16, weighting="match", random_state=0)
    ),
)
distilled.fit(train, y_train)

# %%
# Sixteen texts
# -------------
# The set for the whole pipeline consists of texts, and texts have no gradient. A search
# looks for sixteen real docstrings that teach the model well.

searched = DatasetDistiller(
    model, n_synthetic=16, solver="search", max_iter=8, random_state=0
)
chosen, chosen_y = searched.fit_transform(train, y_train)

# %%
# The comparison
# --------------
# Random docstrings are drawn twenty times. They and the centers of k-means get the same
# weights as the distilled rows.

weight = np.repeat([np.sum(y_train == name) / 2 for name in packages], 2)
rng = np.random.default_rng(0)
drawn = [
    np.concatenate(
        [rng.choice(np.flatnonzero(y_train == name), 2, False) for name in packages]
    )
    for _ in range(20)
]
by_chance = [
    clone(model)
    .fit(train[rows], y_train[rows], logisticregression__sample_weight=weight)
    .score(test, y_test)
    for rows in drawn
]
full = clone(model).fit(train, y_train)
Z_train, Z_test = full[0].transform(train), full[0].transform(test)
centers = np.vstack(
    [
        KMeans(2, random_state=0).fit(Z_train[y_train == name]).cluster_centers_
        for name in packages
    ]
)
kmeans = clone(model[-1]).fit(centers, np.repeat(packages, 2), weight)

print("test accuracy")
print(f"  16 random docstrings   {np.mean(by_chance):.3f} (mean of 20 draws)")
print(f"  16 docstrings, search  {searched.score(test, y_test):.3f}")
print(f"  16 k-means centers     {kmeans.score(Z_test, y_test):.3f}")
print(f"  16 distilled rows      {distilled.score(test, y_test):.3f}")
print(f"  all {len(train)} docstrings     {full.score(test, y_test):.3f}")

# %%
# A real text has few words. A distilled row may have the words of many texts.
#
# What the rows say
# -----------------
# These are the words in which the two rows of a subpackage exceed the mean of all rows
# the most.

distiller = distilled[-1].distiller_
words = distilled[0].get_feature_names_out()
excess = distiller.X_synthetic_.toarray()
excess -= excess.mean(axis=0)
excess = np.stack([excess[distiller.y_synthetic_ == p].mean(axis=0) for p in packages])
telling = excess.argsort(axis=1)[:, ::-1]
for name, columns in zip(packages, telling, strict=True):
    print(f"{name:16s}{', '.join(words[columns[:5]])}")

columns = telling[:, :3].ravel()
fig, ax = plt.subplots(figsize=(8, 4.2), layout="constrained")
limit = np.abs(excess[:, columns]).max()
ax.imshow(excess[:, columns], cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto")
ax.set_xticks(range(len(columns)), words[columns], rotation=60, ha="right")
ax.set_yticks(range(len(packages)), packages)
ax.set_title("Words of sixteen distilled rows (red: more than the other rows have)")
plt.show()
