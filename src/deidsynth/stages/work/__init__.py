"""Implementations of the stages; each is loaded when the stage runs."""
