"""Cross-validation of the number of iterations, for few real rows.

A single part of few rows is too small to judge a set by. So the rows are held back in
turn, in folds. For each fold, a set is learned from the other rows and judged by the
fold after each iteration. The mean over the folds gives the best number of iterations,
which is then used for all rows.
"""

from typing import NamedTuple

import numpy as np

from skdistill.solvers._iterate import bilevel_iteration, calibrate
from skdistill.solvers._report import Report
from skdistill.solvers.exact import reach_model


class Course(NamedTuple):
    """Result of the folds for the iteration on all rows.

    Attributes
    ----------
    stays : bool
        Whether the starting rows of the problem are better than all iterates.
    n_iter : int
        Number of iterations with the lowest held-back loss.
    """

    stays: bool
    n_iter: int


def course_by_folds(problem, parts, report, max_iter):
    """Find the best number of iterations by cross-validation.

    Parameters
    ----------
    problem : Problem
        The problem to solve.
    parts : list of Part
        The folds.
    report : Report
        Takes note of each fold, and of the mean of the held-back losses.
    max_iter : int
        Maximum number of iterations.

    Returns
    -------
    Course
        The best number of iterations.
    """
    curves, start_losses, weights = [], [], []
    for number, part in enumerate(parts, 1):
        fold_problem, judge = problem.on(part)
        fold = Report(max_iter, show=report.quiet)
        fold.judge_by(judge, problem.options.n_iter_no_change)
        start = reach_model(fold_problem, fold)
        synthetic = calibrate(fold_problem, start.synthetic)
        curve = [judge(synthetic)]
        start_losses.append(curve[0])
        if start.synthetic is not fold_problem.start:
            start_losses[-1] = judge(calibrate(fold_problem, fold_problem.start))
        bilevel_iteration(
            fold_problem, synthetic, start.units_at, problem.options, fold, max_iter
        )
        curves.append(curve + fold.validation_losses)
        weights.append(problem.real.take(part.held).sample_weight.sum())
        report.fold(number, len(parts), fold.best, fold.best_validation_loss)
        if report.quiet():
            break
    # A fold that has ended keeps its last loss.
    length = max(map(len, curves))
    curves = [np.pad(each, (0, length - len(each)), mode="edge") for each in curves]
    curve = np.average(curves, axis=0, weights=weights)
    n_iter = int(np.argmin(_typical(curves)))
    start_loss = np.average(start_losses, weights=weights)
    report.learn_by_folds(curve, min(curve[n_iter], start_loss))
    return Course(bool(start_loss < curve[n_iter]), n_iter)


def _typical(curves):
    """Return the geometric mean of losses, or the arithmetic one if some are negative.

    In an arithmetic mean, one fold would outweigh all others if it has a row that is
    predicted wrongly with certainty.
    """
    curves = np.asarray(curves)
    if (curves <= 0).any():
        return curves.mean(axis=0)
    return np.log(curves).mean(axis=0)
