"""The small set: its rows, how many, where they start, what of them is learned.

Imports nothing of the other roles.
"""
