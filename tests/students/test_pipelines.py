"""Pipelines against scikit-learn's own, fitted on the same rows."""

import warnings

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_wine
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.metrics import log_loss
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OrdinalEncoder,
    PolynomialFeatures,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
)

from skdistill import DatasetDistiller, DistilledClassifier
from skdistill.students import (
    NotMirrored,
    Task,
    check_student,
    has_student,
    refuse_unmirrored,
    student_for,
)
from skdistill.synthetic._set import SyntheticSet
from tests.conftest import make_table, spec_of, strict_logistic


def cube(X):
    return X**3


def of_each_row_and_its_square(X):
    return jnp.hstack([X, X**2])


def mixes_rows(X):
    return X - X.mean(axis=0)


TRANSFORMERS = {
    "standard": StandardScaler(),
    "standard, no mean": StandardScaler(with_mean=False),
    "standard, no std": StandardScaler(with_std=False),
    "minmax": MinMaxScaler((-1, 2)),
    "minmax, clip": MinMaxScaler(clip=True),
    "maxabs": MaxAbsScaler(),
    "robust": RobustScaler(),
    "robust, unit": RobustScaler(unit_variance=True, quantile_range=(10, 80)),
    "robust, no center": RobustScaler(with_centering=False),
    "robust, no scale": RobustScaler(with_scaling=False),
    "l2": Normalizer(),
    "l1": Normalizer("l1"),
    "max": Normalizer("max"),
    "passthrough": "passthrough",
    "identity": FunctionTransformer(),
    "ufunc": FunctionTransformer(np.tanh),
    "function": FunctionTransformer(of_each_row_and_its_square),
    "polynomial": PolynomialFeatures(2),
    "interactions": PolynomialFeatures(3, interaction_only=True, include_bias=False),
    "splines": SplineTransformer(),
    "splines, quantile": SplineTransformer(4, 2, knots="quantile", include_bias=False),
    "splines, continue": SplineTransformer(3, 1, extrapolation="continue"),
    "pca": PCA(2),
    "pca, all": PCA(),
    "pca, whiten": PCA(3, whiten=True),
    "pca, covariance": PCA(2, svd_solver="covariance_eigh"),
    "pca, arpack": PCA(2, svd_solver="arpack"),
    "svd": TruncatedSVD(2, algorithm="arpack"),
    "nystroem": Nystroem(n_components=5, random_state=0),
    "nystroem, poly": Nystroem("poly", n_components=5, degree=2, random_state=0),
    "nystroem, laplacian": Nystroem(
        "laplacian", gamma=0.3, n_components=5, random_state=0
    ),
    "fourier": RBFSampler(n_components=7, random_state=0),
    "fourier, scale": RBFSampler(gamma="scale", n_components=7, random_state=0),
    "nested": make_pipeline(StandardScaler(), "passthrough", PCA(2)),
}
NUMBERS = Task(4, None, 1, False)
LAST_STEPS = {
    "logistic": (strict_logistic(C=5.0), spec_of([0, 1, 2], 4)),
    "ridge": (Ridge(alpha=0.3, solver="cholesky"), NUMBERS),
    "kernel": (KernelRidge(kernel="rbf", alpha=0.1), NUMBERS),
}


def scaled_logistic(**params):
    return make_pipeline(StandardScaler(), strict_logistic(**params))


@pytest.fixture(scope="module")
def wine():
    return load_wine(return_X_y=True)


def quick(estimator, **params):
    """Return a distiller with few iterations, for tests that need no convergence."""
    return DatasetDistiller(estimator, n_synthetic=9, max_iter=4, **params)


def fit(distiller, X, y, **params):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return distiller.fit(X, y, **params)


# A tolerance below rounding makes scikit-learn's line search give up at the solution.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.slow
@pytest.mark.parametrize("last", ["logistic", "ridge"])
@pytest.mark.parametrize("transformer", TRANSFORMERS)
def test_parity_and_gradients(transformer, last):
    estimator, task = LAST_STEPS[last]
    pipeline = make_pipeline(TRANSFORMERS[transformer], estimator)
    check_student(student_for(pipeline, task))


def test_parity_and_gradients_of_a_scaler():
    check_student(student_for(scaled_logistic(C=5.0), spec_of([0, 1], 3)))


@pytest.mark.slow
@pytest.mark.parametrize("transformer", ["standard", "pca", "fourier, scale", "nested"])
def test_in_front_of_a_kernel(transformer):
    estimator, task = LAST_STEPS["kernel"]
    pipeline = make_pipeline(TRANSFORMERS[transformer], estimator)
    check_student(student_for(pipeline, task))


@pytest.mark.slow
def test_a_pipeline_as_the_last_step():
    inner = make_pipeline(PCA(2), strict_logistic(C=5.0))
    student = student_for(make_pipeline(StandardScaler(), inner), spec_of([0, 1], 4))
    assert student.hyperparameters == {"pipeline__logisticregression__C": 5.0}
    check_student(student)


@pytest.mark.slow
def test_with_a_temperature_and_with_neighbors():
    task = spec_of([0, 1, 2], 4)
    pipeline = make_pipeline(StandardScaler(), RidgeClassifier(solver="cholesky"))
    check_student(student_for(pipeline, task, "log_loss"))
    pipeline = make_pipeline(StandardScaler(), KNeighborsClassifier(3))
    check_student(student_for(pipeline, task))


@pytest.mark.slow
def test_more_features_than_rows(rng):
    task = spec_of([0, 1], 30)
    student = student_for(make_pipeline(PCA(4), strict_logistic()), task)
    check_student(student, X=rng.standard_normal((10, 30)), y=np.arange(10) % 2)


@pytest.mark.parametrize(
    "scaler", [StandardScaler(), MinMaxScaler(), MaxAbsScaler(), RobustScaler()]
)
def test_constant_features_have_scale_one(scaler, rng):
    """They are constant in the synthetic rows only; scikit-learn is fitted on these."""
    X = rng.standard_normal((8, 3))
    X[:, 1] = 7.0 if not isinstance(scaler, MaxAbsScaler) else 0.0
    y = np.arange(8) % 2
    pipeline = make_pipeline(scaler, strict_logistic())
    student = student_for(pipeline, spec_of([0, 1], 3))
    synthetic = SyntheticSet(X, student.encode(y), np.ones(8), student.hyperparameters)
    params = student.solve(synthetic)
    expected = student.params_of(pipeline.fit(X, y), synthetic)
    for own, theirs in zip(params.stats[0], expected.stats[0], strict=True):
        assert_allclose(own, theirs, rtol=1e-12, atol=1e-12)
    assert params.stats[0].scale[1] == 1
    hypergrad = student.implicit_vjp(params, params, synthetic)
    assert np.isfinite(hypergrad.X).all()
    # The rows that fill a chunk up are zeros, and their derivatives are not felt.
    assert np.isfinite(student.raw_prediction(params, np.zeros((2, 3)))).all()


def test_rows_are_in_the_units_of_the_table(wine):
    """Means of the real features span three orders of magnitude."""
    X, y = wine
    frame = pd.DataFrame(X, columns=[f"f{j}" for j in range(X.shape[1])])
    distiller = fit(quick(scaled_logistic()), frame, y)
    rows = distiller.X_synthetic_
    assert list(rows.columns) == list(frame.columns)
    assert_allclose(rows.mean(), X.mean(axis=0), rtol=0.5)
    refitted = scaled_logistic().fit(rows, distiller.y_synthetic_)
    assert_allclose(
        distiller.loss_, log_loss(y, refitted.predict_proba(frame)), rtol=1e-6
    )
    assert_array_equal(distiller.predict(frame), refitted.predict(frame))


def test_loss_does_not_depend_on_the_units(wine):
    X, y = wine
    units = 10.0 ** (np.arange(X.shape[1]) % 5)
    plain, scaled = (
        fit(quick(scaled_logistic(), early_stopping=False), rows, y)
        for rows in (X, X * units + 3.0)
    )
    assert_allclose(scaled.loss_curve_, plain.loss_curve_, rtol=1e-4)


@pytest.mark.parametrize("name", ["C", "logisticregression__C"])
def test_learned_hyperparameters_are_nested(name, wine):
    distiller = fit(quick(scaled_logistic(), learn_params=(name,)), *wine)
    learned = distiller.estimator_[-1].C
    assert learned != 1.0
    assert distiller._learned_values == {"logisticregression__C": learned}


@pytest.mark.parametrize("weighting", ["match", "learn"])
def test_weights_reach_the_last_step(weighting, wine):
    X, y = wine
    pipeline = scaled_logistic()
    distiller = fit(quick(pipeline, weighting=weighting), X, y)
    refitted = scaled_logistic().fit(
        distiller.X_synthetic_,
        distiller.y_synthetic_,
        logisticregression__sample_weight=distiller.sample_weight_synthetic_,
    )
    loss = log_loss(y, refitted.predict_proba(X))
    assert_allclose(distiller.loss_, loss, rtol=1e-6)
    assert_allclose(distiller.loss_curve_[-1], loss, rtol=1e-6)


def test_weights_are_refused_where_the_last_step_takes_none(wine):
    pipeline = make_pipeline(StandardScaler(), KNeighborsClassifier())
    with pytest.raises(ValueError, match="takes no sample_weight"):
        quick(pipeline, weighting="match", solver="lbfgs").fit(*wine)


@pytest.mark.parametrize(
    ("scaler", "is_learned"), [(StandardScaler(), True), (RobustScaler(), False)]
)
def test_soft_labels_where_copies_change_nothing(scaler, is_learned, wine):
    X, y = wine
    distiller = quick(make_pipeline(scaler, strict_logistic()), learn_labels=True)
    if not is_learned:
        with pytest.raises(ValueError, match="weighted copies"):
            distiller.fit(X, y)
        return
    fit(distiller, X, y)
    assert_allclose(distiller.loss_, distiller.loss_curve_[-1], rtol=1e-6)


def test_a_step_that_is_not_mirrored_leads_to_search(wine):
    pipeline = make_pipeline(
        QuantileTransformer(n_quantiles=5), LogisticRegression(max_iter=1000)
    )
    with pytest.warns(UserWarning, match="'quantiletransformer'.*by search instead"):
        distiller = DatasetDistiller(pipeline, n_synthetic=6, max_iter=1).fit(*wine)
    assert distiller.solver_ == "search"
    with pytest.raises(NotMirrored, match="QuantileTransformer, cannot be"):
        quick(pipeline, solver="lbfgs").fit(*wine)


def test_a_table_that_only_search_can_read(rng):
    """Strings and gaps are not numeric: the steps are checked before the rows."""
    X = pd.DataFrame({"a": ["x", "y", None, "x"] * 10})
    y = np.tile([0, 1, 0, 0], 10)
    pipeline = make_pipeline(
        SimpleImputer(strategy="most_frequent"),
        OrdinalEncoder(),
        LogisticRegression(),
    )
    with pytest.warns(UserWarning, match="OrdinalEncoder.*by search instead"):
        distiller = DatasetDistiller(pipeline, n_synthetic=4, max_iter=1).fit(X, y)
    assert distiller.solver_ == "search"


def test_a_pipeline_that_ends_with_a_forest_is_searched_in_silence(wine):
    pipeline = make_pipeline(StandardScaler(), RandomForestClassifier(n_estimators=3))
    assert not has_student(pipeline)
    distiller = DatasetDistiller(pipeline, n_synthetic=6, max_iter=1).fit(*wine)
    assert distiller.solver_ == "search"


@pytest.mark.parametrize(
    ("transformer", "message"),
    [
        (PCA(0.9), "n_components=0.9"),
        (PCA(2, svd_solver="randomized"), "svd_solver='randomized'"),
        (TruncatedSVD(2), "algorithm='randomized'"),
        (Nystroem(), "random_state=None"),
        (Nystroem("sigmoid", random_state=0), "kernel='sigmoid'"),
        (RBFSampler(), "random_state=None"),
        (SplineTransformer(extrapolation="linear"), "extrapolation='linear'"),
        (FunctionTransformer(cube, kw_args={"a": []}), "cannot be hashed"),
        (QuantileTransformer(), "QuantileTransformer"),
    ],
)
def test_settings_are_refused_without_data(transformer, message):
    with pytest.raises(NotMirrored, match=message):
        refuse_unmirrored(make_pipeline(transformer, LogisticRegression()))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (mixes_rows, "depends on other rows"),
        (np.linalg.norm, "cannot trace"),
        (lambda X: X["a"], "cannot trace"),
        (lambda X: X[:, 0], r"shape \(3,\)"),
    ],
)
def test_functions_are_tried(function, message):
    pipeline = make_pipeline(FunctionTransformer(function), LogisticRegression())
    with pytest.raises(NotMirrored, match=message):
        student_for(pipeline, spec_of([0, 1]))


@pytest.mark.parametrize(
    "transformer", [PCA(), Nystroem(n_components=20, random_state=0)]
)
def test_too_few_rows_lead_to_search(transformer, wine):
    pipeline = make_pipeline(StandardScaler(), transformer, LogisticRegression())
    with pytest.raises(NotMirrored, match="on 9 synthetic rows"):
        quick(pipeline, solver="lbfgs").fit(*wine)


def test_other_settings_of_a_pipeline_are_refused():
    steps = [("scaler", StandardScaler()), ("model", LogisticRegression())]
    with pytest.raises(NotMirrored, match="transform_input"):
        refuse_unmirrored(Pipeline(steps, transform_input=["X_val"]))


def test_the_user_guides_unknown_hyperparameter_is_named(wine):
    with pytest.raises(ValueError, match="'logisticregression__C'"):
        quick(scaled_logistic(), learn_params=("alpha",)).fit(*wine)


@pytest.mark.slow
@pytest.mark.parametrize("is_exact", [False, True])
def test_a_second_fit_compiles_nothing(is_exact, count_compilations):
    transformers = [MinMaxScaler()] if is_exact else [StandardScaler(), PCA(3)]
    pipeline = make_pipeline(*transformers, strict_logistic(C=10.0))
    for seed, n in ((0, 120), (1, 150)):
        X, y = make_table(3, seed=seed, n=n)
        with count_compilations() as counter:
            distiller = DatasetDistiller(pipeline, max_iter=30, early_stopping=False)
            fit(distiller, X, y)
        assert (distiller.solver_ == "exact") == is_exact
    assert counter.count == 0


def test_distilled_classifier_distills_for_a_pipeline(wine):
    distiller = DatasetDistiller(n_synthetic=9, max_iter=4)
    classifier = fit(DistilledClassifier(scaled_logistic(), distiller), *wine)
    assert isinstance(classifier.estimator_, Pipeline)
    assert classifier.distiller_.estimator_ is classifier.estimator_
    assert classifier.score(*wine) > 0.9
