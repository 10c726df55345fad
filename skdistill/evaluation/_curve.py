"""Scores as a function of the number of rows, for distilled rows and baselines."""

import sys
from collections.abc import Callable, Iterable, Sequence
from numbers import Integral, Real
from time import perf_counter

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.metrics import check_scoring, get_scorer_names
from sklearn.model_selection import BaseCrossValidator, check_cv
from sklearn.utils import Bunch, check_random_state, indexable
from sklearn.utils.parallel import Parallel, delayed

from skdistill._sklearn_compat import (
    HasMethods,
    StrOptions,
    _safe_indexing,
    validate_params,
)
from skdistill._typing import ArrayLike, Estimator, Method, RandomState
from skdistill.estimators._any_estimator import unfitted_copy
from skdistill.estimators._distiller import DatasetDistiller
from skdistill.estimators._fitting import fit_behind
from skdistill.evaluation._baselines import (
    BASELINES,
    class_codes,
    reads_tables,
    reduced_set,
    targets_of,
)
from skdistill.real.sources import refuse_blocks
from skdistill.tables._reading import readable

METHODS: tuple[Method, ...] = ("distill", *BASELINES)


@validate_params(
    {
        "estimator": [HasMethods(["fit"])],
        "X": "no_validation",  # lazy frames get a message of their own
        "y": "no_validation",
        "n_synthetic": ["array-like", Integral, Real],
        "methods": [tuple, list],
        "groups": ["array-like", None],
        "cv": ["cv_object"],
        "scoring": [StrOptions(set(get_scorer_names())), callable, None],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    },
    prefer_skip_nested_validation=False,
)
def distillation_curve(
    estimator: Estimator,
    X: ArrayLike,
    y: ArrayLike,
    *,
    n_synthetic: int | float | ArrayLike,
    methods: Sequence[Method] = METHODS,
    groups: ArrayLike | None = None,
    cv: int | BaseCrossValidator | Iterable | None = None,
    scoring: str | Callable[..., float] | None = None,
    n_jobs: int | None = None,
    random_state: RandomState = None,
    verbose: int = 0,
) -> Bunch:
    """Cross-validate distilled sets and baselines of several sizes.

    Use it to find out how many synthetic rows are enough. In each fold the training
    rows are reduced, scikit-learn fits the estimator on the reduced set, and the
    estimator is scored on the test rows, which no method has seen. The target is the
    score of the estimator fitted on all training rows.

    A distiller that may overfit holds back part of its training rows. With 2,000
    training rows or more, the held-back rows take no part in its outer loss, while
    k-means uses all rows. With fewer, folds within the training rows decide on the
    number of iterations, and all rows are used after that.

    Parameters
    ----------
    estimator : estimator object
        Estimator to distill for, or a ``DatasetDistiller`` with other settings, whose
        ``n_synthetic`` is replaced by each size. The baselines and the fit on all rows
        use the estimator with its own hyperparameters, not with learned ones. They use
        the same encoder as the distiller if it has ``categorical_features``.

    X : array-like of shape (n_samples, n_features)
        Real samples.

    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Their targets.

    n_synthetic : array-like of int or float, or a single one
        Sizes of the reduced sets. An int is the total number of rows; a float in (0, 1)
        is a fraction of the rows of the smallest training fold. If class labels are
        learned, the sizes count distinct rows.

    methods : sequence of {"distill", "kmeans", "sample"}, default all of them
        How to reduce the rows. "distill" learns them with a ``DatasetDistiller``,
        "kmeans" takes centers of scikit-learn's ``KMeans`` in each class, and "sample"
        draws real rows of each class. In regression, "kmeans" clusters all rows and
        takes the mean target of each cluster, and "sample" draws from all rows. All
        methods have the same number of rows in each class and, with
        ``weighting="match"``, the same weights. Only "distill" learns weights and
        labels.

    groups : array-like of shape (n_samples,), default=None
        Group of each sample, for a splitter that needs groups.

    cv : int, cross-validation generator or iterable, default=None
        Folds, as in :func:`sklearn.model_selection.learning_curve`. None stands for
        five folds.

    scoring : str, callable or None, default=None
        Scorer; None stands for the ``score`` method of the estimator.

    n_jobs : int or None, default=None
        Number of parallel jobs over folds, sizes and methods. None means one.

    random_state : int, RandomState instance or None, default=None
        Draws one seed for each fold, which all methods of the fold use. So the result
        does not depend on ``n_jobs``, and smaller draws of "sample" are subsets of
        larger ones. A distiller with its own ``random_state`` keeps it.

    verbose : int, default=0
        1 shows the progress of the whole curve in one line.

    Returns
    -------
    results : :class:`~sklearn.utils.Bunch`
        Results with these attributes:

        n_synthetic : ndarray of int of shape (n_sizes,)
            Sizes, sorted, without duplicates.
        methods : tuple of str
            ``methods``.
        test_scores : dict of str to ndarray of shape (n_sizes, n_folds)
            Scores on the test rows, for each method.
        fit_times : dict of str to ndarray of shape (n_sizes, n_folds)
            Seconds to reduce the rows and to fit the estimator on them. The first
            distillations of a process include importing and compiling with JAX.
        full_test_scores : ndarray of shape (n_folds,)
            Scores of the estimator fitted on all training rows.
        full_fit_times : ndarray of shape (n_folds,)
            Seconds to fit the estimator on all training rows.
        n_train : ndarray of int of shape (n_folds,)
            Number of training rows of each fold.

    Raises
    ------
    ValueError
        If a method is unknown, or if a size is invalid, smaller than the number of
        classes or larger than a training fold.

    See Also
    --------
    DistillationCurveDisplay : Plots the result.
    transfer_score : Scores other estimators on one synthetic set.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.preprocessing import scale
    >>> from skdistill import distillation_curve
    >>> X, y = load_wine(return_X_y=True)
    >>> curve = distillation_curve(
    ...     LogisticRegression(C=10), scale(X), y, n_synthetic=[3, 12], random_state=0
    ... )
    >>> curve.n_synthetic
    array([ 3, 12])
    >>> curve.test_scores["distill"].shape
    (2, 5)
    """
    if isinstance(estimator, DatasetDistiller):
        distiller = clone(estimator)
    else:
        distiller = DatasetDistiller(estimator)
    _check_methods(methods)
    refuse_blocks(X=X)
    X, y, groups = indexable(
        readable(X), targets_of(distiller, readable(y, "y")), groups
    )
    scorer = check_scoring(distiller._estimator(), scoring)
    splitter = check_cv(cv, y, classifier=is_classifier(distiller))
    folds = list(splitter.split(X, y, groups))
    sizes = _sizes(n_synthetic, class_codes(distiller, y), folds)
    seeds = check_random_state(random_state).randint(2**31 - 1, size=len(folds))

    tasks = [("full", 0, fold) for fold in range(len(folds))]
    tasks += [
        (method, i, fold)
        for fold in range(len(folds))
        for i in range(len(sizes))
        for method in methods
    ]
    shape = (len(sizes), len(folds))
    scores = {method: np.empty(shape) for method in ("full", *methods)}
    times = {method: np.empty(shape) for method in ("full", *methods)}
    # Some backends of joblib cannot return results as they come.
    return_as = "generator_unordered" if verbose else "list"
    results = Parallel(n_jobs=n_jobs, return_as=return_as)(
        delayed(_fit_and_score)(
            (method, i, fold),
            distiller,
            int(sizes[i]),
            X,
            y,
            *folds[fold],
            scorer,
            int(seeds[fold]),
        )
        for method, i, fold in tasks
    )
    if verbose:
        results = _with_progress(results, len(tasks), sizes)
    for (method, i, fold), score, seconds in results:
        scores[method][i, fold] = score
        times[method][i, fold] = seconds
    return Bunch(
        n_synthetic=sizes,
        methods=tuple(methods),
        full_test_scores=scores.pop("full")[0],
        full_fit_times=times.pop("full")[0],
        test_scores=scores,
        fit_times=times,
        n_train=np.array([len(train) for train, _ in folds]),
    )


def _fit_and_score(task, distiller, size, X, y, train, test, scorer, seed):
    method = task[0]
    X_train, y_train = _safe_indexing(X, train), _safe_indexing(y, train)
    start = perf_counter()
    if method == "distill":
        fitted = clone(distiller).set_params(n_synthetic=size)
        if fitted.random_state is None:
            fitted.set_params(random_state=seed)
        estimator = fitted.fit(X_train, y_train).estimator_
    else:
        # The students import JAX, so they are imported only here.
        from skdistill.estimators._ways import encoder_before

        rows = X_train, y_train
        if method != "full":
            rows = reduced_set(
                method,
                X_train,
                y_train,
                class_codes(distiller, y_train),
                size,
                categorical_features=distiller.categorical_features,
                as_it_came=reads_tables(distiller),
                weighting=distiller.weighting,
                random_state=seed,
            )
        encoder = encoder_before(distiller, X_train)
        estimator = fit_behind(encoder, unfitted_copy(distiller._estimator()), *rows)
    seconds = perf_counter() - start
    score = scorer(estimator, _safe_indexing(X, test), _safe_indexing(y, test))
    return task, score, seconds


def _check_methods(methods):
    unknown = [method for method in methods if method not in METHODS]
    if unknown or not methods or len(set(methods)) < len(methods):
        raise ValueError(
            f"methods={methods!r} must name some of {list(METHODS)}, each at most once."
        )


def _sizes(n_synthetic, codes, folds):
    """Return sizes as sorted numbers of rows, which every training fold must allow."""
    largest = min(len(train) for train, _ in folds)
    sizes = []
    # An object array does not turn ints into floats in a list of both.
    for size in np.ravel(np.array(n_synthetic, dtype=object)).tolist():
        if isinstance(size, Integral) and not isinstance(size, bool) and size >= 1:
            sizes.append(int(size))
        elif isinstance(size, Real) and 0 < size < 1:
            sizes.append(int(np.ceil(size * largest)))
        else:
            raise ValueError(
                f"n_synthetic contains {size!r}. Pass whole numbers of rows, at least "
                "1, or fractions of the training rows in (0, 1)."
            )
    if not sizes:
        raise ValueError("n_synthetic is empty. Pass at least one number of rows.")
    smallest = 1
    if codes is not None:
        smallest = max(len(np.unique(codes[train])) for train, _ in folds)
    wrong = [size for size in sizes if not smallest <= size <= largest]
    if wrong:
        least = f"{smallest}, one row for each class," if codes is not None else "1"
        raise ValueError(
            f"n_synthetic={n_synthetic!r} asks for {wrong} rows. Pass at least {least} "
            f"and at most {largest}, the number of rows of the smallest training fold."
        )
    return np.unique(sizes)


def _with_progress(results, total, sizes):
    """Pass results on and print the progress.

    A terminal shows one line, which is redrawn. A file gets about ten lines.
    """
    redraw = sys.stdout.isatty()
    start = perf_counter()
    for done, result in enumerate(results, start=1):
        (method, i, _), score, _ = result
        if redraw or done == total or done * 10 // total > (done - 1) * 10 // total:
            elapsed = perf_counter() - start
            what = "all rows" if method == "full" else f"{method}, {sizes[i]} rows"
            line = (
                f"[distillation_curve] {done}/{total} fits, {elapsed:.0f} s, about "
                f"{elapsed * (total - done) / done:.0f} s left; {what}: {score:.4g}"
            )
            print(
                f"\r{line:<79}" if redraw else line,
                end="" if redraw and done < total else "\n",
                flush=True,
            )
        yield result
