"""One entry that represents several rows of a class has their total weight."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from skdistill.students import check_student, student_for
from skdistill.students.linear._logistic import LogisticStudent
from tests.conftest import spec_of, strict_logistic

WEIGHTS = ["balanced", {0: 2.0, 1: 0.5}, None]


@pytest.mark.parametrize("class_weight", WEIGHTS)
@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(),
        RidgeClassifier(),
        SVC(),
        LinearSVC(),
        make_pipeline(StandardScaler(), LogisticRegression()),
    ],
    ids=lambda each: type(each).__name__,
)
def test_entries_that_stand_for_rows(estimator, class_weight, rng):
    if hasattr(estimator, "steps"):
        estimator[-1].set_params(class_weight=class_weight)
    else:
        estimator.set_params(class_weight=class_weight)
    y = rng.choice(2, 50, p=[0.8, 0.2])
    weight = rng.uniform(0, 2, 50)
    student = student_for(estimator, spec_of([0, 1], 3))
    counts, sums = np.bincount(y), np.bincount(y, weight)
    found = student.training_weight(np.arange(2), sums, counts=counts)
    assert_allclose(found, np.bincount(y, student.training_weight(y, weight)))


class CountsEntries(LogisticStudent):
    """Its class weights count each entry once, however many rows it represents."""

    def training_weight(self, y, sample_weight, counts=None):
        return np.ones(len(y)) if counts is not None else sample_weight


def test_a_student_that_counts_entries_is_found_out():
    task = spec_of([0, 1], 3)
    with pytest.raises(AssertionError, match="training_weight with counts"):
        check_student(CountsEntries(strict_logistic(), task))
