"""The same computations as transformers', only faster on processors; each has transformers' as its oracle."""
