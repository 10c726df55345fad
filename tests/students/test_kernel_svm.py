"""Support vector machines against scikit-learn: solutions, derivatives of refits."""

import numpy as np
import pytest
from sklearn.svm import SVC, SVR

from skdistill.students import DataSpec, check_student, student_for
from tests.conftest import spec_of

# A few iterations suffice to see what is asked here.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

CLASSIFIERS = {
    "two classes": (2, {}),
    "three classes": (3, {"C": 3.0}),
    "gamma": (2, {"gamma": 0.3, "C": 10.0}),
    "gamma auto, class weights": (3, {"gamma": "auto", "class_weight": {0: 2.0}}),
    "balanced": (2, {"class_weight": "balanced", "C": 0.3}),
    "linear": (3, {"kernel": "linear", "C": 0.5}),
    "poly": (2, {"kernel": "poly", "degree": 2, "coef0": 1.0}),
}
REGRESSORS = {
    "rbf": {},
    "gamma": {"gamma": 0.1, "C": 5.0, "epsilon": 0.3},
    "linear": {"kernel": "linear"},
    "poly": {"kernel": "poly", "coef0": 0.5, "epsilon": 0.2},
}


@pytest.mark.parametrize(("n_classes", "params"), CLASSIFIERS.values(), ids=CLASSIFIERS)
def test_classifier(n_classes, params):
    estimator = SVC(tol=1e-10, **params)
    check_student(student_for(estimator, spec_of(np.arange(n_classes), 4)))


@pytest.mark.parametrize("params", REGRESSORS.values(), ids=REGRESSORS)
def test_regressor(params):
    check_student(student_for(SVR(tol=1e-10, **params), DataSpec(4, None, 1, False)))
