"""Students whose models only depend on means, variances or counts."""
