"""``deidsynth deidentify -`` reads standard input, and goes on with the same after it was stopped."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from deidsynth.cli.app import app


@pytest.mark.parametrize(("options", "suffix"), [([], ".txt"), (["--from", "jsonl"], ".jsonl")])
def test_standard_input(model, tmp_path, options, suffix) -> None:
    given = "Karin kom" if suffix == ".txt" else '{"doc_id": "1", "text": "Karin kom"}\n'
    out = tmp_path / f"out{suffix}"
    command = ["deidentify", str(model), "-", "--output", str(out), *options]
    result = CliRunner().invoke(app, command, input=given.encode())
    assert result.exit_code == 0, result.stderr
    assert "[NAME] kom" in out.read_text(encoding="utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", out.name, f"{out.name}.manifest.json"]


def test_faults_of_standard_input_are_named_so(model, tmp_path) -> None:
    def call(given: bytes, *options: str):
        command = [
            "deidentify",
            str(model),
            "-",
            "--from",
            "table",
            "--column",
            "note",
            "--output",
            str(tmp_path / "out.csv"),
        ]
        result = CliRunner().invoke(app, [*command, *options], input=given)
        assert "standard-input" not in result.stderr
        return result.exit_code, result.stderr

    code, told = call(b"id,text\n1,Karin\n")
    assert (code, "-: no column 'note'" in told) == (2, True), told
    code, told = call(b"id,note\n1,Karin\n2,Dal,Anna\n", "--private", str(tmp_path / "private"))
    assert (code, "not written: -:3: " in told) == (1, True), told
    line = json.loads((tmp_path / "private" / "map.jsonl").read_text(encoding="utf-8"))
    assert line["place"] == "-:2"


def test_a_stopped_command_goes_on_with_the_same_standard_input(model, tmp_path, monkeypatch) -> None:
    import deidsynth.deidentification.detection as detection

    predict, calls, out = detection.predict, [], tmp_path / "out.jsonl"

    def stopped(*given, **options):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return predict(*given, **options)

    def call(n_lines: int):
        lines = "".join(json.dumps({"doc_id": str(each), "text": "Karin kom"}) + "\n" for each in range(n_lines))
        command = ["deidentify", str(model), "-", "--from", "jsonl", "--output", str(out)]
        return CliRunner().invoke(app, command, input=lines.encode())

    monkeypatch.setattr(detection, "predict", stopped)
    assert "with the same standard input" in call(100).stderr.replace("\n", " ")
    again = call(100)
    assert (again.exit_code, len(calls)) == (0, 3), again.stderr
    assert "continuing what" in again.stderr
    assert len(out.read_text(encoding="utf-8").splitlines()) == 100
