"""The contract of the inner problem, which never sees the real data."""

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
    """No student trains as an estimator does, or not with one of its settings."""


class Student(ABC):
    """Mirror of a scikit-learn estimator whose training can be differentiated.

    A student reads the parameters of the estimator when it is made, refuses by name
    those that it cannot mirror, and solves the estimator's training problem to rounding
    error in double precision. Everything it returns is NumPy.

    Parameters
    ----------
    estimator : estimator object
        The unfitted estimator to mirror.
    task : Task
        What the rows look like.

    Attributes
    ----------
    estimator, task
        The parameters.
    hyperparameters : dict of str to float
        Values of the continuous hyperparameters that ``learn_params`` may name.
    smoothing_params : dict of str to float
        Positive numbers that only the outer loss knows, such as a temperature. They are
        no parameters of the estimator.
    raw_prediction : callable
        ``raw_prediction(params, X) -> (n, k)`` in JAX: a module-level function or an
        object that hashes by value, since a program is compiled for each.
    loss_name : {"log_loss", "squared_error", ...}
        Name of the outer loss. "squared_error" says that raw predictions are what the
        estimator predicts; "expected_squared_error", that columns with their variance
        follow.
    rough_prediction : callable or None
        The same in single precision, as far as that loses no more than rounding, for
        mini-batches of rows in double precision. By default there is none.
    outer_loss : callable
        ``outer_loss(raw_prediction, y) -> (n,)`` in JAX, as hashable. Classes ``y`` are
        indices (n,).
    soft_labels : bool
        Whether ``encode`` gives probabilities that may be learned, since a row with
        them trains as its copies do that are labelled with each class and weighted.
    penalty : callable or None
        ``penalty(params, hyperparameters) -> float`` in JAX, as hashable: what the
        estimator adds to the weighted sum of the outer losses when it is fitted on all
        the data. The rows are learned for the sum of both, so that many of them lead
        to the model of all the data rather than to one that interpolates it.
    unit_norm : callable or None
        ``unit_norm(params) -> float`` in JAX, as hashable: the squared norm of the
        model, a mean over its outputs, if rows have the norm one in the space of its
        kernel.
    is_regularized : bool
        Whether ``penalty`` is the estimator's own, so that the lowest outer loss is
        what the estimator reaches on all the data. Where it is not, real rows are held
        back to judge the iterates by.
    is_judged_by_ranking : bool
        Whether rows that are held back judge how the classes are ranked, by the
        log-loss at the temperature that suits these rows. It is for probabilities that
        are off whatever the rows: too sure, as those of independent features, or of
        scores that a penalty makes small.
    learns_smoothing_params : bool
        Whether the smoothing parameters are learned with the rows. Otherwise they keep
        the values that suit the starting rows.
    clusters_targets : bool
        Whether k-means, from whose centers numeric targets start, sees these: then
        rows start apart where the targets differ. Rows that are to average over noisy
        targets start from clusters of the samples alone.
    holds_constants : bool
        Whether features that are constant in the real data stay so in the rows: only a
        student that needs them, as coefficients of a constant are an intercept, lets
        them go.
    feature_domain : tuple of two floats
        Least and largest value that training takes of a feature: the rows stay within,
        whatever ``feature_range`` allows.
    trains_in_jax : bool
        Whether JAX does most of ``solve``, which threads of BLAS would disturb.
    ignores_zeros : bool
        Whether training is the same without features in which all synthetic rows are
        zero, which may then be left out of sparse rows.
    counts_features : bool
        Whether training depends on the number of features, as a default ``gamma`` does.
    takes_batches : bool
        Whether ``solver="auto"`` iterates on mini-batches if there are many real rows.
    needs_batches : bool
        Whether ``solver="auto"`` iterates on mini-batches however few real rows there
        are: L-BFGS-B ends at kinks, and cannot follow a loss that is drawn anew.
    batches_in_iteration : int
        Mini-batches in an outer iteration: fewer for training that is expensive.
    step_length : float
        Length of the first step on mini-batches, in units of the features.
    ends_at_max_iter : bool
        Whether training that ends at the estimator's ``max_iter`` is mirrored as any
        other: that scikit-learn warns of it says nothing about the rows.
    is_random : bool
        Whether training draws random numbers anew in each fit of the estimator. Then
        ``redrawn`` is what an outer step learns from, sets are judged by ``solve`` with
        numbers that stay the same, and the loss is the mean over several refits.
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
        """Return the targets of a synthetic set, as the training loss takes them.

        ``y`` are class indices (n,), or numbers (n,) or (n, k), which stay as they are.
        """
        return np.asarray(y, dtype=np.float64)

    def training_weight(
        self,
        y: np.ndarray,
        sample_weight: np.ndarray,
        counts: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return the weights that rows have in the estimator's training loss.

        ``y`` are class indices (n,). Class weights are multiplied in. With ``counts``
        (n,) each entry stands for so many equal rows, which weigh ``sample_weight``
        together: what "balanced" counts.
        """
        return sample_weight

    @property
    def loss_degree(self) -> float:
        """By which power of the targets' unit the outer loss grows."""
        return float(DEGREES.get(self.loss_name, 0))

    def loss_unit(self, target_scale: Any) -> float:
        """Return the unit of the outer loss, for targets with these deviations."""
        return float(np.mean(np.power(target_scale, self.loss_degree)))

    def check_targets(self, y: np.ndarray, source: str) -> None:  # noqa: B027 (most take any)
        """Raise a ValueError for numeric targets that the training loss does not take.

        ``source`` says whose they are, such as "y".
        """

    def least_target(self, low: Any) -> Any:
        """Return the least target (k,) that may be learned.

        ``low`` (k,) are the least real targets.
        """
        return np.full(np.shape(low), -np.inf)

    def predictions(self, raw_prediction: np.ndarray) -> np.ndarray | None:
        """Return the numbers (n, k) that the estimator predicts.

        None where raw predictions do not say them.
        """
        if self.loss_name not in ("squared_error", "expected_squared_error"):
            return None
        return raw_prediction[:, : self.task.n_outputs]

    def cost_without_features(self, unit: float) -> float:
        """Return about the outer loss of the best constant prediction.

        ``unit`` is that of the loss; of classes, all are taken for equally likely.
        """
        if self.task.classes is None:
            return unit
        return cost_of_chance(self.loss_name, len(self.task.classes))

    def parameter_name(self, name: str) -> str:
        """Return the full name of a hyperparameter.

        The end of a nested name will do where it is the only one: "length_scale" for
        ``kernel__length_scale``. A name of no hyperparameter is returned as it is.
        """
        ends = [full for full in self.hyperparameters if full.endswith(f"__{name}")]
        is_short = name not in self.hyperparameters and len(ends) == 1
        return ends[0] if is_short else name

    def refuse_rows(self, n_rows: int) -> None:  # noqa: B027 (most refuse none)
        """Raise NotMirrored if training on so many synthetic rows is not mirrored."""

    def redrawn(self, random_state: np.random.RandomState) -> "Student":
        """Return the student whose training draws from ``random_state``, for one step.

        It is the student itself where nothing is drawn.
        """
        return self

    def refuse_range(self, low: np.ndarray, high: np.ndarray) -> None:  # noqa: B027 (most take any)
        """Raise an error for real rows within ``low`` and ``high`` (p,).

        A ValueError if the estimator does not take such features, NotMirrored if the
        student does not.
        """

    def refuse_left_out(self) -> None:  # noqa: B027 (most refuse nothing)
        """Raise NotMirrored if search is to take rows with too many features.

        Of others the rarest are left out, if ``ignores_zeros``.
        """

    @abstractmethod
    def solve(self, synthetic: SyntheticSet, start: Any = None) -> Any:
        """Return the ``params`` that training on ``synthetic`` leads to.

        ``start`` are ``params`` of a similar set: they shorten the way and leave the
        solution as it is.
        """

    def class_scores(self, raw_prediction: np.ndarray) -> np.ndarray:
        """Return scores (n, n_classes), the largest of which predicts a class.

        One column of raw predictions is the score of the second of two classes.
        """
        if raw_prediction.shape[1] == 1:
            return np.hstack([-raw_prediction, raw_prediction])
        return raw_prediction

    @abstractmethod
    def params_of(self, estimator: Any, synthetic: SyntheticSet) -> Any:
        """Return the ``params`` of the estimator that scikit-learn fitted.

        ``synthetic`` is the set that it was fitted on: with learned hyperparameters
        and smoothing parameters.
        """

    def among_zeros(self, params: Any, is_kept: np.ndarray) -> Any:
        """Return ``params`` for features of which some are zero in all rows.

        scikit-learn has not seen these; ``is_kept`` (p,) says which ones it has.
        """
        return params

    def as_predicted(self, params: Any) -> Any:
        """Return the ``params`` whose raw predictions are what the estimator predicts.

        They are ``params`` themselves, but for students whose outer loss is a smooth
        stand-in for a prediction that has no derivative, such as a vote: these return
        its limit.
        """
        return params

    def as_scored(self, params: Any) -> Any:
        """Return the ``params`` by which a fitted estimator is judged in the end.

        They are ``params`` themselves where the outer loss has no finite value at what
        the estimator predicts, or is it already.
        """
        return params

    @abstractmethod
    def implicit_vjp(
        self, params: Any, params_grad: Any, synthetic: SyntheticSet
    ) -> SyntheticSet:
        """Pull a cotangent on ``params = solve(synthetic)`` back to ``synthetic``."""


class StationaryStudent(Student):
    """A student that is known by the gradient of its inner objective.

    The implicit function theorem does the rest, by jaxopt.
    """

    @abstractmethod
    def stationarity(self, params: Any, synthetic: SyntheticSet) -> Any:
        """Return the gradient of the inner objective in ``params``, in JAX."""

    def implicit_vjp(
        self, params: Any, params_grad: Any, synthetic: SyntheticSet
    ) -> SyntheticSet:
        """Pull a cotangent on ``params = solve(synthetic)`` back to ``synthetic``.

        A student with a closed form overrides it.
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

        Those of the last set are kept: who judges a set asks for the params that its
        hypergradient takes, too.
        """
        return self._trained(synthetic).params

    def implicit_vjp(
        self, params: Any, params_grad: Any, synthetic: SyntheticSet
    ) -> SyntheticSet:
        """Pull a cotangent on ``params`` back through the formula."""
        pull_back = self._trained(synthetic).pull_back
        with double_precision():
            grad = _pull_back(pull_back, _in_double(params_grad))
            return jax.tree.map(np.asarray, grad)

    def _arguments(self, synthetic):
        """Return the arguments of ``train``, of which the first is a set."""
        return (synthetic,)

    def _trained(self, synthetic):
        """Return what training on a set leads to, from memory if it was the last."""
        synthetic = _in_double(synthetic)
        last = self._last
        if last is None or not _are_equal(last.synthetic, synthetic):
            form, numbers = split(self.train)
            with double_precision():
                arguments = _in_double(self._arguments(synthetic))
                params, pull_back = _train(arguments, numbers, form=form)
                params = jax.tree.map(np.asarray, params)
            # A copy, since arrays may be changed in place.
            last = _Trained(jax.tree.map(np.copy, synthetic), params, pull_back)
            self._last = last
        return last


class _Trained(NamedTuple):
    """What training on a set led to.

    Attributes
    ----------
    synthetic : SyntheticSet
        The set.
    params : pytree of ndarray
        The solution.
    pull_back : callable
        ``pull_back(cotangent) -> (SyntheticSet,)``, a pytree with all that training has
        found already, such as a factorization.
    """

    synthetic: SyntheticSet
    params: Any
    pull_back: Any


def _in_double(tree):
    """Return arrays in double precision; Python numbers would be traced weakly."""
    return jax.tree.map(partial(np.asarray, dtype=np.float64), tree)


def _are_equal(first, second):
    """Whether two sets have the same entries; where some are NaN they do not."""
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
