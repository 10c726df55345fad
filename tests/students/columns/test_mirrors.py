"""Transformers side by side, and encoders of categories, against scikit-learn's own."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import issparse
from sklearn.compose import (
    ColumnTransformer,
    make_column_selector,
    make_column_transformer,
)
from sklearn.decomposition import PCA
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import log_loss
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    OneHotEncoder,
    PolynomialFeatures,
    StandardScaler,
)
from sklearn.svm import SVC, LinearSVC

from skdistill import DistilledClassifier, distillation_curve
from skdistill.objectives import OuterLoss
from skdistill.real._reading import read_rows
from skdistill.solvers._bilevel import BilevelLoss
from skdistill.students import (
    NotMirrored,
    check_student,
    roles_of,
    student_for,
)
from skdistill.synthetic._set import SyntheticSet
from tests.conftest import spec_of, strict_logistic
from tests.students.columns.helpers import (
    CATEGORIES,
    NUMBERS,
    fit,
    mixed,
    one_hot,
    quick,
)

#: Warnings of categories that a few rows lack, which zeros stand for.
pytestmark = pytest.mark.filterwarnings("ignore:Found unknown categories")


def student_on(pipeline, X, y):
    """Return the student of a pipeline for a table, the real rows, and the table."""
    real, table = read_rows(quick(pipeline), X, y, None, roles_of(pipeline, X))
    task = real.targets.task(real.n_features)._replace(layout=table.layout)
    return student_for(pipeline, task), real, table


def set_of(student, table, rows, codes):
    """Return rows of a table as the student takes them."""
    return SyntheticSet(
        table.encode(rows),
        student.encode(codes),
        np.ones(len(codes)),
        {**student.hyperparameters, **student.smoothing_params},
    )


def bilevel(student, real):
    return BilevelLoss(
        student, OuterLoss(real, student.raw_prediction, student.outer_loss)
    )


def assert_refits(distiller, pipeline, X, y):
    """Assert that the student, on the returned rows, equals scikit-learn's refit."""
    rows, labels = distiller.X_synthetic_, distiller.y_synthetic_
    refitted = pipeline.fit(rows, labels)
    expected = refitted.predict_proba(X)
    assert_allclose(distiller.loss_, log_loss(y, expected), rtol=1e-6)
    assert_allclose(distiller.predict_proba(X), expected)
    student, real, table = student_on(pipeline, X, y)
    codes = np.searchsorted(refitted.classes_, labels)
    loss, _ = bilevel(student, real).value_and_grad(set_of(student, table, rows, codes))
    assert_allclose(loss, log_loss(y, expected), rtol=1e-6)


LAST_STEPS = {
    "logistic": (strict_logistic(), "auto"),
    "ridge": (RidgeClassifier(solver="sparse_cg", tol=1e-12), "auto"),
    "ridge, tempered": (RidgeClassifier(solver="sparse_cg", tol=1e-12), "log_loss"),
    "linear svm": (LinearSVC(tol=1e-10, max_iter=100_000), "auto"),
    "svm": (SVC(gamma=0.5, tol=1e-8), "auto"),
    "linear kernel": (SVC(kernel="linear", tol=1e-8), "auto"),
    "neighbors": (KNeighborsClassifier(3), "auto"),
}
NUMERIC = {
    "positions": ColumnTransformer(
        [("a", StandardScaler(), [2, 0]), ("b", MinMaxScaler(), [1])]
    ),
    "overlap": ColumnTransformer(
        [("a", StandardScaler(), [0, 1]), ("b", PolynomialFeatures(2), [1, 2])]
    ),
    "slice, rest": ColumnTransformer(
        [("a", make_pipeline(StandardScaler(), PCA(1)), slice(1, 3))],
        remainder="passthrough",
    ),
    "mask, scaled rest": ColumnTransformer(
        [("a", "passthrough", [True, False, False, True]), ("none", PCA(), [])],
        remainder=StandardScaler(),
    ),
    "drop": ColumnTransformer(
        [("a", "drop", [0]), ("b", MinMaxScaler(), [-1, 1])],
    ),
    "nested": ColumnTransformer(
        [("a", ColumnTransformer([("b", StandardScaler(), [1])]), [0, 2])],
        remainder=SimpleImputer(),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", NUMERIC)
def test_parity_and_gradients_on_numbers(name):
    pipeline = make_pipeline(NUMERIC[name], strict_logistic(C=5.0))
    check_student(student_for(pipeline, spec_of([0, 1, 2], 4)))


@pytest.mark.slow
def test_parity_and_gradients_of_a_step_behind():
    pipeline = make_pipeline(
        NUMERIC["positions"], StandardScaler(), strict_logistic(C=5.0)
    )
    check_student(student_for(pipeline, spec_of([0, 1], 4)))


@pytest.mark.slow
@pytest.mark.parametrize(
    "encoder",
    [
        one_hot(),
        one_hot(drop="first"),
        one_hot(drop="if_binary", sparse_output=False),
        OneHotEncoder(categories=[list("fedcba"), ["x", "y", "z"]]),
        OneHotEncoder(categories=[list("abcdef"), ["x", "y"]], drop="first"),
        one_hot(categories=[list("bca"), ["y", "x"]]),
    ],
    ids=["auto", "drop", "if_binary", "given", "given, drop", "some"],
)
def test_encoders(encoder, frame):
    """Six rows lack some categories, for which scikit-learn then makes no feature."""
    pipeline = mixed(encoder)
    distiller = fit(quick(pipeline), *frame)
    assert distiller.solver_ == "lbfgs"
    assert len(set(distiller.X_synthetic_["job"])) < 6
    assert_refits(distiller, pipeline, *frame)


@pytest.mark.slow
@pytest.mark.parametrize("drop", [None, "first"])
@pytest.mark.parametrize("name", LAST_STEPS)
def test_models_behind_an_encoder(name, drop, frame):
    """Scikit-learn fits them on sparse rows without the features that are all zero."""
    X, y = frame
    last, outer_loss = LAST_STEPS[name]
    encoder = one_hot(drop=drop)
    columns = ColumnTransformer(
        [("cat", encoder, CATEGORIES), ("num", MinMaxScaler(), NUMBERS)],
        sparse_threshold=1.0,
    )
    pipeline = make_pipeline(columns, last)
    real, table = read_rows(quick(pipeline), X, y, None, roles_of(pipeline, X))
    task = real.targets.task(real.n_features)._replace(layout=table.layout)
    student = student_for(pipeline, task, outer_loss)
    rows, codes = X.iloc[:12], real.y[:12]
    synthetic = set_of(student, table, rows, codes)
    refitted = pipeline.fit(rows, y[:12])
    assert issparse(columns.transform(rows))
    of_fitted = student.params_of(refitted, synthetic)
    params = student.solve(synthetic)
    own, theirs = (
        np.asarray(student.raw_prediction(each, real.X)) for each in (params, of_fitted)
    )
    assert_allclose(own, theirs, atol=1e-5 * np.abs(theirs).max())
    scores = student.class_scores(
        np.asarray(student.raw_prediction(student.as_predicted(of_fitted), real.X))
    )
    predicted = real.targets.classes[scores.argmax(axis=1)]
    margin = np.abs(scores[:, 1] - scores[:, 0])
    is_clear = margin > 1e-5 * margin.max()
    assert_array_equal(predicted[is_clear], refitted.predict(X)[is_clear])


@pytest.mark.slow
def test_a_mixed_table_of_each_library(table):
    X, y = table
    distiller = fit(quick(mixed()), X, y)
    rows = distiller.X_synthetic_
    assert list(rows.columns) == list(X.columns)
    assert list(rows.dtypes) == list(X.dtypes)
    assert set(rows["job"]) <= set(X["job"])
    assert_refits(distiller, mixed(), X, y)


def test_two_ways_to_the_same_loss(frame, rng):
    """A mixed table with names and its encoded numbers by positions agree."""
    X, y = frame
    student, real, table = student_on(mixed(), X, y)
    p = real.n_features
    numbers = [table.blocks[j].start for j in (0, 3)]
    by_position = make_pipeline(
        ColumnTransformer(
            [
                ("num", StandardScaler(), numbers),
                ("cat", "passthrough", list(range(p - 2))),
            ]
        ),
        strict_logistic(),
    )
    rows = real.X[:12] + rng.uniform(0.01, 0.1, (12, p))
    labels = np.arange(12) % 2
    direction = rng.standard_normal(rows.shape) * (real.high - real.low)
    synthetic = set_of(student, table, X[:12], labels)._replace(X=rows)
    loss, hypergrad = bilevel(student, real).value_and_grad(synthetic)

    def refit_loss(step):
        fitted = by_position.fit(rows + step * direction, labels)
        return log_loss(real.y, fitted.predict_proba(real.X))

    assert_allclose(loss, refit_loss(0.0), rtol=1e-6)
    far, near = (
        (refit_loss(step) - refit_loss(-step)) / (2 * step) for step in (2e-4, 1e-4)
    )
    slope = np.vdot(hypergrad.X, direction)
    assert_allclose(slope, near + (near - far) / 3, rtol=1e-6)


def test_hypergradient_in_numbers_matches_refits_of_the_table(frame, rng):
    """The reference fits the pipeline on rows that lack some of the categories."""
    X, y = frame
    pipeline = mixed(one_hot(drop="first"))
    student, real, table = student_on(pipeline, X, y)
    rows, labels = X.iloc[:9].astype({"kids": float}), np.arange(9) % 2
    synthetic = set_of(student, table, rows, labels)
    loss, hypergrad = bilevel(student, real).value_and_grad(synthetic)
    direction = rng.standard_normal((9, 2)) * [10.0, 1.0]

    def refit_loss(step):
        moved = rows.copy()
        moved[NUMBERS] += step * direction
        return log_loss(real.y, pipeline.fit(moved, labels).predict_proba(X))

    assert_allclose(loss, refit_loss(0.0), rtol=1e-6)
    far, near = (
        (refit_loss(step) - refit_loss(-step)) / (2 * step) for step in (2e-4, 1e-4)
    )
    numbers = [table.blocks[j].start for j in (0, 3)]
    slope = np.vdot(hypergrad.X[:, numbers], direction)
    assert_allclose(slope, near + (near - far) / 3, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("fill_value", [None, "missing", "a"])
def test_categories_and_numbers_are_imputed(fill_value, frame):
    X, y = frame
    rng = np.random.default_rng(1)
    X = X.astype({"kids": float}).mask(rng.uniform(size=X.shape) < 0.15)
    imputer = SimpleImputer(strategy="most_frequent")
    if fill_value is not None:
        imputer = SimpleImputer(strategy="constant", fill_value=fill_value)
    pipeline = make_pipeline(
        make_column_transformer(
            (
                make_pipeline(SimpleImputer(), StandardScaler()),
                make_column_selector(dtype_include="number"),
            ),
            (
                make_pipeline(imputer, one_hot()),
                make_column_selector(dtype_exclude="number"),
            ),
        ),
        strict_logistic(),
    )
    distiller = fit(quick(pipeline), X, y)
    assert distiller.solver_ == "lbfgs"
    assert not distiller.X_synthetic_.isna().any(axis=None)
    assert_refits(distiller, pipeline, X, y)


@pytest.mark.slow
def test_a_missing_category_may_be_one(frame):
    """Without an imputer, scikit-learn's encoder has a category of missing values."""
    X, y = frame
    X = X.copy()
    X.loc[(y == "yes") & (np.arange(len(y)) % 3 > 0), "job"] = np.nan
    distiller = fit(quick(mixed()), X, y)
    assert distiller.X_synthetic_["job"].isna().any()
    refitted = mixed().fit(distiller.X_synthetic_, distiller.y_synthetic_)
    assert_allclose(distiller.loss_, log_loss(y, refitted.predict_proba(X)), rtol=1e-6)
    X["age"] = X["age"].mask(X["age"] < 30)
    with pytest.raises(NotMirrored, match=r"missing values .* \['age'\]"):
        quick(mixed(), solver="lbfgs").fit(X, y)


@pytest.mark.slow
def test_arrays_of_codes_and_of_objects(people):
    columns, y = people
    codes = np.searchsorted(list("abcdef"), columns["job"])
    X = np.column_stack([codes, columns["kids"]])
    pipeline = make_pipeline(
        ColumnTransformer([("cat", one_hot(), [0])], remainder="passthrough"),
        strict_logistic(),
    )
    distiller = fit(quick(pipeline), X, y)
    assert set(distiller.X_synthetic_[:, 0]) <= set(range(6))
    assert_refits(distiller, pipeline, X, y)
    X = np.column_stack([columns["job"].astype(object), columns["kids"]])
    named = fit(quick(pipeline), X, y)
    assert set(named.X_synthetic_[:, 0]) <= set("abcdef")
    assert_allclose(named.loss_curve_, distiller.loss_curve_, rtol=1e-6)


def test_parts_without_steps_next_to_an_encoder(frame):
    X, y = frame
    nothing = make_pipeline("passthrough", "passthrough")
    columns = make_column_transformer((nothing, NUMBERS), (one_hot(), CATEGORIES))
    pipeline = make_pipeline(columns, strict_logistic())
    student, _, table = student_on(pipeline, X, y)
    rows, codes = X.iloc[:8], np.arange(8) % 2
    synthetic = set_of(student, table, rows, codes)
    found = student.params_of(pipeline.fit(rows, codes), synthetic)
    assert_allclose(student.solve(synthetic).params.coef, found.params.coef, atol=1e-6)


@pytest.mark.slow
def test_an_encoder_for_all_columns(frame):
    X, y = frame
    pipeline = make_pipeline(one_hot(), strict_logistic())
    distiller = fit(quick(pipeline), X[CATEGORIES], y)
    assert_refits(distiller, pipeline, X[CATEGORIES], y)


@pytest.mark.slow
def test_columns_that_are_not_read(table):
    """Numeric ones keep their starting values, and the others are left empty."""
    X, y = table
    names = {"name": [f"n{i}" for i in range(len(y))]}
    with_names = (
        pd.concat([pd.DataFrame(names), X], axis=1)
        if isinstance(X, pd.DataFrame)
        else pl.concat([pl.DataFrame(names), X], how="horizontal")
    )
    distiller = fit(quick(mixed()), with_names, y)
    rows = distiller.X_synthetic_
    assert list(rows.columns) == ["name", *X.columns]
    assert list(rows.dtypes) == list(with_names.dtypes)
    assert_allclose(distiller.loss_, fit(quick(mixed()), X, y).loss_, rtol=0.05)
    numeric = make_pipeline(
        make_column_transformer((StandardScaler(), ["age"])), strict_logistic()
    )
    distiller = fit(quick(numeric), with_names, y)
    refitted = numeric.fit(distiller.X_synthetic_, distiller.y_synthetic_)
    assert_allclose(distiller.loss_, log_loss(y, refitted.predict_proba(X)), rtol=1e-6)


@pytest.mark.slow
def test_a_second_fit_compiles_nothing(frame, count_compilations):
    X, y = frame
    for rows in (slice(None), slice(10, None)):
        renamed = X.assign(town=X["town"].str.upper() if rows.start else X["town"])
        with count_compilations() as counter:
            fit(quick(mixed()), renamed[rows], y[rows])
    assert counter.count == 0


@pytest.mark.slow
def test_members_of_a_vote_read_the_same_table(frame):
    X, y = frame
    vote = VotingClassifier([("a", mixed()), ("b", mixed(numbers=MinMaxScaler()))])
    distiller = fit(quick(vote), X, y)
    assert distiller.solver_ == "lbfgs"
    refitted = vote.fit(distiller.X_synthetic_, distiller.y_synthetic_)
    assert_array_equal(distiller.predict(X), refitted.predict(X))
    losses = [log_loss(y == "yes", each.predict_proba(X)) for each in vote.estimators_]
    assert_allclose(distiller.loss_, np.mean(losses) / np.log(2), rtol=1e-6)


@pytest.mark.slow
def test_tools_take_the_table(frame):
    X, y = frame
    pipeline = mixed(last=LogisticRegression())
    classifier = fit(DistilledClassifier(pipeline, quick(None, max_iter=2)), X, y)
    assert classifier.score(X, y) > 0.7
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        curve = distillation_curve(
            quick(pipeline, max_iter=2), X, y, n_synthetic=[6], cv=2
        )
    assert np.isfinite(curve.test_scores["kmeans"]).all()
    assert curve.test_scores["distill"].mean() > curve.full_test_scores.mean() - 0.1
    warm = quick(pipeline, warm_start=True, max_iter=2)
    first = fit(warm, X, y).loss_
    assert fit(warm, X, y).loss_ < first + 1e-3
