"""
===========================
A network on a hundred rows
===========================

What a network learns depends on where its training starts. Rows that are distilled for
a network without a ``random_state`` are learned from another start in each step, so
that they serve starts that nobody has seen. Here a hundred of them train a network, and
two models that they were not made for.
"""

# %%
# A hundred rows of scikit-learn's digits
# ---------------------------------------
# Training is unrolled: every step of Adam that scikit-learn takes is differentiated.

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC

from skdistill import DatasetDistiller, DistillationDisplay, transfer_score

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)

network = MLPClassifier(50, learning_rate_init=0.01, tol=1e-3, max_iter=300)
distiller = DatasetDistiller(network, n_synthetic=100, max_iter=60, random_state=0)
distiller.fit(X_train, y_train)

# %%
# Ten starts that were not seen
# -----------------------------
# ``loss_`` is the mean over ten refits by scikit-learn, each with a seed of its own.
losses = distiller.refit_losses_
print(
    f"log-loss of ten refits: {losses.mean():.3f} (from {losses.min():.3f} "
    f"to {losses.max():.3f})"
)

# %%
# The same rows for other models
# ------------------------------
models = {
    "network": network,
    "nearest neighbor": KNeighborsClassifier(1),
    "kernel machine": SVC(gamma=0.2, C=10),
}
results = transfer_score(
    distiller, models, X_test, y_test, X=X_train, y=y_train, random_state=0
)
print(f"{'test accuracy':17}" + "".join(f"{method:>10}" for method in results.scores))
for name in models:
    scores = [results.scores[method][name] for method in results.scores]
    print(f"{name:17}" + "".join(f"{score:10.3f}" for score in scores))

# %%
# The network comes near to what all rows give it, nearer than with k-means centers.
# The other two do not: the rows were not made for them, and the nearest neighbor is
# better off with the centers.
DistillationDisplay.from_estimator(distiller, image_shape=(8, 8))
plt.show()
