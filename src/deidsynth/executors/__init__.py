"""Ways to run a plan: here (``local``); a cluster's fits the same protocol."""

from deidsynth.executors.executor import Executor, NodeResult, Source, Surroundings
from deidsynth.executors.local import execute

__all__ = ["Executor", "NodeResult", "Source", "Surroundings", "execute"]
