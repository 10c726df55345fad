"""Objectives, the outer problem: a pointwise loss of predictions, averaged over rows.

They know neither the storage of the rows nor the synthetic set.
"""

from skdistill.objectives._base import Objective, OuterLoss
from skdistill.objectives._penalized import PenalizedLoss
from skdistill.objectives._temperature import BestTemperature

__all__ = ["BestTemperature", "Objective", "OuterLoss", "PenalizedLoss"]
