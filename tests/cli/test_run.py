from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from deidsynth.workflow.run_folder import RunFolder


@pytest.fixture
def finished(deidsynth, stages, corpus, tmp_path):
    """A finished run folder and what the command said."""
    output = tmp_path / "runs" / "one"
    result = deidsynth("run", "--corpus", corpus, "--language", "sv", "--output", output, "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    return output, result


def test_run_ends_with_a_table_and_the_path_of_the_report(finished) -> None:
    output, result = finished
    for word in ("adapt", "synthesize", "done", "strict", "0.750", "0.500"):
        assert word in result.stdout
    assert f"report: {output / 'report.html'}" in result.stderr
    assert (output / "report.html").is_file()


def test_the_last_table_has_intervals_and_few_test_notes_are_warned_of(finished, deidsynth) -> None:
    output, result = finished
    assert "Headline figures with 95" in result.stdout
    assert "warning: There are only" in result.stderr
    shown = deidsynth("report", output)
    assert "Headline figures with 95" in shown.stdout and "warning: There are only" in shown.stderr


def test_intervals_are_those_of_evaluate_on_the_files_of_the_run(finished, deidsynth) -> None:
    output, _ = finished
    found = json.loads((output / "report.json").read_text(encoding="utf-8"))["uncertainty"]
    gold, synthetic, reference = (output / "test" / f"{name}.jsonl" for name in (
        "test", "synthetic/predictions", "gold/predictions",
    ))  # fmt: skip
    evaluated = json.loads(deidsynth("evaluate", gold, synthetic, "--reference", reference, "--json").stdout)
    for measure in ("strict", "span", "merged", "token"):
        plain = evaluated["intervals"][measure]
        assert found["synthetic"][measure] == {name: plain[name] for name in ("precision", "recall", "f1")}
    assert found["difference"]["token_f1"] == evaluated["comparison"]["token"]["difference"]["f1"]["interval"]
    assert found["n_groups"] == evaluated["resampling"]["n_groups"]


def test_second_run_does_nothing_and_says_so(finished, deidsynth, stages) -> None:
    output, _ = finished
    before = len(stages["train"].seen)
    result = deidsynth("run", output / "run.yaml", "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    assert "nothing to do" in result.stderr
    assert len(stages["train"].seen) == before


def test_dry_run_tells_what_a_setting_would_change(finished, deidsynth) -> None:
    output, _ = finished
    command = ["run", output / "run.yaml", "--dry-run", "--json", "--device", "cpu"]
    assert json.loads(deidsynth(*command).stdout)["stages_to_run"] == 0
    changed = json.loads(deidsynth(*command, "--set", "train.learning_rate=0.5").stdout)
    missing = {node["name"] for node in changed["stages"] if not node["present"]}
    assert {"gold", "synthetic"} <= missing
    assert not missing & {"import", "adapt", "synthesize"}
    assert "to compute" in deidsynth(*command[:3], "--set", "adapt.epochs=3").stdout


def test_json_is_the_report_alone(finished, deidsynth) -> None:
    output, _ = finished
    result = deidsynth("run", output / "run.yaml", "--json", "--quiet", "--device", "cpu")
    assert json.loads(result.stdout) == json.loads((output / "report.json").read_text(encoding="utf-8"))
    assert result.stderr == ""


def test_options_reach_the_configuration(deidsynth, stages, corpus, tmp_path) -> None:
    result = deidsynth(
        "run", "--corpus", corpus, "--language", "sv", "--output", tmp_path / "runs" / "two", "--seed", "7",
        "--group-by", r"(\d)$", "--set", "adapt.epochs=2.5", "--set", "train_synthetic.epochs=1", "--device", "cpu",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    [adapted] = stages["adapt"].seen
    assert adapted["context"].seed == 7
    assert adapted["config"].epochs == 2.5
    assert sorted(seen["config"].epochs for seen in stages["train"].seen) == [1.0, 6.0]
    assert {document.group for document in adapted["corpora"]["train"]} <= set("0123456789")


def test_the_store_goes_where_it_is_told(deidsynth, stages, corpus, tmp_path) -> None:
    command = ["run", "--corpus", corpus, "--language", "sv", "--output", tmp_path / "runs" / "a", "--device", "cpu"]
    assert deidsynth(*command, "--store", tmp_path / "elsewhere").exit_code == 0
    assert (tmp_path / "elsewhere" / "artifacts").is_dir()
    assert not (tmp_path / "runs" / ".deidsynth").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--set", "adapt.lr=1"], "adapt.lr: unknown key"),
        (["--set", "train.epochs=0"], "train.epochs"),
        (["--set", "nonsense"], "expected KEY=VALUE"),
        (["nowhere.yaml"], "nowhere.yaml: no such file"),
        ([], "--corpus PATH"),
        (["--corpus", "nowhere"], "nowhere"),
    ],
)
def test_mistakes_are_told_without_a_traceback(deidsynth, stages, arguments, told) -> None:
    result = deidsynth("run", *arguments)
    assert result.exit_code == 2
    assert told in result.stderr
    assert "Traceback" not in result.stderr


def test_all_faults_of_a_configuration_are_told_at_once(deidsynth, stages, corpus) -> None:
    result = deidsynth("run", "--corpus", corpus, "--set", "train.epoch=3", "--set", "adapt.epochs=-1")
    assert "2 problems" in result.stderr
    assert "did you mean epochs?" in result.stderr


def test_missing_language_says_what_to_do(deidsynth, stages, corpus, tmp_path) -> None:
    result = deidsynth("run", "--corpus", corpus, "--output", tmp_path / "out")
    assert result.exit_code == 2
    assert "--language" in result.stderr


def test_interrupted_run_says_how_to_go_on_and_does(deidsynth, stages, corpus, tmp_path) -> None:
    command = ["run", "--corpus", corpus, "--language", "sv", "--output", tmp_path / "runs" / "x", "--device", "cpu"]
    stages["annotate"].error = KeyboardInterrupt()
    broken = deidsynth(*command)
    assert broken.exit_code == 130
    assert "the same command again" in broken.stderr
    stages["annotate"].error = None
    assert deidsynth(*command).exit_code == 0
    assert len(stages["adapt"].seen) == 1


def test_full_disk_is_one_line(deidsynth, stages, corpus, tmp_path) -> None:
    stages["adapt"].error = OSError(28, "No space left on device")
    result = deidsynth("run", "--corpus", corpus, "--language", "sv", "--output", tmp_path / "runs" / "x")
    assert result.exit_code == 3
    assert result.stderr.count("error:") == 1
    assert "Traceback" not in result.stderr


def test_report_makes_the_page_again(finished, deidsynth) -> None:
    output, _ = finished
    (output / "report.html").unlink()
    result = deidsynth("report", output)
    assert result.exit_code == 0, result.stderr
    assert (output / "report.html").is_file()
    assert "0.750" in result.stdout
    assert json.loads(deidsynth("report", output, "--json").stdout)["models"]["gold"]["strict"]["f1"] == 0.75


def test_report_of_no_run(deidsynth, tmp_path) -> None:
    result = deidsynth("report", tmp_path)
    assert result.exit_code == 2
    assert "not a run folder" in result.stderr


def test_runs_list_and_show(finished, deidsynth) -> None:
    output, _ = finished
    [run] = json.loads(deidsynth("runs", "list", output.parent, "--json").stdout)
    assert (run["path"], run["status"], run["synthetic_strict_f1"]) == (str(output), "finished", 0.5)
    assert "finished" in deidsynth("runs", "list", output.parent).stdout
    shown = json.loads(deidsynth("runs", "show", output, "--json").stdout)
    assert {"adapt", "gold", "synthetic"} <= {artifact["name"] for artifact in shown["artifacts"]}
    assert "models/synthetic" in deidsynth("runs", "show", output).stderr


def test_runs_list_of_an_empty_folder_says_how_to_begin(deidsynth, tmp_path) -> None:
    result = deidsynth("runs", "list", tmp_path)
    assert result.exit_code == 0
    assert "deidsynth demo" in result.stderr


def test_verify_says_yes_and_after_a_change_no(finished, deidsynth) -> None:
    output, _ = finished
    assert deidsynth("runs", "verify", output).exit_code == 0
    (output / "models" / "gold" / "config.json").write_text("{}", encoding="utf-8")
    result = deidsynth("runs", "verify", output, "--json")
    assert result.exit_code == 1
    assert not json.loads(result.stdout)["ok"]
    assert "models/gold" in result.stderr


def test_demo_runs_both_languages_and_shows_both(deidsynth, stages, tmp_path, monkeypatch) -> None:
    from deidsynth.cli import demo

    monkeypatch.setattr(demo, "N_TRAIN_DOCUMENTS", 12)
    monkeypatch.setattr(demo, "N_TEST_DOCUMENTS", 4)
    result = deidsynth("demo", "--output", tmp_path / "demo")
    assert result.exit_code == 0, result.stderr
    for language in ("sv", "es"):
        assert language in result.stdout
        assert f"report ({language}): {tmp_path / 'demo' / language / 'report.html'}" in result.stderr
    again = deidsynth("demo", "--output", tmp_path / "demo", "--language", "es")
    assert "unchanged" in again.stderr
    assert "sv" not in again.stdout


def test_demo_speaks_two_languages(deidsynth, tmp_path) -> None:
    result = deidsynth("demo", "--output", tmp_path, "--language", "fi")
    assert result.exit_code == 2
    assert "expected sv or es, got fi" in result.stderr


@pytest.mark.parametrize(("verb", "option"), [("run", "--output"), ("run", "--store"), ("demo", "--output")])
def test_a_place_that_cannot_be_written_is_told_first(deidsynth, stages, tmp_path, verb, option) -> None:
    (tmp_path / "file").write_text("x")
    # That there is no corpus is told only after the places are found to be good.
    places = {"--corpus": tmp_path / "nowhere"} if verb == "run" else {}
    places |= {"--output": tmp_path / "out", option: tmp_path / "file" / "run"}
    result = deidsynth(verb, *(each for place in places.items() for each in place))
    assert result.exit_code == 2
    assert f"cannot write to {tmp_path / 'file'} (a file, not a folder); choose another {option}" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no /proc on this system")
def test_a_system_folder_is_refused(deidsynth, corpus) -> None:
    result = deidsynth("run", "--corpus", corpus, "--language", "sv", "--output", "/proc/nowhere/run")
    assert result.exit_code == 2
    assert "cannot write to /proc (" in result.stderr


@pytest.mark.parametrize(("given", "code"), [("SV", 0), ("swe", 0), ("swedish", 2), ("s", 2), ("", 2)])
def test_a_language_is_a_code_in_any_case(deidsynth, stages, corpus, tmp_path, given, code) -> None:
    result = deidsynth("run", "--corpus", corpus, "--language", given, "--output", tmp_path / "out", "--device", "cpu")
    assert result.exit_code == code
    if code:
        assert "two or three letters, such as es or sv" in result.stderr
    else:
        assert f"language: {given.lower()}" in (tmp_path / "out" / "run.yaml").read_text(encoding="utf-8")


def test_an_interrupted_run_is_shown_and_verified_as_unfinished(deidsynth, stages, corpus, tmp_path) -> None:
    output = tmp_path / "runs" / "x"
    command = ["run", "--corpus", corpus, "--language", "sv", "--output", output, "--device", "cpu"]
    stages["select"].error = KeyboardInterrupt()
    assert deidsynth(*command).exit_code == 130
    verified = deidsynth("runs", "verify", output)
    assert verified.exit_code == 2
    assert "unfinished: 1 of 14 artifacts; finish the run with: deidsynth run" in verified.stderr
    shown = deidsynth("runs", "show", output)
    assert "synthesize" in shown.stdout
    assert "unfinished: 1 of 14 artifacts" in shown.stderr
    stages["select"].error = None
    assert deidsynth(*command).exit_code == 0
    assert deidsynth("runs", "verify", output).exit_code == 0


def test_a_folder_without_a_plan_is_unfinished_and_shows_no_empty_table(deidsynth, tmp_path) -> None:
    with RunFolder(tmp_path / "x").claim():
        pass
    assert deidsynth("runs", "verify", tmp_path / "x").exit_code == 2
    shown = deidsynth("runs", "show", tmp_path / "x")
    assert shown.stdout == ""
    assert "unfinished: no artifacts yet" in shown.stderr


def test_sigterm_is_an_interruption(deidsynth, stages, corpus, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(stages["adapt"], "run", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    before = signal.getsignal(signal.SIGTERM)
    output = tmp_path / "runs" / "x"
    result = deidsynth("run", "--corpus", corpus, "--language", "sv", "--output", output, "--device", "cpu")
    assert result.exit_code == 143
    assert "the same command again" in result.stderr
    assert signal.getsignal(signal.SIGTERM) == before
