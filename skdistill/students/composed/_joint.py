"""Several students at once, for one set of rows that suits all of them.

It mirrors ``VotingClassifier`` and ``VotingRegressor``, whose members are fitted
independently on the same rows. The outer loss is not that of the vote, but the weighted
mean of the losses of the members. Each loss is relative to that of the best constant
prediction, so that none outweighs the others. The hypergradient is the sum over
members.
"""

from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from skdistill._programs import Program
from skdistill.students._base import NotMirrored, Student


@dataclass(frozen=True)
class _JointPrediction(Program):
    """The raw predictions of all members, as a tuple."""

    members: tuple

    def __call__(self, params, X):
        parts = zip(self.members, params, strict=True)
        return tuple(member(each, X) for member, each in parts)


@dataclass(frozen=True)
class _JointLoss(Program):
    """The weighted mean of the losses of the members."""

    losses: tuple
    weights: tuple

    def __call__(self, raw_prediction, y):
        parts = zip(self.losses, self.weights, raw_prediction, strict=True)
        return sum(weight * loss(raw, y) for loss, weight, raw in parts)


@dataclass(frozen=True)
class _JointPenalty(Program):
    """The weighted mean of the penalties of the members that have one."""

    penalties: tuple
    weights: tuple
    names: tuple

    def __call__(self, params, hyperparameters):
        total = 0.0
        for penalty, weight, name, each in zip(
            self.penalties, self.weights, self.names, params, strict=True
        ):
            if penalty is not None:
                total += weight * penalty(each, own(hyperparameters, name))
        return total


class JointStudent(Student):
    """Student of a voting ensemble: rows suit all of its members.

    Parameters
    ----------
    estimator : VotingClassifier or VotingRegressor
        Ensemble with the members and their weights.
    task : Task
        Describes the rows.
    student_for : callable
        ``student_for(estimator, task) -> Student``.

    Raises
    ------
    NotMirrored
        If a member has no student, or class weights, or if the losses of regressors
        have different units.
    """

    loss_name = "joint"

    def __init__(self, estimator, task, student_for):
        super().__init__(estimator, task)
        weights = estimator.weights
        if weights is None:
            weights = [1.0] * len(estimator.estimators)
        kept = [
            (name, member, float(weight))
            for (name, member), weight in zip(
                estimator.estimators, weights, strict=True
            )
            if member != "drop"
        ]
        self.names = tuple(name for name, _, _ in kept)
        self.members = tuple(student_for(member, task) for _, member, _ in kept)
        self._refuse_unlike_members(kept)
        shares = np.array([weight for _, _, weight in kept])
        shares = shares / shares.sum()
        costs = [member.cost_without_features(1.0) for member in self.members]
        self.weights = tuple((shares / costs).tolist())
        for part in ("hyperparameters", "smoothing_params"):
            values = {
                f"{name}__{key}": value
                for name, member in zip(self.names, self.members, strict=True)
                for key, value in getattr(member, part).items()
            }
            setattr(self, part, values)
        self.raw_prediction = _JointPrediction(
            tuple(member.raw_prediction for member in self.members)
        )
        self.outer_loss = _JointLoss(
            tuple(member.outer_loss for member in self.members),
            self.weights,
        )
        penalties = tuple(member.penalty for member in self.members)
        if any(penalty is not None for penalty in penalties):
            self.penalty = _JointPenalty(penalties, self.weights, self.names)
        for every in (
            "is_regularized",
            "learns_smoothing_params",
            "clusters_targets",
            "holds_constants",
            "ignores_zeros",
        ):
            setattr(self, every, all(getattr(each, every) for each in self.members))
        lows, highs = zip(*(each.feature_domain for each in self.members), strict=True)
        self.feature_domain = max(lows), min(highs)
        for one in (
            "takes_batches",
            "trains_in_jax",
            "counts_features",
            "needs_batches",
            "ends_at_max_iter",
            "is_random",
        ):
            setattr(self, one, any(getattr(each, one) for each in self.members))
        for least in ("batches_in_iteration", "step_length"):
            setattr(self, least, min(getattr(each, least) for each in self.members))

    def _refuse_unlike_members(self, kept):
        weighted = [
            name
            for name, member, _ in kept
            if getattr(member, "class_weight", None) is not None
        ]
        if weighted:
            raise NotMirrored(
                f"{type(self.estimator).__name__} cannot be distilled with members "
                f"that have class weights: {weighted}. Supported: members without "
                "class weights."
            )
        degrees = {member.loss_degree for member in self.members}
        if self.task.classes is None and len(degrees) > 1:
            raise NotMirrored(
                f"{type(self.estimator).__name__} cannot be distilled with members "
                "whose losses have different units: "
                f"{[member.loss_name for member in self.members]}. Supported: only "
                "squared errors, or only absolute errors."
            )

    def loss_unit(self, target_scale):
        """Return the unit of the losses of all members."""
        return self.members[0].loss_unit(target_scale)

    def check_targets(self, y, source):
        """Raise a ValueError for targets that a member does not take."""
        for member in self.members:
            member.check_targets(y, source)

    def least_target(self, low):
        """Return the minimum of targets that every member takes."""
        return np.max([member.least_target(low) for member in self.members], axis=0)

    def cost_without_features(self, unit):
        """Return approximately the outer loss of the best constant prediction."""
        return unit if self.task.classes is None else 1.0

    def refuse_range(self, low, high):
        """Raise an error for rows that one of the members does not take."""
        for member in self.members:
            member.refuse_range(low, high)

    def encode(self, y):
        """Return one-hot rows (n, k), or the numbers."""
        if self.task.classes is None:
            return super().encode(y)
        return np.eye(len(self.task.classes))[y]

    def solve(self, synthetic, start=None):
        """Return the params of all members."""
        starts = [None] * len(self.members) if start is None else start
        return tuple(
            member.solve(self._of(i, synthetic), each)
            for i, (member, each) in enumerate(zip(self.members, starts, strict=True))
        )

    def redrawn(self, random_state):
        """Return the student whose members draw new random numbers."""
        if not self.is_random:
            return self
        other = copy(self)
        other.members = tuple(each.redrawn(random_state) for each in self.members)
        return other

    def params_of(self, estimator, synthetic):
        """Return the params of the members that scikit-learn fitted."""
        fitted = estimator.estimators_
        return tuple(
            member.params_of(each, self._of(i, synthetic))
            for i, (member, each) in enumerate(zip(self.members, fitted, strict=True))
        )

    def as_predicted(self, params):
        """Return the params whose raw predictions agree with ``predict`` of members."""
        return tuple(
            member.as_predicted(each)
            for member, each in zip(self.members, params, strict=True)
        )

    def implicit_vjp(self, params, params_grad, synthetic):
        """Return the sum of the gradients of the members."""
        y = np.zeros_like(synthetic.y)
        X, weight, hyperparameters = 0.0, 0.0, {}
        parts = zip(self.members, params, params_grad, strict=True)
        for i, (member, each, each_grad) in enumerate(parts):
            grad = member.implicit_vjp(each, each_grad, self._of(i, synthetic))
            X, weight = X + grad.X, weight + grad.sample_weight
            if self.task.classes is None:
                y = y + np.reshape(grad.y, y.shape)
            hyperparameters |= {
                f"{self.names[i]}__{key}": value
                for key, value in grad.hyperparameters.items()
            }
        return synthetic._replace(
            X=X, y=y, sample_weight=weight, hyperparameters=hyperparameters
        )

    def _of(self, i, synthetic):
        """Return a set in the form that member ``i`` takes."""
        member, y = self.members[i], synthetic.y
        if self.task.classes is not None:
            y = member.encode(np.argmax(y, axis=1))
        return synthetic._replace(
            y=y, hyperparameters=own(synthetic.hyperparameters, self.names[i])
        )


def own(values: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the values of a member, without the prefix of its name."""
    prefix = f"{name}__"
    return {
        key.removeprefix(prefix): value
        for key, value in values.items()
        if key.startswith(prefix)
    }
