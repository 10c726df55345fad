"""Students whose rows vote."""
