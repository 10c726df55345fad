"""Mirrors of transformers, that stand in front of a student: one file per kind.

Each fits on synthetic rows as scikit-learn's refit fits it, in JAX, so that a cotangent
on what it learned there reaches the rows.
"""
