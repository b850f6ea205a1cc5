"""What the sentiment model learns from, and in which batches."""
