"""A store on a disk that cannot be written is used where it has everything, and refused where it has not."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_pipeline_fake import computed, config_of, go, home  # noqa: F401 - home is a fixture

from deidsynth.errors import InputError
from deidsynth.workflow.run_folder import verify_run


@pytest.fixture
def read_only(home: Path) -> Iterator[Path]:  # noqa: F811
    """The store of a finished run, which nobody can write to; its superuser needs a mount for that."""
    go(config_of(home))
    store = home / "runs" / ".deidsynth"
    if os.geteuid() != 0:
        folders = [store, *(path for path in store.rglob("*") if path.is_dir())]
        for folder in folders:
            folder.chmod(0o500)
        yield store
        for folder in folders:
            folder.chmod(0o700)
        return
    mounts = [["mount", "--bind", store, store], ["mount", "-o", "remount,bind,ro", store]]
    if any(subprocess.run(mount, capture_output=True, check=False).returncode for mount in mounts):
        subprocess.run(["umount", store], capture_output=True, check=False)
        pytest.skip("this superuser cannot mount")
    yield store
    subprocess.run(["umount", store], check=True)


def test_a_complete_store_is_used_and_an_incomplete_one_refused(home: Path, read_only: Path) -> None:  # noqa: F811
    assert go(config_of(home)).unchanged
    other = go(config_of(home, output=str(home / "elsewhere" / "two"), store=str(read_only)))
    assert computed(other) == []
    assert verify_run(other.folder) == []
    with pytest.raises(InputError, match=rf"cannot write to {read_only} .*choose another --store"):
        go(config_of(home, store=str(read_only), train={"learning_rate": 0.002}))
