"""Students made of other students."""
