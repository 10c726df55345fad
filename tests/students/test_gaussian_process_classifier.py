"""Gaussian processes of classes against scikit-learn, and derivatives of refits."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit
from sklearn.base import clone
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process.kernels import RBF, Matern, PairwiseKernel, WhiteKernel
from sklearn.metrics import log_loss

from skdistill import DatasetDistiller
from skdistill._jax_scope import double_precision
from skdistill.evaluation._baselines import reduced_set
from skdistill.solvers._bilevel import BilevelLoss
from skdistill.students import check_student, student_for
from skdistill.synthetic._set import SyntheticSet
from tests.conftest import make_table, outer_loss, spec_of

# A few iterations suffice to see what is asked here.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

KERNELS = {
    "default": None,
    "RBF": 5.0 * RBF(1.5),
    "anisotropic, white": 2.0 * Matern([1.0, 1.0, 2.0, 3.0], nu=1.5) + WhiteKernel(0.1),
}


def classifier(kernel, **params):
    return GaussianProcessClassifier(kernel, optimizer=None, **params)


@pytest.mark.slow
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
def test_student(kernel, n_classes):
    check_student(student_for(classifier(kernel), spec_of(np.arange(n_classes), 4)))


@pytest.fixture(scope="module", params=[2, 3])
def problem(request):
    k = request.param
    X, y = make_table(k, p=4, seed=3)
    estimator = classifier(3.0 * RBF(1.5) + WhiteKernel(0.2))
    student = student_for(estimator, spec_of(np.arange(k), 4))
    rows = np.concatenate([np.flatnonzero(y == c)[:4] for c in range(k)])
    synthetic = SyntheticSet(
        X[rows], student.encode(y[rows]), np.ones(len(rows)), student.hyperparameters
    )
    objective = outer_loss(X, y, np.ones(len(X)), student)
    found = BilevelLoss(student, objective).value_and_grad(synthetic)

    def loss_at(synthetic):
        model = clone(estimator).set_params(**synthetic.hyperparameters)
        return log_loss(y, model.fit(synthetic.X, y[rows]).predict_proba(X))

    return synthetic, *found, loss_at


def test_hypergradient_matches_refits(problem, rng):
    """scikit-learn's mode is good to about eight digits."""
    synthetic, loss, hypergrad, loss_at = problem
    assert_allclose(loss, loss_at(synthetic), rtol=1e-6)
    direction = rng.standard_normal(synthetic.X.shape)
    plus, minus = (
        loss_at(synthetic._replace(X=synthetic.X + step * direction))
        for step in (1e-4, -1e-4)
    )
    slope = np.vdot(hypergrad.X, direction)
    assert_allclose(slope, (plus - minus) / 2e-4, rtol=1e-5)
    assert_allclose(hypergrad.y, 0)


def test_hypergradient_of_kernel_parameters_matches_refits(problem):
    synthetic, _, hypergrad, loss_at = problem
    assert list(synthetic.hyperparameters) == [
        "kernel__k1__k1__constant_value",
        "kernel__k1__k2__length_scale",
        "kernel__k2__noise_level",
    ]
    for name, value in synthetic.hyperparameters.items():
        plus, minus = (
            loss_at(
                synthetic._replace(
                    hyperparameters={**synthetic.hyperparameters, name: value + step}
                )
            )
            for step in (1e-4, -1e-4)
        )
        slope = hypergrad.hyperparameters[name]
        assert_allclose(slope, (plus - minus) / 2e-4, rtol=1e-5)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("constant", [1e-3, 1.0, 1e3, 1e6])
def test_probabilities_of_every_size(constant, n_classes):
    """From latent functions near zero to probabilities of zero and one."""
    X, y = make_table(n_classes, p=4)
    model = classifier(constant * RBF(1.0)).fit(X[:20], y[:20])
    student = student_for(model, spec_of(np.arange(n_classes), 4))
    synthetic = SyntheticSet(
        X[:20], student.encode(y[:20]), np.ones(20), student.hyperparameters
    )
    for params in (student.solve(synthetic), student.params_of(model, synthetic)):
        with double_precision():
            raw = np.asarray(student.raw_prediction(params, X))
        probabilities = expit(raw) if n_classes == 2 else np.exp(raw)
        if n_classes > 2:
            probabilities /= probabilities.sum(axis=1, keepdims=True)
        expected = model.predict_proba(X)[:, -probabilities.shape[1] :]
        assert_allclose(probabilities, expected, atol=1e-6)


def test_equal_rows_of_two_classes():
    """The covariance is singular, and what is solved is not."""
    X = np.repeat([[0.0, 0.0], [1.0, 1.0]], 2, axis=0)
    y = np.array([0, 1, 1, 1])
    model = classifier(2.0 * RBF(1.0)).fit(X, y)
    student = student_for(model, spec_of([0, 1], 2))
    synthetic = SyntheticSet(X, student.encode(y), np.ones(4), student.hyperparameters)
    loss = BilevelLoss(student, outer_loss(X, y, np.ones(4), student))
    value, hypergrad = loss.value_and_grad(synthetic)
    assert_allclose(value, log_loss(y, model.predict_proba(X)), rtol=1e-6)
    assert np.isfinite(hypergrad.X).all()


@pytest.mark.slow
@pytest.mark.parametrize("n_classes", [2, 3])
def test_refit_beats_kmeans(n_classes):
    X, y = make_table(n_classes, n=400, p=4, seed=1)
    half = slice(None, 200), slice(200, None)
    estimator = classifier(10.0 * RBF(2.0))
    distiller = DatasetDistiller(estimator, n_synthetic=6, random_state=0)
    distiller.fit(X[half[0]], y[half[0]])
    rows = reduced_set("kmeans", X[half[0]], y[half[0]], y[half[0]], 6, random_state=0)
    baseline = clone(estimator).fit(*rows[:2])
    losses = [
        log_loss(y[half[1]], model.predict_proba(X[half[1]]))
        for model in (distiller, baseline)
    ]
    assert losses[0] < losses[1] - 0.02
    assert_allclose(
        distiller.loss_, log_loss(y[half[0]], distiller.predict_proba(X[half[0]])), 1e-6
    )


@pytest.mark.parametrize(
    ("estimator", "named"),
    [
        (classifier(RBF(), multi_class="one_vs_one"), "multi_class='one_vs_one'"),
        (classifier(PairwiseKernel()), "PairwiseKernel"),
        (classifier(RBF([1.0, 2.0])), "Anisotropic kernel"),
        (GaussianProcessClassifier(RBF()), "optimizer='fmin_l_bfgs_b'"),
    ],
)
def test_settings_without_counterpart_are_refused_by_name(estimator, named):
    with pytest.raises(ValueError, match=named):
        student_for(estimator, spec_of(np.arange(3), 4))


def test_settings_without_effect_are_not_refused():
    """One against one of two classes is one machine; the default kernel is fixed."""
    student_for(classifier(RBF(), multi_class="one_vs_one"), spec_of([0, 1], 4))
    student = student_for(GaussianProcessClassifier(), spec_of([0, 1], 4))
    assert not student.hyperparameters
