"""Mirrors of transformers in front of a student, one file for each kind.

Each mirror is fitted on synthetic rows as scikit-learn fits the transformer, but in
JAX, so that its fit can be differentiated.
"""
