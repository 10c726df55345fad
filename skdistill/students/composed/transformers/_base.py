"""The contract of a transformer whose fit and effect can be differentiated."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from skdistill.students._base import NotMirrored
from skdistill.tables._layout import Layout, Roles


class ColumnReader(ABC):
    """What is known of a mirror before the columns of the table are.

    Attributes
    ----------
    reads_tables : bool
        Whether it takes more than numbers: gaps, categories, or columns by their names.
    only_fills : bool
        Whether it fills gaps, and leaves rows without any as they are.
    """

    reads_tables: bool = False
    only_fills: bool = False

    @abstractmethod
    def roles(self, layout: Layout) -> Roles:
        """Return how it reads the columns of a layout, all taken for numbers."""

    @abstractmethod
    def on(self, layout: Layout) -> "TransformerMirror":
        """Return the mirror for the columns of a layout.

        Raises
        ------
        NotMirrored
            If it cannot be mirrored on them.
        """


class TransformerMirror(ColumnReader):
    """Mirror of a transformer: an object that hashes by value, without data.

    Attributes
    ----------
    ignores_copies : bool
        Whether a set of which every row comes k times leads to the same ``stats``.
    is_flexible : bool
        Whether a linear model of few rows can follow the noise of the real ones behind
        it: it makes more features, or divides them by a spread of the rows, which may
        be small, so that the norm of the model has no bound.
    is_affine : bool
        Whether it shifts and scales each feature: ``stats`` are a Scaling.
    leaves_out : bool
        Whether scikit-learn leaves out features that are zeros here in all rows. How
        many depends on the rows.
    """

    ignores_copies: bool = True
    is_affine: bool = False
    is_flexible: bool = False
    leaves_out: bool = False

    def roles(self, layout: Layout) -> Roles:
        """Return the roles of numbers."""
        return Roles.of_numbers(layout.n_columns)

    def on(self, layout: Layout) -> "TransformerMirror":
        """Return this mirror, which takes any numbers."""
        return self

    def layout_out(self, layout: Layout) -> Layout:
        """Return the columns that it makes of those of a layout."""
        return Layout.of_numbers(self.n_features_out(layout.n_numbers))

    @abstractmethod
    def fit(self, X: Any, is_row: Any) -> Any:
        """Return the ``stats``, a pytree, that rows (m, p) lead to, in JAX.

        Rows for which ``is_row`` (m,) is zero fill ``X`` up and do not count.
        """

    @abstractmethod
    def transform(self, stats: Any, X: Any) -> Any:
        """Return the features (n, q) of rows (n, p), in their precision, in JAX.

        Rows of zeros, which fill chunks up, have finite derivatives.
        """

    @abstractmethod
    def stats_of(self, fitted: Any) -> Any:
        """Return the ``stats`` of the transformer that scikit-learn fitted."""

    def is_kept(self, stats: Any, n_features: int) -> np.ndarray:
        """Return which features (q,) scikit-learn makes of so many, in NumPy."""
        return np.ones(self.n_features_out(n_features), dtype=bool)

    def n_features_out(self, n_features: int) -> int:
        """Return the number of features that it makes of so many.

        Raises
        ------
        NotMirrored
            If it cannot be mirrored on so many features.
        """
        return n_features

    def refuse_rows(  # noqa: B027 (most refuse none)
        self, n_rows: int, n_features: int
    ) -> None:
        """Raise NotMirrored if its fit on so many rows is not mirrored."""


def refuse(name, settings, supported):
    """Raise NotMirrored for settings of a transformer, if there are any.

    Parameters
    ----------
    name : str
        Class of the transformer.
    settings : dict of str to bool
        Settings that have no counterpart, and whether the transformer has them.
    supported : str
        What to pass instead.
    """
    refused = [setting for setting, has_it in settings.items() if has_it]
    if refused:
        raise NotMirrored(
            f"{name} cannot be differentiated with {', '.join(refused)}. Supported: "
            f"{supported}."
        )
