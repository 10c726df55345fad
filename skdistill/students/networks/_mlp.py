"""Students of ``MLPClassifier`` and ``MLPRegressor``.

The training of a network depends on its start, and its stopping rule ends it far from
any optimum. So there is no stationary point that could be differentiated. Instead all
steps of the training are differentiated, see ``skdistill.students.networks._unrolled``.

With an integer as ``random_state``, the start and the order of the batches are those of
scikit-learn, and rows are learned for exactly this training. With
``random_state=None``, the rows have to work for any start. So each outer step uses
another start, and sets are judged by the mean loss over a few fixed starts.
"""

from copy import copy, deepcopy

import jax
import numpy as np
from sklearn.utils import check_random_state

from skdistill._jax_scope import double_precision
from skdistill.objectives._losses import (
    BINARY_LOG_LOSS,
    MULTINOMIAL_LOG_LOSS,
    SQUARED_LOSS,
)
from skdistill.students._base import NotMirrored, Student
from skdistill.students.networks._forward import Layers, MeanLoss, NetworkPrediction
from skdistill.students.networks._starts import draw_batches, draw_layers
from skdistill.students.networks._training import Recipe, Rows, Settings
from skdistill.students.networks._unrolled import pull_back, segment_length, train

#: Seeds of the starts that judge sets without a given seed. They are large, so that
#: users are unlikely to use the same ones.
JUDGING_SEEDS = tuple(range(2**31 - 4, 2**31 - 1))
#: Maximum number of rows in a batch for "auto" in scikit-learn.
AUTO_BATCH = 200


class _NetworkStudent(Student):
    """The common part of both students.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        The estimator to mirror.
    task : Task
        Features and targets.

    Attributes
    ----------
    seeds : tuple
        Seeds of the trainings of a solution.

    Raises
    ------
    NotMirrored
        If a setting of the estimator is not supported.
    """

    trains_in_jax = True
    # The bounds of the random start depend on the number of features.
    counts_features = True
    needs_batches = True
    batches_in_iteration = 3
    step_length = 0.03
    ends_at_max_iter = True

    def __init__(self, estimator, task, output, n_outputs, loss):
        _refuse_unmirrored(estimator)
        super().__init__(estimator, task)
        hidden = np.atleast_1d(estimator.hidden_layer_sizes)
        self.sizes = [task.n_features, *map(int, hidden), n_outputs]
        self.is_random = estimator.random_state is None
        self.seeds = JUDGING_SEEDS if self.is_random else (estimator.random_state,)
        self.hyperparameters = {
            name: float(getattr(estimator, name))
            for name in ("alpha", "learning_rate_init")
            if getattr(estimator, name) > 0
        }
        is_sgd = estimator.solver == "sgd"
        self.recipe = Recipe(
            activation=estimator.activation,
            output=output,
            solver=estimator.solver,
            nesterov=is_sgd and bool(estimator.nesterovs_momentum),
            schedule=estimator.learning_rate if is_sgd else "constant",
            dtype="float32" if self.is_random else "float64",
        )
        self.raw_prediction = NetworkPrediction(estimator.activation)
        self.outer_loss = MeanLoss(loss, n_outputs)
        self._last = self._solved = None, None

    def redrawn(self, random_state):
        """Return the student of one training with a new random start."""
        if not self.is_random:
            return self
        other = copy(self)
        other.seeds = (int(random_state.randint(np.iinfo(np.int32).max)),)
        other._last = other._solved = None, None
        return other

    def solve(self, synthetic, start=None):
        """Return the networks trained from each of the starts."""
        key = _copied(synthetic)
        if not _is_same(self._solved[0], key):
            layers = [self._trained(key, seed).layers for seed in self.seeds]
            stacked = jax.tree.map(
                lambda *each: np.stack(each).astype(np.float64), *layers
            )
            self._solved = key, stacked
        return self._solved[1]

    def params_of(self, estimator, synthetic):
        """Return the network that scikit-learn found."""
        return Layers(
            tuple(np.asarray(each, np.float64)[None] for each in estimator.coefs_),
            tuple(np.asarray(each, np.float64)[None] for each in estimator.intercepts_),
        )

    def implicit_vjp(self, params, params_grad, synthetic):
        """Return the gradient in the set, through all steps of each training."""
        synthetic = _copied(synthetic)
        parts = [
            self._pulled_back(
                jax.tree.map(lambda each, i=i: np.asarray(each[i]), params_grad),
                synthetic,
                self.seeds[i],
            )
            # Begin with the last training, which is cached; the others are repeated.
            for i in reversed(range(len(self.seeds)))
        ]
        on_rows, on_settings = jax.tree.map(lambda *each: sum(each), *parts)
        return synthetic._replace(
            X=on_rows.X,
            y=on_rows.y.reshape(synthetic.y.shape),
            sample_weight=on_rows.weight,
            hyperparameters={
                name: getattr(on_settings, name) for name in synthetic.hyperparameters
            },
        )

    def _pulled_back(self, cotangent, synthetic, seed):
        trace = self._trained(synthetic, seed)
        rows, settings, _, batches, static = self._posed(synthetic, seed)
        static.pop("n_passes")
        with double_precision():
            found = pull_back(trace, cotangent, rows, settings, batches, **static)
            return jax.tree.map(np.asarray, found)

    def _trained(self, synthetic, seed):
        """Return the ``Trace`` of one training; the last one is cached."""
        key = synthetic, seed
        known, trace = self._last
        if known is None or known[1] is not seed or not _is_same(known[0], synthetic):
            rows, settings, layers, batches, static = self._posed(synthetic, seed)
            with double_precision():
                trace = train(rows, settings, layers, batches, **static)
            self._last = key, trace
        return trace

    def _posed(self, synthetic, seed):
        """Return the arguments of a training."""
        estimator, m = self.estimator, len(synthetic.X)
        random_state = check_random_state(deepcopy(seed))
        layers = draw_layers(self.sizes, estimator.activation, random_state)
        is_auto = estimator.batch_size == "auto"
        batch_size = min(AUTO_BATCH if is_auto else estimator.batch_size, m)
        # Use powers of two, so that few programs are compiled for other max_iter.
        n_passes = max(1 << (estimator.max_iter - 1).bit_length(), 16)
        batches = draw_batches(
            m, batch_size, n_passes, estimator.max_iter, estimator.shuffle, random_state
        )
        names = synthetic.hyperparameters
        settings = Settings(
            *(
                np.float64(names.get(name, getattr(estimator, name)))
                for name in Settings._fields
            )
        )
        rows = Rows(synthetic.X, synthetic.y.reshape(m, -1), synthetic.sample_weight)
        segment = segment_length(
            estimator.max_iter * len(batches.size),
            layers,
            3 if estimator.solver == "adam" else 2,
            np.dtype(self.recipe.dtype).itemsize,
        )
        static = {"recipe": self.recipe, "n_passes": n_passes, "segment": segment}
        return rows, settings, layers, batches, static


class MLPClassifierStudent(_NetworkStudent):
    """Student of ``MLPClassifier``, with the log-loss of its probabilities."""

    loss_name = "log_loss"

    def __init__(self, estimator, task):
        k = len(task.classes)
        if k == 2:
            super().__init__(estimator, task, "logistic", 1, BINARY_LOG_LOSS.traced)
        else:
            loss = MULTINOMIAL_LOG_LOSS.traced
            super().__init__(estimator, task, "softmax", k, loss)

    def encode(self, y):
        """Return probabilities of the second class (n,), or one-hot rows (n, k)."""
        k = len(self.task.classes)
        return y.astype(np.float64) if k == 2 else np.eye(k)[y]


class MLPRegressorStudent(_NetworkStudent):
    """Student of ``MLPRegressor``, with its squared error."""

    loss_name = "squared_error"

    def __init__(self, estimator, task):
        loss = SQUARED_LOSS.traced
        super().__init__(estimator, task, "identity", task.n_outputs, loss)


def _copied(synthetic):
    return jax.tree.map(lambda each: np.array(each, dtype=np.float64), synthetic)


def _is_same(one, other):
    return one is not None and all(
        np.array_equal(a, b)
        for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    )


def _refuse_unmirrored(estimator):
    """Raise NotMirrored if a setting of the estimator is not supported."""
    refused = []
    if estimator.solver == "lbfgs":
        refused.append("solver='lbfgs'")
    if estimator.early_stopping:
        refused.append("early_stopping=True")
    if estimator.warm_start:
        refused.append("warm_start=True")
    if getattr(estimator, "loss", None) == "poisson":
        refused.append("loss='poisson'")
    if refused:
        raise NotMirrored(
            f"{type(estimator).__name__} cannot be distilled with "
            f"{', '.join(refused)}. Supported: solver='adam' and 'sgd' without early "
            "stopping or a warm start, and in regression loss='squared_error'."
        )
