"""The real rows, in memory or elsewhere. Only this room uses them.

Other rooms get sums over rows and small samples. The room imports nothing of the other
roles.
"""
