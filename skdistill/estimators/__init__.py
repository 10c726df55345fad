"""The public estimators: the distiller, and estimators that use its rows.

This room may import from all others except ``evaluation``, which builds on it.
"""
