"""Causal language models: adaptation, packing of documents, inline entity tags and control codes."""
