"""Plots, one kind in each module. matplotlib is imported only for plotting."""
