from __future__ import annotations

import json
from pathlib import Path

import pytest

from deidsynth.config import TrainConfig
from deidsynth.documents import LabelScheme
from deidsynth.models.tagger.token_classifier import new_tagger
from deidsynth.tagging import TagSet
from tiny_models import NOTES, one_thread, tiny

__all__ = ["one_thread", "tiny"]


@pytest.fixture
def silver(write_jsonl, note) -> Path:
    """A silver corpus of twelve notes, the last of them the least certain."""
    notes = [note(f"n{number:02d}", f"Bo kom {number}", (0, 2, "NAME")) for number in range(12)]
    for number, each in enumerate(notes):
        each["annotation"] = "silver"
        each["entities"][0]["score"] = 0.9 - number / 100
    return write_jsonl("silver.jsonl", notes)


def test_from_a_silver_corpus_to_one_to_train_on(deidsynth, stages, silver, tmp_path) -> None:
    sizes = ["--entities", "2", "--blind", "3"]
    sent = deidsynth("review", "export", silver, "--output", tmp_path / "out", "--to", "brat", *sizes, "--json")
    assert sent.exit_code == 0, sent.stderr
    assert json.loads(sent.stdout) == {"n_entities": 2, "n_outside": 0, "n_blind": 3, "n_candidates": 12}
    for ann in (tmp_path / "out" / "blind").glob("*.ann"):
        ann.write_text("T1\tNAME 0 2\tBo\n", encoding="utf-8")
    output = tmp_path / "mixed.jsonl"
    back = ["review", "import", tmp_path / "out", tmp_path / "out", "--rest", silver, "--output", output]
    shown = deidsynth(*back)
    assert shown.exit_code == 0, shown.stderr
    assert "12 documents, 5 of them seen by a person" in shown.stderr
    assert "1.000 [0.439, 1.000]" in shown.stdout
    refused = deidsynth(*back)
    assert refused.exit_code == 2 and "exists already" in refused.stderr
    output.unlink()
    told = json.loads(deidsynth(*back, "--json").stdout)
    assert (told["n_documents"], told["n_seen_by_a_person"], told["new_labels"]) == (12, 5, [])
    assert told["queues"]["blind"]["strict"]["recall"] == 1.0
    assert "recall_interval" not in told["queues"]["entities"]["strict"]

    again = [
        "review",
        "export",
        output,
        "--output",
        tmp_path / "next",
        "--to",
        "brat",
        "--entities",
        "7",
        "--blind",
        "0",
    ]
    second = deidsynth(*again, "--json")
    assert second.exit_code == 0, second.stderr
    assert "5 documents that a person has seen are not sent again" in second.stderr
    assert json.loads(second.stdout)["n_candidates"] == 7

    trained = deidsynth("train", output, "--output", tmp_path / "ner", "--device", "cpu")
    assert trained.exit_code == 0, trained.stderr
    assert len(stages["train"].seen[0]["corpora"]["corpus"]) == 12
    lineage = json.loads((tmp_path / "ner" / "manifest.json").read_bytes())["lineage"]["real_data"]
    assert ["review", "given-corpus"] in [entry["via"] for entry in lineage]


def test_a_model_finds_what_it_is_unsure_of_outside(deidsynth, tiny, write_jsonl, tmp_path) -> None:
    tagger = new_tagger(
        TrainConfig(encoder=str(tiny("modernbert"))), TagSet.of(LabelScheme(("CITY", "NAME"))), (), "cpu"
    )
    tagger.save(tmp_path / "ner")
    texts = write_jsonl("texts.jsonl", [{"doc_id": each.doc_id, "text": each.text, "entities": []} for each in NOTES])
    result = deidsynth(
        "review", "export", texts, "--model", tmp_path / "ner", "--output", tmp_path / "out", "--to", "label-studio",
        "--entities", "0", "--outside", "4", "--blind", "2", "--device", "cpu", "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["n_candidates"] == len(NOTES)
    record = json.loads((tmp_path / "out" / "sent.json").read_bytes())
    assert record["model"].startswith("sha256:") and record["labels"] == ["CITY", "NAME"]
    marked = [each["mark"] for each in record["documents"] if each["queue"] == "outside"]
    assert [mark["label"] for mark in marked] == ["CHECK"] * 4
    assert [mark["score"] for mark in marked] == sorted(mark["score"] for mark in marked)
    assert record["lineage"].keys() == {"real_data", "unknown_models"}


def test_what_comes_back_odd_is_told_with_the_command_that_lists_it(deidsynth, silver, tmp_path) -> None:
    sizes = ["--entities", "0", "--blind", "4"]
    sent = deidsynth("review", "export", silver, "--output", tmp_path / "out", "--to", "doccano", *sizes)
    assert sent.exit_code == 0, sent.stderr
    tasks = [json.loads(line) for line in (tmp_path / "out" / "blind.jsonl").read_text().splitlines()]
    tasks[0]["label"] = [[0, 2, "NAME"], [0, 99, "NAME"]]
    corrected = tmp_path / "back.jsonl"
    corrected.write_text("".join(json.dumps(task) + "\n" for task in tasks), encoding="utf-8")
    output = tmp_path / "reviewed.jsonl"
    back = ["review", "import", tmp_path / "out", corrected, "--output", output, "--skip-invalid"]
    told = deidsynth(*back)
    assert told.exit_code == 0, told.stderr
    assert "left out 1 invalid entity" in told.stderr
    assert "3 documents of the blind slice came back without any entity" in told.stderr
    again = deidsynth(*back)
    assert again.exit_code == 2 and "exists already; remove it or choose another file" in again.stderr
    # All that came back is gold, and yet none of it is sent again.
    beside = deidsynth(
        "review", "export", output, "--output", tmp_path / "b", "--to", "brat", "--model", tmp_path / "x"
    )
    assert "4 documents that a person has seen are not sent again" in beside.stderr


def test_tasks_of_label_studio_that_nobody_submitted_are_told(deidsynth, silver, tmp_path) -> None:
    sizes = ["--entities", "4", "--blind", "0"]
    deidsynth("review", "export", silver, "--output", tmp_path / "out", "--to", "label-studio", *sizes)
    tasks = json.loads((tmp_path / "out" / "entities.json").read_bytes())
    tasks[0]["annotations"] = [{"result": tasks[0]["predictions"][0]["result"], "was_cancelled": False}]
    corrected = tmp_path / "project.json"
    corrected.write_text(json.dumps(tasks), encoding="utf-8")
    back = ["review", "import", tmp_path / "out", corrected, "--rest", silver]
    told = deidsynth(*back, "--output", tmp_path / "a.jsonl")
    assert told.exit_code == 0, told.stderr
    warning = "3 tasks were not submitted in Label Studio, so their documents stay unreviewed"
    assert warning in told.stderr and "tasks without annotation" not in told.stderr
    assert "12 documents, 1 of them seen by a person" in told.stderr
    plain = deidsynth(*back, "--output", tmp_path / "b.jsonl", "--json")
    assert json.loads(plain.stdout)["n_not_submitted"] == 3
    # All but the one that was submitted can be sent again.
    again = ["review", "export", tmp_path / "a.jsonl", "--output", tmp_path / "next", "--to", "brat", *sizes, "--json"]
    assert json.loads(deidsynth(*again).stdout)["n_candidates"] == 11


def test_the_hint_names_the_format_of_the_export(deidsynth, silver, tmp_path) -> None:
    sizes = ["--entities", "0", "--blind", "1"]
    deidsynth("review", "export", silver, "--output", tmp_path / "out", "--to", "doccano", *sizes)
    task = json.loads((tmp_path / "out" / "blind.jsonl").read_text())
    corrected = tmp_path / "back.jsonl"
    task["label"] = [[0, 99, "NAME"]] * 30
    corrected.write_text(json.dumps(task) + "\n", encoding="utf-8")
    told = deidsynth(
        "review", "import", tmp_path / "out", corrected, "--output", tmp_path / "r.jsonl", "--skip-invalid"
    )
    assert f"deidsynth corpus check {corrected} --from doccano --json" in " ".join(told.stderr.split())


def test_characters_that_no_format_reads_back_are_told_by_the_line_of_the_input(
    deidsynth, write_jsonl, note, tmp_path
) -> None:
    notes = [note(name, f"Bo kom {name}", (0, 2, "NAME")) for name in ("seen", "a", "b")]
    for each in notes:
        each["annotation"] = "gold" if each["doc_id"] == "seen" else "silver"
        each["entities"][0]["score"] = 0.5
    notes[1]["text"], notes[1]["entities"][0]["end"] = "\ufeffBo kom a", 3
    command = ["review", "export", "--to", "doccano", "--entities", "2", "--blind", "0", "--output", tmp_path / "out"]
    sent = deidsynth(*command, write_jsonl("marked.jsonl", notes))
    assert sent.exit_code == 0 and "1 documents that a person has seen" in sent.stderr, sent.stderr
    lines = (tmp_path / "out" / "entities.jsonl").read_text(encoding="utf-8").splitlines()
    assert sorted(json.loads(line)["text"] for line in lines) == ["Bo kom a", "Bo kom b"], "reading drops the mark"
    notes[2]["text"] = "Bo\0kom"
    refused = deidsynth(*command[:-1], tmp_path / "none", write_jsonl("nul.jsonl", notes))
    assert (refused.exit_code, "nul.jsonl:3: the text has a NUL" in refused.stderr) == (2, True), refused.stderr
    assert not (tmp_path / "none").exists()


def test_the_seed_is_that_of_the_blind_slice(deidsynth) -> None:
    shown = " ".join(deidsynth("review", "export", "--help").stdout.split())
    assert "Seed of the blind slice." in shown and "Seed of training" not in shown


def test_what_cannot_be_done_is_said_before_a_model_is_loaded(deidsynth, corpus, silver, tmp_path) -> None:
    def refused(source: Path, *options: str) -> str:
        result = deidsynth("review", "export", source, "--output", tmp_path / "out", *options)
        assert result.exit_code == 2
        return " ".join(result.stderr.split())

    assert "give the model (--model)" in refused(corpus, "--to", "brat")
    assert "--outside 0" in refused(silver, "--to", "brat", "--outside", "3", "--entities", "1", "--blind", "1")
    assert "asked for 100 documents, but only 12" in refused(silver, "--to", "brat")
    assert "expected one of label-studio, brat, cas, doccano" in refused(silver, "--to", "conll")
    wrong = deidsynth("review", "import", tmp_path, silver, "--output", tmp_path / "a.jsonl")
    assert wrong.exit_code == 2 and "has no sent.json" in wrong.stderr
    assert "ends in .jsonl" in deidsynth("review", "import", tmp_path, silver, "--output", tmp_path / "a.csv").stderr
