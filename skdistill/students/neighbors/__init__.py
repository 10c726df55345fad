"""Students of nearest neighbors."""
