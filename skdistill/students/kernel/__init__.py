"""Students of kernel methods, whose models are sums of kernel functions."""
