"""Sampling of text from a language model: engines behind one protocol, prompts, and filters."""
