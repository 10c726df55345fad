"""Benchmarks. Each is one command, which its docstring describes."""
