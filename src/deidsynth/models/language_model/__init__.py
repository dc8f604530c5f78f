"""Causal language models: adaptation, whole documents in rows, entities and control codes as special tokens."""
