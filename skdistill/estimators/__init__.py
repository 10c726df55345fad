"""What a user imports to distill: the distiller, and what is fitted on its rows.

Everything may be imported from here except ``evaluation``, which builds on it.
"""
