"""The synthetic set: its form, the number of rows, their start, what is learned.

The room imports nothing of the other roles.
"""
