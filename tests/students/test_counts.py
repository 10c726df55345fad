"""Naive Bayes of counts against scikit-learn."""

import numpy as np
import pytest
from sklearn.ensemble import VotingClassifier
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skdistill import DatasetDistiller
from skdistill.students import NotMirrored, check_student, student_for
from tests.conftest import spec_of

PRIORS = [0.5, 0.3, 0.2]
SETTINGS = {
    "multinomial": MultinomialNB(),
    "multinomial, alpha": MultinomialNB(alpha=0.01),
    "multinomial, uniform": MultinomialNB(fit_prior=False),
    "multinomial, priors": MultinomialNB(class_prior=PRIORS),
    "complement": ComplementNB(alpha=0.3),
    "complement, norm": ComplementNB(norm=True),
    "Bernoulli": BernoulliNB(binarize=None),
    "Bernoulli, priors": BernoulliNB(binarize=None, alpha=0.1, class_prior=PRIORS),
}


@pytest.fixture(scope="module")
def counts():
    """Return counts of words, some of which a class does not have."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [60, 40, 20])
    rates = rng.gamma(0.5, 2.0, (3, 8))
    rates[0, 0] = rates[1, 1] = 0
    return rng.poisson(rates[y]).astype(float), y


@pytest.mark.slow
@pytest.mark.parametrize("estimator", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_student(estimator, n_classes, rng):
    if n_classes == 2 and estimator.class_prior is not None:
        estimator = type(estimator)(**{**estimator.get_params(), "class_prior": None})
    student = student_for(estimator, spec_of(np.arange(n_classes), 4))
    y = np.repeat(np.arange(n_classes), 5)
    check_student(student, X=rng.uniform(0.1, 0.9, (len(y), 4)), y=y)


def test_alpha_that_is_not_forced():
    student = student_for(MultinomialNB(alpha=0, force_alpha=False), spec_of([0, 1]))
    assert student.hyperparameters == {"alpha": 1e-10}


@pytest.mark.parametrize(
    ("estimator", "named"),
    [
        (MultinomialNB(alpha=0), "alpha=0"),
        (ComplementNB(alpha=[1.0] * 6), "array as alpha"),
        (BernoulliNB(), "binarize=0.0"),
        (make_pipeline(MinMaxScaler(), MultinomialNB()), "MultinomialNB .* behind"),
    ],
    ids=repr,
)
def test_refused(estimator, named):
    with pytest.raises(NotMirrored, match=named):
        student_for(estimator, spec_of([0, 1, 2]))


def test_priors():
    estimator = MultinomialNB(class_prior=[0.5, 0.5])
    with pytest.raises(ValueError, match="class_prior must be 3 positive numbers"):
        student_for(estimator, spec_of([0, 1, 2]))


@pytest.mark.parametrize("estimator", [MultinomialNB(), ComplementNB()], ids=repr)
def test_negative_counts(estimator, counts):
    """The message is that of scikit-learn."""
    X, y = counts
    with pytest.raises(ValueError, match="Negative values in data passed to"):
        estimator.fit(X - 1, y)
    with pytest.raises(ValueError, match="Negative values in data passed to"):
        DatasetDistiller(estimator).fit(X - 1, y)


def test_numbers_that_are_no_probabilities(counts):
    X, y = counts
    with pytest.raises(NotMirrored, match="outside 0 to 1"):
        DatasetDistiller(BernoulliNB(binarize=None), solver="lbfgs").fit(X, y)


@pytest.mark.parametrize(
    "estimator", [MultinomialNB(), ComplementNB(), BernoulliNB(binarize=None)], ids=repr
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_iteration_stays_in_the_domain(estimator, counts):
    """It also finds a lower loss than that of the model of all rows."""
    X, y = counts
    X = np.minimum(X, 1) if isinstance(estimator, BernoulliNB) else X
    distiller = DatasetDistiller(
        estimator,
        n_synthetic=6,
        feature_range=(-3, 5),
        solver="lbfgs",
        max_iter=15,
        early_stopping=False,
        learn_params=["alpha"],
    ).fit(X, y)
    low, high = (0, 1) if isinstance(estimator, BernoulliNB) else (0, 5)
    assert distiller.X_synthetic_.min() >= low
    assert distiller.X_synthetic_.max() <= high
    assert distiller.loss_ == pytest.approx(distiller.loss_curve_[-1], rel=1e-6)
    assert distiller.loss_curve_[-1] < 0.9 * distiller.loss_curve_[0]
    assert distiller.estimator_.alpha != 1.0


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:The outer loss is .* on rows that were held")
def test_members_of_a_vote_share_the_domain(counts):
    X, y = counts
    vote = VotingClassifier([("a", MultinomialNB()), ("b", GaussianNB())])
    with pytest.raises(ValueError, match="Negative values"):
        DatasetDistiller(vote).fit(X - 1, y)
    distiller = DatasetDistiller(vote, n_synthetic=6, max_iter=3).fit(X, y)
    assert distiller.X_synthetic_.min() >= 0
