"""The same computations as transformers', only faster on CPUs; each has transformers' as its oracle."""
