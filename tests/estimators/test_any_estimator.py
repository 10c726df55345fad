"""Third-party estimators that lack methods or tags, or that fail on some rows."""

import warnings

import lightgbm
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer
from sklearn.svm import SVC

from skdistill import (
    DatasetDistiller,
    DistillationSampler,
    DistilledClassifier,
    DistilledRegressor,
)
from tests.conftest import make_table

on_rows_of_another = pytest.mark.filterwarnings(
    "ignore:.* rows are found by search instead:UserWarning",
    "ignore::sklearn.exceptions.ConvergenceWarning",
)


#: The shortest search.
FEW = DatasetDistiller(max_iter=1, random_state=0)


class Nearest(ClassifierMixin, BaseEstimator):
    """Classifies by the nearest class mean; declares nothing to scikit-learn."""

    def fit(self, X, y):
        X = np.asarray(X)
        self.classes_ = np.unique(y)
        self.means_ = np.array([X[y == c].mean(axis=0) for c in self.classes_])
        return self

    def predict(self, X):
        distances = np.linalg.norm(np.asarray(X)[:, None] - self.means_, axis=2)
        return self.classes_[distances.argmin(axis=1)]


class Least(RegressorMixin, BaseEstimator):
    """Least squares; declares nothing to scikit-learn."""

    def fit(self, X, y):
        self.coef_ = np.linalg.lstsq(X, y, rcond=None)[0]
        return self

    def predict(self, X):
        return X @ self.coef_


class Duck:
    """Has fit and predict only; fit returns nothing."""

    inner = Nearest

    def fit(self, X, y):
        self.fitted_ = self.inner().fit(X, y)

    def predict(self, X):
        return self.fitted_.predict(X)


class RegressionDuck(Duck):
    _estimator_type = "regressor"
    inner = Least


@pytest.fixture(scope="module")
def classes():
    return make_table(3, n=60)


@pytest.fixture(scope="module")
def numbers():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    return X, X @ [1.0, -2.0, 0.5] + rng.normal(0, 0.1, 60)


@on_rows_of_another
@pytest.mark.parametrize("estimator", [Nearest(), Duck()], ids=["base", "duck"])
def test_a_classifier_of_someone_else(classes, estimator):
    X, y = classes
    fitted = DistilledClassifier(estimator, FEW).fit(X, y)
    distiller = fitted.distiller_
    reference = type(estimator)()
    reference.fit(distiller.X_synthetic_, distiller.y_synthetic_)
    assert_array_equal(fitted.predict(X), reference.predict(X))
    assert fitted.score(X, y) == accuracy_score(y, reference.predict(X))
    weight = np.arange(60.0)
    assert fitted.score(X, y, weight) == accuracy_score(
        y, reference.predict(X), sample_weight=weight
    )
    assert not hasattr(estimator, "means_")
    assert not hasattr(estimator, "fitted_")
    clone(fitted).fit(X, y)


@on_rows_of_another
@pytest.mark.parametrize("estimator", [Least(), RegressionDuck()], ids=["base", "duck"])
def test_a_regressor_of_someone_else(numbers, estimator):
    X, y = numbers
    fitted = DistilledRegressor(estimator, FEW).fit(X, y)
    assert fitted.score(X, y) == r2_score(y, fitted.predict(X))
    assert fitted.score(X, y) > 0.9
    assert len(cross_val_score(DistilledRegressor(estimator, FEW), X, y, cv=2)) == 2


@on_rows_of_another
def test_lightgbm(classes):
    X, y = classes
    estimator = lightgbm.LGBMClassifier(min_child_samples=3, verbose=-1, n_jobs=1)
    with warnings.catch_warnings():
        # LightGBM gives names to the columns of arrays, and then misses them.
        warnings.filterwarnings("ignore", message="X does not have valid feature")
        fitted = DistilledClassifier(estimator, FEW).fit(X, y)
        refitted = clone(estimator).fit(*fitted.distiller_.transform(X))
        assert_array_equal(fitted.predict(X), refitted.predict(X))


def test_what_it_does_not_say_is_asked_for(classes):
    with pytest.raises(ValueError, match="takes a classifier; got .* a regressor"):
        DistilledClassifier(RegressionDuck()).fit(*classes)
    for estimator in (Nearest(), Duck()):
        with pytest.raises(ValueError, match="There is no student for"):
            DatasetDistiller(estimator, solver="lbfgs").fit(*classes)
    with pytest.raises(TypeError, match="instance .* instead of a class"):
        DistilledClassifier(Nearest).fit(*classes)


# Where the fitted estimator is defined


def log_target():
    return TransformedTargetRegressor(Ridge(), func=np.log, inverse_func=np.exp)


@on_rows_of_another
@pytest.mark.parametrize(
    "estimator", [PoissonRegressor(alpha=0), log_target()], ids=["poisson", "log"]
)
def test_targets_stay_within_those_of_the_data(numbers, estimator):
    X, _ = numbers
    y = np.exp(X @ [1.0, -1.0, 0.5])
    for distiller in (FEW, DatasetDistiller(Ridge())):
        fitted = DistilledRegressor(estimator, distiller).fit(X, y)
        learned = fitted.distiller_
        assert learned.y_synthetic_.min() >= y.min()
        assert learned.y_synthetic_.max() <= y.max()
        assert (learned.X_synthetic_ >= X.min(axis=0)).all()
        assert (learned.X_synthetic_ <= X.max(axis=0)).all()
        assert np.isfinite(fitted.predict(X)).all()


@on_rows_of_another
@pytest.mark.parametrize(
    "estimator",
    [
        make_pipeline(SelectKBest(chi2, k=4), LogisticRegression()),
        make_pipeline(PowerTransformer(method="box-cox"), LogisticRegression()),
    ],
    ids=["counts", "box-cox"],
)
def test_features_stay_within_those_of_the_data(classes, estimator):
    X, y = classes
    X = np.exp(X)
    assert DatasetDistiller().fit(X, y).X_synthetic_.min() < 0
    fitted = DistilledClassifier(estimator, FEW).fit(X, y)
    samples = fitted.distiller_.X_synthetic_
    assert (samples >= X.min(axis=0)).all()
    assert (samples <= X.max(axis=0)).all()
    assert fitted.score(X, y) > 0.5


def test_ranges_of_the_distiller_are_kept(numbers):
    X, y = numbers
    wide = {"feature_range": (-50.0, 50.0), "target_range": (-300.0, 300.0)}
    fitted = DistilledRegressor(Least(), DatasetDistiller(Ridge(), **wide)).fit(X, y)
    assert fitted.distiller_.feature_range == (-50.0, 50.0)
    assert fitted.distiller_.target_range == (-300.0, 300.0)
    same = DistilledRegressor(Ridge(alpha=2), DatasetDistiller(Ridge())).fit(X, y)
    assert same.distiller_.feature_range is None
    assert same.distiller_.target_range is None


# Estimators that nothing can come of


@pytest.mark.slow
@on_rows_of_another
def test_a_constant_is_said_with_the_setting_that_makes_it(classes):
    X, y = classes
    estimator = HistGradientBoostingClassifier()
    distiller = DatasetDistiller(LogisticRegression(), n_synthetic=20)
    with pytest.warns(UserWarning, match="Lower its min_samples_leaf=20, or raise"):
        fitted = DistilledClassifier(estimator, distiller).fit(X, y)
    assert len(set(fitted.predict(X))) == 1
    nested = make_pipeline(HistGradientBoostingClassifier())
    with pytest.warns(UserWarning, match="boostingclassifier__min_samples_leaf=20"):
        DistilledClassifier(nested, distiller).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        few = HistGradientBoostingClassifier(min_samples_leaf=2)
        DistilledClassifier(few, distiller).fit(X, y)


@pytest.mark.parametrize(
    "estimator",
    [
        SVC(kernel="precomputed"),
        KNeighborsClassifier(metric="precomputed"),
        make_pipeline(SVC(kernel="precomputed")),
        GridSearchCV(SVC(kernel="precomputed"), {"C": [1, 10]}),
    ],
    ids=["svc", "neighbors", "pipeline", "search"],
)
@pytest.mark.parametrize("owner", [DistilledClassifier, DatasetDistiller])
def test_precomputed_is_refused_before_distilling(classes, owner, estimator):
    X, y = classes
    with pytest.raises(ValueError, match="Pass the samples themselves as X"):
        owner(estimator).fit(X @ X.T, y)


def test_precomputed_regressors_are_refused(numbers):
    X, y = numbers
    estimator = KernelRidge(kernel="precomputed")
    for owner in (DistilledRegressor, DatasetDistiller):
        with pytest.raises(ValueError, match="Pass the samples themselves as X"):
            owner(estimator).fit(X @ X.T, y)


# Nested parameters of what None stands for


def test_parameters_of_defaults():
    classifier = DistilledClassifier()
    classifier.set_params(distiller__n_synthetic=4, estimator__C=3.0)
    assert classifier.distiller.n_synthetic == 4
    assert classifier.estimator.C == 3.0
    given = DistilledClassifier().set_params(
        distiller=DatasetDistiller(tol=0.5), distiller__n_synthetic=4
    )
    assert given.distiller.tol == 0.5
    assert given.distiller.n_synthetic == 4
    regressor = DistilledRegressor().set_params(estimator__alpha=2.0)
    assert isinstance(regressor.estimator, Ridge)
    sampler = DistillationSampler().set_params(distiller__estimator__C=3.0)
    assert sampler.distiller.estimator.C == 3.0
    assert DistilledClassifier().set_params(distiller=None).distiller is None
    with pytest.raises(ValueError, match="Invalid parameter 'size'"):
        DistilledClassifier().set_params(distiller__size=4)


def test_a_grid_over_parameters_of_defaults(classes):
    X, y = classes
    search = GridSearchCV(
        DistilledClassifier(),
        {"distiller__n_synthetic": [3, 9], "estimator__C": [10.0]},
        cv=2,
        error_score="raise",
    ).fit(X, y)
    best = search.best_estimator_
    n_rows = search.best_params_["distiller__n_synthetic"]
    assert len(best.distiller_.X_synthetic_) == n_rows
    assert best.distiller_.estimator_.C == 10.0
