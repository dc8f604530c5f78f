"""The Python example of docs/review.md runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

from deidsynth.documents import Corpus, Document, Entity

PAGE = Path(__file__).resolve().parents[2] / "docs" / "review.md"


def test_the_example_runs(tmp_path, monkeypatch) -> None:
    [code] = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    notes = (Document(f"n{number}", f"Bo kom {number}", (Entity(0, 2, "NAME", 0.5),)) for number in range(150))
    monkeypatch.chdir(tmp_path)
    names = {"silver": Corpus(tuple(notes), "invented", "silver", "sv")}
    exec(compile(code, str(PAGE), "exec"), names)
    # The folder went back as it was: nothing is marked in the blind slice, all else is as predicted.
    queues = names["review"].queues
    assert (queues["blind"].counts["strict"].fp, queues["entities"].n_unchanged) == (50, 100)
