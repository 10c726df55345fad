"""What is compiled: one set of programs for each student, features and classes.

Other rows, weights, numbers of synthetic rows up to the next size, and other
values of what is a number compile nothing. Integers that size a program, such as
``degree`` or ``n_neighbors``, may.
"""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import jax
import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.special import expit
from sklearn.base import clone, is_classifier
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.gaussian_process import (
    GaussianProcessClassifier,
    GaussianProcessRegressor,
)
from sklearn.gaussian_process.kernels import (
    RBF,
    Matern,
    RationalQuadratic,
    WhiteKernel,
)
from sklearn.impute import SimpleImputer
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import (
    HuberRegressor,
    LinearRegression,
    LogisticRegression,
    MultiTaskElasticNet,
    MultiTaskLasso,
    Ridge,
    RidgeClassifier,
)
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsRegressor,
    NearestCentroid,
)
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    PolynomialFeatures,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
)
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR

from skdistill import DatasetDistiller, DistilledClassifier
from skdistill._programs import Program, join, split
from skdistill.students import _STUDENTS
from skdistill.students._padded import padded_size
from tests.conftest import make_table

SCALED_EPS = "squared_epsilon_insensitive"
#: Estimators, and other values for them. Those that take more than a second are slow.
QUICK = (
    (LogisticRegression(), {"C": 3.0, "tol": 1e-3, "intercept_scaling": 2.0}),
    (LinearSVC(), {"C": 3.0, "intercept_scaling": 2.0}),
    (LinearSVR(loss=SCALED_EPS), {"C": 3.0, "epsilon": 0.1}),
    (LinearRegression(), {}),
    (Ridge(), {"alpha": 3.0}),
    (RidgeClassifier(), {"alpha": 3.0}),
    (
        LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1),
        {"shrinkage": 0.3, "tol": 1e-3},
    ),
)
VOTERS = [("a", LogisticRegression()), ("b", GaussianNB(var_smoothing=1e-2))]
SLOW = (
    (GaussianNB(), {"var_smoothing": 1e-3}),
    (GaussianNB(priors=[0.5, 0.5]), {"priors": [0.4, 0.6]}),
    (LinearDiscriminantAnalysis(), {"tol": 1e-3}),
    (
        QuadraticDiscriminantAnalysis(solver="eigen", shrinkage=0.1),
        {"shrinkage": 0.3, "tol": 1e-3},
    ),
    (MultinomialNB(), {"alpha": 0.3}),
    (ComplementNB(), {"alpha": 0.3}),
    (BernoulliNB(binarize=None), {"alpha": 0.3}),
    (NearestCentroid(), {}),
    (SVC(gamma=0.1), {"C": 3.0, "gamma": 0.2}),
    (NearestCentroid(priors=[0.5, 0.5]), {"priors": [0.4, 0.6]}),
    (KNeighborsClassifier(1), {}),
    (KNeighborsClassifier(3, weights="distance"), {}),
    (KNeighborsRegressor(3), {}),
    (
        KNeighborsRegressor(3, p=1.5, metric_params={"w": [1.0] * 6}),
        {"p": 3, "metric_params": {"w": [2.0] * 6}},
    ),
    (SVC(gamma="scale"), {"C": 3.0}),
    (
        SVC(kernel="poly", gamma=0.1, coef0=1),
        {"C": 3.0, "gamma": 0.2, "coef0": 0.5},
    ),
    (SVR(gamma=0.1), {"C": 3.0, "gamma": 0.2, "epsilon": 0.2}),
    (KernelRidge(kernel="rbf", gamma=0.1), {"alpha": 0.5, "gamma": 0.2}),
    (
        KernelRidge(kernel="sigmoid", gamma=0.1),
        {"alpha": 0.5, "gamma": 0.2, "coef0": 0.7},
    ),
    (
        GaussianProcessRegressor(RBF(2.0), alpha=0.1, optimizer=None),
        {"alpha": 0.2, "kernel": RBF(3.0)},
    ),
    (
        GaussianProcessRegressor(
            2.0 * Matern([1.0] * 6, nu=1.5) + WhiteKernel(0.1), optimizer=None
        ),
        {"alpha": 0.2, "kernel": 1.0 * Matern([2.0] * 6, nu=1.5) + WhiteKernel(0.2)},
    ),
    (
        GaussianProcessRegressor(RationalQuadratic() ** 2.0, optimizer=None),
        {"alpha": 0.2, "kernel": RationalQuadratic(2.0, 3.0) ** 1.5},
    ),
    (
        GaussianProcessClassifier(2.0 * RBF([1.0] * 6), optimizer=None),
        {"kernel": 3.0 * RBF([2.0] * 6)},
    ),
    (VotingClassifier(VOTERS), {"a__C": 3.0, "b__var_smoothing": 0.1}),
    (
        VotingClassifier([*VOTERS, ("c", KNeighborsClassifier(1))], weights=[1, 2, 1]),
        {"weights": [1, 1, 3]},
    ),
    (
        VotingRegressor([("a", Ridge()), ("b", KernelRidge(kernel="rbf", gamma=0.1))]),
        {"a__alpha": 3.0, "b__gamma": 0.2},
    ),
    (
        make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()),
        {"logisticregression__C": 3.0},
    ),
    (
        make_pipeline(
            SimpleImputer(strategy="constant", fill_value=0.5), RidgeClassifier()
        ),
        {"simpleimputer__fill_value": 0.7, "ridgeclassifier__alpha": 3.0},
    ),
    (
        make_pipeline(SimpleImputer(strategy="median"), MaxAbsScaler(), Ridge()),
        {"ridge__alpha": 3.0},
    ),
    (
        make_pipeline(MinMaxScaler(), KNeighborsClassifier(1)),
        {"minmaxscaler__feature_range": (0.0, 2.0)},
    ),
    (
        make_pipeline(RobustScaler(unit_variance=True), RidgeClassifier()),
        {"robustscaler__quantile_range": (20.0, 80.0)},
    ),
    (
        make_pipeline(StandardScaler(), PCA(3, whiten=True), SVC(gamma=0.1)),
        {"svc__C": 3.0, "svc__gamma": 0.2},
    ),
    (make_pipeline(TruncatedSVD(3), Ridge()), {"ridge__alpha": 3.0}),
    (
        make_pipeline(RBFSampler(n_components=8, random_state=0), RidgeClassifier()),
        {"rbfsampler__gamma": 0.2, "ridgeclassifier__alpha": 3.0},
    ),
    (
        make_pipeline(Nystroem(gamma=0.1, n_components=4, random_state=0), Ridge()),
        {"nystroem__gamma": 0.2, "ridge__alpha": 3.0},
    ),
    (
        make_pipeline(Normalizer(), PolynomialFeatures(), LogisticRegression()),
        {"logisticregression__C": 3.0},
    ),
    (
        make_pipeline(SplineTransformer(knots="quantile"), Ridge()),
        {"ridge__alpha": 3.0},
    ),
)
#: Students whose tests count for themselves: they take several targets, or as many rows
#: as there are coefficients, or their training is unrolled.
BY_THEMSELVES = (
    HuberRegressor,
    MLPClassifier,
    MLPRegressor,
    MultiTaskElasticNet,
    MultiTaskLasso,
)
#: Students that have no case yet, with default settings.
REST = tuple(
    (estimator_class(), {})
    for estimator_class in _STUDENTS
    if estimator_class not in BY_THEMSELVES
    and not any(type(each) is estimator_class for each, _ in (*QUICK, *SLOW))
)


def table(estimator):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 6))
    if isinstance(estimator, BernoulliNB | ComplementNB | MultinomialNB):
        X = expit(X)  # they take no negative numbers
    y = X[:, 0] + X[:, 1] * X[:, 2] + 0.5 * rng.standard_normal(300)
    y = (y > 0).astype(int) if is_classifier(estimator) else np.exp(y / 3)
    return X, y, rng.uniform(0.5, 2, 300)


@pytest.mark.filterwarnings("ignore::UserWarning")  # two iterations do not converge
@pytest.mark.parametrize(
    ("estimator", "others"),
    [
        *QUICK,
        *(pytest.param(*case, marks=pytest.mark.slow) for case in (*SLOW, *REST)),
    ],
    ids=lambda value: repr(value).replace("\n", "")[:60],
)
def test_other_values_compile_nothing(estimator, others, count_compilations):
    X, y, weight = table(estimator)

    def fit(estimator, n_synthetic, **rows):
        DatasetDistiller(
            estimator, n_synthetic=n_synthetic, max_iter=2, random_state=0
        ).fit(**rows)

    fit(estimator, 10, X=X, y=y)
    changed = clone(estimator).set_params(**others)
    with count_compilations() as later:
        fit(changed, 10, X=X, y=y)
    assert later.count == 0, f"other values of {list(others)}"
    with count_compilations() as later:
        fit(estimator, 15, X=X[:211], y=y[:211], sample_weight=weight[:211])
    assert later.count == 0, "other rows, and more of them"


@pytest.mark.parametrize(
    ("n_rows", "expected"),
    [(1, 8), (8, 8), (9, 16), (16, 16), (33, 64), (65, 80), (128, 128), (200, 224)],
)
def test_sizes_that_sets_are_filled_up_to(n_rows, expected):
    assert padded_size(n_rows) == expected


def test_no_size_is_more_than_twice_the_rows():
    sizes = [padded_size(m) for m in range(8, 3000)]
    assert all(m <= size < 2 * m for m, size in enumerate(sizes, start=8))
    assert all(size <= 1.25 * m for m, size in enumerate(sizes, start=8) if m > 64)
    assert sizes == sorted(sizes)


@dataclass(frozen=True)
class Inner(Program):
    numbers: tuple
    name: str


@dataclass(frozen=True)
class Outer(Program):
    inner: Inner
    factor: float
    count: int
    nothing: float | None = None


class TestPrograms:
    program = Outer(Inner((1.5, "a", (2.5,)), "b"), np.float64(3.5), 4)

    def test_what_is_split_is_joined(self):
        form, numbers = split(self.program)
        assert numbers == (1.5, 2.5, 3.5)
        assert join(form, numbers) == self.program

    def test_floats_are_no_part_of_the_form(self):
        other = Outer(Inner((0.5, "a", (0.0,)), "b"), 1.0, 4)
        assert split(other)[0] == split(self.program)[0]
        assert hash(split(other)[0]) == hash(split(self.program)[0])

    @pytest.mark.parametrize(
        "other",
        [
            Outer(Inner((1.5, "a", (2.5,)), "b"), 3.5, 5),
            Outer(Inner((1.5, "a", (2.5,)), "c"), 3.5, 4),
            Outer(Inner((1.5, "a", 2.5), "b"), 3.5, 4),
            Outer(Inner((1.5, "a", (2.5,)), "b"), 3.5, 4, 1.0),
        ],
    )
    def test_the_rest_is(self, other):
        assert split(other)[0] != split(self.program)[0]

    @pytest.mark.parametrize("function", [np.sin, 1.5j, (int, "a")])
    def test_what_is_no_program_stays(self, function):
        form, numbers = split(function)
        assert numbers == ()
        assert join(form, numbers) == function

    def test_numbers_may_be_traced(self):
        def total(*numbers):
            program = join(split(self.program)[0], numbers)
            return program.factor * program.inner.numbers[0]

        assert_array_equal(jax.jit(total)(2.0, 0.0, 3.0), 6.0)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")  # two iterations do not converge
@pytest.mark.parametrize("estimator", [LogisticRegression(), SVC(gamma=0.1)])
def test_threads_compile_once(estimator, count_compilations):
    """Candidates of a search in threads share programs; features are new ones."""
    parameters = {"estimator__C": [0.1, 1.0, 10.0]}
    counts = []
    for n_features, n_jobs in ((23, 1), (29, 2)):
        X, y = make_table(2, n=100, p=n_features)
        distiller = DatasetDistiller(n_synthetic=8, max_iter=2, random_state=0)
        model = DistilledClassifier(estimator, distiller)
        with (
            count_compilations() as compiled,
            joblib.parallel_config("threading", n_jobs=n_jobs),
        ):
            GridSearchCV(model, parameters, cv=2).fit(X, y)
        counts.append(compiled.count)
    assert 0 < counts[0] == counts[1]


@pytest.mark.slow
def test_the_cache_of_the_user_is_used(tmp_path):
    """Programs are found again by another process."""
    script = Path(__file__).parents[1] / "fits_with_a_cache.py"
    command = [sys.executable, str(script), str(tmp_path)]

    def hits_and_misses():
        found = subprocess.run(command, capture_output=True, text=True, check=True)
        return [int(number) for number in found.stdout.split()]

    first, second = hits_and_misses(), hits_and_misses()
    assert first[1] > 0
    assert second == [sum(first), 0]
