"""Names for what the public functions take, where more than one of them has it."""

from typing import Any, Literal, Protocol, TypeAlias

import numpy as np

#: Samples or targets: an array, lists, a DataFrame or Series of any library. What may
#: be passed is what scikit-learn's validation accepts, which no type says.
ArrayLike: TypeAlias = Any

RandomState: TypeAlias = int | np.random.RandomState | None

#: How the rows of a reduced set come about.
Method: TypeAlias = Literal["distill", "kmeans", "sample"]


class Splitter(Protocol):
    """A cross-validation splitter, such as ``TimeSeriesSplit``."""

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Any:
        """Yield pairs of indices."""


class Estimator(Protocol):
    """Whatever scikit-learn can clone and fit, also if it inherits nothing from it."""

    def fit(self, X: Any, y: Any, /) -> Any:
        """Fit the estimator."""
