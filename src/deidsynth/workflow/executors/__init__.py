"""Ways to run a plan: here (``local``), or in several processes and past failures (``pool``)."""

from deidsynth.workflow.executors.executor import Executor, NodeResult, Source, Surroundings
from deidsynth.workflow.executors.local import execute
from deidsynth.workflow.executors.pool import Failure, Outcome, execute_all

__all__ = ["Executor", "Failure", "NodeResult", "Outcome", "Source", "Surroundings", "execute", "execute_all"]
