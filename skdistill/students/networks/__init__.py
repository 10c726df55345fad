"""Students of neural networks, which differentiate all steps of the training."""
