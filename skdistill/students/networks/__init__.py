"""Students of neural networks, whose training is unrolled step by step."""
