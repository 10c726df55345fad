"""Evaluation of synthetic sets: curves over sizes, other estimators, baselines, plots.

Nothing else in the package imports from this room.
"""
