"""Gaussian naive Bayes against scikit-learn."""

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB

from skdistill import DatasetDistiller
from skdistill.students import check_student, student_for
from tests.conftest import spec_of

SETTINGS = {
    "default": {},
    "smooth": {"var_smoothing": 0.3, "priors": [0.5, 0.3, 0.2]},
}


@pytest.mark.slow
@pytest.mark.parametrize("params", SETTINGS.values(), ids=SETTINGS)
def test_student(params):
    check_student(student_for(GaussianNB(**params), spec_of([3, 5, 9], 4)))


@pytest.mark.slow
def test_class_with_one_row(multiclass_table):
    """Its variance comes from the smoothing only."""
    X, y = multiclass_table
    rows = np.concatenate([[np.flatnonzero(y == 0)[0]], np.flatnonzero(y > 0)[:9]])
    student = student_for(GaussianNB(var_smoothing=0.5), spec_of([0, 1, 2]))
    check_student(student, X=X[rows], y=y[rows])


@pytest.mark.parametrize("priors", [[0.5, 0.5], [1.0, 0.0, 0.0]])
def test_refused(priors):
    with pytest.raises(ValueError, match="priors must be 3 positive numbers"):
        student_for(GaussianNB(priors=priors), spec_of([0, 1, 2]))
    with pytest.raises(ValueError, match="var_smoothing=0"):
        student_for(GaussianNB(var_smoothing=0), spec_of([0, 1, 2]))


@pytest.mark.slow
def test_learned_labels_and_weights(multiclass_table):
    """Copies of a row for each class are equivalent to a row with probabilities."""
    X, y = multiclass_table
    distiller = DatasetDistiller(
        GaussianNB(var_smoothing=0.1),
        n_synthetic=6,
        learn_labels=True,
        weighting="learn",
        learn_params=["var_smoothing"],
        max_iter=30,
        tol=1e-2,
        early_stopping=False,
    ).fit(X, y)
    assert len(distiller.X_synthetic_) == 18
    assert distiller.loss_ == pytest.approx(distiller.loss_curve_[-1], rel=1e-6)
    full = GaussianNB().fit(X, y)
    assert distiller.score(X, y) >= full.score(X, y)
