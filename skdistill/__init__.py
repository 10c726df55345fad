"""Dataset distillation for scikit-learn."""

from skdistill.estimators._distilled import DistilledClassifier, DistilledRegressor
from skdistill.estimators._distiller import DatasetDistiller
from skdistill.estimators._sampler import DistillationSampler
from skdistill.evaluation._curve import distillation_curve
from skdistill.evaluation._curve_display import DistillationCurveDisplay
from skdistill.evaluation._display import DistillationDisplay
from skdistill.evaluation._transfer import transfer_score

__all__ = [
    "DatasetDistiller",
    "DistillationCurveDisplay",
    "DistillationDisplay",
    "DistillationSampler",
    "DistilledClassifier",
    "DistilledRegressor",
    "distillation_curve",
    "transfer_score",
]
__version__ = "0.1.0"
