"""A stage that can be divided and needs no model, and a source for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deidsynth.config import StageConfig
from deidsynth.stages.specification import StageContext

N_PIECES = 7


@dataclass
class Pieces:
    """Writes seven pieces, each kept in the scratch folder, and joins them; counts the pieces it makes."""

    name: str = "pieces"
    version: int = 1
    config_type: type[StageConfig] = StageConfig
    made: list[int] = field(default_factory=list)
    fail_part: int | None = None

    def _piece(self, number: int, inputs: Mapping[str, Path], kept: Path) -> str:
        file = kept / f"piece-{number}"
        if not file.exists():
            self.made.append(number)
            file.write_text(f"{number}{(inputs['text'] / 'text').read_text()} ")
        return file.read_text()

    def run(self, config: Any, inputs: Mapping[str, Path], output: Path, context: StageContext) -> Mapping[str, Any]:
        (output / "text").write_text("".join(self._piece(each, inputs, context.scratch) for each in range(N_PIECES)))
        return {}

    def run_part(
        self, config: Any, inputs: Mapping[str, Path], output: Path, context: StageContext, part: int, n_parts: int
    ) -> Mapping[str, Any]:
        if part == self.fail_part:
            raise ValueError("Note 7 of Alva today")
        for each in range(part, N_PIECES, n_parts):
            self._piece(each, inputs, output)
        return {}


def source(output: Path) -> dict[str, Any]:
    (output / "text").write_text("x")
    return {}
