"""Students of linear models."""
