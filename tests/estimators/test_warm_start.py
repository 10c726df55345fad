"""A fit that goes on from the last one takes over all that was learned."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.svm import SVC

from skdistill import DatasetDistiller
from tests.conftest import strict_logistic

# The fits are cut short: what is tested holds for any of them.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

PENALIZED = ("alpha and gamma", "a nested name", "C of SVC")
#: Students whose start is better than the last set where the data's model says how.
LINEAR = LogisticRegression | Ridge
CASES = {
    "rows": (strict_logistic(C=0.1), {}),
    "class weights": (strict_logistic(C=0.1, class_weight={0: 1, 1: 3, 2: 0.5}), {}),
    "weights": (strict_logistic(C=0.1), {"weighting": "learn"}),
    "weights and class weights": (
        strict_logistic(C=0.1, class_weight={0: 1, 1: 3, 2: 0.5}),
        {"weighting": "learn"},
    ),
    "matched weights": (strict_logistic(C=1e-3), {"weighting": "match"}),
    "C": (strict_logistic(C=0.1), {"learn_params": ("C",)}),
    "weights and C": (
        strict_logistic(C=0.1),
        {"weighting": "learn", "learn_params": ("C",)},
    ),
    "C of SVC": (SVC(gamma=0.1), {"learn_params": ("C", "gamma")}),
    "sharpness of a vote": (KNeighborsClassifier(1), {}),
    "temperature": (RidgeClassifier(), {"outer_loss": "log_loss"}),
    "numbers": (Ridge(), {}),
    "alpha and gamma": (
        KernelRidge(kernel="rbf", gamma=0.1),
        {"learn_params": ("alpha", "gamma")},
    ),
    "a nested name": (
        GaussianProcessRegressor(RBF(2.0), alpha=0.1, optimizer=None),
        {"learn_params": ("length_scale",)},
    ),
    "sharpness of a mean": (KNeighborsRegressor(2), {}),
}


def table_for(estimator, multiclass_table):
    X, y = multiclass_table
    if isinstance(
        estimator,
        Ridge | KernelRidge | GaussianProcessRegressor | KNeighborsRegressor,
    ):
        return X, np.sin(X[:, 0]) + y
    return X, y


def distiller_for(case, **params):
    estimator, given = CASES[case]
    return DatasetDistiller(
        estimator,
        **{
            "n_synthetic": 6,
            "solver": "lbfgs",
            "max_iter": 10,
            "tol": 0.0,
            "random_state": 0,
            "warm_start": True,
            **given,
            **params,
        },
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "case", [name for name, (each, _) in CASES.items() if not isinstance(each, LINEAR)]
)
def test_nothing_is_lost(case, multiclass_table):
    """Without an iteration, the rows, parameters and loss are the same."""
    X, y = table_for(CASES[case][0], multiclass_table)
    distiller = distiller_for(case).fit(X, y)
    before = dict(vars(distiller))
    distiller.set_params(tol=1e9).fit(X, y)
    for name in ("X_synthetic_", "y_synthetic_"):
        unit = np.abs(before[name]).max()
        assert_allclose(getattr(distiller, name), before[name], atol=1e-8 * unit)
    params, expected = (
        each.get_params() for each in (distiller.estimator_, before["estimator_"])
    )
    for name in expected:
        if isinstance(expected[name], float):
            assert_allclose(params[name], expected[name], err_msg=name)
    assert_allclose(distiller.loss_, before["loss_"], rtol=1e-6)


def test_learned_weights_are_those_of_the_last_fit(multiclass_table):
    """Class weights are not multiplied in a second time."""
    X, y = multiclass_table
    distiller = distiller_for("weights and class weights").fit(X, y)
    weight = distiller.sample_weight_synthetic_
    distiller.set_params(tol=1e9).fit(X, y)
    assert_allclose(distiller.sample_weight_synthetic_, weight)


@pytest.mark.parametrize("solver", ["auto", "exact"])
def test_exact_rows_stay(solver, multiclass_table):
    X, y = multiclass_table
    distiller = distiller_for("numbers", solver=solver).fit(X, y)
    rows = distiller.X_synthetic_
    assert_allclose(distiller.fit(X, y).X_synthetic_, rows, atol=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_one_more_iteration_is_never_worse(case, multiclass_table):
    X, y = table_for(CASES[case][0], multiclass_table)
    distiller = distiller_for(case, max_iter=4)
    losses = [distiller.fit(X, y).loss_]
    distiller.set_params(max_iter=1)
    losses += [distiller.fit(X, y).loss_ for _ in range(3)]
    # Where a penalty takes part, the loss may rise a little as that falls.
    slack = 0.01 * losses[0] if case in PENALIZED else 1e-9
    assert np.diff(losses).max() <= slack


def test_learned_weights_and_C_are_taken_over(multiclass_table):
    """If a first fit were used instead, the loss would differ."""
    X, y = multiclass_table
    distiller = distiller_for("weights and C", max_iter=30).fit(X, y)
    assert np.ptp(distiller.sample_weight_synthetic_) > 0.01
    assert abs(np.log(distiller.estimator_.C / 0.1)) > 0.5
    loss = distiller.loss_
    forgetful = clone(distiller).set_params(
        init=(distiller.X_synthetic_, distiller.y_synthetic_), max_iter=1
    )
    assert forgetful.fit(X, y).loss_ > loss + 1e-3
    assert distiller.set_params(max_iter=1).fit(X, y).loss_ <= loss + 1e-9


def test_weights_are_only_taken_over_where_they_are_learned(multiclass_table):
    X, y = multiclass_table
    distiller = distiller_for("weights").fit(X, y)
    distiller.set_params(weighting="unit", max_iter=1).fit(X, y)
    assert_array_equal(distiller.sample_weight_synthetic_, 1.0)


def test_parameters_are_only_taken_over_where_they_are_learned(multiclass_table):
    X, y = multiclass_table
    distiller = distiller_for("C").fit(X, y)
    assert distiller.estimator_.C != 0.1
    distiller.set_params(learn_params=(), max_iter=3).fit(X, y)
    assert distiller.estimator_.C == 0.1
    # The student trained with it, too.
    assert_allclose(distiller.loss_, distiller.loss_curve_[-1], rtol=1e-8)


def test_another_estimator_starts_from_the_rows_alone(multiclass_table):
    """Learned parameters of the first estimator do not exist in the second."""
    X, y = multiclass_table
    distiller = distiller_for("C").fit(X, y)
    distiller.set_params(estimator=SVC(gamma=0.1), learn_params=(), max_iter=2)
    assert distiller.fit(X, y).estimator_.C == 1.0
    assert_allclose(distiller.loss_curve_[-1], distiller.loss_, rtol=1e-3)


def test_a_learned_parameter_stays_near_the_value_that_is_set_now(multiclass_table):
    """It stays within a factor of 100."""
    X, y = multiclass_table
    distiller = distiller_for("C").fit(X, y)
    learned = distiller.estimator_.C
    distiller.set_params(estimator=strict_logistic(C=1e-4), tol=1e9).fit(X, y)
    assert distiller.estimator_.C <= 1e-2 * 1.01 < learned


@pytest.mark.parametrize("warm_start", [True, False])
def test_a_new_class_is_told_of_what_was_passed(warm_start, multiclass_table):
    X, y = multiclass_table
    distiller = DatasetDistiller(
        LogisticRegression(), n_synthetic=6, max_iter=2, warm_start=warm_start
    )
    distiller.fit(X[y < 2], y[y < 2])
    if not warm_start:
        assert distiller.fit(X, y).classes_.tolist() == [0, 1, 2]
        return
    with pytest.raises(ValueError, match="y of the previous fit.*missing: .2") as error:
        distiller.fit(X, y)
    assert "init" not in str(error.value)
    with pytest.raises(ValueError, match="X of the previous fit.*features") as error:
        distiller.fit(X[:, :3], np.minimum(y, 1))
    assert "init" not in str(error.value)
