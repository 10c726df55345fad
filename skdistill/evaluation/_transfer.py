"""Scores of other estimators that are fitted on a given synthetic set."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from sklearn.base import is_classifier
from sklearn.metrics import check_scoring
from sklearn.pipeline import make_pipeline
from sklearn.utils import Bunch, check_random_state, indexable
from sklearn.utils.validation import check_is_fitted

from skdistill._typing import ArrayLike, Estimator, RandomState
from skdistill._weights import takes_weights
from skdistill.estimators._any_estimator import unfitted_copy
from skdistill.estimators._distiller import DatasetDistiller
from skdistill.estimators._fitting import encoder_of, fit_behind
from skdistill.evaluation._baselines import (
    BASELINES,
    class_codes,
    reads_tables,
    reduced_set,
    targets_of,
)
from skdistill.evaluation._learned_labels import has_learned_labels, n_distinct_rows
from skdistill.real.sources import refuse_blocks
from skdistill.tables._reading import readable


def transfer_score(
    distiller: DatasetDistiller,
    estimators: Mapping[str, Estimator] | Sequence[Estimator],
    X_test: ArrayLike,
    y_test: ArrayLike,
    *,
    X: ArrayLike | None = None,
    y: ArrayLike | None = None,
    scoring: str | Callable[..., float] | None = None,
    n_repeats: int = 5,
    random_state: RandomState = None,
) -> Bunch:
    """Score other estimators that are fitted on the synthetic set of a distiller.

    Use it before you share a set: rows distilled for one estimator may not work well
    for another. Pass the real rows as ``X`` and ``y`` to compare with as many random
    real rows and k-means centers.

    Parameters
    ----------
    distiller : DatasetDistiller
        Fitted distiller.

    estimators : dict of str to estimator, or list of estimators
        Estimators to fit on the set, as clones. In a list they get names as by
        :func:`sklearn.pipeline.make_pipeline`. Include ``distiller.estimator_`` to see
        the score of the estimator that the set was distilled for.

    X_test : array-like of shape (n_samples, n_features)
        Samples to score on. The distiller must not have been fitted on them.

    y_test : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Their targets.

    X : array-like of shape (n_train, n_features), default=None
        Real rows that the distiller was fitted on. They are needed for the baselines;
        None leaves these out.

    y : array-like of shape (n_train,) or (n_train, n_outputs), default=None
        Targets of the real rows.

    scoring : str, callable or None, default=None
        Scorer; None stands for the ``score`` method of each estimator.

    n_repeats : int, default=5
        Number of random draws of real rows, and of k-means runs, over which a baseline
        is averaged. Raise it if the standard deviation of ``all_scores`` is large.

    random_state : int, RandomState instance or None, default=None
        Seed for the random real rows and for k-means.

    Returns
    -------
    results : :class:`~sklearn.utils.Bunch`
        Results with these attributes:

        scores : dict of str to dict of str to float
            Mean score for each method and estimator, ``scores["distill"]["svc"]``.
            ``pandas.DataFrame(results.scores)`` is a table with a row for each
            estimator. The methods are "distill" and, with ``X`` and ``y``, "kmeans",
            "sample" and "full". "kmeans" and "sample" have as many rows in each class
            as the set, and the same weighting. "full" is all real rows.
        all_scores : dict of str to dict of str to ndarray of shape (n_fits,)
            The scores of all fits: ``n_repeats`` for "kmeans" and "sample", and one for
            the others.
        takes_weights : dict of str to bool
            Whether the estimator got the weights of the rows. It does not if its
            ``fit`` has no ``sample_weight``. In a pipeline the last step gets them.
        n_synthetic : int
            Number of rows of the set and of the baselines. It counts distinct rows if
            a set with learned class labels has a copy of each row for each class.

    Raises
    ------
    ValueError
        If only one of ``X`` and ``y`` is given, if the classes in ``y`` differ from
        those of the distiller, if ``n_repeats`` is less than one, or if ``estimators``
        is empty or holds something without ``fit``.

    See Also
    --------
    distillation_curve : Compares sizes and methods for the distiller's own estimator.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sklearn.preprocessing import scale
    >>> from skdistill import DatasetDistiller, transfer_score
    >>> X, y = load_wine(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(
    ...     scale(X), y, stratify=y, random_state=0
    ... )
    >>> distiller = DatasetDistiller(LogisticRegression(C=10), n_synthetic=6)
    >>> distiller = distiller.fit(X_train, y_train)
    >>> estimators = [distiller.estimator_, KNeighborsClassifier(1)]
    >>> results = transfer_score(
    ...     distiller, estimators, X_test, y_test, X=X_train, y=y_train
    ... )
    >>> list(results.scores)
    ['distill', 'kmeans', 'sample', 'full']
    >>> list(results.scores["distill"])
    ['logisticregression', 'kneighborsclassifier']
    """
    check_is_fitted(distiller)
    named = _named(estimators)
    if (X is None) != (y is None):
        raise ValueError(
            f"got only {'y' if X is None else 'X'}, but the baselines need both. Pass "
            "the X and y that the distiller was fitted on, or neither."
        )
    if n_repeats < 1:
        raise ValueError(f"n_repeats={n_repeats} must be at least 1.")
    refuse_blocks(X_test=X_test, X=X)
    weight = distiller.sample_weight_synthetic_
    y_synthetic = targets_of(distiller, distiller.y_synthetic_)
    sets = {"distill": [(distiller.X_synthetic_, y_synthetic, weight)]}
    X_test, y_test = readable(X_test, "X_test"), readable(y_test, "y_test")
    X, y = readable(X), readable(y, "y")
    if X is not None:
        X, y = indexable(X, targets_of(distiller, y))
        codes = class_codes(distiller, y)
        n_rows = _budget(distiller, y)
        random_state = check_random_state(random_state)
        for method in BASELINES:
            sets[method] = [
                reduced_set(
                    method,
                    X,
                    y,
                    codes,
                    n_rows,
                    categorical_features=distiller.categorical_features,
                    as_it_came=reads_tables(distiller),
                    weighting=distiller.weighting,
                    random_state=random_state,
                )
                for _ in range(n_repeats)
            ]
        sets["full"] = [(X, y, None)]

    encoder = encoder_of(distiller)

    def score(estimator, reduced):
        fitted = fit_behind(encoder, unfitted_copy(estimator), *reduced)
        return check_scoring(fitted, scoring)(fitted, X_test, y_test)

    all_scores = {
        method: {
            name: np.array([score(estimator, reduced) for reduced in reduced_sets])
            for name, estimator in named.items()
        }
        for method, reduced_sets in sets.items()
    }
    return Bunch(
        scores={
            method: {name: float(values.mean()) for name, values in by_name.items()}
            for method, by_name in all_scores.items()
        },
        all_scores=all_scores,
        takes_weights={
            name: takes_weights(estimator) for name, estimator in named.items()
        },
        n_synthetic=n_distinct_rows(distiller),
    )


def _named(estimators):
    if not isinstance(estimators, dict | list | tuple) or not estimators:
        raise ValueError(
            "estimators must be a list of estimators or a dict of names to estimators, "
            f"with at least one; got {estimators!r}."
        )
    if not isinstance(estimators, dict):  # take the names that a pipeline would give
        estimators = dict(make_pipeline(*estimators).steps)
    for name, estimator in estimators.items():
        if not hasattr(estimator, "fit") or isinstance(estimator, type):
            raise ValueError(
                f"estimators contains {estimator!r}, named {name!r}, which is not an "
                "instance of an estimator. Pass an instance with a fit method."
            )
    return estimators


def _budget(distiller, y):
    """Return the number of rows of the set, by class if it has classes.

    Raises
    ------
    ValueError
        If the classes of ``y`` are not those of the distiller.
    """
    n_rows = n_distinct_rows(distiller)
    if not is_classifier(distiller):
        return n_rows
    real_classes = np.unique(np.asarray(y))
    if not np.array_equal(distiller.classes_, real_classes):
        raise ValueError(
            f"y has the classes {real_classes.tolist()}, but the distiller was fitted "
            f"on {distiller.classes_.tolist()}. Pass the rows that it was fitted on."
        )
    if has_learned_labels(distiller):
        return n_rows
    return np.unique(np.asarray(distiller.y_synthetic_), return_counts=True)[1]
