import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from skdistill import DatasetDistiller, DistilledClassifier


@parametrize_with_checks(
    [
        DistilledClassifier(LogisticRegression()),
        DistilledClassifier(
            RandomForestClassifier(n_estimators=10, random_state=0),
            DatasetDistiller(LogisticRegression(), weighting="match", max_iter=20),
        ),
    ]
)
# The checks fit on noise, for a few iterations.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_estimator_checks(estimator, check):
    check(estimator)
