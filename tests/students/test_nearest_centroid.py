"""Nearest centroids against scikit-learn."""

import numpy as np
import pytest
from sklearn.neighbors import NearestCentroid

from skdistill.students import check_student, student_for
from tests.conftest import spec_of


@pytest.mark.slow
@pytest.mark.parametrize("priors", ["uniform", [0.5, 0.3, 0.2]], ids=str)
def test_student(priors):
    student = student_for(NearestCentroid(priors=priors), spec_of([3, 5, 9], 4))
    check_student(student)


@pytest.mark.slow
@pytest.mark.parametrize("counts", [[4, 4, 4], [2, 4, 6]], ids=str)
def test_empirical_priors(counts, rng):
    """If rows are shared evenly, the priors have no effect."""
    student = student_for(NearestCentroid(priors="empirical"), spec_of([0, 1, 2], 4))
    y = np.repeat([0, 1, 2], counts)
    X = rng.standard_normal((12, 4)) * [1, 1, 1, 5] + y[:, None]
    check_student(student, X=X, y=y)


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"metric": "manhattan"}, "manhattan"),
        ({"shrink_threshold": 0.5}, "shrink_threshold=0.5"),
    ],
)
def test_refused(params, named):
    with pytest.raises(ValueError, match=f"cannot be distilled with .*{named}"):
        student_for(NearestCentroid(**params), spec_of([0, 1]))


def test_priors_without_deviations(rng):
    student = student_for(NearestCentroid(priors=[0.2, 0.8]), spec_of([0, 1], 4))
    with pytest.raises(ValueError, match="at least 3"):
        check_student(student, X=rng.standard_normal((2, 4)), y=np.array([0, 1]))
