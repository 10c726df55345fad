"""The course of a fit: its passes over the rows, its reports and its end."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_classification
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsRegressor

from skdistill import DatasetDistiller
from skdistill.objectives import OuterLoss
from skdistill.real import _reading
from skdistill.real._base import _ValueAndGrad
from skdistill.real._dense import DenseRows
from skdistill.solvers import _iterate, _problem
from skdistill.solvers.exact import _model_of_all_rows, _newton
from skdistill.solvers.exact._span_loss import SpanLoss
from skdistill.students import _base
from skdistill.students._base import _train
from tests.conftest import strict_logistic

# The fits are cut short: what is tested holds for any of them.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

#: More rows than the sample of the first iterations holds.
MANY = 4500
#: Passes over all rows that end a fit: the loss of the set, and of the refit.
LAST_PASSES = 2
#: Losses on a sample of them: of the starts to choose from, of a span, of roundings.
LAST_LOOKS = 8
SMOOTH = KernelRidge(kernel="rbf", gamma=0.1, alpha=0.1)


class Counting(DenseRows):
    """Rows that count the passes over all of them and the mini-batches."""

    passes, batches, looks = 0, 0, 0

    def map_sum(self, function, *arguments, rows=None):
        if rows is None:
            Counting.passes += 1
        else:
            Counting.batches += 1
        return super().map_sum(function, *arguments, rows=rows)


class Watch:
    """A callback that records what it sees, and stops or raises in a given call."""

    def __init__(self, *, stop_at=np.inf, error=None, look=None):
        self.stop_at, self.error, self.look = stop_at, error, look
        self.tasks, self.passes, self.looks, self.seen = [], [], [], []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        if context.task_name == "fit":
            return False
        self.tasks.append(context.task_name)
        self.passes.append(Counting.passes)
        self.looks.append(Counting.looks)
        if self.look is not None:
            self.seen.append(self.look(fitted_estimator))
        if len(self.tasks) < self.stop_at:
            return False
        if self.error is not None:
            raise self.error
        return True


@pytest.fixture
def counted(monkeypatch):
    """Count passes and mini-batches, and evaluations on a sample or a span."""
    Counting.passes = Counting.batches = Counting.looks = 0
    monkeypatch.setattr(_reading, "rows_in_memory", Counting)

    def counting(value_and_grad):
        def counted(self, params, rows=None):
            Counting.looks += 1
            return value_and_grad(self, params, rows)

        return counted

    for loss in (OuterLoss, SpanLoss):
        monkeypatch.setattr(loss, "value_and_grad", counting(loss.value_and_grad))


def classes(n, k=2, seed=0):
    return make_classification(
        n,
        4,
        n_informative=3,
        n_redundant=0,
        n_classes=k,
        n_clusters_per_class=1,
        flip_y=0.1,
        random_state=seed,
    )


#: The model is within the norm of the rows, but not within their bounds.
OUT_OF_REACH = {"weighting": "match", "feature_range": (-0.03, 0.03)}


def numbers(n):
    X, _ = classes(n)
    rng = np.random.default_rng(0)
    return X, np.sin(X[:, 0]) + X[:, 1] + 0.1 * rng.standard_normal(n)


def with_integers(n):
    X, y = classes(n)
    frame = pd.DataFrame(X, columns=list("abcd"))
    frame["a"] = np.rint(3 * frame["a"]).astype(int)
    return frame, y


def fit(estimator, X, y, watch=None, **params):
    params = {"n_synthetic": 6, "max_iter": 8, "random_state": 0, "tol": 0.0, **params}
    distiller = DatasetDistiller(estimator, **params)
    if watch is not None:
        distiller.set_callbacks(watch)
    return distiller.fit(X, y)


@pytest.mark.parametrize("solver", ["auto", "lbfgs", "adam"])
def test_the_curve_is_the_loss_of_the_sets(solver):
    """The reference is computed with scikit-learn from the sets a callback sees."""
    X, y = classes(120, k=3)
    watch = Watch(look=lambda fitted: log_loss(y, fitted.predict_proba(X)))
    fitted = fit(strict_logistic(C=0.1), X, y, watch, solver=solver)
    assert_allclose(fitted.loss_curve_, watch.seen, rtol=1e-8)
    assert fitted.n_iter_ == len(fitted.loss_curve_) == 8


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_the_curve_leaves_the_penalty_out(solver):
    """The penalty is part of the objective, but not of the reported loss."""
    X, y = numbers(120)
    watch = Watch(look=lambda fitted: mean_squared_error(y, fitted.predict(X)))
    fitted = fit(SMOOTH, X, y, watch, solver=solver)
    assert_allclose(fitted.loss_curve_, watch.seen, rtol=1e-7)
    assert fitted.n_iter_ == len(fitted.loss_curve_) == 8


def test_the_curve_ends_with_rounded_sets():
    X, y = with_integers(120)
    watch = Watch(look=lambda fitted: log_loss(y, fitted.predict_proba(X)))
    fitted = fit(strict_logistic(C=0.1), X, y, watch, max_iter=12)
    assert fitted.n_iter_ == len(fitted.loss_curve_) == len(watch.seen) == 12
    # A look is at rounded rows: from the rounding on, these are the set itself.
    is_the_set = np.isclose(fitted.loss_curve_, watch.seen, rtol=1e-8)
    first = np.flatnonzero(~is_the_set).max() + 1
    assert 0 < first < 12
    assert_allclose(fitted.loss_, fitted.loss_curve_[-1], rtol=1e-8)


@pytest.mark.slow
def test_an_exact_set_is_one_iteration():
    X, y = classes(120)
    watch = Watch()
    fitted = fit(strict_logistic(), X, y, watch, weighting="match", max_iter=50)
    assert fitted.n_iter_ == len(fitted.loss_curve_) == 1
    assert_allclose(fitted.loss_curve_, fitted.loss_, rtol=1e-6)
    assert watch.tasks.count("outer iteration") == 1
    assert watch.tasks.count("full-data model iteration") >= 2
    assert watch.tasks[-1] == "outer iteration"
    assert fit(GaussianNB(priors=[0.5, 0.5]), X, y).n_iter_ == 1


@pytest.mark.slow
@pytest.mark.parametrize("max_iter", [1, 2, 5, 9])
@pytest.mark.parametrize("solver", ["auto", "lbfgs", "adam"])
def test_no_more_iterations_than_asked_for(solver, max_iter):
    """This also holds for columns that are rounded."""
    for X, y in (classes(120), with_integers(120)):
        watch = Watch()
        fitted = fit(
            LogisticRegression(C=0.1), X, y, watch, solver=solver, max_iter=max_iter
        )
        assert fitted.n_iter_ == len(fitted.loss_curve_) <= max_iter
        assert watch.tasks.count("outer iteration") == fitted.n_iter_


@pytest.mark.slow
@pytest.mark.parametrize(
    ("phase", "estimator", "table", "params"),
    [
        ("iteration", LogisticRegression(C=0.1), classes, {"solver": "lbfgs"}),
        ("iteration", SMOOTH, numbers, {"solver": "lbfgs"}),
        ("adam", SMOOTH, numbers, {"solver": "adam", "batch_size": 500}),
        ("model", LogisticRegression(), classes, {"weighting": "match"}),
        ("model by L-BFGS", LogisticRegression(), classes, {"weighting": "match"}),
        ("model", LogisticRegression(), classes, OUT_OF_REACH),
        ("rounding", LogisticRegression(C=0.1), with_integers, {}),
    ],
)
def test_a_stop_request_ends_every_phase(
    phase, estimator, table, params, counted, monkeypatch
):
    if phase == "model by L-BFGS":
        monkeypatch.setattr(_newton, "CHEAP_BLOCKS", 0)
    X, y = table(MANY)
    watch = Watch(stop_at=1)
    fitted = fit(estimator, X, y, watch, max_iter=100, **params)
    of_model = phase.startswith("model")
    task = "full-data model iteration" if of_model else "outer iteration"
    assert watch.tasks[0] == task
    # The set that is returned is told, too: the exact one, and the rounded one.
    told = 1 + (of_model or phase == "rounding")
    assert len(watch.tasks) == told
    assert fitted.n_iter_ == len(fitted.loss_curve_) == told - of_model
    assert Counting.passes - watch.passes[0] <= LAST_PASSES
    assert Counting.looks - watch.looks[0] <= LAST_LOOKS
    assert Counting.batches == (10 if phase == "adam" else 0)
    assert fitted.predict(X).shape == y.shape


@pytest.mark.slow
def test_a_stop_request_while_rounded_rows_are_refined(counted):
    X, y = with_integers(MANY)
    free = fit(LogisticRegression(C=0.1), X, y, Watch(), max_iter=12)
    watch = Watch(stop_at=11)
    fitted = fit(LogisticRegression(C=0.1), X, y, watch, max_iter=12)
    assert free.n_iter_ == 12
    assert fitted.n_iter_ == len(watch.tasks) == 11
    assert Counting.passes - watch.passes[-1] <= LAST_PASSES
    assert_array_equal(fitted.loss_curve_, free.loss_curve_[:11])


@pytest.mark.parametrize("solver", ["exact", "lbfgs"])
def test_looks_at_the_model_are_at_sets(solver):
    """A callback that asks for rows gets rows that train to the current model."""
    X, y = classes(120)
    watch = Watch(look=lambda fitted: fitted.estimator_.coef_)
    estimator = strict_logistic()
    fitted = fit(estimator, X, y, watch, weighting="match", solver=solver, max_iter=50)
    of_model = np.array(watch.tasks) == "full-data model iteration"
    assert of_model.any()
    full = estimator.fit(X, y).coef_
    last = np.flatnonzero(of_model)[-1]
    assert_allclose(watch.seen[last], full, atol=1e-5 * np.abs(full).max())
    assert fitted.n_iter_ == (~of_model).sum()


def test_most_of_the_way_is_gone_on_a_sample(counted, monkeypatch):
    """There are few passes before the first iteration, which is then near the end."""
    X, y = numbers(MANY)
    watch = Watch()
    fitted = fit(SMOOTH, X, y, watch, solver="lbfgs", max_iter=10)
    assert watch.passes[0] <= 4
    # Some line searches take two.
    assert Counting.passes <= 20
    monkeypatch.setattr(_iterate, "SAMPLE_MAX_ITER", 0)
    without = fit(SMOOTH, X, y, solver="lbfgs", max_iter=1)
    first, end = fitted.loss_curve_[[0, -1]]
    assert first - end < 0.2 * (without.loss_ - end)


def test_the_model_of_all_rows_comes_from_that_of_a_sample(counted, monkeypatch):
    X, y = classes(MANY, k=3)
    passes = []
    for sample_iterations in (_model_of_all_rows.SAMPLE_MAX_ITER, 0):
        monkeypatch.setattr(_model_of_all_rows, "SAMPLE_MAX_ITER", sample_iterations)
        Counting.passes = 0
        params = {"weighting": "match", "n_synthetic": 12, "max_iter": 100}
        assert fit(strict_logistic(), X, y, **params).n_iter_ == 1
        passes.append(Counting.passes)
    assert passes[0] < 0.8 * passes[1] < 80


def test_rows_that_no_solver_looks_at_as_a_whole(counted):
    """All rows are read only for the start, the spread and the refit."""
    X, y = numbers(MANY)
    fit(SMOOTH, X, y, solver="adam", max_iter=3, batch_size=500)
    assert Counting.batches == 30
    assert Counting.passes <= LAST_PASSES


@pytest.fixture
def asked(monkeypatch):
    """Count sums over rows by ("whole" or "batch", whether a gradient is taken)."""
    counts = Counter()
    map_sum = DenseRows.map_sum

    def counted(self, function, *arguments, rows=None):
        kind = "whole" if rows is None else "batch"
        counts[kind, isinstance(function, _ValueAndGrad)] += 1
        return map_sum(self, function, *arguments, rows=rows)

    monkeypatch.setattr(DenseRows, "map_sum", counted)
    return counts


def test_batches_alone_ask_for_gradients_and_train_once(asked, monkeypatch):
    """Judging a set needs only its value, and reuses the model for the next step."""
    X, y = numbers(MANY)
    trained = []

    def train(arguments, numbers, form):
        trained.append(form)
        return _train(arguments, numbers, form=form)

    monkeypatch.setattr(_base, "_train", train)
    fit(SMOOTH, X, y, solver="adam", max_iter=3, batch_size=500, early_stopping=True)
    assert asked["batch", True] == 30
    assert asked["batch", False] == asked["whole", True] == 0
    assert asked["whole", False] >= 2 * 3
    # The start, and what each step has led to; the last set may not be the best.
    assert len(trained) <= 1 + 30 + 1


@pytest.mark.parametrize("early_stopping", [False, True])
def test_rows_held_back_do_not_change_what_iterates(early_stopping, asked, monkeypatch):
    monkeypatch.setattr(_problem, "MAX_FULL_ROWS", 2990)
    X, y = numbers(3000)  # of which 2,700 are left
    params = {"max_iter": 1, "batch_size": 100, "early_stopping": early_stopping}
    assert fit(SMOOTH, X, y, **params).solver_ == "adam"
    assert asked["batch", True] == 10
    assert asked["whole", True] == 0


def interrupted(distiller, X, y, k):
    distiller.set_callbacks(Watch(stop_at=k, error=KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        distiller.fit(X, y)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("estimator", "table", "solver"),
    [
        (strict_logistic(C=0.1), classes, "lbfgs"),
        (SMOOTH, numbers, "lbfgs"),
        (SMOOTH, numbers, "adam"),
        (KNeighborsRegressor(2), numbers, "lbfgs"),
        (LogisticRegression(C=0.1), with_integers, "lbfgs"),
    ],
)
def test_interruption_keeps_the_best_set(estimator, table, solver):
    """The next fit continues from that set."""
    X, y = table(120)
    params = {"n_synthetic": 6, "random_state": 0, "max_iter": 100, "tol": 0.0}
    params["early_stopping"] = False
    distiller = DatasetDistiller(estimator, solver=solver, warm_start=True, **params)
    interrupted(distiller, X, y, 4)
    assert distiller.predict(X).shape == y.shape
    assert distiller.n_iter_ == len(distiller.loss_curve_) == 4
    if isinstance(estimator, KNeighborsRegressor):
        # In the end it is the loss of the vote, on the way that of a soft one.
        error = mean_squared_error(y, distiller.predict(X))
        assert_allclose(distiller.loss_, error, rtol=1e-9)
    elif table is not with_integers:
        assert_allclose(distiller.loss_, min(distiller.loss_curve_), rtol=1e-6)
    refit = estimator.fit(distiller.X_synthetic_, distiller.y_synthetic_)
    assert_array_equal(refit.predict(X), distiller.predict(X))

    kept = distiller.loss_
    start = np.asarray(distiller.X_synthetic_, dtype=float)
    distiller.set_callbacks()
    distiller.set_params(tol=1e9, solver="lbfgs").fit(X, y)
    assert_allclose(np.asarray(distiller.X_synthetic_, dtype=float), start, atol=1e-6)
    assert_allclose(distiller.loss_, kept, rtol=1e-6)


def test_interruption_before_the_first_set_leaves_it_as_it_was():
    """While the model of all rows is being fitted, there is no set yet."""
    X, y = classes(120)
    distiller = DatasetDistiller(strict_logistic(), n_synthetic=6, weighting="match")
    before = dict(vars(distiller))
    watch = Watch(stop_at=1, error=KeyboardInterrupt())
    distiller.set_callbacks(watch)
    with_callbacks = dict(vars(distiller))
    with pytest.raises(KeyboardInterrupt):
        distiller.fit(X, y)
    assert watch.tasks == ["full-data model iteration"]
    assert vars(distiller) == with_callbacks
    assert before.items() <= with_callbacks.items()
    assert not hasattr(distiller, "estimator_")


def test_errors_of_a_callback_leave_it_as_it_was():
    """Only a request to stop keeps a set; an error does not."""
    X, y = classes(120)
    fitted = fit(LogisticRegression(C=0.1), X, y, solver="lbfgs")
    fitted.set_callbacks(Watch(stop_at=3, error=RuntimeError("no")))
    before = dict(vars(fitted))
    with pytest.raises(RuntimeError, match="no"):
        fitted.fit(X, y)
    assert vars(fitted) == before
