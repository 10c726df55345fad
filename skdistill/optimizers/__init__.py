"""Outer optimizers, which minimize a loss over a vector, with bounds and a callback.

They know neither rows nor students.
"""
