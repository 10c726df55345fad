"""The mirror of ``OneHotEncoder``.

Categories are blocks of one-hot numbers already while rows are learned. So the encoder
only selects some of these numbers: those of the categories that the synthetic rows
have, or of given categories. The other categories become features of zeros here, while
scikit-learn leaves them out.
"""

from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
import numpy as np

from skdistill.students._base import NotMirrored
from skdistill.students.composed.transformers import _of_rows as of_rows
from skdistill.students.composed.transformers._base import (
    ColumnReader,
    TransformerMirror,
    refuse,
)
from skdistill.tables._layout import Roles

#: Settings of ``handle_unknown`` that allow categories which the synthetic rows lack.
_TAKES_UNKNOWN = ("ignore", "infrequent_if_exist", "warn")


@dataclass(frozen=True)
class OneHotOfColumns(ColumnReader):
    """Mirror of ``OneHotEncoder`` before the categories are known."""

    transformer: Any

    reads_tables = True

    @classmethod
    def of(cls, transformer):
        """Return the mirror of a transformer."""
        is_auto = isinstance(transformer.categories, str)
        unknown = transformer.handle_unknown
        limits = transformer.min_frequency, transformer.max_categories
        refuse(
            "OneHotEncoder",
            {
                f"handle_unknown={unknown!r} and categories='auto'": is_auto
                and unknown not in _TAKES_UNKNOWN,
                "drop as an array": not (
                    transformer.drop is None or isinstance(transformer.drop, str)
                ),
                "min_frequency or max_categories": limits != (None, None),
            },
            "handle_unknown='ignore' (a few rows may lack categories), or given "
            "categories; drop=None, 'first' or 'if_binary'",
        )
        return cls(transformer)

    def roles(self, layout):
        """Return roles in which all columns are categorical."""
        roles = Roles.of_numbers(layout.n_columns)
        return roles._replace(is_category=~roles.is_category, is_picky=True)

    def on(self, layout):
        """Return the mirror for the categories of a layout."""
        if any(labels is None for labels in layout.labels):
            raise NotMirrored(
                "OneHotEncoder cannot be differentiated on the output of another "
                "step. Supported: columns of the table, as the first step or after a "
                "SimpleImputer."
            )
        given, encoder = layout.labels, self.transformer
        is_given = not isinstance(encoder.categories, str)
        if is_given:
            given = tuple(
                tuple(np.asarray(each).tolist()) for each in encoder.categories
            )
        sources = []
        for block, labels, columns in zip(
            layout.blocks, layout.labels, given, strict=True
        ):
            position = {_key(each): block.start + i for i, each in enumerate(labels)}
            unknown = set(position).difference(map(_key, columns))
            if unknown and encoder.handle_unknown not in _TAKES_UNKNOWN:
                raise NotMirrored(
                    "OneHotEncoder cannot be differentiated with given categories that "
                    f"lack some of the data: {sorted(map(str, unknown))}. Supported: "
                    "handle_unknown='ignore'."
                )
            sources.append(tuple(position.get(_key(each), -1) for each in columns))
        return OneHot(tuple(sources), encoder.drop, is_given, given)


@dataclass(frozen=True)
class OneHot(TransformerMirror):
    """Mirror of ``OneHotEncoder``; ``stats`` (q,) are one for categories in use.

    Parameters
    ----------
    sources : tuple of tuple of int
        For each column, the positions of the numbers that become its features; -1
        stands for a feature of zeros.
    drop : {None, "first", "if_binary"}
        Feature of a column that is left out.
    is_given : bool
        Whether categories are given rather than found in the rows.
    labels : tuple of tuple
        Category of each feature. The program does not depend on them.
    """

    sources: tuple
    drop: str | None
    is_given: bool
    labels: tuple = field(compare=False)

    @property
    def leaves_out(self):
        """Whether features of zeros are left out."""
        return not self.is_given or self.drop is not None

    def fit(self, X, is_row):
        """Return which categories are in use. This has no derivative."""
        X = _with_zeros(of_rows.only(X, is_row))
        return jnp.concatenate(
            [self._kept(X[:, np.array(part)].max(axis=0) > 0) for part in self.sources]
        ).astype(X.dtype)

    def _kept(self, is_present):
        if self.is_given:
            is_present = jnp.ones_like(is_present)
        if self.drop is None:
            return is_present
        is_first = jnp.arange(len(is_present)) == is_present.argmax()
        is_dropped = self.drop == "first" or is_present.sum() == 2
        return is_present & ~(is_first & is_dropped)

    def transform(self, stats, X):
        """Return the numbers of the categories in use; others are zero."""
        columns = np.concatenate(self.sources)
        return _with_zeros(X)[:, columns] * stats.astype(X.dtype)

    def stats_of(self, fitted):
        """Return which categories scikit-learn uses."""
        dropped = fitted.drop_idx_
        if dropped is None:
            dropped = [None] * len(self.sources)
        kept = []
        for labels, found, out in zip(
            self.labels, fitted.categories_, dropped, strict=True
        ):
            keys = [_key(each) for each in found.tolist()]
            if out is not None:
                del keys[int(out)]
            kept += [float(_key(each) in keys) for each in labels]
        return np.array(kept)

    def is_kept(self, stats, n_features):
        """Return the mask of features that scikit-learn does not leave out."""
        return stats > 0

    def n_features_out(self, n_features):
        """Return the number of categories."""
        return sum(map(len, self.sources))


def _with_zeros(X):
    """Return numbers with a column of zeros at the end."""
    return jnp.pad(X, ((0, 0), (0, 1)))


def _key(label):
    """Return a key for a label, such that NaN equals itself."""
    return (label,) if label == label else ()
