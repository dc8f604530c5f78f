"""What the command line tells libraries before it imports them."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from deidsynth.cli import main


@pytest.mark.parametrize(("given", "expected"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_waiting_threads_sleep_unless_the_user_says_otherwise(
    given: str | None, expected: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "environ", {**os.environ})
    os.environ.pop("OMP_WAIT_POLICY", None)
    if given is not None:
        os.environ["OMP_WAIT_POLICY"] = given
    monkeypatch.setattr(sys, "argv", ["deidsynth", "version"])
    before = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(SystemExit) as ended:
            main()
    finally:
        signal.signal(signal.SIGINT, before)
    assert ended.value.code == 0
    assert os.environ["OMP_WAIT_POLICY"] == expected
    assert capsys.readouterr().out
