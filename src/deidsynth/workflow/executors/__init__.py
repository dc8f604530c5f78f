"""Executors of nodes: worker processes on this machine, or a Ray cluster."""
