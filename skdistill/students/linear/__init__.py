"""Students whose model is linear."""
