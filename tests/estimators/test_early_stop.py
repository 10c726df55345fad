"""Scikit-learn's fit on the set is the one that was optimized, or a warning says so."""

import warnings

import pytest
from sklearn.datasets import load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge

from skdistill import DatasetDistiller

CURED = {"tol": 1e-8, "max_iter": 10_000}


@pytest.mark.slow
@pytest.mark.parametrize("weighting", ["unit", "match"])
def test_the_advice_of_the_warning_helps(weighting):
    """The table is raw: the scales of its features differ by a factor of 1,000."""
    X, y = load_wine(return_X_y=True)
    distiller = DatasetDistiller(
        LogisticRegression(), n_synthetic=6, weighting=weighting, random_state=0
    )
    with warnings.catch_warnings():
        # Scikit-learn says so as well, without the advice that is tested.
        warnings.filterwarnings("ignore", "lbfgs failed to converge")
        with pytest.warns(ConvergenceWarning, match=r"tol=1e-8, max_iter=10_000"):
            stopped = distiller.fit(X, y).loss_
        cured = distiller.set_params(estimator=LogisticRegression(**CURED)).fit(X, y)
    assert cured.loss_ < 0.5 * stopped
    assert cured.loss_ == pytest.approx(cured.loss_curve_[-1], rel=0.02)


def test_quantities_with_the_default_estimator_lead_to_a_regressor(binary_table):
    X, _ = binary_table
    with pytest.raises(ValueError, match=r"such as Ridge\(\)"):
        DatasetDistiller().fit(X, X[:, 0] + 0.5)
    whole = (10 * X[:, 0]).round()  # some come twice: scikit-learn sees no quantities
    with pytest.raises(ValueError, match=r"fewer than the .* such as Ridge\(\)"):
        DatasetDistiller(n_synthetic=20).fit(X, whole)
    DatasetDistiller(Ridge(), n_synthetic=20).fit(X, whole)
