"""Attacks on the models that may leave: whether a model tells which documents it was made from."""
