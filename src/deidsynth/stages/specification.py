"""What a stage is: configuration and input artifacts in, one output artifact out.

A specification says everything about a stage but how it works, and imports nothing heavy; its implementation is loaded
when it runs. A stage knows its own configuration and its inputs. It knows neither the store nor another stage nor the
terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from deidsynth.config import StageConfig
from deidsynth.progress import Progress, SilentProgress


@dataclass(frozen=True, slots=True)
class StageContext:
    """What surrounds one execution and is no part of its identity, but for seed and precision.

    Args:
        scratch: a folder that survives a killed run, for checkpoints; not part of the artifact.
        seed: the only source of randomness.
        precision: ``fp32`` or ``bf16``, resolved.
        device: such as ``cpu`` or ``cuda``.
        progress: who listens.
    """

    scratch: Path
    seed: int = 1
    precision: str = "fp32"
    device: str = "cpu"
    progress: Progress = field(default_factory=SilentProgress)


class Implementation(Protocol):
    """How a stage works."""

    def run(self, config: Any, inputs: Mapping[str, Path], output: Path, context: StageContext) -> Mapping[str, Any]:
        """Write the artifact's files into ``output``, which may hold an earlier attempt's files.

        Args:
            config: an instance of the stage's ``config_type``.
            inputs: folder of each input artifact, by role.
            output: an existing folder.
            context: seed, precision, device, listener, scratch folder.

        Returns:
            Facts for the manifest: plain JSON, counts and rates, never text.
        """


class DivisibleImplementation(Implementation, Protocol):
    """How a stage works whose work can be divided."""

    def run_part(
        self, config: Any, inputs: Mapping[str, Path], output: Path, context: StageContext, part: int, n_parts: int
    ) -> Mapping[str, Any]:
        """Write some of the files that ``run`` would keep in its scratch folder into ``output``.

        All parts together may leave files out, which ``run`` then makes, but make none that it would not.

        Args:
            config: as for ``run``; also the inputs and the context.
            inputs: folder of each input artifact, by role.
            output: an existing folder, which may hold an earlier attempt's files.
            context: seed, precision, device, listener.
            part: zero-based.
            n_parts: how many there are.

        Returns:
            Facts for the manifest.
        """


Check = Callable[[Any, str], None]
"""Makes sure that a stage can run with a configuration on a device; raises what tells the user why not."""


@dataclass(frozen=True, slots=True)
class StageSpec:
    """One step of the pipeline.

    Args:
        name: unique; part of every key.
        version: part of every key: raise it whenever the same configuration and inputs would give another output.
        config_type: of its resolved configuration.
        implementation: ``module:name`` of a class without arguments, loaded when the stage runs; or an instance. Empty
            for a stage whose content comes from outside.
        inputs: what each input artifact is, by role, in words.
        outputs: file or folder in the artifact, by what it holds.
        title: what the terminal and the report call it.
        facts: the facts of its manifest that are shown, in words.
        headline: those of them that tell most; the closing table of a run shows them.
        is_light: whether it computes with no model: one processor, no GPU.
        is_divisible: whether the implementation has ``run_part``.
        holds_source_text: whether the artifact holds the text of a corpus as it came from outside.
        check: ``module:name`` of a check before anything of a plan runs, or the check itself; None for none.
    """

    name: str
    version: int
    config_type: type[StageConfig]
    implementation: str | Implementation = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    title: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    headline: tuple[str, ...] = ()
    is_light: bool = False
    is_divisible: bool = False
    holds_source_text: bool = False
    check: str | Check | None = None

    def run(self, config: Any, inputs: Mapping[str, Path], output: Path, context: StageContext) -> Mapping[str, Any]:
        """See :class:`Implementation`."""
        return self._loaded().run(config, inputs, output, context)

    def run_part(
        self, config: Any, inputs: Mapping[str, Path], output: Path, context: StageContext, part: int, n_parts: int
    ) -> Mapping[str, Any]:
        """See :class:`DivisibleImplementation`."""
        return self._loaded().run_part(config, inputs, output, context, part, n_parts)

    def make_sure(self, config: StageConfig, device: str) -> None:
        """Run the check of the stage, if it has one."""
        if self.check is not None:
            (_object(self.check) if isinstance(self.check, str) else self.check)(config, device)

    def _loaded(self) -> Any:
        return _object(self.implementation)() if isinstance(self.implementation, str) else self.implementation


def _object(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)
