"""What a stage is: configuration and input artifacts in, one output artifact out.

A stage knows its own configuration and its inputs. It knows neither the store nor another stage nor the terminal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from deidsynth.config import StageConfig
from deidsynth.progress import Progress, SilentProgress


@dataclass(frozen=True, slots=True)
class StageContext:
    """What surrounds one execution and is no part of its identity, but for seed and precision.

    Args:
        scratch: a folder that survives a killed run, for checkpoints; not part of the artifact.
        seed: the only source of chance.
        precision: ``fp32`` or ``bf16``, resolved.
        device: such as ``cpu`` or ``cuda``.
        progress: who listens.
    """

    scratch: Path
    seed: int = 1
    precision: str = "fp32"
    device: str = "cpu"
    progress: Progress = field(default_factory=SilentProgress)


class Stage(Protocol):
    """One step of the pipeline.

    ``version`` is part of every key: raise it whenever the same configuration and inputs would give another output.
    """

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> int: ...

    @property
    def config_type(self) -> type[StageConfig]: ...

    def run(self, config: Any, inputs: Mapping[str, Path], output: Path, context: StageContext) -> Mapping[str, Any]:
        """Write the artifact's files into ``output``, which may hold an earlier attempt's files.

        Args:
            config: an instance of ``config_type``.
            inputs: folder of each input artifact, by role.
            output: an existing folder.
            context: seed, precision, device, listener, scratch folder.

        Returns:
            Facts for the manifest: plain JSON, counts and rates, never text.
        """
