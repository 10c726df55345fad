"""The sampler among the tools of imbalanced-learn and scikit-learn."""

import pytest
from imblearn.utils.estimator_checks import (
    parametrize_with_checks as parametrize_with_imblearn_checks,
)
from sklearn.utils.estimator_checks import parametrize_with_checks

from skdistill import DistillationSampler

# The checks fit on noise, for a few iterations.
few_iterations = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning"
)


def with_collection(decorator):
    """Turn the generator that imbalanced-learn passes, deprecated, into a list."""
    names, checks = decorator.args
    return pytest.mark.parametrize(names, list(checks), **decorator.kwargs)


@with_collection(parametrize_with_imblearn_checks([DistillationSampler()]))
@few_iterations
def test_checks_of_imbalanced_learn(estimator, check):
    check(estimator)


@parametrize_with_checks([DistillationSampler()])
@few_iterations
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)
