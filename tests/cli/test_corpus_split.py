from __future__ import annotations

import json

import pytest


def test_groups_stay_together(deidsynth, write_jsonl, note, tmp_path) -> None:
    notes = [note(f"p{n % 6}-{n}", f"Bo kom {n}", (0, 2, "NAME")) for n in range(24)]
    source = write_jsonl("in.jsonl", notes)
    result = deidsynth("corpus", "split", source, tmp_path / "out", "--group-by", "^(p.)", "--set", "test=0.34")
    assert result.exit_code == 0, result.stderr
    groups = []
    for part in ("train", "validation", "test"):
        text = (tmp_path / "out" / f"{part}.jsonl").read_text(encoding="utf-8")
        groups.append({name for name in (f"p{n}" for n in range(6)) if f'"{name}-' in text})
    assert not groups[0] & groups[1] | groups[0] & groups[2] | groups[1] & groups[2]
    assert len(groups[2]) == 2


@pytest.mark.parametrize(
    "options",
    [("--test", "0.25", "--split-seed", "3"), ("--set", "split.test=0.25", "--set", "split.seed=3")],
)
def test_split_and_run_share_their_options(deidsynth, stages, corpus, tmp_path, options) -> None:
    split = deidsynth("corpus", "split", corpus, tmp_path / "out", *options)
    assert split.exit_code == 0, split.stderr
    command = ["run", "--corpus", corpus, "--language", "sv", "--output", tmp_path / "run", "--device", "cpu"]
    assert deidsynth(*command, *options).exit_code == 0
    ids = [
        [json.loads(line)["doc_id"] for line in path.read_text(encoding="utf-8").splitlines()]
        for path in (tmp_path / "out" / "test.jsonl", tmp_path / "run" / "test" / "test.jsonl")
    ]
    assert ids[0] == ids[1] and len(ids[0]) == 3


def test_too_few_groups_are_refused(deidsynth, write_jsonl, note, tmp_path) -> None:
    source = write_jsonl("in.jsonl", [note("a", "Bo", (0, 2, "NAME"))])
    result = deidsynth("corpus", "split", source, tmp_path / "out")
    assert result.exit_code == 2
    assert "cannot be split" in result.stderr


def test_formats_are_listed(deidsynth) -> None:
    result = deidsynth("corpus", "formats")
    assert result.exit_code == 0
    for name in ("brat", "jsonl", "i2b2", "conll", "inline"):
        assert name in result.stdout


def test_halves_are_of_runs(deidsynth, corpus, tmp_path) -> None:
    result = deidsynth("corpus", "split", corpus, tmp_path / "out", "--set", "half=1")
    assert (result.exit_code, "split.half: a run has halves" in result.stderr) == (2, True)
