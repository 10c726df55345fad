"""How good a set is: against other sizes, estimators and ways to reduce rows.

It sees distillers from outside: ``estimators``, ``tables`` and plots.
"""
