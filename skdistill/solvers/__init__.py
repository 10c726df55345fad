"""Solvers, which find the synthetic set. Only here the four roles meet.

The room imports ``students``, ``objectives``, ``real``, ``synthetic`` and
``optimizers``.
"""
