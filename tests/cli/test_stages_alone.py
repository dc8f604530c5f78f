from __future__ import annotations

import json

import pytest

from deidsynth.digests import file_digest
from deidsynth.errors import InputError, ModelNotUsableError


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "some-model"
    folder.mkdir()
    (folder / "config.json").write_text("{}", encoding="utf-8")
    return folder


def test_train_writes_a_model_folder_that_annotate_takes(deidsynth, stages, corpus, tmp_path) -> None:
    ner = tmp_path / "out" / "ner"
    result = deidsynth(
        "train", corpus, "--output", ner, "--encoder", "scratch", "--seed", "3", "--set", "epochs=2", "--device", "cpu"
    )
    assert result.exit_code == 0, result.stderr
    assert (ner / "model" / "config.json").is_file()
    [seen] = stages["train"].seen
    assert (seen["config"].epochs, seen["context"].seed, len(seen["corpora"]["corpus"])) == (2.0, 3, 12)
    told = json.loads((ner / "manifest.json").read_text(encoding="utf-8"))
    assert (told["stage"], told["seed"], told["config"]["epochs"]) == ("train", 3, 2.0)
    assert [path.name for path in ner.parent.iterdir()] == ["ner"]

    silver = tmp_path / "silver.jsonl"
    result = deidsynth("annotate", ner, corpus, "--output", silver, "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    assert len(silver.read_text(encoding="utf-8").splitlines()) == 12
    [seen] = stages["annotate"].seen
    assert seen["files"]["model"] == ["manifest.json", "model", "weights.json"]
    assert seen["corpora"]["texts"].n_entities == 0


def test_what_a_stage_writes_alone_names_what_it_goes_back_to(deidsynth, stages, corpus, tmp_path) -> None:
    def told(path):
        manifest = json.loads(path.read_text(encoding="utf-8"))
        assert manifest["lineage"]["invented_data"] == []
        return manifest["stage"], manifest["key"], manifest["lineage"]["real_data"]

    ner, silver = tmp_path / "ner", tmp_path / "silver.jsonl"
    assert deidsynth("train", corpus, "--output", ner, "--device", "cpu").exit_code == 0
    assert deidsynth("annotate", ner, corpus, "--output", silver, "--device", "cpu").exit_code == 0
    stage, key, [learned] = told(ner / "manifest.json")
    assert (stage, learned["direct"], learned["via"]) == ("train", True, ["given-corpus"])
    stage, other, entries = told(tmp_path / "silver.jsonl.manifest.json")
    assert (stage, other != key) == ("annotate", True)
    by_way = {tuple(entry["via"]): (entry["direct"], entry["source"] == learned["source"]) for entry in entries}
    assert by_way[("given-corpus",)][0]
    assert by_way[("given-corpus", "train", "given-model")] == (False, True)
    assert {path.name for path in tmp_path.iterdir()} == {
        "corpus.jsonl", "ner", "silver.jsonl", "silver.jsonl.manifest.json",
    }  # fmt: skip


def test_adapt_takes_the_train_part_of_a_corpus_that_names_parts(
    deidsynth, stages, write_jsonl, note, tmp_path
) -> None:
    write_jsonl("parts/train.jsonl", [note(f"a{number}", "Bo", (0, 2, "NAME")) for number in range(3)])
    write_jsonl("parts/test.jsonl", [note("b", "Bo", (0, 2, "NAME"))])
    result = deidsynth("adapt", "--corpus", tmp_path / "parts", "--output", tmp_path / "lm", "--base", "scratch")
    assert result.exit_code == 0, result.stderr
    assert "3 documents of the train split, of 4" in result.stderr
    assert len(stages["adapt"].seen[0]["corpora"]["train"]) == 3


def test_annotate_reads_a_folder_of_notes_exactly(deidsynth, stages, model, tmp_path) -> None:
    (tmp_path / "notes" / "deep").mkdir(parents=True)
    (tmp_path / "notes" / "a.txt").write_bytes("Åsa\r\nkom".encode())
    (tmp_path / "notes" / "deep" / "b.txt").write_bytes(b"Bo")
    result = deidsynth("annotate", model, tmp_path / "notes", "--output", tmp_path / "silver.jsonl", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == {"n_documents": 2}
    texts = stages["annotate"].seen[0]["corpora"]["texts"]
    assert [(document.doc_id, document.text) for document in texts] == [("a", "Åsa\r\nkom"), ("deep/b", "Bo")]


@pytest.mark.parametrize("prompts", ["corpus", "file", "bos"])
def test_synthesize_takes_prompts_from_three_places(deidsynth, stages, model, corpus, tmp_path, prompts) -> None:
    lines = tmp_path / "prompts.txt"
    lines.write_text("Patienten kom\n", encoding="utf-8")
    given = {"corpus": ["--prompts-from", corpus], "file": ["--prompts-file", lines], "bos": ["--bos"]}[prompts]
    result = deidsynth("synthesize", model, *given, "--n-documents", "5", "--output", tmp_path / "new.jsonl")
    assert result.exit_code == 0, result.stderr
    [seen] = stages["synthesize"].seen
    assert seen["config"].prompts.source == {"corpus": "validation"}.get(prompts, prompts)
    assert len(seen["corpora"]["prompts"]) == (12 if prompts == "corpus" else 0)
    assert len((tmp_path / "new.jsonl").read_text(encoding="utf-8").splitlines()) == 5


def test_synthesize_wants_at_most_one_source_of_prompts(deidsynth, stages, model, tmp_path) -> None:
    command = ["synthesize", model, "--output", tmp_path / "new.jsonl"]
    result = deidsynth(*command, "--bos", "--prompts-file", "x")
    assert result.exit_code == 2
    assert "give one of" in result.stderr
    assert deidsynth(*command).exit_code == 0
    [seen] = stages["synthesize"].seen
    assert seen["config"].prompts.source == "bos"


def test_prompts_without_entities_must_be_asked_for(deidsynth, stages, model, write_jsonl, note, tmp_path) -> None:
    bare = write_jsonl("bare.jsonl", [note("1", "Bo kom hit")])
    command = ["synthesize", model, "--prompts-from", bare, "--output", tmp_path / "new.jsonl"]
    refused = deidsynth(*command)
    assert refused.exit_code == 2
    assert "prompts.pii=keep" in refused.stderr
    assert deidsynth(*command, "--set", "prompts.pii=keep").exit_code == 0


def test_a_killed_stage_is_taken_up_by_the_same_command_only(deidsynth, stages, corpus, tmp_path) -> None:
    command = ["train", corpus, "--output", tmp_path / "ner", "--device", "cpu"]
    stages["train"].error = KeyboardInterrupt()
    killed = deidsynth(*command)
    assert killed.exit_code == 130
    left = tmp_path / ".ner.partial"
    assert f"unfinished work is in {left}; the same command resumes it" in killed.stderr
    assert not list(left.rglob("corpus.jsonl"))
    assert not (tmp_path / "ner").exists()
    assert deidsynth(*command, "--set", "epochs=1").exit_code == 130
    assert left.stat().st_mode & 0o777 == 0o700
    stages["train"].error = None
    assert deidsynth(*command).exit_code == 0
    scratch = [seen["context"].scratch for seen in stages["train"].seen]
    assert scratch[0] == scratch[2] != scratch[1]
    assert not left.exists()


def test_a_used_output_is_refused(deidsynth, stages, corpus, model) -> None:
    result = deidsynth("train", corpus, "--output", model)
    assert result.exit_code == 2
    assert "not empty" in result.stderr
    assert deidsynth("annotate", model, corpus, "--output", corpus).exit_code == 2
    assert len(corpus.read_text(encoding="utf-8").splitlines()) == 12


@pytest.mark.parametrize("command", ["train", "adapt", "annotate", "synthesize"])
def test_an_output_that_cannot_be_written_is_refused_up_front(
    deidsynth, stages, corpus, model, tmp_path, monkeypatch, command
) -> None:
    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    given = {"train": [corpus], "adapt": ["--corpus", corpus], "annotate": [model, corpus]}
    output = tmp_path / "out.jsonl"
    result = deidsynth(command, *given.get(command, [model, "--bos"]), "--output", output)
    assert result.exit_code == 2
    assert f"{output}: cannot write to {tmp_path} (Permission denied)" in result.stderr
    assert not stages[command].seen


def test_a_folder_without_a_model_is_named(deidsynth, stages, corpus, tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    result = deidsynth("annotate", tmp_path / "empty", corpus, "--output", tmp_path / "out.jsonl")
    assert result.exit_code == 2
    assert "config.json" in result.stderr
    assert not (tmp_path / "out.jsonl").exists()


def test_a_damaged_model_is_named_as_it_was_given(deidsynth, stages, corpus, model, tmp_path, monkeypatch) -> None:
    def fail(config, inputs, output, context):
        raise ModelNotUsableError(f"model {str(inputs['model'] / 'model')!r}: its weights are damaged")

    monkeypatch.setattr(stages["annotate"], "run", fail)
    result = deidsynth("annotate", model, corpus, "--output", tmp_path / "out.jsonl", "--device", "cpu")
    assert result.exit_code == 2
    assert f"model '{model}': its weights are damaged" in result.stderr
    assert ".partial" not in result.stderr


@pytest.mark.parametrize(("content", "told"), [(None, "no .txt file"), (b"\xff\xfe", "not UTF-8 at byte 0")])
def test_notes_that_cannot_be_read(deidsynth, stages, model, tmp_path, content, told) -> None:
    (tmp_path / "notes").mkdir()
    if content is not None:
        (tmp_path / "notes" / "a.txt").write_bytes(content)
    result = deidsynth("annotate", model, tmp_path / "notes", "--output", tmp_path / "out.jsonl")
    assert result.exit_code == 2
    assert told in result.stderr


def test_missing_notes_are_named(deidsynth, stages, model, tmp_path) -> None:
    result = deidsynth("annotate", model, tmp_path / "nowhere", "--output", tmp_path / "out.jsonl")
    assert result.exit_code == 2
    assert "nowhere: no such file or folder" in result.stderr


@pytest.mark.parametrize("has_checkpoint", [False, True])
def test_a_failed_stage_leaves_no_copy_of_the_corpus(
    deidsynth, stages, corpus, tmp_path, monkeypatch, has_checkpoint
) -> None:
    def fail(config, inputs, output, context):
        assert (inputs["corpus"] / "corpus.jsonl").is_file()
        if has_checkpoint:
            (context.scratch / "checkpoint").write_text("", encoding="utf-8")
        raise InputError("something is at fault")

    monkeypatch.setattr(stages["train"], "run", fail)
    result = deidsynth("train", corpus, "--output", tmp_path / "ner", "--device", "cpu")
    assert result.exit_code == 2
    assert not [path for path in tmp_path.rglob("corpus.jsonl") if path != corpus]
    left = list(tmp_path.glob(".ner.*"))
    assert len(left) == has_checkpoint
    assert ("unfinished work is in" in result.stderr) == has_checkpoint


@pytest.mark.parametrize("command", [["train"], ["adapt", "--corpus"]])
def test_a_missing_base_fails_before_the_stage(deidsynth, stages, corpus, tmp_path, command) -> None:
    option = {"train": "--encoder", "adapt": "--base"}[command[0]]
    result = deidsynth(*command, corpus, "--output", tmp_path / "out", option, tmp_path / "nowhere")
    assert result.exit_code == 2
    assert "nowhere" in result.stderr
    assert not stages[command[0]].seen
    assert [path.name for path in tmp_path.iterdir()] == ["corpus.jsonl"]


@pytest.mark.parametrize(("origin", "mode"), [("real", 0o700), ("invented", 0o755)])
def test_a_model_of_real_text_is_for_its_owner_only(
    deidsynth, stages, write_jsonl, note, tmp_path, origin, mode
) -> None:
    lines = [{**note(str(number), "Bo kom", (0, 2, "NAME")), "origin": origin} for number in range(3)]
    source = write_jsonl("some.jsonl", lines)
    assert deidsynth("train", source, "--output", tmp_path / "ner", "--device", "cpu").exit_code == 0
    assert (tmp_path / "ner").stat().st_mode & mode == (tmp_path / "ner").stat().st_mode & 0o777
    assert ((tmp_path / "ner").stat().st_mode & 0o077 == 0) == (origin == "real")


def test_qlora_needs_cuda_before_the_stage(deidsynth, stages, corpus, model, tmp_path) -> None:
    options = ["--base", model, "--set", "method=qlora", "--device", "cpu"]
    result = deidsynth("adapt", "--corpus", corpus, "--output", tmp_path / "lm", *options)
    assert result.exit_code == 2
    assert "CUDA" in result.stderr
    assert not stages["adapt"].seen
    assert not list(tmp_path.glob(".lm*"))


def test_lineage_and_privacy_reach_whatever_comes_from_real_text(
    deidsynth, stages, write_jsonl, note, tmp_path, monkeypatch
) -> None:
    lines = [{**note(str(number), "Bo kom", (0, 2, "NAME")), "origin": "real"} for number in range(3)]
    source, device = write_jsonl("real.jsonl", lines), ("--device", "cpu")
    lm, new, gold, silver, ner = (tmp_path / name for name in ("lm", "new.jsonl", "gold", "silver.jsonl", "ner"))
    for command in (
        ("adapt", "--corpus", source, "--output", lm, "--base", "scratch"),
        ("synthesize", lm, "-n", "3", "--output", new),
        ("train", source, "--output", gold, "--encoder", "scratch"),
        ("annotate", gold, new, "--output", silver),
        ("train", silver, "--output", ner, "--encoder", "scratch"),
    ):
        result = deidsynth(*command, *device)
        assert result.exit_code == 0, result.stderr
    made = json.loads((ner / "manifest.json").read_text(encoding="utf-8"))["lineage"]
    vias = [tuple(entry["via"]) for entry in made["real_data"]]
    assert any("adapt" in via and "synthesize" in via and "annotate" in via for via in vias)
    assert any("adapt" not in via and "annotate" in via for via in vias), "through the annotator as well"
    assert not any(entry["direct"] for entry in made["real_data"]) and "synthetic_data" not in made
    assert [path.stat().st_mode & 0o077 for path in (lm, new, gold, silver, ner)] == [0] * 5
    beside = json.loads((tmp_path / "silver.jsonl.manifest.json").read_text(encoding="utf-8"))
    assert list(beside["files"]) == ["silver.jsonl"]
    assert beside["files"]["silver.jsonl"]["digest"] == file_digest(silver)
