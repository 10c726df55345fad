"""Networks: scikit-learn's own training step by step, and its derivatives."""

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdistill import DatasetDistiller
from skdistill.students import (
    NotMirrored,
    SyntheticSet,
    Task,
    check_student,
    student_for,
)
from skdistill.students.networks import _unrolled
from tests.conftest import spec_of

# Training that ends at max_iter is mirrored like any other.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Stochastic Optimizer:sklearn.exceptions.ConvergenceWarning",
    "ignore:The outer loss is .* on rows that were held back",
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
    check_student(student_for(MLPRegressor(**SMALL | params), Task(4, None, 2, True)))


@pytest.mark.slow
@pytest.mark.parametrize("params", [{}, SGD], ids=["adam", "sgd"])
def test_two_classes_and_one_target(params):
    check_student(student_for(MLPClassifier(**SMALL | params), spec_of([0, 1], 4)))
    check_student(student_for(MLPRegressor(**SMALL | params), Task(4, None, 1, False)))


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
        student_for(MLPRegressor(loss="poisson"), Task(4, None, 1, False))


def synthetic_of(student, n_rows, rng):
    """Return rows around one point for each class."""
    k = len(student.task.classes)
    y = np.arange(n_rows) % k
    X = rng.standard_normal((k, student.task.n_features))[y]
    X += 0.5 * rng.standard_normal(X.shape)
    return y, SyntheticSet(
        X, student.encode(y), np.ones(n_rows), dict(student.hyperparameters)
    )


def proba(student, params, X):
    with jax.enable_x64(True):
        raw = np.asarray(student.raw_prediction(params, X))
    return softmax(raw, axis=1)


@pytest.mark.slow
def test_probabilities_are_those_of_scikit_learn(rng):
    """The width, number of steps and activation are the defaults."""
    student = student_for(MLPClassifier(random_state=3), spec_of([0, 1, 2]))
    y, synthetic = synthetic_of(student, 30, rng)
    found = proba(student, student.solve(synthetic), synthetic.X + 0.3)
    model = clone(student.estimator).fit(synthetic.X, y)
    assert_allclose(found, model.predict_proba(synthetic.X + 0.3), atol=1e-5)


@pytest.mark.slow
def test_batches_are_shuffled_as_scikit_learn_does(rng):
    """Another order gives another result, so the agreement is meaningful."""
    params = {**SMALL, "batch_size": 8, "max_iter": 10, "learning_rate_init": 0.05}
    student = student_for(MLPClassifier(**params), spec_of([0, 1, 2]))
    y, synthetic = synthetic_of(student, 30, rng)
    found = proba(student, student.solve(synthetic), synthetic.X)
    model = clone(student.estimator).fit(synthetic.X, y)
    assert_allclose(found, model.predict_proba(synthetic.X), atol=1e-8)
    model = clone(student.estimator).set_params(shuffle=False).fit(synthetic.X, y)
    assert np.abs(found - model.predict_proba(synthetic.X)).max() > 1e-3


@pytest.mark.slow
def test_a_random_state_that_is_no_integer_stays_as_it_is(rng):
    """The estimator draws from a copy in each fit, and so does the student."""
    params = SMALL | {"random_state": np.random.RandomState(5), "max_iter": 5}
    student = student_for(MLPClassifier(**params), spec_of([0, 1, 2]))
    y, synthetic = synthetic_of(student, 12, rng)
    found = proba(student, student.solve(synthetic), synthetic.X)
    for _ in range(2):
        model = clone(student.estimator).fit(synthetic.X, y)
        assert_allclose(found, model.predict_proba(synthetic.X), atol=1e-8)


@pytest.mark.slow
def test_repeated_rows_weigh_twice(rng):
    student = student_for(MLPClassifier(**SMALL | {"max_iter": 20}), spec_of([0, 1, 2]))
    _, synthetic = synthetic_of(student, 12, rng)
    twice = synthetic._replace(sample_weight=np.r_[2.0, np.ones(11)])
    repeated = synthetic._replace(
        X=np.vstack([synthetic.X[:1], synthetic.X]),
        y=np.vstack([synthetic.y[:1], synthetic.y]),
        sample_weight=np.ones(13),
    )
    for one, other in zip(
        jax.tree.leaves(student.solve(twice)),
        jax.tree.leaves(student.solve(repeated)),
        strict=True,
    ):
        assert_allclose(one, other, atol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("keeps", ["all", "some"])
def test_states_that_are_not_kept_are_computed_again(rng, monkeypatch, keeps):
    """The gradient is the same regardless of how many states are stored."""
    if keeps == "some":
        monkeypatch.setattr(_unrolled, "MAX_KEPT", 1)
    student = student_for(MLPClassifier(**SMALL | {"max_iter": 23}), spec_of([0, 1, 2]))
    _, synthetic = synthetic_of(student, 12, rng)
    params = student.solve(synthetic)
    cotangent = jax.tree.map(np.ones_like, params)
    grad = student.implicit_vjp(params, cotangent, synthetic).X
    direction = rng.standard_normal(grad.shape)

    def total(step):
        moved = student.solve(synthetic._replace(X=synthetic.X + step * direction))
        return sum(each.sum() for each in jax.tree.leaves(moved))

    slope = (total(1e-5) - total(-1e-5)) / 2e-5
    assert_allclose(np.vdot(grad, direction), slope, rtol=1e-6)


@pytest.mark.slow
def test_other_numbers_compile_nothing(rng, count_compilations):
    def train(**params):
        student = student_for(MLPClassifier(**SMALL | params), spec_of([0, 1, 2]))
        _, synthetic = synthetic_of(student, 12, rng)
        params = student.solve(synthetic)
        student.implicit_vjp(params, params, synthetic)

    train(max_iter=100)
    with count_compilations() as compiled:
        train(
            alpha=0.1,
            learning_rate_init=0.01,
            beta_1=0.8,
            tol=1e-3,
            n_iter_no_change=3,
            max_iter=120,
            random_state=7,
        )
    assert compiled.count == 0


@pytest.mark.slow
def test_each_outer_step_has_a_start_of_its_own(rng):
    params = SMALL | {"random_state": None}
    student = student_for(MLPClassifier(**params), spec_of([0, 1, 2]))
    _, synthetic = synthetic_of(student, 12, rng)
    random_state = np.random.RandomState(0)
    one, other = (student.redrawn(random_state) for _ in range(2))
    coefs = [each.solve(synthetic).coefs[0] for each in (one, one, other)]
    assert_array_equal(coefs[0], coefs[1])
    assert np.abs(coefs[0] - coefs[2]).max() > 0.1
    # Sets are judged from starts that stay the same, or they could not be compared.
    judged = [student.solve(synthetic).coefs[0] for _ in range(2)]
    assert_array_equal(*judged)


@pytest.mark.slow
def test_single_precision_is_near_enough(rng):
    """Trainings from starts that are used once run in single precision."""
    student = student_for(MLPClassifier(max_iter=100), spec_of([0, 1, 2]))
    y, synthetic = synthetic_of(student, 30, rng)
    drawn = student.redrawn(np.random.RandomState(0))
    found = proba(drawn, drawn.solve(synthetic), synthetic.X)
    model = MLPClassifier(max_iter=100, random_state=drawn.seeds[0])
    model.fit(synthetic.X, y)
    assert_allclose(found, model.predict_proba(synthetic.X), atol=1e-3)


FEW = {"hidden_layer_sizes": (20,), "learning_rate_init": 0.02, "max_iter": 40}


@pytest.mark.slow
def test_rows_hold_for_starts_that_were_not_seen():
    X, X_test, y, y_test = digits()
    distiller = DatasetDistiller(
        MLPClassifier(**FEW), n_synthetic=20, max_iter=60, random_state=0
    ).fit(X, y)
    assert distiller.solver_ == "adam"
    assert distiller.refit_losses_.shape == (10,)
    assert_allclose(distiller.loss_, distiller.refit_losses_.mean())
    assert np.ptp(distiller.refit_losses_) > 0
    centers = reduced_rows(X, y, 2)
    learned, clustered = (
        np.mean(
            [
                MLPClassifier(**FEW, random_state=seed).fit(*rows).score(X_test, y_test)
                for seed in range(5)
            ]
        )
        for rows in ((distiller.X_synthetic_, distiller.y_synthetic_), centers)
    )
    assert learned > clustered + 0.03
    again = DatasetDistiller(
        MLPClassifier(**FEW), n_synthetic=20, max_iter=2, random_state=0
    )
    losses = [again.fit(X, y).refit_losses_ for _ in range(2)]
    assert_array_equal(*losses)


@pytest.mark.slow
def test_a_given_start_is_the_one_that_counts():
    """``loss_`` is that of a refit, which starts as the student did."""
    X, _, y, _ = digits()
    estimator = MLPClassifier(**FEW, random_state=0)
    distiller = DatasetDistiller(
        estimator, n_synthetic=20, max_iter=15, early_stopping=False, random_state=0
    ).fit(X, y)
    assert distiller.solver_ == "adam"
    assert_array_equal(distiller.refit_losses_, [distiller.loss_])
    assert_allclose(distiller.loss_, distiller.loss_curve_.min(), rtol=1e-5)
    expected = log_loss(y, distiller.estimator_.predict_proba(X))
    assert_allclose(distiller.loss_, expected, rtol=1e-6)


@pytest.mark.slow
def test_behind_a_scaler_and_beside_another():
    X, _, y, _ = digits()
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(**FEW))
    joint = VotingClassifier(
        [("network", MLPClassifier(**FEW)), ("linear", LogisticRegression())]
    )
    for estimator in (pipeline, joint):
        distiller = DatasetDistiller(
            estimator, n_synthetic=20, max_iter=3, random_state=0
        ).fit(X, y)
        assert distiller.refit_losses_.shape == (10,)
        assert distiller.solver_ == "adam"


def digits():
    X, y = load_digits(return_X_y=True)
    return train_test_split(X / 16, y, test_size=0.3, random_state=0, stratify=y)


def reduced_rows(X, y, n_each):
    """Return the centers of k-means in each class."""
    centers = [
        KMeans(n_each, random_state=0, n_init=1).fit(X[y == label]).cluster_centers_
        for label in range(10)
    ]
    return np.vstack(centers), np.repeat(np.arange(10), n_each)
