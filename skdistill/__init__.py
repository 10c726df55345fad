"""Dataset distillation for scikit-learn."""

from skdistill._curve import distillation_curve
from skdistill._distiller import DatasetDistiller
from skdistill._transfer import transfer_score

__all__ = ["DatasetDistiller", "distillation_curve", "transfer_score"]
__version__ = "0.1.0"
