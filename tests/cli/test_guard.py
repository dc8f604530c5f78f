"""What a failure says."""

from __future__ import annotations

import pytest
import torch
import typer

from deidsynth.cli.guard import UNEXPECTED, guarded


@pytest.mark.parametrize("error", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory")])
def test_used_up_memory_is_told_with_what_to_do(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    @guarded
    def command() -> None:
        raise error

    with pytest.raises(typer.Exit) as left:
        command()
    assert left.value.exit_code == UNEXPECTED
    assert capsys.readouterr().err.startswith("error: memory is used up; close other programs")
