"""Benchmarks: one command each, see their docstrings."""
