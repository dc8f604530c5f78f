"""The training loop of all models, and distributed training."""
