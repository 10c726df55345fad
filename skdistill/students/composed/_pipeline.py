"""Transformers in front of a student, the counterpart of ``Pipeline``.

The transformers learn statistics ``s`` on ``m`` synthetic rows ``X``, and turn the rows
into ``Z = T(s(X), X)``. The student trains on ``Z``. Its params and the statistics are
the params of the pipeline. For the hypergradient, the ``implicit_vjp`` of the student
gives the gradient in ``Z``, and JAX differentiates ``X -> (s, Z)``.

A pipeline only passes weights to its last step, so transformers do not use weights.
"""

from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np

from skdistill._jax_scope import double_precision
from skdistill._programs import Program, join, split
from skdistill.students._base import NotMirrored, Student
from skdistill.students._padded import pad_rows, pad_samples
from skdistill.students.composed.transformers._chain import (
    Chain,
    chain_of,
    refuse_behind_encoder,
    refuse_pipeline_settings,
)
from skdistill.tables._layout import Layout


class PipelineParams(NamedTuple):
    """Parameters of a trained pipeline.

    Attributes
    ----------
    stats : tuple of pytrees
        Statistics of each transformer.
    params : pytree
        Params of the student behind them.
    """

    stats: Any
    params: Any


@dataclass(frozen=True)
class _Prediction(Program):
    chain: Chain
    raw_prediction: Any

    def __call__(self, params, X):
        return self.raw_prediction(params.params, self.chain.transform(params.stats, X))


@dataclass(frozen=True)
class _OfStudent(Program):
    """A function of the student's params and hyperparameters, for a pipeline's."""

    function: Any
    prefix: str

    def __call__(self, params, *hyperparameters):
        return self.function(
            params.params, *(_without(self.prefix, each) for each in hyperparameters)
        )


class PipelineStudent(Student):
    """Student of a ``Pipeline`` of transformers that are mirrored.

    Parameters
    ----------
    estimator : Pipeline
        The pipeline to mirror.
    task : Task
        Describes the rows before they are transformed.
    student_of : callable
        ``student_of(estimator, task) -> Student``, for the last step.

    Raises
    ------
    NotMirrored
        If a step is not mirrored.
    """

    # The scale of a constant feature is one, which is not continuous if it varies.
    holds_constants = True

    def __init__(self, estimator, task, student_of):
        super().__init__(estimator, task)
        layout = task.layout or Layout.of_numbers(task.n_features)
        self.chain = chain_of_transformers(estimator).on(layout)
        name, last = estimator.steps[-1]
        layout = self.chain.layout_out(layout)
        behind = task._replace(n_features=layout.n_numbers, layout=layout)
        student = student_of(last, behind)
        needs_all = student.counts_features or not student.ignores_zeros
        if self.chain.leaves_out and needs_all:
            refuse_behind_encoder(type(last).__name__)
        if self.chain.mirrors and np.isfinite(student.feature_domain).any():
            raise NotMirrored(
                f"{type(last).__name__} cannot be distilled by gradient behind other "
                "steps of a pipeline, because they may return values that it does not "
                "take."
            )
        self.feature_domain = student.feature_domain
        self.student, self._prefix = student, f"{name}__"
        self.hyperparameters = {
            self._prefix + name: value
            for name, value in student.hyperparameters.items()
        }
        self.smoothing_params = student.smoothing_params
        self.raw_prediction = _Prediction(self.chain, student.raw_prediction)
        if student.rough_prediction is not None:
            self.rough_prediction = _Prediction(self.chain, student.rough_prediction)
        self.loss_name = student.loss_name
        self.outer_loss = student.outer_loss
        self.soft_labels = student.soft_labels and self.chain.ignores_copies
        if student.penalty is not None:
            self.penalty = _OfStudent(student.penalty, self._prefix)
        if student.unit_norm is not None:
            self.unit_norm = _OfStudent(student.unit_norm, self._prefix)
        is_free = self.chain.is_flexible and student.penalty is None
        self.is_regularized = student.is_regularized and not is_free
        self.is_judged_by_ranking = student.is_judged_by_ranking
        self.learns_smoothing_params = student.learns_smoothing_params
        self.trains_in_jax = student.trains_in_jax
        self.takes_batches = student.takes_batches
        self.needs_batches = student.needs_batches
        self.batches_in_iteration = student.batches_in_iteration
        self.ends_at_max_iter = student.ends_at_max_iter
        self.step_length = student.step_length
        self.is_random = student.is_random

    @property
    def scaler(self):
        """The transformer, if it is the only one and shifts and scales features.

        Imputers before it are allowed. Otherwise it is None.
        """
        mirrors = [each for each in self.chain.mirrors if not each.only_fills]
        return mirrors[0] if len(mirrors) == 1 and mirrors[0].is_affine else None

    def encode(self, y):
        """Return the targets of the student."""
        return self.student.encode(y)

    def training_weight(self, y, sample_weight, counts=None):
        """Return the weights of the student."""
        return self.student.training_weight(y, sample_weight, counts)

    @property
    def loss_degree(self):
        """Power of the unit of the targets in the student's loss."""
        return self.student.loss_degree

    def loss_unit(self, target_scale):
        """Return the unit of the student's loss."""
        return self.student.loss_unit(target_scale)

    def check_targets(self, y, source):
        """Raise a ValueError for targets that the student does not take."""
        self.student.check_targets(y, source)

    def least_target(self, low):
        """Return the minimum of targets that the student takes."""
        return self.student.least_target(low)

    def predictions(self, raw_prediction):
        """Return the predictions of the student."""
        return self.student.predictions(raw_prediction)

    def cost_without_features(self, unit):
        """Return the loss of the student's best constant prediction."""
        return self.student.cost_without_features(unit)

    def class_scores(self, raw_prediction):
        """Return the scores of the student."""
        return self.student.class_scores(raw_prediction)

    def refuse_rows(self, n_rows):
        """Raise NotMirrored if training on ``n_rows`` rows is not mirrored."""
        self.chain.refuse_rows(n_rows, self.task.n_features)
        self.student.refuse_rows(n_rows)

    def solve(self, synthetic, start=None):
        """Return the fitted transformers, and the student trained behind them."""
        stats, Z = self._fit_transform(synthetic.X)
        start = None if start is None else start.params
        params = self.student.solve(self._behind(synthetic, Z), start)
        return PipelineParams(stats, params)

    def redrawn(self, random_state):
        """Return the pipeline whose student draws new random numbers."""
        if not self.is_random:
            return self
        other = copy(self)
        other.student = self.student.redrawn(random_state)
        return other

    def fitted_stats(self, X):
        """Return the stats that the transformers learn on rows (m, p)."""
        return self._fit_transform(X)[0]

    def behind(self, synthetic):
        """Return the transformed set, on which the student trains."""
        return self._behind(synthetic, self._fit_transform(synthetic.X)[1])

    def params_of(self, estimator, synthetic):
        """Return the stats and params of the steps that scikit-learn fitted."""
        stats = self.chain.stats_of(estimator.steps[:-1])
        Z = self._transform(stats, synthetic.X)
        last, behind = estimator.steps[-1][1], self._behind(synthetic, Z)
        params = self.student.params_of(last, behind)
        if self.chain.leaves_out:
            is_kept = self.chain.is_kept(stats, self.task.n_features)
            params = self.student.among_zeros(params, is_kept)
        return PipelineParams(stats, params)

    def as_predicted(self, params):
        """Return the params with those of the student's ``as_predicted``."""
        return params._replace(params=self.student.as_predicted(params.params))

    def implicit_vjp(self, params, params_grad, synthetic):
        """Return the gradient in the set, through the student and the transformers."""
        Z = self._transform(params.stats, synthetic.X)
        hypergrad = self.student.implicit_vjp(
            params.params, params_grad.params, self._behind(synthetic, Z)
        )
        m, padded = len(synthetic.X), pad_samples(synthetic.X)
        X = _in_numpy(
            _pull_back,
            padded,
            np.arange(len(padded)) < m,
            (params_grad.stats, pad_rows(hypergrad.X, len(padded))),
            chain=self.chain,
        )[:m]
        return hypergrad._replace(
            X=X,
            hyperparameters={
                name if name in self.smoothing_params else self._prefix + name: value
                for name, value in hypergrad.hyperparameters.items()
            },
        )

    def _fit_transform(self, X):
        padded = pad_samples(X)
        is_row = np.arange(len(padded)) < len(X)
        stats, Z = _in_numpy(_fit_transform, padded, is_row, chain=self.chain)
        return stats, Z[: len(X)]

    def _transform(self, stats, X):
        return _in_numpy(_transform, stats, pad_samples(X), chain=self.chain)[: len(X)]

    def _behind(self, synthetic, Z):
        hyperparameters = _without(self._prefix, synthetic.hyperparameters)
        return synthetic._replace(X=Z, hyperparameters=hyperparameters)


def chain_of_transformers(pipeline):
    """Return the Chain in front of the last step of a pipeline.

    Parameters
    ----------
    pipeline : Pipeline
        The pipeline.

    Raises
    ------
    NotMirrored
        If a step has no mirror for any data.
    """
    refuse_pipeline_settings(pipeline)
    return chain_of(pipeline.steps[:-1])


def _without(prefix, hyperparameters):
    """Return hyperparameters without the prefix of the last step."""
    return {name.removeprefix(prefix): value for name, value in hyperparameters.items()}


def _in_numpy(jitted, *args, chain):
    form, numbers = split(chain)
    with double_precision():
        args = jax.tree.map(partial(np.asarray, dtype=np.float64), args)
        return jax.tree.map(np.asarray, jitted(*args, numbers, form=form))


@partial(jax.jit, static_argnames="form")
def _fit_transform(X, is_row, numbers, form):
    return join(form, numbers).fit_transform(X, is_row)


@partial(jax.jit, static_argnames="form")
def _transform(stats, X, numbers, form):
    return join(form, numbers).transform(stats, X)


@partial(jax.jit, static_argnames="form")
def _pull_back(X, is_row, cotangent, numbers, form):
    def fit_transform(X):
        return join(form, numbers).fit_transform(X, is_row)

    return jax.vjp(fit_transform, X)[1](cotangent)[0]
