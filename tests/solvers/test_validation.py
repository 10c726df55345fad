"""A set is judged by rows that it has not seen, and these do not leak into it."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.model_selection import TimeSeriesSplit
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from skdistill import DatasetDistiller
from skdistill.optimizers._outcome import Outcome
from skdistill.solvers import _validation
from skdistill.solvers._report import Report
from skdistill.solvers._validation import _typical
from tests.conftest import make_table, strict_logistic

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:The outer loss is .* on rows that were held back",
)
VOTE = KNeighborsClassifier(1)


@pytest.fixture(scope="module")
def noisy():
    """Return two classes, with some of the labels drawn at random."""
    X, y = make_table(2, seed=0)
    rng = np.random.default_rng(0)
    return X, np.where(rng.random(len(y)) < 0.1, rng.integers(0, 2, len(y)), y)


@pytest.fixture(scope="module")
def part(noisy):
    is_held = np.arange(len(noisy[1])) % 4 == 0
    return [(np.flatnonzero(~is_held), np.flatnonzero(is_held))]


def distiller(**params):
    params = {"n_synthetic": 8, "random_state": 0, "max_iter": 20, **params}
    return DatasetDistiller(params.pop("estimator", VOTE), **params)


@pytest.fixture(scope="module")
def fitted(noisy, part):
    return distiller(validation_fraction=part).fit(*noisy)


def test_rows_that_judge_do_not_leak(noisy, part, fitted):
    """Other held-back rows change which iterate is returned, but not the iterates."""
    X, y = noisy
    held = part[0][1]
    other = y.copy()
    other[held] = y[held][::-1]
    moved = X.copy()
    moved[held] = 10 * X[held]
    for table in ((X, other), (moved, y)):
        changed = distiller(validation_fraction=part).fit(*table)
        common = min(fitted.n_iter_, changed.n_iter_)
        assert_array_equal(changed.loss_curve_[:common], fitted.loss_curve_[:common])
        assert changed.validation_loss_ != fitted.validation_loss_


def test_the_set_with_the_lowest_held_back_loss_is_returned(noisy, part):
    """A fit that ends at the iteration of this set returns the same set."""
    n_iter_no_change = 5
    fitted = distiller(
        validation_fraction=part, n_iter_no_change=n_iter_no_change, max_iter=40
    ).fit(*noisy)
    curve = fitted.validation_loss_curve_
    best = int(np.argmin(curve))
    assert fitted.n_iter_ == len(curve) == best + 1 + n_iter_no_change
    assert fitted.validation_loss_ == curve[best]
    X, y = noisy
    kept = part[0][0]
    weight = (np.bincount(y) / np.bincount(y[kept]))[y[kept]]
    ended = distiller(early_stopping=False, max_iter=best + 1)
    ended.fit(X[kept], y[kept], sample_weight=weight)
    assert_allclose(fitted.X_synthetic_, ended.X_synthetic_, atol=1e-6)


def test_the_starting_rows_are_a_candidate(noisy, part):
    """If the held-back labels are swapped, learning makes every set worse."""
    X, y = noisy
    kept, held = part[0]
    y = y.copy()
    y[held] = 1 - y[held]
    fitted = distiller(validation_fraction=part, n_iter_no_change=2).fit(X, y)
    weight = (np.bincount(y) / np.bincount(y[kept]))[y[kept]]
    start = distiller(early_stopping=False, tol=1e9)
    start.fit(X[kept], y[kept], sample_weight=weight)
    assert_allclose(fitted.X_synthetic_, start.X_synthetic_, rtol=1e-9)
    assert fitted.validation_loss_ < fitted.validation_loss_curve_.min()


def test_the_losses_are_those_of_the_set_that_is_returned(noisy, part):
    X, y = noisy
    kept, held = part[0]
    fitted = distiller(
        estimator=strict_logistic(C=0.2),
        learn_params=("C",),
        validation_fraction=part,
        early_stopping=True,
        solver="lbfgs",
    ).fit(X, y)
    model = fitted.estimator_
    held_loss = log_loss(y[held], model.predict_proba(X[held]))
    assert_allclose(fitted.validation_loss_, held_loss, rtol=1e-6)
    assert_allclose(fitted.loss_, log_loss(y, model.predict_proba(X)), rtol=1e-6)
    # Those of the other classes weigh what they did before some were held back.
    factor = np.bincount(y) / np.bincount(y[kept])
    best = np.argmin(fitted.validation_loss_curve_)
    assert fitted.validation_loss_curve_[best] == fitted.validation_loss_
    assert_allclose(
        fitted.loss_curve_[best],
        log_loss(y[kept], model.predict_proba(X[kept]), sample_weight=factor[y[kept]]),
        rtol=1e-6,
    )


def test_folds_say_when_to_end_and_all_rows_are_used(noisy):
    X, y = noisy
    fitted = distiller(max_iter=30).fit(X, y)
    assert fitted.n_iter_ < 30
    ended = distiller(early_stopping=False, max_iter=fitted.n_iter_).fit(X, y)
    assert_array_equal(fitted.X_synthetic_, ended.X_synthetic_)
    assert fitted.loss_curve_.shape == fitted.validation_loss_curve_.shape
    assert fitted.validation_loss_ == fitted.validation_loss_curve_[-1]


def test_each_fold_is_learned_from_the_others(noisy, monkeypatch):
    """The mean over folds is that of separate fits on the rest of each fold."""
    X, y = noisy
    seen = []
    course = _validation.course_by_folds

    def look(problem, parts, report, max_iter):
        seen.append(parts)
        return course(problem, parts, report, max_iter)

    monkeypatch.setattr("skdistill.solvers._distill.course_by_folds", look)
    fitted = distiller(max_iter=3).fit(X, y)
    (parts,) = seen
    curves = []
    for each in parts:
        one = distiller(max_iter=3, n_iter_no_change=4, validation_fraction=[each])
        curves.append(one.fit(X, y).validation_loss_curve_)
    expected = np.average(curves, axis=0, weights=[len(each.held) for each in parts])
    n_iter = fitted.n_iter_
    assert_allclose(fitted.validation_loss_curve_, expected[:n_iter], rtol=1e-9)


def test_one_fold_does_not_outweigh_the_others():
    """Its loss explodes after the first iteration, which helps the other folds."""
    curves = [[2.0, 1.0, 1.5], [2.0, 1.0, 1.5], [0.01, 5.0, 50.0], [2.0, 0.5, 1.5]]
    assert np.argmin(np.mean(curves, axis=0)) == 0
    assert np.argmin(_typical(np.array(curves) + [0, 0, 0])) != 1
    flat = [[2.0, 1.0, 1.5], [2.0, 1.0, 1.5], [4.0, 8.0, 50.0], [2.0, 0.5, 1.5]]
    assert np.argmin(np.mean(flat, axis=0)) == 0
    assert np.argmin(_typical(flat)) == 1
    # Logarithms of densities have no geometric mean.
    assert_allclose(_typical([[1.0, -1.0], [2.0, 0.0]]), [1.5, -0.5])


@pytest.mark.parametrize(
    ("estimator", "params", "is_judged"),
    [
        (VOTE, {}, True),
        (VOTE, {"early_stopping": False}, False),
        (KernelRidge(kernel="rbf", gamma=0.1), {}, False),
        (KernelRidge(kernel="rbf", gamma=0.1), {"early_stopping": True}, True),
        (Ridge(), {}, False),
        (Ridge(), {"early_stopping": True}, False),  # an exact set
        (LogisticRegression(C=0.05), {}, False),
        (GaussianNB(), {"n_synthetic": {0: 2, 1: 3}}, True),
    ],
)
def test_where_rows_are_held_back(estimator, params, is_judged, noisy):
    X, y = noisy
    if isinstance(estimator, KernelRidge | Ridge):
        y = X[:, 0] + y
    fitted = distiller(estimator=estimator, max_iter=2, **params).fit(X, y)
    assert (fitted.validation_loss_ is not None) == is_judged
    assert (fitted.validation_loss_curve_ is not None) == is_judged
    assert fitted.solver_ == ("exact" if isinstance(estimator, Ridge) else "lbfgs")


def test_a_second_fit_forgets_the_first(noisy):
    fitted = distiller(max_iter=2).fit(*noisy)
    assert fitted.validation_loss_ > 0
    fitted.set_params(early_stopping=False).fit(*noisy)
    assert fitted.validation_loss_ is fitted.validation_loss_curve_ is None


@pytest.mark.slow
def test_mini_batches_are_judged(noisy, part):
    fitted = distiller(
        solver="adam", max_iter=6, n_iter_no_change=1, validation_fraction=part
    ).fit(*noisy)
    assert fitted.n_iter_ == 6
    assert fitted.validation_loss_ <= fitted.validation_loss_curve_.min()
    assert fitted.solver_ == "adam"


@pytest.mark.slow
def test_a_sample_of_many_rows_is_judged():
    """Iterations on a sample end when the held-back loss stops falling."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((5000, 4))
    y = np.where(rng.random(5000) < 0.4, rng.integers(0, 2, 5000), X[:, 0] > 0)
    fitted = distiller(solver="lbfgs", n_iter_no_change=3).fit(X, y)
    assert fitted.validation_loss_ <= fitted.validation_loss_curve_.min()
    assert fitted.n_iter_ < 20


@pytest.mark.slow
def test_rounded_sets_are_judged(noisy):
    """The rounded start is a candidate, and integers use the first fold only."""
    X, y = noisy
    table = pd.DataFrame(np.round(3 * X[:, :3]).astype(int), columns=list("abc"))
    fitted = distiller(max_iter=8).fit(table, y)
    assert len(fitted.validation_loss_curve_) == fitted.n_iter_
    assert fitted.validation_loss_ >= fitted.validation_loss_curve_.min()


@pytest.mark.slow
def test_splitters_give_the_folds(noisy):
    X, y = noisy
    by_splitter = distiller(validation_fraction=TimeSeriesSplit(3)).fit(X, y)
    by_list = distiller(validation_fraction=list(TimeSeriesSplit(3).split(X))).fit(X, y)
    assert_array_equal(by_splitter.X_synthetic_, by_list.X_synthetic_)
    numbers = distiller(
        estimator=KNeighborsRegressor(2), validation_fraction=TimeSeriesSplit(3)
    )
    assert numbers.fit(X, X[:, 0]).validation_loss_ > 0


def test_one_row_of_each_class_is_not_held_back():
    X, y = [[0.0], [1.0]], [0, 1]
    fitted = distiller(n_synthetic=2, max_iter=2).fit(X, y)
    assert fitted.validation_loss_ is None
    with pytest.raises(ValueError, match="too few rows for that"):
        distiller(n_synthetic=2, early_stopping=True).fit(X, y)


def test_a_clear_gap_is_a_warning(noisy, part):
    X, y = noisy
    y = y.copy()
    held = part[0][1]
    y[held] = 1 - y[held]
    with pytest.warns(UserWarning, match=r"learned from and \d\S+ on rows that were"):
        distiller(validation_fraction=part).fit(X, y)


def test_lines_say_both_losses(noisy, part, capsys):
    fitted = distiller(validation_fraction=part, verbose=1, max_iter=2).fit(*noisy)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    loss, held = fitted.loss_curve_[1], fitted.validation_loss_curve_[1]
    assert (
        f"iteration 2/2, outer loss {loss:.6f}, held-back loss {held:.6f}" in lines[1]
    )
    distiller(verbose=1, max_iter=2).fit(*noisy)
    lines = capsys.readouterr().out.splitlines()
    assert "fold 1/5, held-back loss" in lines[0]
    assert "fold 5/5" in lines[4]


class Watch:
    """A callback that asks a function after each task whether to stop."""

    def __init__(self, ask):
        self.ask, self.tasks = ask, []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        self.tasks.append(context.task_name)
        return self.ask(context.task_name)


def test_a_callback_stops_within_the_folds(noisy):
    stop = Watch(lambda task: task == "cross-validation fold")
    fitted = distiller(max_iter=3).set_callbacks(stop).fit(*noisy)
    assert stop.tasks.count("cross-validation fold") == 1
    assert fitted.predict(noisy[0]).shape == noisy[1].shape


@pytest.fixture
def report():
    report = Report(20, show=lambda *_: False)
    report.judge_by(lambda synthetic: {"a": 2.0, "b": 1.0, "c": 3.0}[synthetic], 2)
    return report


def test_patience(report):
    assert not report.iteration("a", 1.0)
    assert not report.iteration("c", 0.5)
    assert report.iteration("c", 0.4)
    assert not report.stopped
    report.renew_patience()
    assert not report.iteration("c", 0.3)
    assert (report.best, report.best_loss, report.best_validation_loss) == ("a", 1, 2)


def test_sets_that_no_iteration_led_to(report):
    report.consider("b", 5.0)
    report.iteration("a", 1.0)
    assert (report.best, report.best_loss, report.best_validation_loss) == ("b", 5, 1)
    assert report.losses == [1.0]
    assert_array_equal(report.validation_curve, [2.0])


def test_curves_of_folds_are_cut_to_the_iterations():
    report = Report(20, show=lambda *_: False)
    assert report.validation_curve is None
    report.learn_by_folds(np.array([3.0, 2.0, 1.0]), 1.0)
    for _ in range(3):
        report.iteration("a", 1.0)
    assert_array_equal(report.validation_curve, [2.0, 1.0, 1.0])
    assert report.best_validation_loss == 1.0


def test_the_end_that_folds_chose_is_no_failure(noisy):
    """Fewer iterations than ``max_iter`` cause no warning about convergence."""
    import warnings

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        distiller(max_iter=30).fit(*noisy)
    assert not any("converge" in str(each.message) for each in caught)
    assert Outcome.CONVERGED.warning() == ""


def test_k_means_stays_a_candidate(part, monkeypatch):
    """It is one although the iterations start from other rows, which are bad here."""
    from skdistill.solvers import _distill

    reach_model = _distill.reach_model
    starts = []

    def from_the_wrong_classes(problem, report):
        start = reach_model(problem, report)
        starts.append(problem.start.X)
        return start._replace(
            synthetic=start.synthetic._replace(X=problem.start.X[::-1])
        )

    monkeypatch.setattr(_distill, "reach_model", from_the_wrong_classes)
    X, y = make_table(2, class_sep=2.0)
    fitted = distiller(validation_fraction=part, max_iter=1).fit(X, y)
    assert_array_equal(fitted.X_synthetic_, starts[-1])


def test_targets_that_are_not_learned_are_those_of_the_part(noisy, part):
    """Targets are k-means centers of the remaining rows, not of all rows."""
    X, _ = noisy
    y = X[:, 0] + np.sin(3 * X[:, 1])
    fitted = distiller(
        estimator=KernelRidge(kernel="rbf", gamma=0.1, alpha=0.1),
        learn_labels=False,
        early_stopping=True,
        validation_fraction=part,
    ).fit(X, y)
    held = part[0][1]
    error = np.mean((fitted.predict(X[held]) - y[held]) ** 2)
    assert_allclose(fitted.validation_loss_, error, rtol=1e-9)


@pytest.mark.parametrize("fraction", [np.float32(0.25), 0.25])
def test_a_share_is_any_real_number(fraction, noisy):
    fitted = distiller(validation_fraction=fraction, max_iter=1).fit(*noisy)
    assert fitted.validation_loss_ > 0


def test_the_time_ends_folds_and_iterations(noisy):
    watch = Watch(lambda task: False)
    fitted = distiller(max_time=1e-9).set_callbacks(watch).fit(*noisy)
    assert watch.tasks.count("cross-validation fold") == 1
    assert fitted.n_iter_ <= 1
    assert fitted.predict(noisy[0]).shape == noisy[1].shape


def test_an_interrupt_within_the_folds_keeps_a_set(noisy):
    def interrupt(task_name):
        if task_name == "cross-validation fold":
            raise KeyboardInterrupt

    fitted = distiller(max_iter=3).set_callbacks(Watch(interrupt))
    with pytest.raises(KeyboardInterrupt, match="best set so far is kept"):
        fitted.fit(*noisy)
    assert fitted.solver_ == "lbfgs"
    assert fitted.predict(noisy[0]).shape == noisy[1].shape
