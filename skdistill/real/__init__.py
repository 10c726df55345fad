"""The real rows, wherever they lie: the only room that touches them.

Imports nothing of the other roles: sums over rows go out, small arrays come in.
"""
