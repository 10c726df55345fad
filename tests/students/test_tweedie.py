"""Generalized linear models against scikit-learn: solutions, derivatives, domains."""

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.ensemble import VotingRegressor
from sklearn.linear_model import (
    GammaRegressor,
    HuberRegressor,
    Lasso,
    PoissonRegressor,
    Ridge,
    TweedieRegressor,
)
from sklearn.metrics import mean_tweedie_deviance
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdistill import DatasetDistiller
from skdistill.objectives._deviances import half_deviance
from skdistill.students import (
    NotMirrored,
    StationaryStudent,
    Task,
    check_student,
    student_for,
)
from skdistill.students._params import LinearParams
from skdistill.synthetic._set import SyntheticSet

STRICT = {"solver": "newton-cholesky", "tol": 1e-12, "max_iter": 1000}
OUTPUT = Task(4, None, 1, False)


def poisson(**params):
    return PoissonRegressor(**STRICT, **params)


def gamma(**params):
    return GammaRegressor(**STRICT, **params)


def tweedie(power, **params):
    return TweedieRegressor(power=power, **STRICT, **params)


ESTIMATORS = {
    "poisson": poisson(),
    "poisson without intercept": poisson(alpha=0.01, fit_intercept=False),
    "gamma": gamma(alpha=0.1),
    "power 0": tweedie(0, alpha=0.3),
    "power 1": tweedie(1, alpha=0.3),
    "power 1.5": tweedie(1.5, alpha=0.3),
    "power 1.9": tweedie(1.9, fit_intercept=False),
    "power 2, its link": tweedie(2, link="log"),
    "power 3": tweedie(3, alpha=0.1),
}


@pytest.fixture(scope="module")
def table():
    """Return counts and positive numbers that depend on eight features."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1500, 8))
    mean = np.exp(X @ rng.normal(0, 0.3, 8) + 0.5)
    return X, {"counts": rng.poisson(mean), "amounts": rng.gamma(2, mean / 2)}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_student(name):
    check_student(student_for(ESTIMATORS[name], OUTPUT))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["poisson", "gamma", "power 1.5"])
def test_more_features_than_rows(name):
    check_student(student_for(ESTIMATORS[name], Task(40, None, 1, False)))


@pytest.mark.parametrize("power", [1, 1.3, 2, 3])
def test_outer_loss_is_half_the_deviance(power, rng):
    loss = half_deviance(float(power))
    raw, y = rng.standard_normal((20, 1)), rng.gamma(2, size=20)
    with jax.enable_x64(True):
        losses = np.asarray(loss.traced(raw, y))
    mean = np.exp(raw[:, 0])
    expected = [
        mean_tweedie_deviance(y[[i]], mean[[i]], power=power) / 2 for i in range(20)
    ]
    assert_allclose(losses, expected, rtol=1e-10, atol=1e-14)
    # In NumPy, up to what depends on y alone.
    other = rng.standard_normal((20, 1))
    with jax.enable_x64(True):
        others = np.asarray(loss.traced(other, y))
    gain = loss.value(raw, y) - loss.value(other, y)
    assert_allclose(gain, losses - others, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("power", [1, 1.5, 2, 3])
def test_rows_that_fill_a_chunk_up_do_not_count(power):
    """They have targets of zero and no weight."""
    loss = half_deviance(float(power))
    with jax.enable_x64(True):
        losses = np.asarray(loss.traced(np.zeros((1, 1)), np.zeros(1)))
    assert np.isfinite(losses).all()


@pytest.mark.parametrize("power", [1, 1.5, 2, 3])
def test_pull_limit(power, rng):
    """The limit is the maximum of raw prediction times pull, on a fine grid."""
    loss = half_deviance(float(power))
    y = np.append(rng.gamma(2, size=8), [1e-3, 1.0, 30.0])
    if power < 2:
        y = np.append(y, 0.0)
    coarse, fine = np.linspace(-12, 8, 20_001), np.linspace(-0.2, 0.2, 200_001)
    grid = np.concatenate([coarse, fine, fine / 100])[:, None]
    for target, limit in zip(y, loss.pull_limit(y), strict=True):
        targets = np.full(len(grid), target)
        largest = np.max(-grid * loss.gradient(grid, targets))
        assert_allclose(limit, largest, rtol=1e-4, atol=1e-12)


@pytest.mark.parametrize("power", [1, 1.5, 2])
def test_limit_with_a_free_intercept(power, rng):
    """It is the minimum over all constants that may be subtracted from the scores."""
    loss = half_deviance(float(power))
    y, weight = rng.gamma(2, 5, size=6), rng.uniform(0.5, 2, 6)
    grid = np.linspace(-12, 12, 40_001)[:, None]

    def limit(constant):
        pulls = [
            -(grid - constant) * loss.gradient(grid, np.full(len(grid), t)) for t in y
        ]
        return weight @ [np.max(each) for each in pulls]

    expected = min(limit(constant) for constant in np.linspace(0, 4, 401))
    assert_allclose(loss.centered_limit(y, weight), expected, rtol=1e-4)


@pytest.mark.parametrize("name", ["poisson", "gamma", "power 1.5"])
def test_no_rows_exceed_the_limit(name, rng):
    from skdistill.solvers.exact._span import norm_limit

    student = student_for(ESTIMATORS[name], Task(1, None, 1, False))
    y = np.array([0.5, 4.0])
    norms = []
    for size in np.geomspace(0.05, 20, 200):
        synthetic = SyntheticSet(
            size * np.array([[-1.0], [1.0]]), y, np.ones(2), student.hyperparameters
        )
        norms.append(np.sum(student.solve(synthetic).coef ** 2))
    limit = student.strength_on(synthetic) * norm_limit(student, synthetic)
    assert max(norms) <= limit * (1 + 1e-9)
    assert max(norms) > 0.99 * limit


def test_weights_count_relative_to_each_other(rng):
    student = student_for(poisson(alpha=0.3), OUTPUT)
    X, y = rng.standard_normal((8, 4)), rng.poisson(2, 8).astype(float)
    weight = rng.uniform(0.5, 2, 8)
    coefs = [
        student.solve(SyntheticSet(X, y, unit * weight, {"alpha": 0.3})).coef
        for unit in (1.0, 1e3)
    ]
    assert_allclose(coefs[1], coefs[0], rtol=1e-9)


@pytest.mark.slow
def test_closed_form_agrees_with_the_implicit_function_theorem(rng):
    student = student_for(tweedie(1.5, alpha=0.2), OUTPUT)
    synthetic = SyntheticSet(
        rng.standard_normal((9, 4)),
        rng.gamma(2, size=9),
        rng.uniform(0.5, 2, 9),
        {"alpha": 0.2},
    )
    params = student.solve(synthetic)
    cotangent = LinearParams(rng.standard_normal((1, 4)), np.ones(1))
    closed = student.implicit_vjp(params, cotangent, synthetic)
    general = StationaryStudent.implicit_vjp(student, params, cotangent, synthetic)
    for field in ("X", "y", "sample_weight"):
        expected = getattr(general, field)
        assert_allclose(getattr(closed, field), expected, rtol=1e-7, atol=1e-10)
    assert_allclose(
        closed.hyperparameters["alpha"], general.hyperparameters["alpha"], rtol=1e-7
    )


@pytest.mark.parametrize(
    ("estimator", "target"),
    [
        (poisson(alpha=0.01), "counts"),
        (poisson(alpha=0.01, fit_intercept=False), "counts"),
        (gamma(alpha=0.01), "amounts"),
        (tweedie(1.5, alpha=0.01), "amounts"),
        (tweedie(0, alpha=0.01), "amounts"),
        (make_pipeline(StandardScaler(), poisson(alpha=0.01)), "counts"),
    ],
    ids=str,
)
@pytest.mark.parametrize("learn_labels", ["auto", False])
def test_exact_rows(estimator, target, learn_labels, table):
    """A fit on them predicts new rows as scikit-learn's fit on all rows does."""
    X, y = table[0], table[1][target]
    distiller = DatasetDistiller(
        estimator, n_synthetic=12, learn_labels=learn_labels, random_state=0
    ).fit(X[:1000], y[:1000])
    full = clone(estimator).fit(X[:1000], y[:1000])
    assert distiller.solver_ == "exact"
    predicted, expected = distiller.predict(X[1000:]), full.predict(X[1000:])
    assert_allclose(predicted, expected, rtol=1e-6)
    expected = full.score(X[1000:], y[1000:])
    assert_allclose(distiller.score(X[1000:], y[1000:]), expected, atol=1e-7)
    assert (distiller.y_synthetic_ >= 0).all()


@pytest.mark.parametrize("n_synthetic", [5, 20])
def test_a_model_within_the_limit_is_found(n_synthetic):
    """The fit starts from the limit, where the fit on a sample has ended nearby."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((3000, 8))
    y = rng.poisson(np.exp(X @ rng.normal(0, 0.3, 8) + 0.5))
    distiller = DatasetDistiller(
        poisson(alpha=1.0),
        n_synthetic=n_synthetic,
        learn_labels=False,
        solver="exact",
        random_state=0,
    ).fit(X[:2250], y[:2250])
    full = poisson(alpha=1.0).fit(X[:2250], y[:2250])
    expected = full.score(X[2250:], y[2250:])
    assert_allclose(distiller.score(X[2250:], y[2250:]), expected, atol=1e-7)


def test_large_counts_take_no_more_steps():
    """Newton's method counts in units of the loss, which are large for large counts."""
    X, y = load_diabetes(return_X_y=True)
    estimator = poisson(alpha=1e-3)
    distiller = DatasetDistiller(
        estimator, n_synthetic=2, max_iter=10, solver="exact", random_state=0
    ).fit(X, y)  # a fit that takes more steps warns
    full = clone(estimator).fit(X, y)
    atol = 1e-9 * np.abs(full.coef_).max()
    assert_allclose(distiller.estimator_.coef_, full.coef_, atol=atol)


def test_out_of_reach_the_norm_is_the_limit(table):
    """Two rows with given targets and a strong penalty reach the bound."""
    from skdistill.solvers.exact._span import norm_limit

    X, y = table[0], table[1]["counts"]
    estimator = poisson(alpha=1.0)
    distiller = DatasetDistiller(
        estimator, n_synthetic=2, learn_labels=False, random_state=0
    ).fit(X, y)
    student = student_for(estimator, Task(8, None, 1, False))
    synthetic = SyntheticSet(
        distiller.X_synthetic_,
        distiller.y_synthetic_.astype(float),
        np.ones(2),
        student.hyperparameters,
    )
    limit = student.strength_on(synthetic) * norm_limit(student, synthetic)
    assert distiller.solver_ == "lbfgs"
    assert_allclose(np.sum(distiller.estimator_.coef_**2), limit, rtol=1e-4)
    with pytest.raises(ValueError, match="It takes alpha <="):
        DatasetDistiller(
            estimator, n_synthetic=2, learn_labels=False, solver="exact"
        ).fit(X, y)


@pytest.mark.parametrize(
    ("estimator", "target", "solver"),
    [(poisson(alpha=0.01), "counts", "lbfgs"), (gamma(alpha=0.01), "amounts", "lbfgs")],
    ids=["poisson", "gamma"],
)
def test_learned_targets_stay_in_the_domain(estimator, target, solver, table):
    X, y = table[0][:1000], table[1][target][:1000]
    X0 = X[:5]
    distiller = DatasetDistiller(
        estimator, init=(X0, y[:5] + 0.1), solver=solver, max_iter=60, tol=1e-3
    ).fit(X, y)
    full = clone(estimator).fit(X, y)
    assert (distiller.y_synthetic_ >= 0).all()
    X_new, y_new = table[0][1000:], table[1][target][1000:]
    assert distiller.score(X_new, y_new) > full.score(X_new, y_new) - 0.01


def test_bounds_of_learned_targets():
    low = np.array([0.5])
    assert student_for(poisson(), OUTPUT).least_target(low) == 0
    assert 0 < student_for(gamma(), OUTPUT).least_target(low) < 0.5
    assert student_for(tweedie(0), OUTPUT).least_target(low) == -np.inf


def test_learned_alpha(table):
    """The learned value makes the model of all rows reachable."""
    X, y = table[0], table[1]["counts"]
    distiller = DatasetDistiller(
        poisson(alpha=10.0),
        n_synthetic=2,
        learn_labels=False,
        learn_params=("alpha",),
        random_state=0,
    ).fit(X, y)
    fixed = DatasetDistiller(
        poisson(alpha=10.0), n_synthetic=2, learn_labels=False, random_state=0
    ).fit(X, y)
    full = poisson(alpha=10.0).fit(X, y)
    assert fixed.solver_ == "lbfgs"
    assert distiller.estimator_.alpha < 10
    assert_allclose(distiller.predict(X), full.predict(X), rtol=1e-6)


@pytest.mark.parametrize(
    ("estimator", "y", "message"),
    [
        (PoissonRegressor(), [-1.0, 2.0, 3.0], "zero or positive, but y has -1"),
        (GammaRegressor(), [0.0, 2.0, 3.0], "positive, but y has 0"),
        (TweedieRegressor(power=3), [0.0, 2.0, 3.0], "positive, but y has 0"),
        (PoissonRegressor(), [0.0, 0.0, 0.0], "no finite solution"),
        (
            make_pipeline(StandardScaler(), PoissonRegressor()),
            [-1.0, 2.0, 3.0],
            "zero or positive",
        ),
    ],
    ids=str,
)
def test_targets_out_of_the_domain_are_refused(estimator, y, message):
    X = np.arange(6.0).reshape(3, 2)
    with pytest.raises(ValueError, match=message):
        DatasetDistiller(estimator, n_synthetic=2).fit(X, y)


def test_start_and_range_out_of_the_domain_are_refused(table):
    X, y = table[0], table[1]["counts"]
    with pytest.raises(ValueError, match="the starting set has -2"):
        DatasetDistiller(PoissonRegressor(), init=(X[:2], [-2.0, 1.0])).fit(X, y)
    with pytest.raises(ValueError, match="target_range=.* contains no target"):
        DatasetDistiller(PoissonRegressor(), target_range=(-3, -2)).fit(X, y)


def test_members_of_an_ensemble():
    task = Task(4, None, 1, False)
    both = VotingRegressor([("a", poisson()), ("b", poisson(alpha=0.1))])
    assert student_for(both, task).least_target(np.ones(1)) == 0
    with pytest.raises(ValueError, match="but y has -1"):
        student_for(both, task).check_targets(np.array([-1.0, 1.0]), "y")
    other = VotingRegressor([("a", poisson()), ("b", Ridge())])
    with pytest.raises(NotMirrored, match="different units"):
        student_for(other, task)


@pytest.mark.parametrize(
    ("estimator", "named"),
    [
        (PoissonRegressor(alpha=0), "alpha=0"),
        (TweedieRegressor(power=-1), "power=-1"),
        (TweedieRegressor(power=0.5), "power=0.5"),
        (TweedieRegressor(power=0, link="log"), "link='log' and power=0"),
        (TweedieRegressor(power=1.5, link="identity"), "link='identity' and power=1.5"),
    ],
    ids=str,
)
def test_settings_without_counterpart_are_refused_by_name(estimator, named):
    with pytest.raises(NotMirrored, match=f"{named}.*Supported"):
        student_for(estimator, OUTPUT)


def test_settings_without_counterpart_are_searched_for(table):
    X, y = table[0][:60], table[1]["counts"][:60]
    distiller = DatasetDistiller(
        PoissonRegressor(alpha=0),
        n_synthetic=20,
        max_iter=2,
        early_stopping=False,
        random_state=0,
    )
    with pytest.warns(UserWarning, match="alpha=0"):
        distiller.fit(X, y)
    assert distiller.solver_ == "search"


def test_several_outputs_are_refused():
    with pytest.raises(ValueError, match="PoissonRegressor takes one output"):
        student_for(poisson(), Task(4, None, 2, True))


@pytest.mark.parametrize(
    "estimator",
    [poisson(), HuberRegressor(max_iter=1000), Lasso(tol=1e-8)],
    ids=lambda each: type(each).__name__,
)
def test_another_fit_compiles_nothing(estimator, table, count_compilations):
    """The rows, the penalty and the number of rows may differ."""
    X, y = table[0], table[1]["counts"]

    def fit(alpha, n_synthetic, rows):
        DatasetDistiller(
            clone(estimator).set_params(alpha=alpha),
            n_synthetic=n_synthetic,
            random_state=0,
        ).fit(X[rows], y[rows])

    fit(0.1, 16, slice(0, 700))
    with count_compilations() as counter:
        fit(0.02, 15, slice(700, 1400))
    assert counter.count == 0
