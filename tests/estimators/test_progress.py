"""Lines, callbacks, interruption."""

import re

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from skdistill import DatasetDistiller

# A fixed number of iterations to count: none of these fits is to converge.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class Recorder:
    """A callback that stops, or raises, at a given iteration."""

    def __init__(self, stop_at=np.inf, error=None):
        self.stop_at = stop_at
        self.error = error
        self.scores = []
        self.torn_down = False

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        self.torn_down = True

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
        if context.task_name != "outer iteration":
            return False
        self.scores.append(fitted_estimator.score(X, y))
        if len(self.scores) >= self.stop_at:
            if self.error is not None:
                raise self.error
            return True
        return False


def distiller(**params):
    return DatasetDistiller(
        LogisticRegression(C=0.1),
        n_synthetic=6,
        solver="lbfgs",
        tol=0,
        max_iter=8,
        **params,
    )


def test_quiet_unless_verbose(multiclass_table, capsys):
    X, y = multiclass_table
    distiller().fit(X, y)
    assert capsys.readouterr() == ("", "")
    fitted = distiller(verbose=1).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == fitted.n_iter_
    assert f"{fitted.loss_curve_[-1]:.6f}" in lines[-1]
    line = r"\[DatasetDistiller\] iteration {}/8, outer loss \d\.\d{{6}}, \d+\.\d s"
    for number, text in enumerate(lines, start=1):
        assert re.fullmatch(line.format(number), text)


def test_a_callback_sees_every_iteration_and_a_fitted_estimator(multiclass_table):
    X, y = multiclass_table
    recorder = Recorder()
    fitted = distiller().set_callbacks(recorder).fit(X, y)
    assert len(recorder.scores) == fitted.n_iter_ == len(fitted.loss_curve_)
    assert recorder.scores[-1] == fitted.score(X, y)
    assert recorder.torn_down


def test_a_callback_stops_early(multiclass_table):
    X, y = multiclass_table
    recorder = Recorder(stop_at=3)
    fitted = distiller().set_callbacks(recorder).fit(X, y)
    assert len(recorder.scores) == fitted.n_iter_ == 3
    assert fitted.predict(X).shape == y.shape


@pytest.mark.slow
def test_interruption_leaves_nothing_half_written(multiclass_table):
    """All attributes are those of the best set so far, in first and in later fits."""
    X, y = multiclass_table
    reference = distiller().set_callbacks(Recorder(2)).fit(X, y)
    fitted = distiller().fit(X[:, :4], y)
    for interrupted in (distiller(), fitted):
        recorder = Recorder(2, KeyboardInterrupt())
        interrupted.set_callbacks(recorder)
        with pytest.raises(KeyboardInterrupt):
            interrupted.fit(X, y)
        assert recorder.torn_down
        assert vars(interrupted).keys() == vars(reference).keys()
        assert_array_equal(interrupted.X_synthetic_, reference.X_synthetic_)
        assert_array_equal(interrupted.loss_curve_, reference.loss_curve_)
        assert interrupted.score(X, y) == reference.score(X, y)


def test_errors_leave_the_last_fit(multiclass_table):
    X, y = multiclass_table
    fitted = distiller().fit(X, y)
    fitted.set_callbacks(Recorder(2, RuntimeError("no")))
    before = dict(vars(fitted))
    with pytest.raises(RuntimeError, match="no"):
        fitted.fit(X[:, :4], y)
    assert vars(fitted) == before
    fitted.predict(X)


def test_scikit_learns_progress_bar(multiclass_table, capsys):
    X, y = multiclass_table
    distiller().set_callbacks(ProgressBar()).fit(X, y)
    assert "DatasetDistiller" in capsys.readouterr().out


def test_scikit_learns_scoring_monitor(multiclass_table):
    X, y = multiclass_table
    monitor = ScoringMonitor(scoring="accuracy")
    fitted = distiller().set_callbacks(monitor).fit(X, y)
    assert fitted.score(X, y) > 0.4


def test_callbacks_pass_through_a_grid_search(multiclass_table, capsys):
    X, y = multiclass_table
    search = GridSearchCV(distiller(), {"n_synthetic": [3, 6]}, cv=2)
    search.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(X, y)
    assert "DatasetDistiller" in capsys.readouterr().out


def test_convergence_is_warned_of_once(multiclass_table):
    X, y = multiclass_table
    with pytest.warns(ConvergenceWarning) as caught:
        distiller().set_params(tol=1e-300).fit(X, y)
    assert len([w for w in caught if "max_iter=8" in str(w.message)]) <= 1
