"""Dataset distillation for scikit-learn."""

from skdistill._distiller import DatasetDistiller

__all__ = ["DatasetDistiller"]
__version__ = "0.1.0"
