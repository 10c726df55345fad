"""Students of support vector machines with kernels, the counterparts of SVC and SVR.

Both solve the dual problems of ``skdistill.students.kernel._svm_dual``. There ``C_i``
is the product of ``C``, sample weight and class weight. SVC solves one problem for each
pair of classes, with labels of -1 and 1 as signs and targets. SVR solves one problem in
which each row appears twice: with the target ``y - epsilon`` for positive coefficients
and with ``y + epsilon`` for negative ones. libsvm, through scikit-learn, finds nearly
all coefficients that are at a bound, and linear algebra solves the rest. libsvm stores
``K`` in single precision, so its own solutions agree to about seven digits.

The solution is a continuous function of the rows. It is smooth except where a
coefficient arrives at a bound or leaves it.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import SVC, SVR
from sklearn.utils.class_weight import compute_class_weight

from skdistill._forms import dense
from skdistill._hidden_warnings import hiding
from skdistill._programs import Program
from skdistill.students._base import NotMirrored
from skdistill.students._padded import PaddedStudent, pad_rows, pad_samples, padded_size
from skdistill.students._params import KernelParams
from skdistill.students._support import refuse_useless_classes
from skdistill.students.kernel._kernels import LEARNED_PARAMS, fixed_params
from skdistill.students.kernel._ridge import KernelPrediction
from skdistill.students.kernel._svm_dual import Dual, pull_back_dual, solve_dual

#: Kernels with a convex dual problem.
SUPPORTED_KERNELS = ("linear", "poly", "rbf")
#: libsvm only has to come near the solution, but it must not run forever.
LIBSVM_OPTIONS = {"kernel": "precomputed", "tol": 1e-6, "max_iter": 100_000}


class SVMParams(NamedTuple):
    """Support vector machines on the same rows.

    Attributes
    ----------
    expansion : KernelParams
        Dual coefficients, a column for each machine.
    intercept : array of shape (k,)
        Intercepts.
    """

    expansion: Any
    intercept: Any


@dataclass(frozen=True)
class _Prediction(Program):
    """The decision functions (n, k)."""

    expansion: KernelPrediction

    def __call__(self, params, X):
        return self.expansion(params.expansion, X) + params.intercept.astype(X.dtype)


@dataclass(frozen=True)
class _Penalty(Program):
    """The penalty: half the squared norms of all machines, in units of the outer loss.

    It is divided by ``C`` and by ``k - 1``, because the outer loss of a row is a mean
    over ``k - 1`` machines for ``k`` classes.
    """

    expansion: KernelPrediction
    n_classes: int

    def __call__(self, params, hyperparameters):
        squares = self.expansion.mean_squared_norm(params.expansion)
        return self.n_classes / 4 * squares / hyperparameters["C"]


class _TrainingData(NamedTuple):
    """The data of the dual problems, which are smooth functions of the set."""

    gram: Any
    centers: Any
    kernel_params: Any
    y: Any
    upper: Any
    epsilon: Any

    def of_rows(self, m):
        """Return the data of the first ``m`` rows, as views."""
        return self._replace(
            gram=self.gram[:m, :m],
            centers=self.centers[:m],
            y=self.y[:m],
            upper=self.upper[:m],
        )


def _of_rows(params, m):
    """Return SVMParams with the coefficients of the first ``m`` rows."""
    coef = params.expansion.dual_coef[:m]
    return params._replace(expansion=params.expansion._replace(dual_coef=coef))


@dataclass(frozen=True)
class _Training(Program):
    """The function ``training(synthetic, is_row) -> _TrainingData``.

    With ``gamma="scale"``, ``gamma`` depends on the rows. ``n_features`` includes
    features of zeros that are left out.
    """

    expansion: KernelPrediction
    scales_gamma: bool
    n_features: int

    def __call__(self, synthetic, is_row):
        X, y, weight, hyperparameters = synthetic
        kernel_params = {}
        if "gamma" in LEARNED_PARAMS[self.expansion.kernel]:
            gamma = hyperparameters.get("gamma")
            if self.scales_gamma:
                p, n_zeros = self.n_features, self.n_features - X.shape[1]
                share = is_row / is_row.sum()
                mean = (share @ X).sum() / p
                variance = (share @ (X - mean) ** 2).sum() + n_zeros * mean**2
                variance /= p
                varies = variance != 0
                scaled = 1 / (p * jnp.where(varies, variance, 1))
                gamma = jnp.where(varies, scaled, 1.0)
            kernel_params = {"gamma": gamma}
        return _TrainingData(
            self.expansion.gram(X, X, kernel_params),
            X,
            kernel_params,
            y,
            hyperparameters["C"] * weight,
            hyperparameters.get("epsilon", 0.0) * jnp.ones(()),
        )


class _KernelSVMStudent(PaddedStudent):
    """The common part of the students of SVC and SVR."""

    ignores_zeros = True

    def __init__(self, estimator, task):
        _refuse_unmirrored(estimator, task)
        super().__init__(estimator, task)
        kernel = estimator.kernel
        self.hyperparameters = {"C": float(estimator.C)}
        scales_gamma = isinstance(estimator.gamma, str) and estimator.gamma == "scale"
        if "gamma" in LEARNED_PARAMS[kernel] and not scales_gamma:
            auto = isinstance(estimator.gamma, str)
            gamma = 1 / task.n_features if auto else float(estimator.gamma)
            self.hyperparameters["gamma"] = gamma
        self.counts_features = kernel != "linear" and isinstance(estimator.gamma, str)
        fixed = fixed_params(estimator)
        expansion = KernelPrediction(kernel, fixed)
        self.raw_prediction = _Prediction(expansion)
        self.train = _Training(expansion, scales_gamma, task.n_features)
        self.is_regularized = True
        self.penalty = _Penalty(
            expansion, 2 if task.classes is None else len(task.classes)
        )

    def solve(self, synthetic, start=None):
        """Return the machines; ``start`` is not used."""
        return self._solve_duals(self._training_data(synthetic))

    def _training_data(self, synthetic):
        """Return the data of the dual problems in NumPy, without padding rows."""
        return super().solve(synthetic).of_rows(len(synthetic.X))

    def _params(self, data, coef, intercept):
        coef = pad_rows(coef, padded_size(len(coef)))
        expansion = KernelParams(pad_samples(data.centers), coef, data.kernel_params)
        return SVMParams(expansion, np.asarray(intercept, dtype=np.float64))

    def implicit_vjp(self, params, params_grad, synthetic):
        """Return the gradient in the set, through dual problems and the kernel."""
        data, m = super().solve(synthetic), len(synthetic.X)
        data_grad = jax.tree.map(np.zeros_like, data)
        of_rows = (_of_rows(each, m) for each in (params, params_grad))
        # This writes to views of the arrays of ``data_grad``.
        self._pull_back_duals(data.of_rows(m), *of_rows, data_grad.of_rows(m))
        data_grad = data_grad._replace(
            centers=np.asarray(params_grad.expansion.centers),
            kernel_params=params_grad.expansion.kernel_params,
        )
        return super().implicit_vjp(data, data_grad, synthetic)


class SVCStudent(_KernelSVMStudent):
    """Student of ``SVC``, with a machine for each pair of classes.

    Decision functions are positive for the second class of a pair. This is the same as
    in SVC for two classes. For more classes, SVC has the opposite sign.

    Parameters
    ----------
    estimator : SVC
        The estimator to mirror.
    task : Task
        Features and classes.

    Raises
    ------
    NotMirrored
        If a setting of the estimator is not supported.
    """

    loss_name = "hinge"

    def __init__(self, estimator, task):
        refuse_useless_classes(estimator, task.classes)
        super().__init__(estimator, task)
        self.pairs = list(combinations(range(len(task.classes)), 2))

    @staticmethod
    def outer_loss(raw_prediction, y):
        """Return the mean hinge loss over the pairs with the class of a row."""
        n_pairs = raw_prediction.shape[1]
        k = round((1 + (1 + 8 * n_pairs) ** 0.5) / 2)
        first, second = np.array(list(combinations(range(k), 2))).T
        y = y[:, None]
        sign = (y == second).astype(raw_prediction.dtype) - (y == first)
        losses = jnp.abs(sign) * jnp.maximum(0, 1 - sign * raw_prediction)
        return losses.sum(axis=1) / (k - 1)

    def training_weight(self, y, sample_weight, counts=None):
        """Return weights times class weights. "balanced" counts rows, not weights."""
        if self.estimator.class_weight is None:
            return sample_weight
        classes = self.task.classes
        weight_of_class = compute_class_weight(
            self.estimator.class_weight,
            classes=classes,
            y=classes[y],
            sample_weight=counts,
        )
        return sample_weight * weight_of_class[y]

    def class_scores(self, raw_prediction):
        """Return the votes of the machines (n, n_classes)."""
        votes = np.zeros((len(raw_prediction), len(self.task.classes)))
        for column, pair in enumerate(self.pairs):
            winner = np.asarray(pair)[(raw_prediction[:, column] > 0).astype(int)]
            votes[np.arange(len(votes)), winner] += 1
        return votes

    def params_of(self, estimator, synthetic):
        """Return the machines that libsvm found."""
        data = self._training_data(synthetic)
        coef = np.zeros((len(synthetic.X), len(self.pairs)))
        intercept = np.ravel(estimator.intercept_)
        # dual_coef_ has a row for each other class of a support vector.
        dual_coef = dense(estimator.dual_coef_)
        class_of = np.repeat(np.arange(len(self.task.classes)), estimator.n_support_)
        for column, (first, second) in enumerate(self.pairs):
            for own, other in ((first, second), (second, first)):
                is_own = class_of == own
                row = other - (other > own)
                coef[estimator.support_[is_own], column] = dual_coef[row, is_own]
        if len(self.pairs) > 1:
            coef, intercept = -coef, -intercept
        return self._params(data, coef, intercept)

    def _duals(self, data):
        """Yield the rows and the dual problem of each pair."""
        for first, second in self.pairs:
            rows = np.flatnonzero((data.y == first) | (data.y == second))
            sign = np.where(data.y[rows] == second, 1.0, -1.0)
            yield (
                rows,
                Dual(data.gram[np.ix_(rows, rows)], sign, sign, data.upper[rows]),
            )

    def _solve_duals(self, data):
        coef = np.zeros((len(data.gram), len(self.pairs)))
        intercept = []
        for column, (rows, dual) in enumerate(self._duals(data)):
            weighed = np.unique(dual.sign[dual.upper > 0])
            if len(weighed) < 2:  # a class has no weight, so the other one is predicted
                intercept.append(weighed.sum())
                continue
            start = _start(SVC(**LIBSVM_OPTIONS), dual.gram, dual.sign, dual.upper)
            coef[rows, column], c = solve_dual(dual, start)
            intercept.append(c)
        return self._params(data, coef, intercept)

    def _pull_back_duals(self, data, params, params_grad, data_grad):
        coef, coef_grad = params.expansion.dual_coef, params_grad.expansion.dual_coef
        for column, (rows, dual) in enumerate(self._duals(data)):
            target_grad, upper_grad = pull_back_dual(
                dual,
                coef[rows, column],
                coef_grad[rows, column],
                params_grad.intercept[column],
            )
            data_grad.upper[rows] += upper_grad
            data_grad.gram[np.ix_(rows, rows)] -= np.outer(
                target_grad, coef[rows, column]
            )


@dataclass(frozen=True)
class _EpsilonInsensitiveLoss(Program):
    """The excess of the absolute error over epsilon."""

    epsilon: float

    def __call__(self, raw_prediction, y):
        error = jnp.abs(raw_prediction[:, 0] - y.reshape(-1))
        return jnp.maximum(0, error - self.epsilon)


class SVRStudent(_KernelSVMStudent):
    """Student of ``SVR``.

    The outer loss uses the given ``epsilon`` of the estimator, even if ``epsilon`` is
    learned.

    Parameters
    ----------
    estimator : SVR
        The estimator to mirror.
    task : Task
        Features.

    Raises
    ------
    NotMirrored
        If a setting of the estimator is not supported.
    """

    loss_name = "epsilon_insensitive"

    def __init__(self, estimator, task):
        super().__init__(estimator, task)
        self.hyperparameters["epsilon"] = float(estimator.epsilon)
        self.outer_loss = _EpsilonInsensitiveLoss(float(estimator.epsilon))

    def params_of(self, estimator, synthetic):
        """Return the machine that libsvm found."""
        data = self._training_data(synthetic)
        coef = np.zeros((len(synthetic.X), 1))
        coef[estimator.support_, 0] = dense(estimator.dual_coef_)[0]
        return self._params(data, coef, estimator.intercept_)

    def _dual(self, data):
        y = data.y
        return Dual(
            np.tile(data.gram, (2, 2)),
            np.concatenate([y - data.epsilon, y + data.epsilon]),
            np.repeat([1.0, -1.0], len(y)),
            np.tile(data.upper, 2),
        )

    def _solve_duals(self, data):
        libsvm = SVR(epsilon=float(data.epsilon), **LIBSVM_OPTIONS)
        start = _start(libsvm, data.gram, data.y, data.upper)
        both = np.concatenate([np.maximum(start, 0), np.minimum(start, 0)])
        coef, intercept = solve_dual(self._dual(data), both)
        return self._params(data, _sum_halves(coef)[:, None], [intercept])

    def _pull_back_duals(self, data, params, params_grad, data_grad):
        coef = params.expansion.dual_coef[:, 0]
        dual = self._dual(data)
        target_grad, upper_grad = pull_back_dual(
            dual,
            np.concatenate([np.maximum(coef, 0), np.minimum(coef, 0)]),
            np.tile(params_grad.expansion.dual_coef[:, 0], 2),
            params_grad.intercept[0],
        )
        data_grad.upper[:] = _sum_halves(upper_grad)
        data_grad.y[:] = _sum_halves(target_grad)
        data_grad.epsilon[...] = -dual.sign @ target_grad
        data_grad.gram[:] = -np.outer(_sum_halves(target_grad), coef)


def _sum_halves(values):
    return values.reshape(2, -1).sum(axis=0)


def _start(libsvm, gram, y, upper):
    """Return nearly optimal coefficients from libsvm, with ``C_i`` as weights."""
    coef = np.zeros(len(y))
    with hiding(ConvergenceWarning):
        libsvm.fit(gram, y, sample_weight=upper)
    coef[libsvm.support_] = libsvm.dual_coef_[0]
    return coef


def _refuse_unmirrored(estimator, task):
    """Raise NotMirrored if a setting of the estimator is not supported."""
    refused = []
    if estimator.kernel not in SUPPORTED_KERNELS:
        refused.append(f"kernel={estimator.kernel!r}")
    if estimator.probability is True:
        refused.append("probability=True (use CalibratedClassifierCV)")
    if isinstance(estimator, SVR) and estimator.epsilon == 0:
        refused.append("epsilon=0")
    if task.multi_output:
        refused.append("several outputs")
    if refused:
        raise NotMirrored(
            f"{type(estimator).__name__} cannot be distilled with "
            f"{', '.join(refused)}. Supported: the kernels "
            f"{', '.join(SUPPORTED_KERNELS)}, any class_weight, epsilon > 0, and one "
            "output."
        )
