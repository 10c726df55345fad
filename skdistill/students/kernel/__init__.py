"""Students whose model is an expansion in a kernel."""
