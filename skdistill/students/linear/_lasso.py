"""Students of ``Lasso``, ``ElasticNet``, and their variants for several tasks.

They minimize, with ``r`` for ``l1_ratio`` and a weighted mean over the rows,

    1/2 * mean_i ||coef @ X_i + intercept - y_i||^2
        + alpha * r * sum |coef| + alpha * (1 - r) / 2 * ||coef||^2

This is the objective of ``students.linear._sparse_base`` at ``C = k / (2 sum_i w_i)``.
"""

from skdistill.objectives._losses import SQUARED_LOSS
from skdistill.students._base import NotMirrored
from skdistill.students.linear._sparse_base import SparseLinearStudent


class LassoStudent(SparseLinearStudent):
    """Student of ``Lasso`` and ``ElasticNet``.

    Parameters
    ----------
    estimator : Lasso, ElasticNet, MultiTaskLasso or MultiTaskElasticNet
        The estimator to mirror.
    task : Task
        Features and outputs.
    in_groups : bool, default=False
        Whether all outputs use the same features, as in the variants for several tasks.

    Raises
    ------
    NotMirrored
        If a setting of the estimator is not supported.
    """

    loss_name = "squared_error"
    averages = True

    def __init__(self, estimator, task, in_groups=False):
        _refuse_unmirrored(estimator)
        if in_groups and not task.multi_output:
            raise ValueError(
                f"{type(estimator).__name__} takes several outputs; y has one "
                "dimension. Pass y of shape (n_samples, n_outputs)."
            )
        self.l1_ratio = float(getattr(estimator, "l1_ratio", 1.0))
        self.hyperparameters = {"alpha": float(estimator.alpha)}
        super().__init__(
            estimator,
            task,
            SQUARED_LOSS,
            task.n_outputs,
            estimator.fit_intercept,
            in_groups,
        )

    def loss_strength(self, hyperparameters):
        """Return half the number of outputs, because the loss is their mean."""
        return self.n_outputs / 2

    def penalties(self, hyperparameters):
        """Return ``l1`` and ``l2``."""
        alpha = hyperparameters["alpha"]
        return alpha * self.l1_ratio, alpha * (1 - self.l1_ratio)

    def penalties_vjp(self, hyperparameters, of_l1, of_l2):
        """Return the derivative in ``alpha`` from those in ``l1`` and ``l2``."""
        return {"alpha": float(self.l1_ratio * of_l1 + (1 - self.l1_ratio) * of_l2)}


def _refuse_unmirrored(estimator):
    """Raise NotMirrored if a setting of the estimator is not supported."""
    refused = []
    if estimator.alpha == 0:
        refused.append("alpha=0 (no penalty: use LinearRegression)")
    if getattr(estimator, "l1_ratio", 1.0) == 0:
        refused.append("l1_ratio=0 (no coefficient is zero: use Ridge)")
    if getattr(estimator, "positive", False):
        refused.append("positive=True")
    if refused:
        raise NotMirrored(
            f"{type(estimator).__name__} cannot be distilled with "
            f"{', '.join(refused)}. Supported: alpha > 0 and l1_ratio > 0, with or "
            "without intercept."
        )
