"""Release: whether the synthetic corpus and the synthetic model of a run may leave, and the bundle in which they do.

Nothing leaves but what is in the bundle. No model is loaded here.
"""
