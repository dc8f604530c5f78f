"""One file for each corpus format, and the registry of them all."""
