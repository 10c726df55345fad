"""Imputation of missing values by statistics of the synthetic rows.

Synthetic rows have no missing values. Missing values of the real rows are replaced by
statistics of the synthetic rows. A missing number is NaN. A missing category is a block
of zeros, while other categories have a one in their block.
"""

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from skdistill._programs import Program
from skdistill.students._base import NotMirrored
from skdistill.students.composed.transformers import _of_rows as of_rows
from skdistill.students.composed.transformers._base import TransformerMirror, refuse
from skdistill.tables._layout import Layout, Roles


@dataclass(frozen=True)
class Impute(Program, TransformerMirror):
    """Mirror of ``SimpleImputer``; ``stats`` (p,) are the imputed values.

    If all numbers differ, the most frequent value is the smallest one.
    """

    strategy: str
    fill_value: Any

    reads_tables = True
    only_fills = True

    @classmethod
    def of(cls, transformer):
        """Return the mirror of a transformer."""
        missing, strategy = transformer.missing_values, transformer.strategy
        refuse(
            "SimpleImputer",
            {
                f"missing_values={missing!r}": not _is_nan(missing),
                "strategy as a function": not isinstance(strategy, str),
                "add_indicator=True": transformer.add_indicator,
            },
            "missing_values=np.nan, strategies by name, add_indicator=False",
        )
        return cls(strategy, transformer.fill_value)

    def on(self, layout):
        """Return the mirror for numeric or for categorical columns."""
        is_category = [labels is not None for labels in layout.labels]
        if not any(is_category):
            return self
        if not all(is_category):
            raise NotMirrored(
                "SimpleImputer cannot be differentiated on numbers and categories "
                "together. Pass a separate one for each, in a ColumnTransformer."
            )
        return ImputeCategories.on_blocks(self, layout)

    def roles(self, layout):
        """Return roles in which all columns may have missing values."""
        roles = Roles.of_numbers(layout.n_columns)
        return roles._replace(has_gaps=~roles.has_gaps)

    def fit(self, X, is_row):
        """Return a statistic of every feature."""
        if self.strategy == "mean":
            return of_rows.mean(X, is_row)
        if self.strategy == "median":
            return of_rows.median(X, is_row)
        if self.strategy == "most_frequent":
            return _modes(X, is_row)
        fill_value = 0.0 if self.fill_value is None else self.fill_value
        return jnp.full(X.shape[1], fill_value, X.dtype)

    def transform(self, stats, X):
        """Replace missing values by the statistics."""
        return jnp.where(jnp.isnan(X), stats.astype(X.dtype), X)

    def stats_of(self, fitted):
        """Return the statistics that scikit-learn found."""
        return np.asarray(fitted.statistics_, dtype=np.float64)

    def layout_out(self, layout):
        """Return the same columns without their names."""
        return layout.pick(range(layout.n_columns))[0]


@dataclass(frozen=True)
class ImputeCategories(TransformerMirror):
    """Mirror of ``SimpleImputer`` on blocks of one-hot numbers.

    ``stats`` (q,) has a one in each block, for the imputed category. A constant that is
    not a category of its column is an additional number of the block.
    """

    strategy: str
    blocks: tuple
    constants: tuple
    labels: tuple

    @classmethod
    def on_blocks(cls, mirror, layout):
        """Return the mirror for the categories of a layout."""
        strategy = mirror.strategy
        refuse(
            "SimpleImputer",
            {f"strategy={strategy!r} of categories": strategy in ("mean", "median")},
            "strategy='most_frequent' or 'constant'",
        )
        constants, labels = [], layout.labels
        if strategy == "constant":
            constants = [_fill_value(mirror.fill_value, each) for each in labels]
            labels = tuple(
                each if constant in each else (*each, constant)
                for each, constant in zip(labels, constants, strict=True)
            )
            constants = [
                each.index(constant)
                for each, constant in zip(labels, constants, strict=True)
            ]
        blocks = tuple((block.start, block.stop) for block in layout.blocks)
        return cls(strategy, blocks, tuple(constants), labels)

    def fit(self, X, is_row):
        """Return the imputed category of each column."""
        X, parts = of_rows.only(X, is_row), []
        for j, (start, stop) in enumerate(self.blocks):
            width = len(self.labels[j])
            index = (
                self.constants[j]
                if self.strategy == "constant"
                else X[:, start:stop].sum(axis=0).argmax()
            )
            parts.append((jnp.arange(width) == index).astype(X.dtype))
        return jnp.concatenate(parts)

    def transform(self, stats, X):
        """Replace blocks of zeros by the imputed categories."""
        parts, first = [], 0
        for (start, stop), labels in zip(self.blocks, self.labels, strict=True):
            block = X[:, start:stop]
            is_missing = (block == 0).all(axis=1, keepdims=True)
            block = jnp.pad(block, ((0, 0), (0, len(labels) - (stop - start))))
            fill = stats[first : first + len(labels)].astype(X.dtype)
            parts.append(jnp.where(is_missing, fill, block))
            first += len(labels)
        return jnp.hstack(parts)

    def stats_of(self, fitted):
        """Return the imputed categories that scikit-learn found."""
        pairs = zip(self.labels, fitted.statistics_.tolist(), strict=True)
        return np.concatenate(
            [[float(label == value) for label in labels] for labels, value in pairs]
        )

    def n_features_out(self, n_features):
        """Return the number of categories, including additional constants."""
        return sum(map(len, self.labels))

    def layout_out(self, layout):
        """Return the columns with these categories, without their names."""
        widths = [len(labels) for labels in self.labels]
        header = np.empty((0, len(widths)))
        return Layout.of_blocks(widths, header, self.labels)


def _modes(X, is_row):
    """Return the most frequent value of each feature, or the smallest of several."""
    X = jnp.sort(of_rows.only(X, is_row, jnp.inf), axis=0)
    index = jnp.arange(len(X))[:, None]
    is_new = jnp.concatenate([jnp.ones_like(X[:1], bool), X[1:] != X[:-1]])
    first_equal = lax.cummax(jnp.where(is_new, index, 0), axis=0)
    n_equal = jnp.where(index < is_row.sum(), index - first_equal, -1)
    end = n_equal.argmax(axis=0)
    return jnp.take_along_axis(X, end[None], axis=0)[0]


def _is_nan(value):
    return isinstance(value, float) and value != value


def _fill_value(fill_value, labels):
    """Return the constant to impute, with the default of scikit-learn for None."""
    if fill_value is not None:
        return fill_value
    are_texts = any(isinstance(label, str) for label in labels)
    return "missing_value" if are_texts else 0
