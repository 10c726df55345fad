"""Where data frames end: columns, categories and containers.

Imports nothing of the rest.
"""
