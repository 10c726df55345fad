"""What the report of a fit keeps: the curve, the best set, the request to stop."""

import numpy as np
import pytest

from skdistill.solvers._report import Report


@pytest.fixture
def looks():
    return []


@pytest.fixture
def report(looks):
    def show(task_name, get_synthetic):
        looks.append((task_name, get_synthetic()))
        return looks[-1][1] == "stop"

    return Report(5, show=show)


def test_iterations_are_counted(report, looks):
    for set_, loss in (("a", 3.0), ("b", 2.0)):
        assert not report.iteration(set_, loss)
    assert report.losses == [3.0, 2.0]
    assert report.remaining == 3
    assert looks == [("outer iteration", "a"), ("outer iteration", "b")]


def test_the_best_set_is_kept(report):
    """The last set may be worse, because mini-batches do not lower every loss."""
    for set_, loss in (("a", 3.0), ("b", 1.0), ("c", 2.0)):
        report.iteration(set_, loss)
    assert (report.best, report.best_loss) == ("b", 1.0)


def test_the_best_is_that_of_what_is_minimized(report):
    """The objective includes the penalty; the reported loss does not."""
    report.iteration("a", 1.0, 5.0)
    report.iteration("b", 2.0, 4.0)
    assert (report.best, report.best_loss) == ("b", 2.0)
    assert report.losses == [1.0, 2.0]


def test_a_new_phase_begins_anew(report):
    """Earlier sets cannot be returned, even if the new ones have a higher loss."""
    report.iteration("a", 1.0)
    report.phase("rounding")
    assert report.best == "a"
    report.iteration("b", 3.0)
    assert (report.best, report.best_loss) == ("b", 3.0)
    report.iteration("c", 4.0)
    assert report.best == "b"


@pytest.mark.parametrize("loss", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_is_not_the_best(report, loss):
    report.iteration("a", 1.0)
    report.iteration("b", loss)
    assert report.best == "a"


def test_a_request_to_stop_lasts(report):
    assert report.iteration("stop", 3.0)
    assert report.stopped
    assert report.quiet()
    assert report.iteration("b", 2.0)
    assert report.model_iteration(lambda: "c", 1.0)


def test_the_model_of_all_rows_is_no_iteration(report, looks):
    assert not report.model_iteration(lambda: "set near it", 1.0)
    assert looks == [("full-data model iteration", "set near it")]
    assert report.losses == []
    assert report.best is None
    assert report.model_iteration(lambda: "stop", 1.0)
    assert report.stopped


def test_lines_are_printed_if_asked_for(capsys):
    report = Report(5, show=lambda *_: False, title="Distiller", verbose=1)
    report.model_iteration(lambda: "a", 1.0)
    report.iteration("a", 0.5, 2.0)
    report.phase("rounding")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("[Distiller] model of all rows, its loss 1.000000, ")
    assert lines[1].startswith("[Distiller] iteration 1/5, outer loss 0.500000, ")
    assert lines[2].startswith("[Distiller] rounding, ")
    quiet = Report(5, show=lambda *_: False)
    quiet.iteration("a", 0.5)
    assert capsys.readouterr().out == ""
