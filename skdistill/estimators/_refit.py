"""From a synthetic set to fitted attributes: scikit-learn's fit, its loss, warnings."""

from contextlib import nullcontext

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skdistill._hidden_warnings import hiding
from skdistill.estimators._any_estimator import seeded_copy, unfitted_copy
from skdistill.estimators._fitting import warn

#: Loss that scikit-learn's fit may be worse by than the student's, in units of what
#: predicting without features costs.
MAX_EXCESS = 0.01
#: Difference of held-back and outer loss that is worth a warning, in the same units.
CLEAR_GAP = 0.25
#: Refits, each with a seed of its own, that judge rows for training which is random.
N_REFITS = 10


class Refit:
    """The estimator, to be fitted by scikit-learn on sets.

    Parameters
    ----------
    estimator : estimator object
        Unfitted estimator; each set gets a clone.
    problem : Problem
        What was solved.
    columns : Columns
        The columns of the real rows, in whose form rows are returned.
    """

    def __init__(self, estimator, problem, columns):
        self.estimator = estimator
        self.problem = problem
        self.columns = columns

    def attributes(self, synthetic):
        """Return the fitted attributes that a set has by itself."""
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
        """Look at a set on the way, on which scikit-learn may stop early."""
        with hiding(ConvergenceWarning):
            return self.attributes(synthetic)

    def store(self, distiller, result, report, known_loss=None):
        """Give the distiller its fitted attributes, and warn of what went wrong.

        Parameters
        ----------
        distiller : DatasetDistiller
            The distiller.
        result : Distilled
            The set, and how the search for it ended.
        report : Report
            The losses on the way.
        known_loss : float, default=None
            Outer loss of the set, if the real rows are not to be read for it.
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
                f"{len(losses)} refits with seeds that were not seen: mean outer loss "
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
        """Return what the real rows of each class weigh, or all of them."""
        weight = self.problem.unweighted.group_weight
        has_classes = self.problem.real.targets.classes is not None
        return weight if has_classes else np.array([weight.sum()])

    def _losses(self, attributes, synthetic):
        """Return the outer losses of refits: one, or several of random training."""
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
        """Warn if scikit-learn's fit on the set is not the one that was optimized."""
        problem = self.problem
        allowed = MAX_EXCESS * problem.student.cost_without_features(
            problem.options.loss_unit
        )
        if loss > expected + allowed:
            # The report may know the loss on a sample, and of a set not yet rounded.
            rounded = synthetic._replace(X=self.columns.round(synthetic.X))
            params = problem.student.as_scored(problem.student.solve(rounded))
            expected = problem.loss.value(params)
        if loss > expected + allowed:
            self._warn(
                f"{type(self.estimator).__name__} fitted on the synthetic set has an "
                f"outer loss of {loss:.4g}, not the {expected:.4g} of its solution: "
                "its solver stopped early. Pass it with a smaller tol and a larger "
                "max_iter (such as tol=1e-8, max_iter=10_000), or put a StandardScaler "
                "in front of the distiller."
            )

    def _warn(self, message):
        if message:
            warn(message, ConvergenceWarning)


def warn_of_gap(report, cost):
    """Warn if rows that are held back are predicted clearly worse than the others.

    Parameters
    ----------
    report : Report
        Knows both losses of the set that is returned, if rows are held back.
    cost : float
        About what predicting without features costs.
    """
    if report.validation_curve is None:
        return
    loss, held_back = report.best_loss, report.best_validation_loss
    if held_back > loss + CLEAR_GAP * cost:
        warn(
            f"The outer loss is {loss:.4g} on the rows that the set was learned from "
            f"and {held_back:.4g} on rows that were held back: expect the latter on "
            "new data. More real rows, fewer synthetic ones or a more regularized "
            "estimator narrow the gap."
        )
