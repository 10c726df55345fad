"""The mirror of ``ColumnTransformer``, with transformers for some columns each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from sklearn.compose import make_column_selector

from skdistill._programs import Program
from skdistill.students._base import NotMirrored
from skdistill.students.composed.transformers._base import (
    ColumnReader,
    TransformerMirror,
    refuse,
)
from skdistill.students.composed.transformers._rows import Function
from skdistill.tables._layout import Roles

#: Mirror of "passthrough".
IDENTITY = Function(None, ())


@dataclass(frozen=True)
class PickedColumns(ColumnReader):
    """Mirror of ``ColumnTransformer`` before the columns are known.

    Parameters
    ----------
    parts : tuple of (name, mirror, columns)
        Mirrors for selected columns; None drops the columns.
    remainder : ColumnReader or None
        Mirror for the other columns; None drops them.
    """

    parts: tuple
    remainder: ColumnReader | None

    reads_tables = True

    @classmethod
    def of(
        cls, transformer: Any, mirror_of: Callable[[str, Any], ColumnReader]
    ) -> "PickedColumns":
        """Return the mirror of a transformer.

        ``mirror_of(name, transformer)`` returns the mirror of a part.
        """
        refuse(
            "ColumnTransformer",
            {
                "transformer_weights": transformer.transformer_weights is not None,
                "columns selected by a function": any(
                    callable(columns) and not isinstance(columns, make_column_selector)
                    for _, _, columns in transformer.transformers
                ),
            },
            "no weights; columns by name, position, slice or mask, or "
            "make_column_selector",
        )

        def part(name, transformer):
            if isinstance(transformer, str):
                return None if transformer == "drop" else IDENTITY
            return mirror_of(name, transformer)

        parts = [
            (name, part(name, each), columns)
            for name, each, columns in transformer.transformers
        ]
        return cls(tuple(parts), part("remainder", transformer.remainder))

    def _placed(self, layout):
        """Return ``(name, mirror, positions)`` of the parts that have columns."""
        try:
            placed = [
                (name, mirror, layout.find(columns))
                for name, mirror, columns in self.parts
            ]
        except ValueError as error:
            raise NotMirrored(
                f"ColumnTransformer cannot be differentiated here: {error}"
            ) from error
        taken = {j for _, _, positions in placed for j in positions}
        others = [j for j in range(layout.n_columns) if j not in taken]
        placed.append(("remainder", self.remainder, others))
        return [each for each in placed if each[1] is not None and each[2]]

    def roles(self, layout):
        """Return how the parts read their columns. Dropped ones may miss values."""
        has_gaps = np.ones(layout.n_columns, dtype=bool)
        readings = [set() for _ in range(layout.n_columns)]
        for _, mirror, positions in self._placed(layout):
            roles = mirror.roles(layout.pick(positions)[0])
            has_gaps[positions] &= roles.has_gaps
            for j, is_category in zip(positions, roles.is_category, strict=True):
                readings[j].add(bool(is_category))
        several = [j for j, reading in enumerate(readings) if len(reading) > 1]
        if several:
            raise NotMirrored(
                "ColumnTransformer cannot be differentiated if one part one-hot "
                "encodes columns that another part reads as numbers: those at "
                f"{several}. Supported: columns that all parts read in the same way."
            )
        is_category = np.array([reading == {True} for reading in readings])
        is_unused = np.array([not reading for reading in readings])
        return Roles(has_gaps, is_category, is_unused, is_picky=True)

    def on(self, layout):
        """Return the mirror for the columns of a layout."""
        parts = []
        for name, mirror, positions in self._placed(layout):
            picked, numbers = layout.pick(positions)
            parts.append((name, mirror.on(picked), numbers))
        if not parts:
            raise NotMirrored(
                "ColumnTransformer cannot be differentiated if it selects no columns. "
                "Select at least one."
            )
        return SideBySide(tuple(parts))


@dataclass(frozen=True)
class SideBySide(Program, TransformerMirror):
    """Mirror of ``ColumnTransformer``; its stats are a tuple of those of its parts.

    Parameters
    ----------
    parts : tuple of (name, mirror, numbers)
        Mirrors, and the positions of their numbers in a row.
    """

    parts: tuple

    @property
    def ignores_copies(self):
        """Whether all parts ignore copies."""
        return all(mirror.ignores_copies for _, mirror, _ in self.parts)

    @property
    def is_flexible(self):
        """Whether any part is flexible."""
        return any(mirror.is_flexible for _, mirror, _ in self.parts)

    @property
    def leaves_out(self):
        """Whether any part leaves out features."""
        return any(mirror.leaves_out for _, mirror, _ in self.parts)

    def fit(self, X, is_row):
        """Return the stats of all parts."""
        return tuple(
            mirror.fit(_of(X, numbers), is_row) for _, mirror, numbers in self.parts
        )

    def transform(self, stats, X):
        """Return the features of all parts, one part after the other."""
        made = [
            mirror.transform(its_stats, _of(X, numbers))
            for (_, mirror, numbers), its_stats in zip(self.parts, stats, strict=True)
        ]
        return jnp.hstack(made)

    def stats_of(self, fitted):
        """Return the stats of the parts that scikit-learn fitted."""
        return tuple(
            mirror.stats_of(fitted.named_transformers_[name])
            for name, mirror, _ in self.parts
        )

    def is_kept(self, stats, n_features):
        """Return the mask of features that scikit-learn does not leave out."""
        return np.concatenate(
            [
                mirror.is_kept(its_stats, len(numbers))
                for (_, mirror, numbers), its_stats in zip(
                    self.parts, stats, strict=True
                )
            ]
        )

    def n_features_out(self, n_features):
        """Return the number of features of all parts."""
        return sum(
            mirror.n_features_out(len(numbers)) for _, mirror, numbers in self.parts
        )

    def refuse_rows(self, n_rows, n_features):
        """Raise NotMirrored if a part is not mirrored for ``n_rows`` rows."""
        for _, mirror, numbers in self.parts:
            mirror.refuse_rows(n_rows, len(numbers))


def _of(X, numbers):
    """Return some numbers of each row, as a slice if their positions are adjacent."""
    first, last = numbers[0], numbers[-1]
    if numbers == tuple(range(first, last + 1)):
        return X[:, first : last + 1]
    return X[:, np.array(numbers)]
