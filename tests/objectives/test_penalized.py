"""The penalty in the objective on real data is the estimator's own.

A student that is trained on rows minimizes the sum of their losses and its penalty. So
on these very rows as the real ones, no other model has a lower value.
"""

from itertools import combinations

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import make_blobs
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics import mean_squared_error
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.svm import SVC, SVR

from skdistill.objectives import OuterLoss, PenalizedLoss
from skdistill.students import SyntheticSet, Task, student_for
from tests.conftest import rows_of, spec_of

KERNEL = {"kernel": "rbf", "gamma": 0.2}


def classes(k):
    X, y = make_blobs(25 * k, 3, centers=k, cluster_std=3.0, random_state=0)
    return X / 3, y.astype(np.int32), spec_of(np.arange(k), 3)


def numbers(n_outputs=1):
    X, y, _ = classes(3)
    y = np.column_stack([np.sin(X[:, 0]) + y, X[:, 1] * y])[:, :n_outputs]
    if n_outputs == 1:
        return X, y[:, 0], Task(3, None, 1, False)
    return X, y, Task(3, None, 2, True)


CASES = {
    "SVC of 2": (SVC(C=0.7, **KERNEL), classes(2)),
    "SVC of 3": (SVC(C=0.7, **KERNEL), classes(3)),
    "SVC of 5": (SVC(C=2.0, **KERNEL), classes(5)),
    "weighted SVC": (SVC(class_weight={0: 1, 1: 3, 2: 0.5}, **KERNEL), classes(3)),
    "SVR": (SVR(C=0.7, **KERNEL), numbers()),
    "KernelRidge": (KernelRidge(alpha=0.3, **KERNEL), numbers()),
    "KernelRidge of 2": (KernelRidge(alpha=0.3, **KERNEL), numbers(2)),
    "Gaussian process": (
        GaussianProcessRegressor(RBF(1.5), alpha=0.3, optimizer=None),
        numbers(),
    ),
}


def pose(case, rng, is_weighted=True):
    """Return a student trained on rows, and its objective on the same rows."""
    estimator, (X, y, task) = CASES[case]
    student = student_for(estimator, task)
    weight = np.ones(len(y))
    if is_weighted and not isinstance(estimator, GaussianProcessRegressor):
        weight = rng.uniform(0.5, 2.0, len(y))
    weight = student.training_weight(y, weight)
    real = rows_of(X, y, weight, chunk_rows=32)
    loss = OuterLoss(real, student.raw_prediction, student.outer_loss)
    synthetic = SyntheticSet(X, student.encode(y), weight, student.hyperparameters)
    objective = PenalizedLoss(loss, student.penalty, student.hyperparameters)
    return student, synthetic, loss, objective


def coefficients(params):
    return getattr(params, "expansion", params)


def with_coefficients(params, change):
    """Return the model with other coefficients: ``change(dual_coef) -> dual_coef``."""
    expansion = coefficients(params)
    dual_coef = change(expansion.dual_coef)
    changed = expansion._replace(dual_coef=dual_coef)
    if hasattr(expansion, "squared_norm"):
        gram = rbf_kernel(expansion.centers, gamma=KERNEL["gamma"])
        square = np.vdot(dual_coef, gram @ dual_coef) / dual_coef.shape[1]
        changed = changed._replace(squared_norm=square)
    return changed if expansion is params else params._replace(expansion=changed)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_no_model_is_better_than_the_trained_one(case, rng):
    student, synthetic, _, objective = pose(case, rng)
    params = student.solve(synthetic)
    least = objective.value_and_grad(params)[0]
    for factor in (0.9, 0.99, 0.999, 1.001, 1.01, 1.1):
        scaled = with_coefficients(params, lambda coef, by=factor: by * coef)
        assert objective.value_and_grad(scaled)[0] > least
    unit = np.abs(coefficients(params).dual_coef).max()
    for size in (1e-2, 1e-3):
        noise = size * unit * rng.standard_normal(coefficients(params).dual_coef.shape)
        other = with_coefficients(params, lambda coef, noise=noise: coef + noise)
        assert objective.value_and_grad(other)[0] > least


@pytest.mark.parametrize("case", CASES)
def test_penalty_alone_is_told_apart(case, rng):
    student, synthetic, loss, objective = pose(case, rng)
    params = student.solve(synthetic)
    both, of_loss = (each.value_and_grad(params)[0] for each in (objective, loss))
    assert objective.penalty(params) > 0
    assert_allclose(both - of_loss, objective.penalty(params), rtol=1e-9)


@pytest.mark.parametrize("case", CASES)
def test_gradient_matches_finite_differences(case, rng):
    student, synthetic, _, objective = pose(case, rng)
    params = student.solve(synthetic)
    # Away from the kinks of a hinge.
    params = with_coefficients(params, lambda coef: 0.83 * coef)
    _, grad = objective.value_and_grad(params)
    leaves, structure = jax.tree.flatten(params)
    directions = [rng.standard_normal(np.shape(leaf)) for leaf in leaves]

    def value(step):
        moved = [a + step * way for a, way in zip(leaves, directions, strict=True)]
        return objective.value_and_grad(jax.tree.unflatten(structure, moved))[0]

    slope = sum(map(np.vdot, jax.tree.leaves(grad), directions))
    assert_allclose(slope, (value(1e-6) - value(-1e-6)) / 2e-6, rtol=1e-5)


def test_value_is_scikit_learns_objective_of_ridge_regression(rng):
    """It is the squared error plus ``alpha`` times the squared norm."""
    student, synthetic, loss, objective = pose("KernelRidge", rng, is_weighted=False)
    X, y = synthetic.X, synthetic.y
    fitted = KernelRidge(alpha=0.3, **KERNEL).fit(X, y)
    params = student.params_of(fitted, synthetic)
    squared_norm = fitted.dual_coef_ @ rbf_kernel(X, gamma=0.2) @ fitted.dual_coef_
    error = mean_squared_error(y, fitted.predict(X))
    assert_allclose(loss.value_and_grad(params)[0], error)
    expected = error + 0.3 * squared_norm / len(y)
    assert_allclose(objective.value_and_grad(params)[0], expected)


@pytest.mark.parametrize("case", ["SVC of 2", "SVC of 3", "SVC of 5", "weighted SVC"])
def test_value_is_scikit_learns_objective_of_machines(case, rng):
    """The sum of those of a machine for each pair of classes, ``1/2 |w|^2 / C`` each.

    Each row takes part in all but one for each other class: the loss is their mean.
    """
    student, synthetic, _, objective = pose(case, rng)
    X, y, weight = synthetic.X, synthetic.y, synthetic.sample_weight
    C = CASES[case][0].C
    total = 0.0
    for pair in combinations(np.unique(y), 2):
        rows = np.isin(y, pair)
        sign = np.where(y[rows] == pair[1], 1, -1)
        machine = SVC(C=C, tol=1e-8, **KERNEL)
        machine.fit(X[rows], sign, sample_weight=weight[rows])
        gram = rbf_kernel(machine.support_vectors_, gamma=0.2)
        squared_norm = np.vdot(machine.dual_coef_ @ gram, machine.dual_coef_)
        missing = np.maximum(0, 1 - sign * machine.decision_function(X[rows]))
        total += squared_norm / (2 * C) + weight[rows] @ missing
    expected = total / (len(np.unique(y)) - 1) / weight.sum()
    value = objective.value_and_grad(student.solve(synthetic))[0]
    assert_allclose(value, expected, rtol=1e-5)


def test_value_is_scikit_learns_objective_of_a_regression_machine(rng):
    student, synthetic, _, objective = pose("SVR", rng)
    X, y, weight = synthetic.X, synthetic.y, synthetic.sample_weight
    machine = SVR(C=0.7, tol=1e-8, **KERNEL).fit(X, y, sample_weight=weight)
    gram = rbf_kernel(machine.support_vectors_, gamma=0.2)
    squared_norm = np.vdot(machine.dual_coef_ @ gram, machine.dual_coef_)
    missing = np.maximum(0, np.abs(machine.predict(X) - y) - 0.1)
    expected = (squared_norm / (2 * 0.7) + weight @ missing) / weight.sum()
    value = objective.value_and_grad(student.solve(synthetic))[0]
    assert_allclose(value, expected, rtol=1e-5)
