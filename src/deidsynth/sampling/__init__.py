"""Sampling text from a language model: engines behind one protocol, and what samples begin with."""
