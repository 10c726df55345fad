"""Several students at once: refits and hypergradients of every member."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier

from skdistill import DatasetDistiller
from skdistill.students import NotMirrored, student_for
from skdistill.synthetic._set import SyntheticSet, Task
from tests.conftest import make_table, outer_loss, spec_of, strict_logistic

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:The outer loss is .* on rows that were held back",
)


OF_NUMBERS = Task(6, None, 1, False)


@pytest.fixture(scope="module")
def table():
    return make_table(3, seed=0)


@pytest.fixture(scope="module")
def numbers(table):
    X, y = table
    return X, np.sin(X[:, 0]) + y


def classifiers(weights=None):
    members = [
        ("lr", strict_logistic(C=2.0)),
        ("ridge", RidgeClassifier(alpha=0.5)),
        ("nb", GaussianNB(var_smoothing=0.1)),
    ]
    return VotingClassifier(members, weights=weights)


def regressors():
    return VotingRegressor(
        [("ridge", Ridge(alpha=0.5)), ("rbf", KernelRidge(kernel="rbf", gamma=0.1))]
    )


def set_of(student, X, y, m=9):
    rows = np.linspace(0, len(X) - 1, m).astype(int)
    rows = np.concatenate([rows, [int(np.argmax(y == c)) for c in np.unique(y)][:3]])
    return rows, SyntheticSet(
        X[rows],
        student.encode(y[rows]),
        np.ones(len(rows)),
        {**student.hyperparameters, **student.smoothing_params},
    )


def test_members_are_trained_as_scikit_learn_fits_them(table):
    X, y = table
    voting = classifiers()
    student = student_for(voting, spec_of(np.unique(y)))
    rows, synthetic = set_of(student, X, y)
    params = student.solve(synthetic)
    fitted = voting.fit(X[rows], y[rows])
    expected = student.params_of(fitted, synthetic)
    for ours, theirs in zip(params, expected, strict=True):
        for part, other in zip(ours, theirs, strict=True):
            assert_allclose(part, other, atol=1e-6)


def mean_loss(voting, X, y, X_synthetic, y_synthetic, weights):
    """Return the weighted mean of the losses, each relative to that of chance."""
    k = len(np.unique(y))
    lr, ridge, nb = (
        model.fit(X_synthetic, y_synthetic) for _, model in voting.estimators
    )
    signs = 2 * np.eye(k)[y] - 1
    losses = [
        log_loss(y, lr.predict_proba(X)) / np.log(k),
        np.mean((ridge.decision_function(X) - signs) ** 2),
        log_loss(y, nb.predict_proba(X)) / np.log(k),
    ]
    return np.average(losses, weights=weights)


@pytest.mark.parametrize("weights", [None, [1.0, 3.0, 0.5]])
def test_the_loss_is_the_mean_of_those_of_the_members(table, weights):
    X, y = table
    voting = classifiers(weights)
    student = student_for(voting, spec_of(np.unique(y)))
    rows, synthetic = set_of(student, X, y)
    loss = outer_loss(X, y, np.ones(len(y)), student).value(student.solve(synthetic))
    expected = mean_loss(voting, X, y, X[rows], y[rows], weights)
    assert_allclose(loss, expected, rtol=1e-6)


def test_hypergradients_match_refits(table):
    X, y = table
    voting = classifiers([1.0, 2.0, 3.0])
    student = student_for(voting, spec_of(np.unique(y)))
    rows, synthetic = set_of(student, X, y)
    params = student.solve(synthetic)
    _, params_grad = outer_loss(X, y, np.ones(len(y)), student).value_and_grad(params)
    grad = student.implicit_vjp(params, params_grad, synthetic)
    direction = np.random.default_rng(0).standard_normal(synthetic.X.shape)

    def loss(step):
        moved = synthetic.X + step * direction
        return mean_loss(voting, X, y, moved, y[rows], [1.0, 2.0, 3.0])

    expected = (loss(1e-4) - loss(-1e-4)) / 2e-4
    assert_allclose(np.vdot(grad.X, direction), expected, rtol=1e-5)


def test_hypergradients_of_numbers_and_parameters(numbers):
    X, y = numbers
    student = student_for(regressors(), OF_NUMBERS)
    rows = np.arange(0, len(X), 12)
    synthetic = SyntheticSet(
        X[rows], y[rows], np.ones(len(rows)), dict(student.hyperparameters)
    )
    assert set(student.hyperparameters) == {"ridge__alpha", "rbf__alpha", "rbf__gamma"}
    objective = outer_loss(X, y, np.ones(len(y)), student)
    params = student.solve(synthetic)
    grad = student.implicit_vjp(params, objective.value_and_grad(params)[1], synthetic)
    direction = np.random.default_rng(0).standard_normal(len(rows))

    def loss(step=0.0, **changed):
        ridge, rbf = Ridge(alpha=0.5), KernelRidge(kernel="rbf", gamma=0.1)
        ridge.set_params(alpha=changed.get("ridge__alpha", 0.5))
        rbf.set_params(gamma=changed.get("rbf__gamma", 0.1))
        targets = y[rows] + step * direction
        return np.mean(
            [
                mean_squared_error(y, model.fit(X[rows], targets).predict(X))
                for model in (ridge, rbf)
            ]
        )

    expected = (loss(1e-5) - loss(-1e-5)) / 2e-5
    assert_allclose(np.vdot(grad.y, direction), expected, rtol=1e-6)
    for name, value in (("ridge__alpha", 0.5), ("rbf__gamma", 0.1)):
        step = 1e-5 * value
        high, low = (loss(**{name: value + sign * step}) for sign in (1, -1))
        expected = (high - low) / (2 * step)
        assert_allclose(grad.hyperparameters[name], expected, rtol=1e-5)


def test_members_that_are_dropped_take_no_part(table):
    X, y = table
    voting = classifiers([1.0, 2.0, 3.0]).set_params(ridge="drop")
    student = student_for(voting, spec_of(np.unique(y)))
    assert student.names == ("lr", "nb")
    log_k = np.log(3)
    assert_allclose(student.weights, [0.25 / log_k, 0.75 / log_k])


@pytest.mark.parametrize(
    ("voting", "message"),
    [
        (
            VotingClassifier([("lr", LogisticRegression(class_weight="balanced"))]),
            r"class weights: \['lr'\]",
        ),
        (VotingRegressor([("r", Ridge()), ("s", SVR())]), "different units"),
        (
            VotingClassifier([("t", DecisionTreeClassifier())]),
            "no student for Decision",
        ),
    ],
)
def test_what_is_not_mirrored(voting, message):
    is_class = isinstance(voting, VotingClassifier)
    with pytest.raises(NotMirrored, match=message):
        student_for(voting, spec_of([0, 1]) if is_class else OF_NUMBERS)


@pytest.mark.slow
def test_a_set_for_all_members(table):
    """Every member scores better on it than on as many real rows."""
    X, y = table
    members = [
        ("lr", LogisticRegression(C=10)),
        ("knn", KNeighborsClassifier(1)),
        ("svc", SVC(gamma=0.1)),
    ]
    distiller = DatasetDistiller(
        VotingClassifier(members), n_synthetic=6, random_state=0, max_iter=30
    ).fit(X, y)
    assert distiller.solver_ == "lbfgs"
    assert len(distiller.estimator_.estimators_) == 3
    rows = np.concatenate([np.flatnonzero(y == c)[:2] for c in np.unique(y)])
    for name, model in members:
        learned = model.fit(*distiller.transform(X)).score(X, y)
        assert learned > model.fit(X[rows], y[rows]).score(X, y), name


@pytest.mark.slow
def test_learned_parameters_reach_the_members(numbers):
    distiller = DatasetDistiller(
        regressors(), n_synthetic=6, learn_params=("rbf__gamma",), max_iter=10
    ).fit(*numbers)
    assert distiller.estimator_.named_estimators_["rbf"].gamma != 0.1
    assert distiller.estimator_.get_params()["ridge__alpha"] == 0.5
