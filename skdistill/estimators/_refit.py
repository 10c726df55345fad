"""The refit: scikit-learn fits the estimator on the synthetic set.

The refit gives the fitted attributes and ``loss_``, and warns if it is worse than the
student's solution.
"""

from contextlib import nullcontext

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skdistill._hidden_warnings import hiding
from skdistill.estimators._any_estimator import seeded_copy, unfitted_copy
from skdistill.estimators._fitting import warn

#: Maximum excess of the loss of scikit-learn's fit over the student's loss without a
#: warning, in units of the loss of predicting without features.
MAX_EXCESS = 0.01
#: Minimum difference of held-back and outer loss that raises a warning, in these units.
CLEAR_GAP = 0.25
#: Number of refits with different seeds that judge the rows if training is random.
N_REFITS = 10


class Refit:
    """Fits the estimator on synthetic sets, with scikit-learn.

    Parameters
    ----------
    estimator : estimator object
        Unfitted estimator; each set gets a clone.
    problem : Problem
        The problem that was solved.
    columns : Columns
        The columns of the real rows; rows are returned in their form.
    """

    def __init__(self, estimator, problem, columns):
        self.estimator = estimator
        self.problem = problem
        self.columns = columns

    def attributes(self, synthetic):
        """Return the fitted attributes that depend on the set alone."""
        problem, options = self.problem, self.problem.options
        targets = problem.real.targets
        rows = targets.rows_for_estimator(
            problem.student, options, problem.y0, problem.weight0, synthetic
        )
        samples = self.columns.decode(rows.X)
        labels = targets.in_container(rows.y, learned=options.target_scale is not None)
        weight = rows.sample_weight if rows.is_weighted else None
        attributes = {
            "X_synthetic_": samples,
            "y_synthetic_": labels,
            "sample_weight_synthetic_": rows.sample_weight,
            "estimator_": self._fit(
                unfitted_copy(self.estimator), synthetic, samples, labels, weight
            ),
        }
        if targets.classes is not None:
            attributes["classes_"] = targets.classes
        return attributes

    def _fit(self, estimator, synthetic, *rows):
        """Fit an estimator on rows, with the hyperparameters of the set."""
        names = self.problem.options.learn_params
        learned = {name: synthetic.hyperparameters[name] for name in names}
        if learned:
            estimator.set_params(**learned)
        says_nothing_new = self.problem.student.ends_at_max_iter
        with hiding(ConvergenceWarning) if says_nothing_new else nullcontext():
            return self.columns.fit(estimator, *rows)

    def snapshot(self, synthetic):
        """Return the fitted attributes for a set before the fit has ended.

        Convergence warnings are hidden, because the set is not the result.
        """
        with hiding(ConvergenceWarning):
            return self.attributes(synthetic)

    def store(self, distiller, result, report, known_loss=None):
        """Give the distiller its fitted attributes, and warn of problems.

        Parameters
        ----------
        distiller : DatasetDistiller
            The distiller.
        result : Distilled
            The set, and how the search for it ended.
        report : Report
            The losses of all iterations.
        known_loss : float, default=None
            Outer loss of the set if it is known, so that the real rows are not read.
        """
        synthetic = result.synthetic
        self._warn(result.outcome.warning(max_iter=report.max_iter))
        fitted = self.attributes(synthetic)
        losses = [known_loss]
        if known_loss is None:
            losses = self._losses(fitted, synthetic)
        fitted["refit_losses_"] = np.array(losses, dtype=np.float64)
        fitted["loss_"] = float(np.mean(losses))
        if len(losses) > 1:
            report.tell(
                f"{len(losses)} refits with new seeds: mean outer loss "
                f"{np.mean(losses):.6f}, from {min(losses):.6f} to {max(losses):.6f}"
            )
        elif known_loss is None:
            self._warn_of_early_stop(fitted["loss_"], report.best_loss, synthetic)
        fitted |= report.attributes()
        fitted["solver_"] = result.solver
        fitted["_weight_of_groups"] = self._weight_of_groups()
        student, unit = self.problem.student, self.problem.options.loss_unit
        warn_of_gap(report, student.cost_without_features(unit))
        fitted["_table"] = self.columns
        learned = [
            *self.problem.options.learn_params,
            *self.problem.student.smoothing_params,
        ]
        fitted["_learned_values"] = {
            name: synthetic.hyperparameters[name] for name in learned
        }
        for name, value in fitted.items():
            setattr(distiller, name, value)

    def _weight_of_groups(self):
        """Return the total weight of the real rows of each class, or of all rows."""
        weight = self.problem.unweighted.group_weight
        has_classes = self.problem.real.targets.classes is not None
        return weight if has_classes else np.array([weight.sum()])

    def _losses(self, attributes, synthetic):
        """Return the outer losses of refits, several if training is random."""
        if not self.problem.student.is_random:
            return [self._loss(attributes["estimator_"], synthetic)]
        rows = [attributes[f"{name}_synthetic_"] for name in ("X", "y")]
        weight = attributes["sample_weight_synthetic_"]
        random_state = self.problem.options.random_state
        losses = []
        for seed in random_state.randint(np.iinfo(np.int32).max, size=N_REFITS):
            estimator = seeded_copy(self.estimator, int(seed))
            fitted = self._fit(estimator, synthetic, *rows, weight)
            losses.append(self._loss(fitted, synthetic))
        return losses

    def _loss(self, fitted, synthetic):
        """Return the outer loss of scikit-learn's fit."""
        student, columns = self.problem.student, self.columns
        X = columns.widened(columns.round(synthetic.X))
        params = student.params_of(columns.last_step(fitted), synthetic._replace(X=X))
        return self.problem.whole_loss.value(student.as_scored(params))

    def _warn_of_early_stop(self, loss, expected, synthetic):
        """Warn if scikit-learn's fit on the set is worse than the student's."""
        problem = self.problem
        allowed = MAX_EXCESS * problem.student.cost_without_features(
            problem.options.loss_unit
        )
        if loss > expected + allowed:
            # The loss of the report may be on a sample, and of a set before rounding.
            rounded = synthetic._replace(X=self.columns.round(synthetic.X))
            params = problem.student.as_scored(problem.student.solve(rounded))
            expected = problem.loss.value(params)
        if loss > expected + allowed:
            self._warn(
                f"{type(self.estimator).__name__} fitted on the synthetic set has an "
                f"outer loss of {loss:.4g} rather than {expected:.4g}, because its "
                "solver stopped early. Pass an estimator with a smaller tol and a "
                "larger max_iter (such as tol=1e-8, max_iter=10_000), or put a "
                "StandardScaler in front of the distiller."
            )

    def _warn(self, message):
        if message:
            warn(message, ConvergenceWarning)


def warn_of_gap(report, cost):
    """Warn of overfitting: the loss on held-back rows is much higher than on others.

    Parameters
    ----------
    report : Report
        Has both losses of the returned set if rows are held back.
    cost : float
        Approximate loss of predicting without features.
    """
    if report.validation_curve is None:
        return
    loss, held_back = report.best_loss, report.best_validation_loss
    if held_back > loss + CLEAR_GAP * cost:
        warn(
            f"The outer loss is {loss:.4g} on the rows that the set was learned from "
            f"and {held_back:.4g} on rows that were held back. Expect the latter on "
            "new data. To reduce the difference, pass more real rows, fewer synthetic "
            "rows or a more regularized estimator."
        )
