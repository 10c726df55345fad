"""Students that consist of other students or of transformers and a student."""
