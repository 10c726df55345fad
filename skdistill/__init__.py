"""Dataset distillation for scikit-learn."""

from skdistill._distiller import DatasetDistiller
from skdistill._meta import DistilledClassifier, DistilledRegressor
from skdistill._sampler import DistillationSampler

__all__ = [
    "DatasetDistiller",
    "DistillationSampler",
    "DistilledClassifier",
    "DistilledRegressor",
]
__version__ = "0.1.0"
