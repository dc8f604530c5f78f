"""Whether a launcher began several processes of one command, and which of them this is."""

from __future__ import annotations

import os
from dataclasses import dataclass

from deidsynth.errors import InputError

COUNTS = ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
"""What torchrun, accelerate launch and MPI tell each process of how many there are; accelerate heeds the same."""


@dataclass(frozen=True, slots=True)
class Launched:
    """One of the processes of a command.

    Args:
        rank: among all of them; 0 is the one that writes for all.
        local_rank: among those of its machine.
        count: how many there are.
    """

    rank: int = 0
    local_rank: int = 0
    count: int = 1

    @property
    def is_main(self) -> bool:
        """Whether it writes for all."""
        return self.rank == 0


def launched_processes() -> Launched:
    """Which process this is, by what torchrun and `accelerate launch` tell it.

    Raises:
        InputError: another launcher began several.
    """
    told = [os.environ.get(name, "") for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE")]
    if all(each.isdecimal() for each in told) and int(told[2]) > 1:
        return Launched(*map(int, told))
    refuse_several_processes()
    return Launched()


def refuse_several_processes() -> None:
    """Make sure that this process is the only one of its command.

    Raises:
        InputError: a launcher began more.
    """
    for name in COUNTS:
        count = os.environ.get(name, "")
        if count.isdecimal() and int(count) > 1:
            raise InputError(
                f"{name}={count}: {count} processes were launched for one command; run deidsynth without torchrun, "
                "accelerate launch or mpirun (or with one process), and give it one GPU to see, such as "
                "CUDA_VISIBLE_DEVICES=0; torchrun and accelerate launch can divide `deidsynth adapt`, and nothing "
                f"else; if nothing was launched, unset {name}"
            )
