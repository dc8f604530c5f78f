"""Specification of a stage: configuration and input artifacts in, one output artifact out.

A specification describes everything about a stage except how it works, and imports nothing heavy; the implementation
is loaded when the stage runs. A stage knows its configuration and its inputs, but not the store, other stages or the
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
    """The context of one execution; apart from seed and precision, it is not part of the artifact's identity.

    Args:
        scratch: a folder that survives a killed run, for checkpoints; not part of the artifact.
        seed: the only source of randomness.
        precision: ``fp32`` or ``bf16``, resolved.
        device: such as ``cpu`` or ``cuda``.
        progress: listener for progress.
    """

    scratch: Path
    seed: int = 1
    precision: str = "fp32"
    device: str = "cpu"
    progress: Progress = field(default_factory=SilentProgress)


class Implementation(Protocol):
    """Implementation of a stage."""

    def run(self, config: Any, inputs: Mapping[str, Path], output: Path, context: StageContext) -> Mapping[str, Any]:
        """Write the artifact's files into ``output``, which may hold an earlier attempt's files.

        Args:
            config: an instance of the stage's ``config_type``.
            inputs: folder of each input artifact, by role.
            output: an existing folder.
            context: seed, precision, device, progress, scratch folder.

        Returns:
            Facts for the manifest: plain JSON, counts and rates, never text.
        """


class DivisibleImplementation(Implementation, Protocol):
    """Implementation of a stage that can be divided into shards."""

    def run_part(
        self, config: Any, inputs: Mapping[str, Path], output: Path, context: StageContext, part: int, n_parts: int
    ) -> Mapping[str, Any]:
        """Write a share of the files that ``run`` would keep in its scratch folder into ``output``.

        The parts together may omit files, which ``run`` then creates, but must not add any.

        Args:
            config: as for ``run``; also the inputs and the context.
            inputs: folder of each input artifact, by role.
            output: an existing folder, which may hold an earlier attempt's files.
            context: seed, precision, device, progress.
            part: zero-based.
            n_parts: number of parts.

        Returns:
            Facts for the manifest.
        """


Check = Callable[[Any, str], None]
"""Checks that a stage can run with a configuration on a device; raises an error for the user otherwise."""


@dataclass(frozen=True, slots=True)
class StageSpec:
    """A stage of the pipeline.

    Args:
        name: unique; part of every key.
        version: part of every key; increase it whenever the output changes for the same configuration and inputs.
        config_type: type of its resolved configuration.
        implementation: ``module:name`` of a class without arguments, loaded when the stage runs, or an instance. Empty
            for a stage whose content comes from outside the store.
        inputs: description of each input artifact, by role.
        outputs: file or folder in the artifact, by content.
        title: name in the terminal and in the report.
        facts: descriptions of the facts in its manifest that are shown.
        headline: the most important facts, shown in the final table of a run.
        is_light: whether it needs no model: one CPU core, no GPU.
        is_divisible: whether the implementation has ``run_part``.
        holds_source_text: whether the artifact holds original text of a corpus.
        check: ``module:name`` of a check that runs before the plan, or the check itself; None for none.
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
