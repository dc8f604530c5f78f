"""The training loop that all models share, and the processes that may divide it."""
