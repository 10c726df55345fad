"""The gradient-free search: what it keeps, which moves it learns, when it ends."""

import numpy as np
import pytest

from skdistill.optimizers._exchange import (
    BATCH,
    TRIES,
    Contest,
    Moves,
    minimize,
)
from skdistill.optimizers._outcome import Outcome


class Distance(Contest):
    """Candidates are vectors of integers that are judged by their distance to zero."""

    def __init__(self, *, bias=0, views=1):
        self.bias, self.views = bias, views
        self.n_judged = 0

    def _loss(self, candidate):
        return float(np.abs(candidate - self.bias).sum())

    def reset(self, candidate):
        self.incumbent = self._loss(candidate)

    def differences(self, candidates):
        self.last = candidates
        self.n_judged += len(candidates)
        return np.array([self._loss(each) for each in candidates]) - self.incumbent

    def settle(self, index):
        self.reset(self.last[index])

    def value(self, candidate):
        return float(np.abs(candidate).sum())

    def widen(self):
        self.views -= 1
        return self.views > 0


def step(candidate, random_state):
    changed = candidate.copy()
    changed[random_state.randint(len(changed))] += random_state.choice([-1, 1])
    return changed


def harm(candidate, random_state):
    return candidate + np.sign(candidate + 0.5)


def merge(candidate, others):
    return candidate + sum(np.asarray(other) - candidate for other in others)


def search(start, moves, contest, *, max_iter=50, callback=lambda *_: False, **options):
    return minimize(
        np.asarray(start, dtype=float),
        moves,
        contest,
        merge=merge,
        max_iter=max_iter,
        callback=callback,
        random_state=np.random.RandomState(0),
        **options,
    )


def test_the_lowest_is_found():
    result = search([5, -4, 3, 7], [step], Distance())
    assert result.value == 0
    assert not result.x.any()
    assert result.outcome is Outcome.CONVERGED


def test_moves_that_pay_are_tried_more_often():
    tried = {step: 0, harm: 0}

    def counted(move):
        def moved(candidate, random_state):
            tried[move] += 1
            return move(candidate, random_state)

        return moved

    search(np.full(30, 20), [counted(step), counted(harm)], Distance(), max_iter=10)
    assert tried[step] > 2 * tried[harm] > 0


def test_probabilities_follow_gains_and_leave_a_chance_to_all():
    moves = Moves(3)
    assert moves.probabilities == pytest.approx(np.full(3, 1 / 3))
    moves.learn(0, 1.0)
    moves.learn(1, 0.0)
    assert moves.probabilities.argmax() == 0
    assert moves.probabilities.min() > 0.05
    assert moves.probabilities.sum() == pytest.approx(1)


def test_changes_that_each_pay_are_tried_together():
    """An iteration makes more than 1.5 changes for each batch of candidates."""
    found = []

    def zero(candidate, random_state):
        changed = candidate.copy()
        changed[random_state.randint(len(changed))] = 0
        return changed

    search(
        np.ones(40),
        [zero],
        Distance(),
        max_iter=1,
        callback=lambda x, value: found.append(value),
    )
    assert found[0] < 40 - 1.5 * TRIES // BATCH


def test_the_best_by_value_is_returned_rather_than_the_last():
    """A change that lowers the loss on the compared rows may raise it on others."""
    curve = []
    result = search(
        [6] * 3,
        [step],
        Distance(bias=-3),
        callback=lambda x, value: curve.append(value),
    )
    assert result.value == min(curve) < curve[-1]
    assert np.abs(result.x).sum() == result.value


def test_it_goes_back_to_the_best_where_nothing_is_gained():
    """A low loss on the compared rows, but with a high value, is left again."""
    contest = Distance(bias=-30)
    starts = []
    reset = contest.reset

    def noted(candidate):
        starts.append(candidate.copy())
        reset(candidate)

    contest.reset = noted
    result = search([6] * 3, [step], contest, max_iter=25)
    assert any(np.array_equal(each, result.x) for each in starts[1:])


def test_a_start_that_cannot_be_improved_is_returned():
    result = search([0, 0], [harm], Distance())
    assert result.value == 0
    assert result.n_iter < 10 + 10


def test_the_view_widens_before_the_search_ends():
    contest = Distance(views=3)
    search([0, 0], [harm], contest)
    assert contest.views == 0


def test_a_request_to_stop_ends_it():
    result = search([9], [step], Distance(), callback=lambda *_: True)
    assert (result.n_iter, result.outcome) == (1, Outcome.STOPPED)


def test_max_iter_counts_candidates():
    contest = Distance()
    result = search(np.full(99, 99), [step], contest, max_iter=3)
    assert result.n_iter == 3
    assert contest.n_judged == 3 * TRIES


def test_time_that_is_over_ends_it():
    contest = Distance()
    over = iter([False, False, False, True, True, True])
    result = search([99], [step], contest, expired=lambda: next(over))
    assert contest.n_judged == 2 * BATCH
    assert result.n_iter == 1


def test_a_start_without_a_finite_value_says_so():
    result = search([np.inf], [step], Distance())
    assert result.outcome is Outcome.NOT_FINITE
