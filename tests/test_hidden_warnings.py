"""A fit hides warnings of its own thread only, and only while it evaluates sets."""

import pickle
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from skdistill import DatasetDistiller
from skdistill._hidden_warnings import _FILTER, hiding


class Narrow(UserWarning):
    pass


@pytest.fixture
def shown():
    """Return the messages of all warnings that the process shows."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield lambda: [str(each.message) for each in caught]


def test_hides_a_category_and_its_children(shown):
    with hiding(UserWarning):
        warnings.warn("parent", UserWarning, stacklevel=1)
        warnings.warn("child", Narrow, stacklevel=1)
        warnings.warn("other", RuntimeWarning, stacklevel=1)
        with hiding(RuntimeWarning):
            warnings.warn("both", UserWarning, stacklevel=1)
            warnings.warn("both", RuntimeWarning, stacklevel=1)
        warnings.warn("other again", RuntimeWarning, stacklevel=1)
    warnings.warn("after", Narrow, stacklevel=1)
    assert shown() == ["other", "other again", "after"]


def test_a_hidden_warning_is_no_error():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with hiding(UserWarning):
            warnings.warn("quiet", Narrow, stacklevel=1)
        with pytest.raises(Narrow):
            warnings.warn("loud", Narrow, stacklevel=1)


def test_filters_are_given_back_after_an_error():
    before = list(warnings.filters)
    with pytest.raises(KeyError), hiding(UserWarning):
        raise KeyError
    assert warnings.filters == before


def test_threads_that_overlap(shown):
    """The first to enter leaves first, which catch_warnings does not support."""
    before = list(warnings.filters)
    both_within, first_left = threading.Barrier(2), threading.Event()

    def first():
        with hiding(UserWarning):
            both_within.wait()
        warnings.warn("first, after", Narrow, stacklevel=1)
        first_left.set()

    def second():
        both_within.wait()
        with hiding(RuntimeWarning):
            warnings.warn("second, of the first's", Narrow, stacklevel=1)
            first_left.wait()
            warnings.warn("second, within", RuntimeWarning, stacklevel=1)

    with ThreadPoolExecutor(2) as executor:
        for future in [executor.submit(first), executor.submit(second)]:
            future.result()
    assert sorted(shown()) == ["first, after", "second, of the first's"]
    assert warnings.filters == before


def test_the_filter_travels_to_worker_processes():
    """scikit-learn sends the warning filters of a process to its workers."""
    assert pickle.loads(pickle.dumps(_FILTER)) == _FILTER


class Look:
    """A callback that looks at the set after each iteration."""

    def __init__(self):
        self.n_looks = 0

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        self.n_looks += context.task_name == "outer iteration"


def test_fits_in_threads_hide_looks_only(binary_table, shown):
    """Each fit's own warning is shown; those of intermediate sets are hidden."""
    X, y = binary_table
    looks = [Look() for _ in range(8)]
    stops_early = LogisticRegression(max_iter=1)

    def fit(look):
        distiller = DatasetDistiller(
            stops_early, n_synthetic=6, solver="lbfgs", max_iter=4, tol=0
        )
        distiller.set_callbacks(look).fit(X, y)

    with ThreadPoolExecutor(4) as executor:
        list(executor.map(fit, looks))
    assert all(look.n_looks >= 4 for look in looks)
    # scikit-learn's warning of the last refit.
    of_refits = [text for text in shown() if text.startswith("lbfgs failed")]
    assert len(of_refits) == len(looks)
    warnings.warn("shown", ConvergenceWarning, stacklevel=1)
    assert shown()[-1] == "shown"
    # What scikit-learn's validation may leave behind is "error" for other categories.
    assert not any(
        action == "ignore" and issubclass(ConvergenceWarning, category)
        for action, _, category, _, _ in warnings.filters
    )
