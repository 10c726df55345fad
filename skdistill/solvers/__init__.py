"""How a set is found: the only room in which the four roles meet.

Imports ``students``, ``objectives``, ``real``, ``synthetic`` and ``optimizers``.
"""
