"""Fakes in place of the work of stages: what tests run instead becomes the specification of a stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from deidsynth.stages import STAGES, StageSpec

_PACKAGE = dict(STAGES)


def spec_of(fake: Any) -> StageSpec:
    """The specification of a stage that works as a fake does, and checks what the stage itself does.

    Args:
        fake: has ``run``, ``name`` and perhaps ``run_part``; where no stage of the package has that name, also
            ``version`` and ``config_type``.
    """
    own = _PACKAGE.get(fake.name) or StageSpec(fake.name, fake.version, fake.config_type)
    return replace(own, implementation=fake, is_divisible=hasattr(fake, "run_part"))


def specs_of(fakes: Mapping[str, Any]) -> dict[str, StageSpec]:
    """The specifications of several fakes, by the same names."""
    return {name: spec_of(fake) for name, fake in fakes.items()}
