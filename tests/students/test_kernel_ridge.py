"""Kernel ridge against scikit-learn: solutions, and derivatives through its refits."""

import pytest
from sklearn.kernel_ridge import KernelRidge

from skdistill.students import DataSpec, check_student, student_for

SETTINGS = {
    "linear": {"kernel": "linear"},
    "rbf": {"kernel": "rbf"},
    "rbf, gamma": {"kernel": "rbf", "gamma": 0.3, "alpha": 0.1},
    "laplacian": {"kernel": "laplacian", "gamma": 0.2},
    "poly": {"kernel": "poly", "degree": 3, "coef0": 0.5},
    "polynomial": {"kernel": "polynomial", "degree": 2},
    "sigmoid": {"kernel": "sigmoid", "gamma": 0.05, "coef0": 0.1},
    "cosine": {"kernel": "cosine", "alpha": 0.5},
}


def student(spec, outer_loss="auto", **params):
    return student_for(KernelRidge(**params), spec, outer_loss)


@pytest.mark.parametrize("params", SETTINGS.values(), ids=SETTINGS)
def test_student(params):
    check_student(student(DataSpec(4, None, 1, False), **params))


def test_several_outputs():
    check_student(student(DataSpec(4, None, 3, True), kernel="rbf"))
