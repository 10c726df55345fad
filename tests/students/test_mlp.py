"""Networks: scikit-learn's own training step by step, and its derivatives."""

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor

from skdistill.students import (
    DataSpec,
    NotMirrored,
    check_student,
    student_for,
)
from tests.conftest import spec_of

# Training that ends at max_iter is mirrored like any other.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Stochastic Optimizer:sklearn.exceptions.ConvergenceWarning"
)

SMALL = {"hidden_layer_sizes": (6,), "activation": "tanh", "random_state": 0}
SGD = {"solver": "sgd", "learning_rate_init": 0.1}
SETTINGS = {
    "adam": {},
    "two layers": {"hidden_layer_sizes": (5, 4), "max_iter": 50},
    "logistic": {"activation": "logistic", "max_iter": 50},
    "identity": {"activation": "identity", "max_iter": 50},
    # More steps would cross kinks, where differences are no derivatives.
    "relu": {"activation": "relu", "max_iter": 8},
    "other betas": {"beta_1": 0.7, "beta_2": 0.9, "epsilon": 1e-4, "max_iter": 50},
    "no penalty": {"alpha": 0.0, "max_iter": 50},
    "ends by tol": {"learning_rate_init": 0.05, "tol": 1e-3},
    "never ends by tol": {"n_iter_no_change": np.inf, "max_iter": 30},
    "sgd": SGD,
    "plain momentum": SGD | {"nesterovs_momentum": False, "momentum": 0.5},
    "no momentum": SGD | {"momentum": 0.0},
    "invscaling": SGD | {"learning_rate": "invscaling", "power_t": 0.3},
    "adaptive": SGD | {"learning_rate": "adaptive", "tol": 1e-2, "n_iter_no_change": 3},
    "batches": {"batch_size": 7, "max_iter": 20},
    "batches in order": {"batch_size": 7, "max_iter": 20, "shuffle": False},
    "batches that end by tol": SGD | {"batch_size": 7, "tol": 1e-2},
}


@pytest.mark.slow
@pytest.mark.parametrize("params", SETTINGS.values(), ids=SETTINGS)
def test_classifier(params):
    check_student(student_for(MLPClassifier(**SMALL | params), spec_of([3, 5, 9], 4)))


@pytest.mark.slow
@pytest.mark.parametrize("params", SETTINGS.values(), ids=SETTINGS)
def test_regressor(params):
    check_student(
        student_for(MLPRegressor(**SMALL | params), DataSpec(4, None, 2, True))
    )


@pytest.mark.slow
@pytest.mark.parametrize("params", [{}, SGD], ids=["adam", "sgd"])
def test_two_classes_and_one_target(params):
    check_student(student_for(MLPClassifier(**SMALL | params), spec_of([0, 1], 4)))
    check_student(
        student_for(MLPRegressor(**SMALL | params), DataSpec(4, None, 1, False))
    )


REFUSED = {
    "lbfgs": {"solver": "lbfgs"},
    "early_stopping=True": {"early_stopping": True},
    "warm_start=True": {"warm_start": True},
}


@pytest.mark.parametrize("params", REFUSED.values(), ids=REFUSED)
def test_refuses_what_is_not_mirrored(params, request):
    with pytest.raises(NotMirrored, match=next(iter(params))):
        student_for(MLPClassifier(**params), spec_of([0, 1]))


def test_refuses_another_loss():
    with pytest.raises(NotMirrored, match="poisson"):
        student_for(MLPRegressor(loss="poisson"), DataSpec(4, None, 1, False))
