"""All private names of scikit-learn that this package imports, with their purpose.

Other modules import them from here. So if a release of scikit-learn moves or removes a
name, only this file has to change.

Private attributes of estimators are not listed here. They are used in the module that
mirrors the estimator: ``_fit_X`` and ``_y`` of nearest neighbors, ``_y_train_mean`` and
``_y_train_std`` of Gaussian processes. The same holds for two methods of every
``BaseEstimator``: ``_validate_params``, and ``_html_repr`` for notebooks.
"""

# Decorator of ``fit``: checks the parameters and honours ``skip_parameter_validation``.
from sklearn.base import _fit_context

# The five error functions that stand for the sigmoid in the probabilities of Gaussian
# processes: their coefficients and scales, each (5, 1).
from sklearn.gaussian_process._gpc import COEFS, LAMBDAS

# ``X[rows]`` for arrays, lists, sparse matrices and data frames of any library.
from sklearn.utils import _safe_indexing

# Positions of columns from names, positions, slices or masks, as in ColumnTransformer.
from sklearn.utils._indexing import _get_column_indices

# A descriptor which writes ``set_{method}_request``; scikit-learn only adds those of
# the methods that it knows, and ``fit_resample`` belongs to imbalanced-learn.
from sklearn.utils._metadata_requests import RequestMethod

# Declared types and ranges of parameters, in the words of scikit-learn's own messages.
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    StrOptions,
    validate_params,
)

# The label of a score axis, by the rule of scikit-learn's own displays.
from sklearn.utils._plotting import _validate_score_name

# The library that ``set_output`` and ``set_config`` ask for.
from sklearn.utils._set_output import _get_output_config

# The error for ``fit(X, y, name=...)`` where metadata routing is off.
from sklearn.utils.metadata_routing import _raise_for_params

# ``_check_categorical_features``: a mask of columns from names, positions, a mask or
# the dtypes, as HistGradientBoosting reads them. ``_check_sample_weight``: None, a
# number or an array as an array of ``n_samples``, with errors for NaN and shapes.
# ``_num_samples``: ``len(X)`` that sparse matrices and data frames have, too.
from sklearn.utils.validation import (
    _check_categorical_features,
    _check_sample_weight,
    _num_samples,
)

__all__ = [
    "COEFS",
    "HasMethods",
    "Interval",
    "LAMBDAS",
    "RequestMethod",
    "StrOptions",
    "_check_categorical_features",
    "_check_sample_weight",
    "_fit_context",
    "_get_column_indices",
    "_get_output_config",
    "_num_samples",
    "_raise_for_params",
    "_safe_indexing",
    "_validate_score_name",
    "validate_params",
]
