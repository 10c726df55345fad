"""Classifiers and regressors that are fitted on a distilled set."""

import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone, is_classifier
from sklearn.callback import ProgressBar
from sklearn.datasets import make_regression
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

from skdistill import DatasetDistiller, DistilledClassifier, DistilledRegressor
from skdistill.estimators._merging import merge_equal_rows
from tests.conftest import make_table

forest = RandomForestClassifier(n_estimators=10, random_state=0)


@pytest.mark.slow
@parametrize_with_checks(
    [
        DistilledClassifier(LogisticRegression()),
        DistilledClassifier(
            forest,
            DatasetDistiller(LogisticRegression(), weighting="match", max_iter=20),
        ),
        DistilledRegressor(Ridge()),
    ]
)
# The checks fit on noise, for a few iterations.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_estimator_checks(estimator, check):
    check(estimator)


# Which estimator is distilled for, and which is fitted


def test_an_estimator_with_a_student_is_distilled_for(multiclass_table):
    X, y = multiclass_table
    estimator = LogisticRegression(C=10, tol=1e-8, max_iter=1000)
    fitted = DistilledClassifier(estimator).fit(X, y)
    alone = DatasetDistiller(estimator).fit(X, y)
    assert fitted.estimator_ is fitted.distiller_.estimator_
    assert_allclose(fitted.distiller_.loss_, alone.loss_, rtol=1e-3)
    refitted = clone(estimator).fit(
        fitted.distiller_.X_synthetic_, fitted.distiller_.y_synthetic_
    )
    assert_array_equal(fitted.predict_proba(X), refitted.predict_proba(X))
    assert fitted.score(X, y) == refitted.score(X, y)


def test_rows_are_searched_for_any_other(multiclass_table):
    X, y = multiclass_table
    classifier = DistilledClassifier(
        forest, DatasetDistiller(max_iter=1, random_state=0)
    )
    classifier.fit(X, y)  # a warning would be an error
    distiller = classifier.distiller_
    assert distiller.solver_ == "search"
    refitted = clone(forest).fit(distiller.X_synthetic_, distiller.y_synthetic_)
    assert_array_equal(classifier.predict_proba(X), refitted.predict_proba(X))
    assert not hasattr(forest, "estimators_")


def test_settings_without_a_student_are_named(binary_table):
    unmirrored = LogisticRegression(solver="liblinear")
    with pytest.warns(UserWarning, match="liblinear.* found by search"):
        fitted = DistilledClassifier(
            unmirrored, DatasetDistiller(max_iter=1, random_state=0)
        ).fit(*binary_table)
    assert fitted.estimator_.solver == "liblinear"
    assert fitted.distiller_.solver_ == "search"


def test_a_distiller_keeps_its_own_estimator(multiclass_table):
    X, y = multiclass_table
    classifier = DistilledClassifier(
        HistGradientBoostingClassifier(min_samples_leaf=2),
        DatasetDistiller(LogisticRegression(C=3)),
    ).fit(X, y)  # a warning would be an error
    assert classifier.distiller_.estimator_.C == 3
    assert isinstance(classifier.estimator_, HistGradientBoostingClassifier)


def test_a_distiller_without_one_gets_the_estimator(binary_table):
    distiller = DatasetDistiller(n_synthetic=4, learn_params=("C",))
    fitted = DistilledClassifier(LogisticRegression(C=1e-3), distiller).fit(
        *binary_table
    )
    assert distiller.estimator is None
    assert not hasattr(distiller, "X_synthetic_")
    assert len(fitted.distiller_.X_synthetic_) == 4
    # The learned hyperparameter reaches the fitted estimator.
    assert fitted.estimator_.C > 1e-3


def test_weights_are_passed_on(multiclass_table):
    X, y = multiclass_table
    distiller = DatasetDistiller(LogisticRegression(), weighting="match")
    classifier = DistilledClassifier(forest, distiller).fit(X[10:], y[10:])
    learned = classifier.distiller_
    samples, labels = learned.X_synthetic_, learned.y_synthetic_
    weighted = clone(forest).fit(samples, labels, learned.sample_weight_synthetic_)
    plain = clone(forest).fit(samples, labels)
    assert_array_equal(classifier.predict_proba(X), weighted.predict_proba(X))
    assert (weighted.predict_proba(X) != plain.predict_proba(X)).any()


def test_weights_that_cannot_be_passed_on(binary_table):
    distiller = DatasetDistiller(LogisticRegression(), weighting="match")
    with pytest.warns(UserWarning, match=r"KNeighbors.* no sample_weight"):
        DistilledClassifier(KNeighborsClassifier(1), distiller).fit(*binary_table)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"estimator": Ridge()}, "takes a classifier; got estimator=Ridge"),
        ({"distiller": LogisticRegression()}, "distiller.*must be an instance of"),
        ({"estimator": LogisticRegression(C=-1)}, "'C' parameter"),
    ],
)
def test_what_is_refused(binary_table, params, message):
    with pytest.raises(ValueError, match=message):
        DistilledClassifier(**params).fit(*binary_table)


def test_methods_are_those_of_the_estimator(binary_table):
    assert is_classifier(DistilledClassifier())
    assert hasattr(DistilledClassifier(LinearSVC()), "decision_function")
    assert not hasattr(DistilledClassifier(LinearSVC()), "predict_proba")
    assert not hasattr(DistilledClassifier(forest), "decision_function")
    X, y = binary_table
    fitted = DistilledClassifier(
        LinearSVC(), DatasetDistiller(LogisticRegression())
    ).fit(X, y)
    assert_array_equal(
        fitted.decision_function(X), fitted.estimator_.decision_function(X)
    )
    assert not hasattr(fitted, "predict_log_proba")


def test_predicting_refuses_what_fitting_refuses(binary_table):
    X, y = binary_table
    fitted = DistilledClassifier(forest, DatasetDistiller(LogisticRegression())).fit(
        X, y
    )
    with pytest.raises(ValueError, match="5 features, but Rand.* is expecting 6"):
        fitted.predict(X[:, :5])
    X = X.copy()
    X[0, 0] = np.nan  # a forest would take it
    for predict in (fitted.predict, fitted.predict_proba):
        with pytest.raises(ValueError, match="NaN"):
            predict(X)


# Equal rows


def test_merged_rows_against_numpy(rng):
    X = rng.integers(0, 2, (200, 3)).astype(float)
    y = rng.integers(0, 2, 200)
    weight = rng.integers(0, 3, 200).astype(float)
    rows, merged = merge_equal_rows(X, y, weight)
    table = np.column_stack([X, y])
    kinds, index = np.unique(table[weight > 0], axis=0, return_inverse=True)
    totals = np.bincount(index.ravel(), weights=weight[weight > 0])
    order = np.lexsort(table[rows].T[::-1])
    assert_array_equal(table[rows][order], kinds)
    assert_array_equal(merged[order], totals)
    # The order is that of the rows themselves.
    shuffled = rng.permutation(200)
    again, _ = merge_equal_rows(X[shuffled], y[shuffled], weight[shuffled])
    assert_array_equal(table[shuffled][again], table[rows])


def test_a_weight_is_a_repetition_bit_for_bit(rng):
    X, y = make_table(3, n=40)
    weight = rng.integers(0, 4, len(y))
    shuffled = rng.permutation(np.repeat(np.arange(len(y)), weight))
    weighted = DistilledClassifier().fit(X, y, sample_weight=weight)
    repeated = DistilledClassifier().fit(X[shuffled], y[shuffled])
    assert_array_equal(
        weighted.distiller_.X_synthetic_, repeated.distiller_.X_synthetic_
    )
    assert_array_equal(weighted.predict_proba(X), repeated.predict_proba(X))


def test_memory_mapped_rows_stay_where_they_are(binary_table, tmp_path):
    X, y = binary_table
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")

    class Watched(DatasetDistiller):
        def fit(self, X, y, sample_weight=None):
            self.is_same_memory_ = np.may_share_memory(X, mapped)
            return super().fit(X, y, sample_weight)

    on_disk, in_memory = (
        DistilledClassifier(distiller=Watched()).fit(samples, y)
        for samples in (mapped, X)
    )
    assert on_disk.distiller_.is_same_memory_
    assert not in_memory.distiller_.is_same_memory_
    assert_allclose(on_disk.distiller_.loss_, in_memory.distiller_.loss_, rtol=1e-3)


# Among scikit-learn's tools


@pytest.mark.slow
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_grid_search_of_nested_parameters(multiclass_table, n_jobs):
    X, y = multiclass_table
    search = GridSearchCV(
        DistilledClassifier(LogisticRegression(), DatasetDistiller()),
        {"distiller__n_synthetic": [3, 9], "estimator__C": [1.0, 10.0]},
        cv=2,
        n_jobs=n_jobs,
        error_score="raise",
    ).fit(X, y)
    full = cross_val_score(LogisticRegression(), X, y, cv=2).mean()
    assert search.best_score_ > full - 0.05
    best = search.best_estimator_
    assert best.estimator_.C == search.best_params_["estimator__C"]
    assert len(best.distiller_.X_synthetic_) in (3, 9)


def test_in_a_pipeline(binary_table):
    X, y = binary_table
    pipeline = make_pipeline(StandardScaler(), DistilledClassifier())
    full = cross_val_score(LogisticRegression(), X, y).mean()
    assert cross_val_score(pipeline, 1e3 * X + 5, y).mean() > full - 0.05


def test_clone_and_html(binary_table):
    classifier = DistilledClassifier(
        LogisticRegression(C=2), DatasetDistiller(n_synthetic=4)
    )
    copied = clone(classifier)
    assert copied.get_params()["distiller__n_synthetic"] == 4
    assert copied.estimator is not classifier.estimator
    html = classifier.fit(*binary_table)._repr_html_()
    assert "LogisticRegression" in html
    assert "DatasetDistiller" in html


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_frames(multiclass_table, library):
    X, y = multiclass_table
    frame = library.DataFrame(dict(zip("abcdef", X.T, strict=True)))
    labels = library.Series(np.array(["red", "green", "blue"])[y].tolist())
    classifier = DistilledClassifier(forest, DatasetDistiller(LogisticRegression()))
    classifier.fit(frame, labels)
    assert_array_equal(classifier.feature_names_in_, list("abcdef"))
    assert isinstance(classifier.distiller_.X_synthetic_, library.DataFrame)
    assert_array_equal(classifier.estimator_.feature_names_in_, list("abcdef"))
    assert_array_equal(classifier.classes_, ["blue", "green", "red"])
    assert set(classifier.predict(frame)) <= set(classifier.classes_)
    with pytest.warns(UserWarning, match="valid feature names") as caught:
        classifier.predict(X)
    assert len(caught) == 1


@pytest.mark.slow
def test_pickle_is_small_and_needs_no_jax(tmp_path):
    X, y = make_table(3, n=3000)
    fitted = DistilledClassifier(
        forest, DatasetDistiller(LogisticRegression(), n_synthetic=6)
    ).fit(X, y)
    path = tmp_path / "classifier.pickle"
    path.write_bytes(pickle.dumps(fitted))
    assert path.stat().st_size < len(pickle.dumps(fitted.estimator_)) + 10_000
    assert path.stat().st_size < X.nbytes / 2
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "probabilities.npy", fitted.predict_proba(X))
    script = f"""
        import pickle, sys
        import numpy as np
        classifier = pickle.load(open({str(path)!r}, "rb"))
        X = np.load({str(tmp_path / "X.npy")!r})
        expected = np.load({str(tmp_path / "probabilities.npy")!r})
        assert (classifier.predict_proba(X) == expected).all()
        loaded = set(sys.modules) & {{"jax", "matplotlib", "imblearn"}}
        assert not loaded, loaded
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True)


# Metadata


class GroupDistiller(DatasetDistiller):
    """A distiller that records the groups that fit receives."""

    def fit(self, X, y, sample_weight=None, groups=None):
        super().fit(X, y, sample_weight=sample_weight)
        self.shapes_ = (X.shape, np.shape(groups))
        return self


def test_weights_through_a_search_with_routing(binary_table):
    X, y = binary_table
    weight = np.where(y == 1, 5.0, 0.2)
    groups = np.arange(len(y)) % 3
    with config_context(enable_metadata_routing=True):
        classifier = DistilledClassifier().set_fit_request(sample_weight=True)
        classifier.set_score_request(sample_weight=True)
        search = GridSearchCV(
            classifier, {"estimator": [LogisticRegression()]}, cv=GroupKFold(3)
        )
        search.fit(X, y, sample_weight=weight, groups=groups)
    expected = []
    for train, test in GroupKFold(3).split(X, y, groups):
        fitted = DistilledClassifier().fit(X[train], y[train], weight[train])
        expected.append(fitted.score(X[test], y[test], weight[test]))
    assert_allclose(search.cv_results_["mean_test_score"], np.mean(expected))
    # The rare class weighs most: it is predicted more often than without weights.
    plain = DistilledClassifier().fit(X, y)
    assert search.predict(X).mean() > plain.predict(X).mean()


def test_other_metadata_keeps_its_rows(binary_table):
    X, y = (np.repeat(part, 2, axis=0) for part in binary_table)
    groups = np.arange(len(y))
    with config_context(enable_metadata_routing=True):
        distiller = GroupDistiller().set_fit_request(groups=True, sample_weight=True)
        classifier = DistilledClassifier(distiller=distiller)
        classifier.fit(X, y, sample_weight=np.ones(len(y)), groups=groups)
        assert classifier.distiller_.shapes_ == (X.shape, groups.shape)
        with pytest.raises(TypeError, match="unexpected argument"):
            DistilledClassifier().fit(X, y, groups=groups)
        silent = DistilledClassifier(distiller=DatasetDistiller())
        with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
            silent.fit(X, y, sample_weight=np.ones(len(y)))
    with pytest.raises(ValueError, match="groups"):
        classifier.fit(X, y, groups=groups)


# Callbacks


class Recorder:
    """An auto-propagated callback that records tasks, and may raise in one of them."""

    max_propagation_depth = None

    def __init__(self, raise_in=None):
        self.raise_in = raise_in
        self.tasks = []
        self.set_up = self.torn_down = 0

    def setup(self, estimator, context):
        self.set_up += 1

    def teardown(self, estimator, context):
        self.torn_down += 1

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        # The root task of a sub-estimator is the task of its owner: it has both names.
        name = context.source_task_name or context.task_name
        self.tasks.append((type(estimator).__name__, name))
        if name == self.raise_in:
            raise KeyboardInterrupt


def test_callbacks_reach_the_distiller(binary_table):
    recorder = Recorder()
    classifier = DistilledClassifier().set_callbacks(recorder).fit(*binary_table)
    names = ["outer iteration"] * classifier.distiller_.n_iter_
    assert recorder.tasks[: len(names)] == [("DatasetDistiller", n) for n in names]
    assert recorder.tasks[-2:] == [
        ("DatasetDistiller", "distill"),
        ("DistilledClassifier", "fit"),
    ]
    assert recorder.set_up == recorder.torn_down == 1
    assert not hasattr(classifier.distiller_, "_skl_callbacks")


def test_an_estimator_of_its_own_is_a_second_task(binary_table):
    recorder = Recorder()
    DistilledClassifier(
        LogisticRegression(), DatasetDistiller(LogisticRegression())
    ).set_callbacks(recorder).fit(*binary_table)
    assert ("DatasetDistiller", "distill") in recorder.tasks
    assert recorder.tasks[-2:] == [
        ("LogisticRegression", "fit-estimator"),
        ("DistilledClassifier", "fit"),
    ]


def test_progress_bar(binary_table, capsys):
    DistilledClassifier().set_callbacks(ProgressBar()).fit(*binary_table)
    output = capsys.readouterr().out
    assert "DistilledClassifier - distill | DatasetDistiller" in output


@pytest.mark.parametrize("task", ["outer iteration", "distill", "fit"])
def test_interruption_leaves_the_previous_fit(multiclass_table, task):
    X, y = multiclass_table
    classifier = DistilledClassifier().fit(X, y)
    classifier.set_callbacks(Recorder(raise_in=task))
    before = dict(vars(classifier))
    with pytest.raises(KeyboardInterrupt):
        classifier.fit(X[:, :4], y)
    assert vars(classifier) == before
    classifier.predict(X)


# Regression


@pytest.fixture(scope="module")
def numbers():
    X, y = make_regression(150, 5, noise=20.0, random_state=0)
    return X, y


@pytest.mark.slow
@pytest.mark.parametrize("estimator", [Ridge(), KernelRidge(kernel="rbf", alpha=0.1)])
# Twenty iterations are enough for what is compared.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_regressor_with_a_student_is_distilled_for(numbers, estimator):
    X, y = numbers
    y = (y - y.mean()) / y.std()  # a kernel ridge has no intercept
    regressor = DistilledRegressor(estimator, DatasetDistiller(max_iter=20)).fit(X, y)
    distiller = regressor.distiller_
    refitted = clone(estimator).fit(distiller.X_synthetic_, distiller.y_synthetic_)
    assert_array_equal(regressor.predict(X), refitted.predict(X))
    assert regressor.score(X, y) > clone(estimator).fit(X, y).score(X, y) - 0.1
    assert not hasattr(regressor, "classes_")


def test_rows_are_searched_for_any_other_regressor(numbers):
    X, y = numbers
    tree = DecisionTreeRegressor(max_depth=3, random_state=0)
    regressor = DistilledRegressor(
        tree, DatasetDistiller(max_iter=1, random_state=0)
    ).fit(X, y)
    distiller = regressor.distiller_
    refitted = clone(tree).fit(distiller.X_synthetic_, distiller.y_synthetic_)
    assert_array_equal(regressor.predict(X), refitted.predict(X))
    with pytest.raises(ValueError, match="takes a regressor; got estimator=Logistic"):
        DistilledRegressor(LogisticRegression()).fit(X, y)
    mixed = DistilledRegressor(tree, DatasetDistiller(LogisticRegression()))
    with pytest.raises(ValueError, match="takes a regressor; got distiller="):
        mixed.fit(X, y)


@pytest.mark.parametrize("library", [None, pd, pl], ids=["numpy", "pandas", "polars"])
def test_several_targets(numbers, library):
    X, y = numbers
    Y = np.column_stack([y, X[:, 0] - X[:, 1]])
    if library is not None:
        X = library.DataFrame(dict(zip("abcde", X.T, strict=True)))
        Y = library.DataFrame(dict(zip("uv", Y.T, strict=True)))
    regressor = DistilledRegressor().fit(X, Y)
    assert regressor.predict(X).shape == (150, 2)
    assert isinstance(regressor.distiller_.y_synthetic_, type(Y))
    assert regressor.score(X, Y) > Ridge().fit(X, Y).score(X, Y) - 0.01


def test_grid_search_and_weights_of_a_regressor(numbers):
    X, y = numbers
    search = GridSearchCV(
        DistilledRegressor(Ridge(), DatasetDistiller()),
        {"estimator__alpha": [0.1, 1e4], "distiller__n_synthetic": [10, 20]},
        cv=2,
        error_score="raise",
    ).fit(X, y)
    best = search.best_estimator_
    assert best.estimator_.alpha == search.best_params_["estimator__alpha"]
    assert search.best_score_ > cross_val_score(Ridge(), X, y, cv=2).mean() - 0.01
    weight = np.random.default_rng(0).integers(0, 3, len(y))
    weighted = DistilledRegressor().fit(X, y, sample_weight=weight)
    repeated = DistilledRegressor().fit(np.repeat(X, weight, axis=0), y.repeat(weight))
    assert_array_equal(weighted.predict(X), repeated.predict(X))
