"""Faster CPU implementations of computations in transformers, which serves as their test oracle."""
