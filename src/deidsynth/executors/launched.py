"""Whether a launcher began several processes of one command, which training cannot use."""

from __future__ import annotations

import os

from deidsynth.errors import InputError

COUNTS = ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
"""What torchrun, accelerate launch and MPI tell each process of how many there are; accelerate heeds the same."""


def refuse_several_processes() -> None:
    """Make sure that this process is the only one of its command.

    Raises:
        InputError: a launcher began more.
    """
    for name in COUNTS:
        count = os.environ.get(name, "")
        if count.isdecimal() and int(count) > 1:
            raise InputError(
                f"{name}={count}: a training is one process, and {count} were launched for it; run deidsynth without "
                "torchrun, accelerate launch or mpirun (or with one process), and give it one GPU to see, such as "
                f"CUDA_VISIBLE_DEVICES=0; if nothing was launched, unset {name}"
            )
