"""Chains of transformers, and the table of all mirrored transformers."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.impute import SimpleImputer
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    PolynomialFeatures,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
)

from skdistill._programs import Program
from skdistill.students._base import NotMirrored
from skdistill.students.composed.transformers._base import (
    ColumnReader,
    TransformerMirror,
)
from skdistill.students.composed.transformers._columns import PickedColumns
from skdistill.students.composed.transformers._expansions import Polynomial, Splines
from skdistill.students.composed.transformers._imputing import Impute
from skdistill.students.composed.transformers._kernel_features import (
    KernelLandmarks,
    RandomFourier,
)
from skdistill.students.composed.transformers._one_hot import OneHotOfColumns
from skdistill.students.composed.transformers._projections import (
    PrincipalComponents,
    SingularVectors,
)
from skdistill.students.composed.transformers._rows import Function, UnitNorm
from skdistill.students.composed.transformers._scaling import (
    MaxAbs,
    MinMax,
    Robust,
    Standard,
)
from skdistill.tables._layout import Roles


@dataclass(frozen=True)
class Chain(Program, TransformerMirror):
    """A chain of mirrors; its stats are a tuple of their stats."""

    mirrors: tuple

    def roles(self, layout):
        """Return how the first mirror reads columns, and the next one if it imputes."""
        roles = Roles.of_numbers(layout.n_columns)
        for mirror in self.mirrors:
            own = mirror.roles(layout)
            roles = own._replace(has_gaps=roles.has_gaps | own.has_gaps)
            if not mirror.only_fills:
                break
            layout = mirror.layout_out(layout)
        return roles

    def on(self, layout):
        """Return the chain for the columns of a layout."""
        mirrors = []
        for mirror in self.mirrors:
            mirrors.append(mirror.on(layout))
            layout = mirrors[-1].layout_out(layout)
        for mirror, behind in pairwise(mirrors):
            if mirror.leaves_out:
                refuse_behind_encoder(type(behind).__name__)
        return Chain(tuple(mirrors))

    def layout_out(self, layout):
        """Return the layout of the columns after the last mirror."""
        for mirror in self.mirrors:
            layout = mirror.layout_out(layout)
        return layout

    def fit(self, X, is_row):
        """Return the stats of all mirrors, fitted one after the other."""
        return self.fit_transform(X, is_row)[0]

    def fit_transform(self, X, is_row):
        """Return the stats of all mirrors, and the transformed rows."""
        all_stats = []
        for mirror in self.mirrors:
            stats = mirror.fit(X, is_row)
            X = mirror.transform(stats, X)
            all_stats.append(stats)
        return tuple(all_stats), X

    def transform(self, stats, X):
        """Return the rows after all mirrors."""
        for mirror, its_stats in zip(self.mirrors, stats, strict=True):
            X = mirror.transform(its_stats, X)
        return X

    def stats_of(self, fitted):
        """Return the stats of the steps of a pipeline, or of a list of steps."""
        pairs = zip(
            self.mirrors, _active(getattr(fitted, "steps", fitted)), strict=True
        )
        return tuple(mirror.stats_of(step) for mirror, (_, step) in pairs)

    def n_features_out(self, n_features):
        """Return the number of features after the last mirror."""
        for mirror in self.mirrors:
            n_features = mirror.n_features_out(n_features)
        return n_features

    def refuse_rows(self, n_rows, n_features):
        """Raise NotMirrored if one of them is not mirrored for ``n_rows`` rows."""
        for mirror in self.mirrors:
            mirror.refuse_rows(n_rows, n_features)
            n_features = mirror.n_features_out(n_features)

    @property
    def ignores_copies(self):
        """Whether all mirrors ignore copies."""
        return all(mirror.ignores_copies for mirror in self.mirrors)

    @property
    def is_flexible(self):
        """Whether any mirror is flexible."""
        return any(mirror.is_flexible for mirror in self.mirrors)

    @property
    def reads_tables(self):
        """Whether any mirror reads tables."""
        return any(mirror.reads_tables for mirror in self.mirrors)

    @property
    def leaves_out(self):
        """Whether any mirror leaves out features."""
        return any(mirror.leaves_out for mirror in self.mirrors)

    def is_kept(self, stats, n_features):
        """Return the mask of features after the last mirror that are not left out."""
        if not self.leaves_out:
            return super().is_kept(stats, n_features)
        *before, last = self.mirrors
        n_features = Chain(tuple(before)).n_features_out(n_features)
        return last.is_kept(stats[-1], n_features)


def refuse_behind_encoder(name):
    """Raise NotMirrored for a step that depends on the number of encoded features."""
    raise NotMirrored(
        "OneHotEncoder leaves out categories that the synthetic rows lack, but "
        f"{name} behind it depends on the number of features. Pass all categories to "
        "the encoder, or use a linear model, nearest neighbors or a number for gamma "
        "behind it."
    )


def chain_of(steps):
    """Return the Chain that mirrors the steps of a pipeline.

    Parameters
    ----------
    steps : list of (name, transformer)
        Steps; "passthrough" and None are ignored.

    Raises
    ------
    NotMirrored
        If a step has no mirror, or if one of its settings is not supported.
    """
    return Chain(tuple(_mirror_of(*step) for step in _active(steps)))


def _active(steps):
    return [step for step in steps if step[1] not in (None, "passthrough")]


def _mirror_of(name, transformer):
    mirror = _MIRRORS.get(type(transformer))
    if mirror is None:
        supported = ", ".join(sorted(each.__name__ for each in _MIRRORS))
        raise NotMirrored(
            f"The step {name!r} of the pipeline, {type(transformer).__name__}, cannot "
            f"be differentiated. Supported transformers: {supported}."
        )
    return mirror(transformer)


def _chain_of_pipeline(pipeline):
    refuse_pipeline_settings(pipeline)
    return chain_of(pipeline.steps)


def refuse_pipeline_settings(pipeline):
    """Raise NotMirrored for ``transform_input``, which is not supported."""
    if getattr(pipeline, "transform_input", None):
        raise NotMirrored(
            "A pipeline cannot be distilled by gradient with transform_input. Pass a "
            "pipeline without it."
        )


def _columns_of(transformer):
    return PickedColumns.of(transformer, _mirror_of)


_MIRRORS: dict[type, Callable[[Any], ColumnReader]] = {
    ColumnTransformer: _columns_of,
    FunctionTransformer: Function.of,
    MaxAbsScaler: MaxAbs.of,
    MinMaxScaler: MinMax.of,
    Normalizer: UnitNorm.of,
    Nystroem: KernelLandmarks.of,
    OneHotEncoder: OneHotOfColumns.of,
    PCA: PrincipalComponents.of,
    Pipeline: _chain_of_pipeline,
    PolynomialFeatures: Polynomial.of,
    RBFSampler: RandomFourier.of,
    RobustScaler: Robust.of,
    SimpleImputer: Impute.of,
    SplineTransformer: Splines.of,
    StandardScaler: Standard.of,
    TruncatedSVD: SingularVectors.of,
}
