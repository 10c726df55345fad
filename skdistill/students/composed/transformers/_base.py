"""The contract of transformers whose fit and transform can be differentiated."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from skdistill.students._base import NotMirrored
from skdistill.tables._layout import Layout, Roles


class ColumnReader(ABC):
    """A mirror before the columns of the table are known.

    Attributes
    ----------
    reads_tables : bool
        Whether it takes missing values or categories, or selects columns.
    only_fills : bool
        Whether it only imputes missing values.
    """

    reads_tables: bool = False
    only_fills: bool = False

    @abstractmethod
    def roles(self, layout: Layout) -> Roles:
        """Return how it reads the columns of a layout."""

    @abstractmethod
    def on(self, layout: Layout) -> "TransformerMirror":
        """Return the mirror for the columns of a layout.

        Raises
        ------
        NotMirrored
            If it cannot be mirrored for these columns.
        """


class TransformerMirror(ColumnReader):
    """Mirror of a transformer. It has no data, and hashes by value.

    Attributes
    ----------
    ignores_copies : bool
        Whether repeating each row k times leads to the same ``stats``.
    is_flexible : bool
        Whether a linear model behind it may overfit with few rows. This is so if it
        makes more features, or if it divides them by a spread of the rows, because the
        norm of the model is then not bounded.
    is_affine : bool
        Whether it shifts and scales each feature, so that ``stats`` is a Scaling.
    leaves_out : bool
        Whether scikit-learn leaves out features that are zero here in all rows. Their
        number depends on the rows.
    """

    ignores_copies: bool = True
    is_affine: bool = False
    is_flexible: bool = False
    leaves_out: bool = False

    def roles(self, layout: Layout) -> Roles:
        """Return the roles of numeric columns."""
        return Roles.of_numbers(layout.n_columns)

    def on(self, layout: Layout) -> "TransformerMirror":
        """Return this mirror, which takes any numeric columns."""
        return self

    def layout_out(self, layout: Layout) -> Layout:
        """Return the layout of the transformed columns."""
        return Layout.of_numbers(self.n_features_out(layout.n_numbers))

    @abstractmethod
    def fit(self, X: Any, is_row: Any) -> Any:
        """Return the ``stats``, a pytree, of rows (m, p), in JAX.

        Rows for which ``is_row`` (m,) is zero are padding and must not have an effect.
        """

    @abstractmethod
    def transform(self, stats: Any, X: Any) -> Any:
        """Return the features (n, q) of rows (n, p), in their precision, in JAX.

        Derivatives have to be finite for rows of zeros, which pad chunks.
        """

    @abstractmethod
    def stats_of(self, fitted: Any) -> Any:
        """Return the ``stats`` of a transformer that scikit-learn has fitted."""

    def is_kept(self, stats: Any, n_features: int) -> np.ndarray:
        """Return the mask (q,) of features that scikit-learn does not leave out."""
        return np.ones(self.n_features_out(n_features), dtype=bool)

    def n_features_out(self, n_features: int) -> int:
        """Return the number of transformed features for a number of features.

        Raises
        ------
        NotMirrored
            If it cannot be mirrored for this number.
        """
        return n_features

    def refuse_rows(  # noqa: B027 (most refuse none)
        self, n_rows: int, n_features: int
    ) -> None:
        """Raise NotMirrored if its fit on ``n_rows`` rows is not mirrored."""


def refuse(name, settings, supported):
    """Raise NotMirrored for settings of a transformer, if there are any.

    Parameters
    ----------
    name : str
        Class of the transformer.
    settings : dict of str to bool
        Unsupported settings, and whether the transformer has them.
    supported : str
        Supported settings, for the message.
    """
    refused = [setting for setting, has_it in settings.items() if has_it]
    if refused:
        raise NotMirrored(
            f"{name} cannot be differentiated with {', '.join(refused)}. Supported: "
            f"{supported}."
        )
