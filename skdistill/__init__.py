"""Dataset distillation for scikit-learn."""

from skdistill._distiller import DatasetDistiller
from skdistill._meta import DistilledClassifier

__all__ = ["DatasetDistiller", "DistilledClassifier"]
__version__ = "0.1.0"
