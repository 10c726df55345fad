"""Fitting another estimator on a distilled set, with warnings if it learns nothing."""

from numbers import Integral

import numpy as np

from skdistill._weights import takes_weights
from skdistill.estimators._fitting import encoder_of, fit_behind, warn


def fit_on_set(estimator, distiller):
    """Fit an estimator on a distilled set, with weights unless all are one."""
    X, y = distiller.X_synthetic_, distiller.y_synthetic_
    weight = distiller.sample_weight_synthetic_
    name = type(estimator).__name__
    if (weight == 1).all():
        weight = None
    elif not takes_weights(estimator):
        warn(
            f"{name}.fit takes no sample_weight, so the weights of the synthetic rows, "
            f"from {weight.min():.3g} to {weight.max():.3g}, are ignored. Pass "
            "weighting='unit' to the distiller."
        )
    fitted = fit_behind(encoder_of(distiller), estimator, X, y, weight)
    if _is_constant(y) or not hasattr(fitted, "predict"):
        return fitted
    predicted = fitted.predict(X)
    if _is_constant(predicted):
        warn(
            f"{name} predicts {np.asarray(predicted).tolist()[0]!r} for all "
            f"{len(X)} synthetic rows, so it learned nothing from them. "
            f"{_what_to_do(estimator, X)}"
        )
    return fitted


def _is_constant(targets):
    targets = np.asarray(targets)
    return bool((targets == targets[:1]).all())


def _what_to_do(estimator, X):
    """Name the settings that require more than half of the rows of the set."""
    params = getattr(estimator, "get_params", dict)()
    asked = [
        f"{name}={value!r}"
        for name, value in params.items()
        if name.rpartition("__")[2].startswith("min_")
        and isinstance(value, Integral)
        and 2 * value > len(X)
    ]
    if asked:
        return f"Lower its {', '.join(asked)}, or raise n_synthetic of the distiller."
    return "Choose settings for few rows, or raise n_synthetic of the distiller."
