"""Dataset distillation for scikit-learn."""

from skdistill._curve import distillation_curve
from skdistill._curve_display import DistillationCurveDisplay
from skdistill._display import DistillationDisplay
from skdistill._distiller import DatasetDistiller
from skdistill._meta import DistilledClassifier, DistilledRegressor
from skdistill._sampler import DistillationSampler
from skdistill._transfer import transfer_score

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
