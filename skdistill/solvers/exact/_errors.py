"""Errors that say what to change if no rows reproduce the full-data model."""

import numpy as np

from skdistill.solvers.exact._learned_targets import rows_needed
from skdistill.solvers.exact._model_of_all_rows import fit_model_of_all_rows


def raise_too_few_rows(student, span, synthetic):
    """Raise a ValueError if no rows with learned targets reproduce the model."""
    needed, m = rows_needed(student, span), len(synthetic.X)
    if m < needed:
        raise ValueError(
            f"solver='exact' needs at least {needed} rows for a model with "
            f"{span.V.shape[1]} independent outputs"
            f"{' and a free intercept' * student.is_centered}; got {m}. Raise "
            "n_synthetic, or pass solver='auto', which returns the best rows it finds."
        )
    raise ValueError(
        f"solver='exact' found no {m} rows within the bounds that reproduce the "
        "full-data model. Pass more rows, a wider feature_range, another init, or "
        "solver='auto', which returns the best rows it finds."
    )


def raise_out_of_reach(problem, ridge, model, synthetic, limit):
    """Raise a ValueError if no rows with given targets reproduce the model.

    If its norm is too large, the message says for which ``C`` it would be in reach.
    """
    if not model.limited:
        raise ValueError(
            f"solver='exact' found no {len(synthetic.X)} rows within the bounds that "
            "reproduce the full-data model. Pass more rows (with several classes, one "
            "row for each rarely suffices, but two do), a wider feature_range, another "
            "init, weighting='match', or solver='auto', which returns the best rows it "
            "finds."
        )
    student = problem.student
    full = fit_model_of_all_rows(problem, ridge, np.inf, callback=None)
    squared_norm = float(np.vdot(full.params.coef, full.params.coef))
    C, m = student.strength_on(synthetic), len(synthetic.X)
    needed, total = squared_norm / limit, synthetic.sample_weight.sum()
    ((name, value),) = student.hyperparameters_for(needed, total).items()
    way = "<=" if student.strength({name: 2 * value}, total) < needed else (">=")
    raise ValueError(
        "solver='exact' cannot reproduce the full-data model: its squared norm is "
        f"{squared_norm:.4g}, and {m} rows of total weight "
        f"{synthetic.sample_weight.sum():.4g} with {name}="
        f"{synthetic.hyperparameters[name]:.4g} induce at most {C * limit:.4g}. It "
        f"takes {name} {way} {value:.4g}, or about "
        f"{int(np.ceil(m * squared_norm / (C * limit)))} rows, or weighting='match'; "
        "solver='auto' returns the best rows within reach."
    )
