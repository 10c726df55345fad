"""
===========================================
From a notebook to a colleague, in one file
===========================================

A table goes in, and ten rows of the same table come out. This is what a notebook shows
of them, how they become a file, and what a colleague does with the file who has pandas
and scikit-learn, but neither skdistill nor the data. Ten random rows and ten centers of
k-means go the same way.
"""

# %%
# Ten rows of a table
# -------------------
# The table is scikit-learn's breast cancer data, with ten of its columns. Targets are
# strings.

from io import StringIO

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdistill import DatasetDistiller, DistillationDisplay

data = load_breast_cancer(as_frame=True)
X = data.data.filter(like="mean")
y = data.target.map(dict(enumerate(data.target_names))).rename("diagnosis")
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.4, stratify=y, random_state=0
)
model = make_pipeline(StandardScaler(), LogisticRegression())
distiller = DatasetDistiller(model, n_synthetic=10).fit(X_train, y_train)

# %%
# If the last line of a cell is the distiller, a notebook shows its parameters, the size
# of the set, the losses and the first rows.

distiller

# %%
# The rows have the columns and the units of the table, and its types.

rows, labels = distiller.transform(X_train)
assert rows.dtypes.equals(X.dtypes)
rows.describe().loc[["min", "max"]]

# %%
# One file
# --------
# ``to_frame`` puts the rows and their labels into one DataFrame. The file would be
# ``rows.csv``; here it stays in memory.

file = distiller.to_frame().to_csv(index=False)
print(f"{len(file)} bytes for {len(rows)} rows; the first lines:")
print(*file.splitlines()[:3], sep="\n")

# %%
# At the colleague's
# ------------------
# Two lines read the rows and fit the model on them. The test rows took part in nothing
# so far.

received = pd.read_csv(StringIO(file))
model.fit(received.drop(columns="diagnosis"), received["diagnosis"])

from_the_file = model.score(X_test, y_test)

# %%
# Ten other rows
# --------------
# Random rows, five of each class, are drawn twenty times. The centers of k-means are
# those of the scaled table, brought back to its units.

rng = np.random.default_rng(0)
classes = [np.flatnonzero(y_train == name) for name in distiller.classes_]
by_chance = []
for _ in range(20):
    drawn = np.concatenate([rng.choice(rows, 5, replace=False) for rows in classes])
    fitted = clone(model).fit(X_train.iloc[drawn], y_train.iloc[drawn])
    by_chance.append(fitted.score(X_test, y_test))

scaler = StandardScaler().set_output(transform="pandas").fit(X_train)
Z_train = scaler.transform(X_train)
centers = np.vstack(
    [
        KMeans(5, random_state=0).fit(Z_train.iloc[rows]).cluster_centers_
        for rows in classes
    ]
)
centers = pd.DataFrame(scaler.inverse_transform(centers), columns=X.columns)
kmeans = clone(model).fit(centers, np.repeat(distiller.classes_, 5))
full = clone(model).fit(X_train, y_train)

print("test accuracy")
print(f"  10 random rows         {np.mean(by_chance):.3f} (mean of 20 draws)")
print(f"  10 k-means centers     {kmeans.score(X_test, y_test):.3f}")
print(f"  10 rows from the file  {from_the_file:.3f}")
print(f"  all {len(X_train)} rows           {full.score(X_test, y_test):.3f}")

# %%
# A picture of the set
# --------------------
# Every row of the picture is a row of the set, as the model sees it behind its scaler:
# less the mean of the ten rows, and in units of their deviation.

DistillationDisplay.from_estimator(distiller, kind="table")
plt.show()
