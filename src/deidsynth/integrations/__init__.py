"""deidsynth inside other tools: a recognizer for Presidio, a component for spaCy."""
