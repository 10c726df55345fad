"""The contract of students, which solve the inner problem.

A student never sees the real data.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np

from skdistill._jax_scope import double_precision
from skdistill._programs import join, split
from skdistill.objectives._losses import DEGREES, cost_of_chance
from skdistill.synthetic._set import SyntheticSet, Task


class NotMirrored(ValueError):
    """No student mirrors an estimator, or one of its settings.

    With ``solver="auto"`` the rows are then found by search.
    """


class Student(ABC):
    """Mirror of a scikit-learn estimator whose training can be differentiated.

    A student reads the parameters of the estimator when it is made, and raises
    ``NotMirrored`` for those that it cannot mirror. It solves the estimator's training
    problem in double precision to rounding error. All its results are NumPy arrays.
    Check a student of your own with :func:`skdistill.students.check_student`.

    Parameters
    ----------
    estimator : estimator object
        The unfitted estimator to mirror.
    task : Task
        Describes the rows.

    Attributes
    ----------
    estimator, task
        The parameters.
    hyperparameters : dict of str to float
        Values of the continuous hyperparameters that ``learn_params`` may name.
    smoothing_params : dict of str to float
        Positive numbers that only the outer loss uses, such as a temperature. They are
        not parameters of the estimator.
    raw_prediction : callable
        ``raw_prediction(params, X) -> (n, k)`` in JAX. It must be a module-level
        function or an object that hashes by value, because a program is compiled for
        each different one.
    loss_name : {"log_loss", "squared_error", ...}
        Name of the outer loss. For "squared_error", raw predictions must equal what the
        estimator predicts. For "expected_squared_error", columns with the variances
        follow the predictions.
    rough_prediction : callable or None
        The same as ``raw_prediction``, but in single precision as far as that loses no
        more than rounding. It is for mini-batches of rows in double precision. By
        default there is none.
    outer_loss : callable
        ``outer_loss(raw_prediction, y) -> (n,)`` in JAX, hashable as above. Classes
        ``y`` are indices (n,).
    soft_labels : bool
        Whether ``encode`` returns probabilities that may be learned. This requires that
        a row with probabilities trains the same model as its copies, one for each
        class, weighted with the probabilities.
    penalty : callable or None
        ``penalty(params, hyperparameters) -> float`` in JAX, hashable as above. It is
        the penalty that the estimator adds to the weighted sum of outer losses when it
        is fitted on all the data. The rows minimize the sum of both, so that they lead
        to the model of all the data rather than to one that interpolates it.
    unit_norm : callable or None
        ``unit_norm(params) -> float`` in JAX, hashable as above. It is the squared norm
        of the model, averaged over its outputs, in a space of the kernel where rows
        have norm one.
    is_regularized : bool
        Whether ``penalty`` is the estimator's own, so that the lowest outer loss is
        that of the estimator fitted on all the data. Otherwise real rows are held back
        to judge the iterates.
    is_judged_by_ranking : bool
        Whether the loss on held-back rows is the log-loss at the best temperature for
        these rows, so that only the ranking of the classes matters. Set it if the
        probabilities are wrong for any rows: overconfident, as for naive Bayes, or of
        scores that a penalty makes small.
    learns_smoothing_params : bool
        Whether the smoothing parameters are learned with the rows. Otherwise they keep
        the values that suit the starting rows.
    clusters_targets : bool
        Whether k-means clusters the rows together with numeric targets, so that rows
        start apart if their targets differ. Set it to False if rows have to average
        over noisy targets; then the samples alone are clustered.
    holds_constants : bool
        Whether features that are constant in the real data stay constant in the rows.
        Set it to False only if the student needs these features to vary, for instance
        because their coefficients serve as an intercept.
    feature_domain : tuple of two floats
        Minimum and maximum of a feature that training allows. The rows stay within,
        even if ``feature_range`` allows more.
    trains_in_jax : bool
        Whether JAX does most of the work of ``solve``. BLAS then gets a single thread.
    ignores_zeros : bool
        Whether training is the same without features in which all synthetic rows are
        zero. Such features may then be left out of sparse rows.
    counts_features : bool
        Whether training depends on the number of features, as a default ``gamma`` does.
    takes_batches : bool
        Whether ``solver="auto"`` uses mini-batches if there are many real rows.
    needs_batches : bool
        Whether ``solver="auto"`` uses mini-batches for any number of real rows. Set it
        for a loss with kinks or with new random numbers in each evaluation, which
        L-BFGS-B cannot minimize.
    batches_in_iteration : int
        Number of mini-batches in an outer iteration. Lower it for expensive training.
    step_length : float
        Length of the first step on mini-batches, in units of the features.
    ends_at_max_iter : bool
        Whether the student also mirrors training that ends at the estimator's
        ``max_iter``. Then the ``ConvergenceWarning`` of scikit-learn is hidden.
    is_random : bool
        Whether each fit of the estimator draws new random numbers. Then outer steps use
        the student that ``redrawn`` returns, sets are judged by ``solve`` with fixed
        random numbers, and ``loss_`` is the mean over several refits.
    """

    hyperparameters: Mapping[str, float]
    smoothing_params: Mapping[str, float] = {}
    raw_prediction: Callable[..., Any]
    rough_prediction: Callable[..., Any] | None = None
    loss_name: str
    outer_loss: Callable[..., Any]
    soft_labels: bool = False
    penalty: Callable[..., Any] | None = None
    unit_norm: Callable[..., Any] | None = None
    is_regularized: bool = False
    is_judged_by_ranking: bool = False
    learns_smoothing_params: bool = True
    clusters_targets: bool = True
    holds_constants: bool = True
    feature_domain: tuple[float, float] = (-np.inf, np.inf)
    trains_in_jax: bool = False
    ignores_zeros: bool = False
    counts_features: bool = False
    takes_batches: bool = True
    needs_batches: bool = False
    batches_in_iteration: int = 10
    step_length: float = 0.1
    ends_at_max_iter: bool = False
    is_random: bool = False

    def __init__(self, estimator: Any, task: Task) -> None:
        self.estimator = estimator
        self.task = task

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Return the targets of a synthetic set in the form of the training loss.

        ``y`` are class indices (n,), or numbers (n,) or (n, k), which do not change.
        """
        return np.asarray(y, dtype=np.float64)

    def training_weight(
        self,
        y: np.ndarray,
        sample_weight: np.ndarray,
        counts: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return the weights of rows in the estimator's training loss.

        ``y`` are class indices (n,). The result includes class weights. With ``counts``
        (n,), each entry represents that number of rows, with ``sample_weight`` as their
        total weight.
        """
        return sample_weight

    @property
    def loss_degree(self) -> float:
        """Power of the unit of the targets with which the outer loss scales."""
        return float(DEGREES.get(self.loss_name, 0))

    def loss_unit(self, target_scale: Any) -> float:
        """Return the unit of the outer loss, given standard deviations of targets."""
        return float(np.mean(np.power(target_scale, self.loss_degree)))

    def check_targets(self, y: np.ndarray, source: str) -> None:  # noqa: B027 (most take any)
        """Raise a ValueError for numeric targets that the training loss does not take.

        ``source`` names the targets in the message, such as "y".
        """

    def least_target(self, low: Any) -> Any:
        """Return the minimum (k,) of learned targets.

        ``low`` (k,) is the minimum of the real targets.
        """
        return np.full(np.shape(low), -np.inf)

    def predictions(self, raw_prediction: np.ndarray) -> np.ndarray | None:
        """Return the numbers (n, k) that the estimator predicts.

        None means that they do not follow from raw predictions.
        """
        if self.loss_name not in ("squared_error", "expected_squared_error"):
            return None
        return raw_prediction[:, : self.task.n_outputs]

    def cost_without_features(self, unit: float) -> float:
        """Return approximately the outer loss of the best constant prediction.

        ``unit`` is the unit of the loss. Classes are assumed to be equally likely.
        """
        if self.task.classes is None:
            return unit
        return cost_of_chance(self.loss_name, len(self.task.classes))

    def parameter_name(self, name: str) -> str:
        """Return the full name of a hyperparameter.

        The last component of a nested name suffices if it is unambiguous, such as
        "length_scale" for ``kernel__length_scale``. Unknown names do not change.
        """
        ends = [full for full in self.hyperparameters if full.endswith(f"__{name}")]
        is_short = name not in self.hyperparameters and len(ends) == 1
        return ends[0] if is_short else name

    def refuse_rows(self, n_rows: int) -> None:  # noqa: B027 (most refuse none)
        """Raise NotMirrored if training on ``n_rows`` rows is not mirrored."""

    def redrawn(self, random_state: np.random.RandomState) -> "Student":
        """Return a student for one outer step, whose training uses ``random_state``.

        It is the student itself if training is not random.
        """
        return self

    def refuse_range(self, low: np.ndarray, high: np.ndarray) -> None:  # noqa: B027 (most take any)
        """Raise an error if features between ``low`` and ``high`` (p,) are not allowed.

        It is a ValueError if the estimator does not take such features. It is
        NotMirrored if only the student does not.
        """

    def refuse_left_out(self) -> None:  # noqa: B027 (most refuse nothing)
        """Raise NotMirrored if no features of sparse rows can be left out.

        It is called for sparse rows with too many features. If it does not raise and
        ``ignores_zeros`` is set, the rarest features are left out.
        """

    @abstractmethod
    def solve(self, synthetic: SyntheticSet, start: Any = None) -> Any:
        """Train on ``synthetic`` and return the ``params`` of the model.

        ``start`` are ``params`` of a similar set. They make training faster, but must
        not change the solution.
        """

    def class_scores(self, raw_prediction: np.ndarray) -> np.ndarray:
        """Return scores (n, n_classes), the largest of which is the predicted class.

        A single column of raw predictions is the score of the second of two classes.
        """
        if raw_prediction.shape[1] == 1:
            return np.hstack([-raw_prediction, raw_prediction])
        return raw_prediction

    @abstractmethod
    def params_of(self, estimator: Any, synthetic: SyntheticSet) -> Any:
        """Return the ``params`` of an estimator that scikit-learn has fitted.

        ``synthetic`` is the set that it was fitted on. It also has the learned
        hyperparameters and smoothing parameters.
        """

    def among_zeros(self, params: Any, is_kept: np.ndarray) -> Any:
        """Return ``params`` for all features, if some are zero in all synthetic rows.

        ``is_kept`` (p,) is a mask of the features on which ``params`` was trained.
        """
        return params

    def as_predicted(self, params: Any) -> Any:
        """Return the ``params`` whose raw predictions agree with ``predict``.

        These are ``params`` themselves, except for students whose raw prediction is a
        smooth approximation of a prediction without a derivative, such as a vote. These
        students return the limit of the approximation.
        """
        return params

    def as_scored(self, params: Any) -> Any:
        """Return the ``params`` for which ``loss_`` is computed.

        By default these are ``params`` themselves. A student may return those of
        ``as_predicted`` if the outer loss is finite there.
        """
        return params

    @abstractmethod
    def implicit_vjp(
        self, params: Any, params_grad: Any, synthetic: SyntheticSet
    ) -> SyntheticSet:
        """Return the gradient in ``synthetic`` from a gradient in ``params``.

        ``params`` is ``solve(synthetic)``, and ``params_grad`` is the gradient of the
        outer loss in it. The result is the vector-Jacobian product of ``solve``.
        """


class StationaryStudent(Student):
    """A student that only defines the gradient of its inner objective.

    jaxopt differentiates its solution by the implicit function theorem.
    """

    @abstractmethod
    def stationarity(self, params: Any, synthetic: SyntheticSet) -> Any:
        """Return the gradient of the inner objective in ``params``, in JAX."""

    def implicit_vjp(
        self, params: Any, params_grad: Any, synthetic: SyntheticSet
    ) -> SyntheticSet:
        """Return the gradient in ``synthetic`` from a gradient in ``params``.

        Students with a closed form may override it.
        """
        from skdistill.students._implicit import implicit_vjp

        return implicit_vjp(self.stationarity, params, params_grad, synthetic)


class ClosedFormStudent(Student):
    """A student whose training is a formula, which JAX differentiates.

    Attributes
    ----------
    train : callable
        ``train(synthetic) -> params`` in JAX: a module-level function or an object
        that hashes by value.
    """

    train: Callable[..., Any]
    trains_in_jax = True
    _last: Any = None

    def solve(self, synthetic: SyntheticSet, start: Any = None) -> Any:
        """Return the ``params`` that the formula gives.

        Those of the last set are cached, because the loss of a set and its
        hypergradient both need them.
        """
        return self._trained(synthetic).params

    def implicit_vjp(
        self, params: Any, params_grad: Any, synthetic: SyntheticSet
    ) -> SyntheticSet:
        """Return the gradient in ``synthetic`` by differentiating the formula."""
        pull_back = self._trained(synthetic).pull_back
        with double_precision():
            grad = _pull_back(pull_back, _in_double(params_grad))
            return jax.tree.map(np.asarray, grad)

    def _arguments(self, synthetic):
        """Return the arguments of ``train``; the first one is the set."""
        return (synthetic,)

    def _trained(self, synthetic):
        """Return the result of training on a set, from the cache if it was the last."""
        synthetic = _in_double(synthetic)
        last = self._last
        if last is None or not _are_equal(last.synthetic, synthetic):
            form, numbers = split(self.train)
            with double_precision():
                arguments = _in_double(self._arguments(synthetic))
                params, pull_back = _train(arguments, numbers, form=form)
                params = jax.tree.map(np.asarray, params)
            # Copy the set, because its arrays may be changed in place.
            last = _Trained(jax.tree.map(np.copy, synthetic), params, pull_back)
            self._last = last
        return last


class _Trained(NamedTuple):
    """Result of training on a set.

    Attributes
    ----------
    synthetic : SyntheticSet
        The set.
    params : pytree of ndarray
        The solution.
    pull_back : callable
        ``pull_back(cotangent) -> (SyntheticSet,)``. It is a pytree that holds
        intermediate results of training, such as a factorization.
    """

    synthetic: SyntheticSet
    params: Any
    pull_back: Any


def _in_double(tree):
    """Return arrays in double precision, also for Python numbers.

    JAX would compile once more for Python numbers.
    """
    return jax.tree.map(partial(np.asarray, dtype=np.float64), tree)


def _are_equal(first, second):
    """Whether two sets have the same entries, which is false if some are NaN."""
    return jax.tree.structure(first) == jax.tree.structure(second) and all(
        map(np.array_equal, jax.tree.leaves(first), jax.tree.leaves(second))
    )


@partial(jax.jit, static_argnames="form")
def _train(arguments, numbers, form):
    synthetic, *others = arguments

    def train(synthetic):
        return join(form, numbers)(synthetic, *others)

    return jax.vjp(train, synthetic)


@jax.jit
def _pull_back(pull_back, cotangent):
    return pull_back(cotangent)[0]
