"""Detection of launchers that start several processes of one command."""

from __future__ import annotations

import os
from dataclasses import dataclass

from deidsynth.errors import InputError

COUNTS = ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
"""Variables with the number of processes, set by torchrun, accelerate launch and MPI; accelerate reads the same."""


@dataclass(frozen=True, slots=True)
class Launched:
    """One of the processes of a command.

    Args:
        rank: among all processes; process 0 writes the output.
        local_rank: among the processes of its machine.
        count: number of processes.
    """

    rank: int = 0
    local_rank: int = 0
    count: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this process writes the output."""
        return self.rank == 0


def launched_processes() -> Launched:
    """The process as set by torchrun and `accelerate launch`.

    Raises:
        InputError: another launcher started several processes.
    """
    told = [os.environ.get(name, "") for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE")]
    if all(each.isdecimal() for each in told) and int(told[2]) > 1:
        return Launched(*map(int, told))
    refuse_several_processes()
    return Launched()


def refuse_several_processes() -> None:
    """Check that this process is the only one of its command.

    Raises:
        InputError: a launcher started more.
    """
    for name in COUNTS:
        count = os.environ.get(name, "")
        if count.isdecimal() and int(count) > 1:
            raise InputError(
                f"{name}={count}: {count} processes were launched for one command; run deidsynth without torchrun, "
                "accelerate launch or mpirun (or with one process), and make one GPU visible, for example with "
                "CUDA_VISIBLE_DEVICES=0; torchrun and accelerate launch can only divide "
                f"`deidsynth adapt`; if nothing was launched, unset {name}"
            )
