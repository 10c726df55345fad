"""Allowed values of the parameters of a distiller, which scikit-learn checks."""

from numbers import Integral, Real
from typing import Any

from skdistill._sklearn_compat import HasMethods, Interval, StrOptions

CONSTRAINTS: dict[str, list[Any]] = {
    "estimator": [HasMethods(["fit"]), None],
    "n_synthetic": [
        Interval(Integral, 1, None, closed="left"),
        Interval(Real, 0, 1, closed="neither"),
        dict,
        StrOptions({"auto"}),
    ],
    "init": [StrOptions({"kmeans", "mean", "sample"}), tuple],
    "learn_labels": ["boolean", StrOptions({"auto"})],
    "weighting": [StrOptions({"unit", "match", "learn"})],
    "learn_params": [tuple, list],
    "outer_loss": [StrOptions({"auto", "log_loss", "squared_error", "log_density"})],
    "feature_range": [None, StrOptions({"data"}), tuple, list, dict],
    "target_range": [None, StrOptions({"data"}), tuple, list, dict],
    "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
    "solver": [StrOptions({"auto", "exact", "lbfgs", "adam", "search"})],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "max_time": [Interval(Real, 0, None, closed="neither"), None],
    "tol": [Interval(Real, 0, None, closed="left")],
    "early_stopping": ["boolean", StrOptions({"auto"})],
    "validation_fraction": [
        Interval(Real, 0, 1, closed="neither"),
        HasMethods(["split"]),
        list,
        tuple,
    ],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
    "batch_size": [
        Interval(Integral, 1, None, closed="left"),
        StrOptions({"auto"}),
    ],
    "warm_start": ["boolean"],
    "n_jobs": [Integral, None],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
}
