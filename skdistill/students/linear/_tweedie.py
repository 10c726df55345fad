"""Students of generalized linear models.

``PoissonRegressor``, ``GammaRegressor`` and ``TweedieRegressor`` predict the
exponential of ``X @ coef + intercept`` and minimize, with the half deviance ``loss``,

    sum_i w_i * loss(X_i @ coef + intercept, y_i) / sum_i w_i + alpha / 2 * ||coef||^2

This is the objective of ``students.linear._base`` at ``C = 1 / (alpha sum_i w_i)``. The
Tweedie deviance of power zero is half the squared error, and has no logarithmic link.
"""

import numpy as np

from skdistill.objectives._deviances import half_deviance
from skdistill.objectives._losses import SQUARED_LOSS
from skdistill.students._base import NotMirrored
from skdistill.students.linear._base import PenalizedLinearStudent

#: Powers of the deviances that have a name.
NAMES = {0: "squared_error", 1: "half_poisson_deviance", 2: "half_gamma_deviance"}
#: Minimum of learned targets if zero is not allowed, relative to the minimum real one.
LEAST_TARGET = 1e-3


class TweedieStudent(PenalizedLinearStudent):
    """Student of ``TweedieRegressor``.

    Parameters
    ----------
    estimator : TweedieRegressor, PoissonRegressor or GammaRegressor
        The estimator to mirror.
    task : Task
        Features and the output.
    power : float, default=None
        Power of the variance; by default that of the estimator.

    Raises
    ------
    NotMirrored
        If a setting of the estimator is not supported.
    ValueError
        If there are several outputs.
    """

    averages = True

    def __init__(self, estimator, task, power=None):
        self.power = float(estimator.power if power is None else power)
        _refuse_unmirrored(estimator, self.power)
        name = type(estimator).__name__
        if task.n_outputs > 1:
            raise ValueError(
                f"{name} takes one output; y has {task.n_outputs} columns. Pass y of "
                "shape (n_samples,)."
            )
        self.loss_name = NAMES.get(self.power, "half_tweedie_deviance")
        self.hyperparameters = {"alpha": float(estimator.alpha)}
        loss = half_deviance(self.power) if self.power else SQUARED_LOSS
        super().__init__(estimator, task, loss, 1, estimator.fit_intercept)

    @property
    def loss_degree(self):
        """Power of the unit of the targets in the loss."""
        return 2 - self.power

    def check_targets(self, y, source):
        """Raise a ValueError for targets that the deviance does not take."""
        least = np.min(y)
        if self.power and (least < 0 or (least == 0 and self.power >= 2)):
            domain = "positive" if self.power >= 2 else "zero or positive"
            raise ValueError(
                f"{type(self.estimator).__name__} takes targets that are {domain}, but "
                f"{source} has {least:g}. Remove such rows, or pass an estimator for "
                "any targets, such as Ridge()."
            )
        if self.power and self.fit_intercept and not np.max(y):
            raise ValueError(
                f"{type(self.estimator).__name__} has no finite solution if all "
                f"targets are zero, as in {source}. Pass rows with positive targets."
            )

    def least_target(self, low):
        """Return the minimum of learned targets, given that of the real ones."""
        if not self.power:
            return -np.inf
        return LEAST_TARGET * low if self.power >= 2 else 0.0

    def predictions(self, raw_prediction):
        """Return the exponentials of raw predictions, or these if there is no link."""
        return raw_prediction if not self.power else np.exp(raw_prediction)

    def loss_strength(self, hyperparameters):
        """Return ``1 / alpha``, or half of it for the squared error."""
        return (1.0 if self.power else 0.5) / hyperparameters["alpha"]

    def loss_strength_vjp(self, hyperparameters, cotangent):
        """Return the derivative in ``alpha`` from that in the strength."""
        strength = self.loss_strength(hyperparameters)
        return {"alpha": -cotangent * strength / hyperparameters["alpha"]}

    def hyperparameters_for(self, strength, total_weight):
        """Return the ``alpha`` that leads to a ``strength``."""
        unit = self.loss_strength({"alpha": 1.0})
        return {"alpha": unit / (strength * total_weight)}


def _refuse_unmirrored(estimator, power):
    """Raise NotMirrored if a setting of the estimator is not supported."""
    refused = []
    link = getattr(estimator, "link", "auto")
    if link not in ("auto", "log" if power else "identity"):
        refused.append(f"link={link!r} and power={power:g}")
    if power < 0 or 0 < power < 1:
        refused.append(f"power={power:g}")
    if estimator.alpha == 0:
        refused.append("alpha=0 (no penalty: a few rows have no single solution)")
    if refused:
        raise NotMirrored(
            f"{type(estimator).__name__} cannot be distilled with "
            f"{', '.join(refused)}. Supported: alpha > 0, with or without intercept, "
            "every solver, powers of at least 1 with the logarithmic link, and power 0 "
            "with the identity link, as for link='auto'."
        )
