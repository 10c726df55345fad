"""Naive Bayes students of counts: ``MultinomialNB``, ``ComplementNB``, ``BernoulliNB``.

Let ``N`` (k, p) be the weighted sums of the rows of each class, ``n`` (k,) their total
weights, and ``a`` the parameter ``alpha``. The joint log-likelihoods are linear in a
row ``x``::

    multinomial   x log(theta_c) + log(prior_c),    theta_c ~ N_c + a
    complement    - x log(theta_c),                 theta_c ~ sum_d N_d - N_c + a
    Bernoulli     x log(q_c) + (1 - x) log(1 - q_c) + log(prior_c),
                  q_c = (N_c + a) / (n_c + 2 a)

where ``theta_c`` sums to one over the features. ``ComplementNB(norm=True)`` divides
``log(theta_c)`` by its sum over the features.
"""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from skdistill._programs import Program
from skdistill.objectives._losses import MULTINOMIAL_LOG_LOSS
from skdistill.students._base import NotMirrored
from skdistill.students._padded import PaddedStudent
from skdistill.students._params import LinearParams
from skdistill.students.linear._base import linear_raw_prediction
from skdistill.students.moments._class_moments import (
    class_priors,
    class_weights,
    given_priors,
)

#: Minimum of ``alpha`` with ``force_alpha=False``.
LEAST_ALPHA = 1e-10


def _log_shares(smoothed):
    return jnp.log(smoothed) - jnp.log(smoothed.sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class _Multinomial(Program):
    priors: tuple | None

    def __call__(self, synthetic, is_row):
        weight = class_weights(synthetic)
        coef = _log_shares(weight.T @ synthetic.X + synthetic.hyperparameters["alpha"])
        return LinearParams(coef, jnp.log(class_priors(weight, self.priors)))


@dataclass(frozen=True)
class _Complement(Program):
    norm: bool

    def __call__(self, synthetic, is_row):
        counts = class_weights(synthetic).T @ synthetic.X
        rest = counts.sum(axis=0) - counts
        coef = -_log_shares(rest + synthetic.hyperparameters["alpha"])
        if self.norm:
            coef = coef / coef.sum(axis=1, keepdims=True)
        return LinearParams(coef, jnp.zeros(len(coef)))


@dataclass(frozen=True)
class _Bernoulli(Program):
    priors: tuple | None

    def __call__(self, synthetic, is_row):
        weight = class_weights(synthetic)
        alpha = synthetic.hyperparameters["alpha"]
        total = weight.sum(axis=0)[:, None] + 2 * alpha
        present = weight.T @ synthetic.X + alpha
        absent = jnp.log(total - present) - jnp.log(total)
        coef = jnp.log(present) - jnp.log(total) - absent
        log_prior = jnp.log(class_priors(weight, self.priors))
        return LinearParams(coef, log_prior + absent.sum(axis=1))


class CountsStudent(PaddedStudent):
    """Student of a naive Bayes of counts, with the log-loss of its posterior.

    Parameters
    ----------
    estimator : MultinomialNB, ComplementNB or BernoulliNB
        The estimator to mirror.
    task : Task
        Features and classes.

    Raises
    ------
    NotMirrored
        If ``alpha`` is zero or an array.
    """

    loss_name = "log_loss"
    is_judged_by_ranking = True
    outer_loss = staticmethod(MULTINOMIAL_LOG_LOSS.traced)
    raw_prediction = staticmethod(linear_raw_prediction)
    soft_labels = True
    # The shares of other features depend on a constant feature, so it may be learned.
    holds_constants = False
    feature_domain = (0.0, np.inf)

    def __init__(self, estimator, task):
        alpha = estimator.alpha
        if np.ndim(alpha) == 0 and not estimator.force_alpha:
            alpha = max(alpha, LEAST_ALPHA)
        if np.ndim(alpha) or alpha == 0:
            name = type(estimator).__name__
            given = "an array as alpha" if np.ndim(alpha) else f"alpha={alpha}"
            raise NotMirrored(
                f"{name} cannot be distilled with {given}. Supported: one number above "
                "0, because features without any counts need smoothing."
            )
        super().__init__(estimator, task)
        self.hyperparameters = {"alpha": float(alpha)}
        priors, k = estimator.class_prior, len(task.classes)
        if priors is None and not estimator.fit_prior:
            priors = np.full(k, 1 / k)
        self.priors = given_priors(priors, task.classes, name="class_prior")

    @property
    def follows_rows(self):
        """Whether the priors are the shares of the synthetic rows."""
        return self.priors is None

    def encode(self, y):
        """Return one-hot rows (n, k)."""
        return np.eye(len(self.task.classes))[y]

    def refuse_range(self, low, high):
        """Raise a ValueError for negative counts, as scikit-learn does."""
        if (low < 0).any():
            raise ValueError(
                f"Negative values in data passed to {type(self.estimator).__name__} "
                "(input X). Pass counts, or other numbers of at least zero."
            )

    def refuse_left_out(self):
        """Raise NotMirrored, because ``alpha`` also smooths features without counts."""
        raise NotMirrored(
            f"{type(self.estimator).__name__} cannot be distilled by gradient for so "
            "many features: none can be left out, because alpha counts all of them. "
            "Pass a smaller n_synthetic, or fewer features."
        )


class MultinomialNBStudent(CountsStudent):
    """Student of ``MultinomialNB``; see ``CountsStudent``."""

    def __init__(self, estimator, task):
        super().__init__(estimator, task)
        self.train = _Multinomial(self.priors)

    def params_of(self, estimator, synthetic):
        """Return the logarithms that scikit-learn found."""
        return LinearParams(estimator.feature_log_prob_, estimator.class_log_prior_)


class ComplementNBStudent(CountsStudent):
    """Student of ``ComplementNB``, which does not use priors; see ``CountsStudent``."""

    follows_rows = False

    def __init__(self, estimator, task):
        super().__init__(estimator, task)
        self.train = _Complement(bool(estimator.norm))

    def params_of(self, estimator, synthetic):
        """Return the weights that scikit-learn found."""
        coef = estimator.feature_log_prob_
        return LinearParams(coef, np.zeros(len(coef)))


class BernoulliNBStudent(CountsStudent):
    """Student of ``BernoulliNB(binarize=None)``, whose features are probabilities."""

    feature_domain = (0.0, 1.0)

    def __init__(self, estimator, task):
        if estimator.binarize is not None:
            raise NotMirrored(
                f"BernoulliNB cannot be distilled with binarize={estimator.binarize}, "
                "because a threshold has no derivative. Supported: binarize=None, with "
                "features from 0 to 1."
            )
        super().__init__(estimator, task)
        self.train = _Bernoulli(self.priors)

    def refuse_range(self, low, high):
        """Raise NotMirrored for features that are not probabilities."""
        if (low < 0).any() or (high > 1).any():
            raise NotMirrored(
                "BernoulliNB(binarize=None) cannot be distilled by gradient with "
                "features outside 0 to 1, which are not probabilities. Scale X."
            )

    def params_of(self, estimator, synthetic):
        """Return the log-odds that scikit-learn found."""
        present = estimator.feature_log_prob_
        absent = np.log1p(-np.exp(present))
        return LinearParams(
            present - absent, estimator.class_log_prior_ + absent.sum(axis=1)
        )
