"""Encoders that tag tokens: task-adaptive pretraining, training, prediction of valid tag sequences."""
