"""Data frames, columns, categories and containers, which become arrays here.

The room imports from no other room.
"""
