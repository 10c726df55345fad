"""Types of arguments that several public functions have."""

from typing import Any, Literal, Protocol, TypeAlias

import numpy as np

#: Samples or targets: an array, lists, or a DataFrame or Series of any library.
#: Everything is allowed that scikit-learn's validation accepts. No type describes it.
ArrayLike: TypeAlias = Any

RandomState: TypeAlias = int | np.random.RandomState | None

#: How to reduce the rows.
Method: TypeAlias = Literal["distill", "kmeans", "sample"]


class Splitter(Protocol):
    """A cross-validation splitter, such as ``TimeSeriesSplit``."""

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Any:
        """Yield pairs of indices."""


class Estimator(Protocol):
    """Any object that scikit-learn can clone and fit."""

    def fit(self, X: Any, y: Any, /) -> Any:
        """Fit the estimator."""
