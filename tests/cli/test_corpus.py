from __future__ import annotations

import json

import pytest

from deidsynth import corpora

TEXT = "Åsa å Bo\r\n42 år"


@pytest.fixture
def corpus(write_jsonl, note):
    return write_jsonl(
        "in.jsonl", [note("a-1", TEXT, (0, 3, "NAME"), (6, 8, "NAME"), (10, 15, "AGE")), note("b-1", "x")]
    )


def test_describe_counts(deidsynth, corpus) -> None:
    result = deidsynth("corpus", "describe", corpus, "--json", "--group-by", "^(.)")
    assert result.exit_code == 0, result.stderr
    facts = json.loads(result.stdout)
    assert (facts["n_documents"], facts["n_entities"], facts["n_groups"]) == (2, 3, 2)
    assert facts["labels"]["NAME"] == {"count": 2, "median_chars": 2.5}
    assert facts["chars"]["max"] == len(TEXT)


def test_describe_table_names_labels_and_shows_no_text(deidsynth, corpus) -> None:
    result = deidsynth("corpus", "describe", corpus)
    assert result.exit_code == 0
    assert "NAME" in result.stdout
    assert "AGE" in result.stdout
    assert "Åsa" not in result.output


def test_convert_keeps_text_and_entities(deidsynth, corpus, tmp_path) -> None:
    copy = tmp_path / "copy.jsonl"
    result = deidsynth("corpus", "convert", corpus, copy, "--to", "jsonl")
    assert result.exit_code == 0
    assert "2 documents with 3 entities" in result.stderr
    first, second = ([json.loads(line) for line in path.read_bytes().splitlines()] for path in (corpus, copy))
    keys = ("doc_id", "text", "entities")
    assert [[each[key] for key in keys] for each in second] == [[each[key] for key in keys] for each in first]


def test_convert_to_brat_and_back(deidsynth, write_jsonl, note, tmp_path) -> None:
    corpus = write_jsonl("in.jsonl", [note("a-1", "Åsa å Bo\n42 år", (0, 3, "NAME"), (9, 14, "AGE")), note("b-1", "x")])
    brat, back = tmp_path / "brat", tmp_path / "back.jsonl"
    assert deidsynth("corpus", "convert", corpus, brat, "--to", "brat").exit_code == 0
    assert (brat / "a-1.txt").read_text(encoding="utf-8") == "Åsa å Bo\n42 år"
    assert "T1\tNAME 0 3\tÅsa" in (brat / "a-1.ann").read_text(encoding="utf-8")
    assert deidsynth("corpus", "convert", brat, back, "--to", "jsonl").exit_code == 0
    lines = {each["doc_id"]: each for each in map(json.loads, back.read_text(encoding="utf-8").splitlines())}
    assert lines["a-1"]["entities"] == [
        {"start": 0, "end": 3, "label": "NAME"},
        {"start": 9, "end": 14, "label": "AGE"},
    ]


def test_convert_refuses_to_overwrite(deidsynth, corpus) -> None:
    result = deidsynth("corpus", "convert", corpus, corpus, "--to", "jsonl")
    assert result.exit_code == 2
    assert "not empty" in result.stderr


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ('{"doc_id": "1", "text": "secret", "entities": [{"start": 0, "end": 99, "label": "X"}]}', "in.jsonl:1"),
        ('{"doc_id": "1", "text": "secret", "entities": [{"start": 0, "end": 4, "label": "X"}, '
         '{"start": 2, "end": 5, "label": "X"}]}', "overlap"),
        ('{"doc_id": "1", "text": "secret", "entities": []}', "none of the 1 documents has an entity"),
        ("", "no documents"),
        ("{", "not JSON"),
    ],
)  # fmt: skip
def test_run_says_what_is_wrong_with_a_corpus(deidsynth, tmp_path, lines, told) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text(lines + "\n" if lines else "", encoding="utf-8")
    result = deidsynth("run", "--corpus", path, "--language", "sv", "--output", tmp_path / "out")
    assert result.exit_code == 2
    assert told in result.stderr
    assert "Traceback" not in result.stderr
    assert "secret" not in result.stderr


def test_unknown_format_is_a_usage_error(deidsynth, corpus, tmp_path) -> None:
    assert deidsynth("corpus", "convert", corpus, tmp_path / "out", "--to", "word").exit_code == 2


def test_meddocan_layout_is_read(deidsynth, data_folder) -> None:
    result = deidsynth("corpus", "describe", data_folder / "meddocan", "--json", "--language", "es", "--from", "brat")
    if result.exit_code:
        pytest.fail(result.stderr[:500])
    assert json.loads(result.stdout)["n_documents"] == 750


@pytest.fixture
def parted(write_jsonl, note, tmp_path):
    """A folder of two training notes and one test note."""
    write_jsonl("parts/train.jsonl", [note("a", "Bo kom", (0, 2, "NAME")), note("b", "x")])
    write_jsonl("parts/test.jsonl", [note("c", "Bo gick", (0, 2, "NAME"))])
    return tmp_path / "parts"


def test_convert_refuses_to_lose_parts_and_a_folder_keeps_them(deidsynth, parted, tmp_path) -> None:
    lost = deidsynth("corpus", "convert", parted, tmp_path / "one.jsonl", "--to", "jsonl")
    assert lost.exit_code == 2
    assert "give a folder as TARGET to keep train/validation/test" in " ".join(lost.stderr.split())
    assert not (tmp_path / "one.jsonl").exists()
    assert deidsynth("corpus", "convert", parted, tmp_path / "kept", "--to", "jsonl").exit_code == 0
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["test.jsonl", "train.jsonl"]


def test_describe_counts_the_documents_of_each_part(deidsynth, parted, corpus) -> None:
    assert json.loads(deidsynth("corpus", "describe", parted, "--json").stdout)["splits"] == {"train": 2, "test": 1}
    assert "documents in train" in deidsynth("corpus", "describe", parted).stdout
    assert "splits" not in json.loads(deidsynth("corpus", "describe", corpus, "--json").stdout)


def test_convert_into_a_place_that_cannot_be_written(deidsynth, corpus, tmp_path) -> None:
    (tmp_path / "file").write_text("x")
    result = deidsynth("corpus", "convert", corpus, tmp_path / "file" / "out.jsonl", "--to", "jsonl")
    assert result.exit_code == 2
    assert f"cannot write to {tmp_path / 'file'} (a file, not a folder); choose another TARGET" in result.stderr
    assert "space" not in result.stderr


def test_discontinuous_entities_are_joined_where_the_message_says(deidsynth, stages, tmp_path) -> None:
    folder = tmp_path / "brat"
    folder.mkdir()
    for number in range(12):
        (folder / f"{number}.txt").write_text("Bo den yngre kom", encoding="utf-8")
        (folder / f"{number}.ann").write_text("T1\tNAME 0 2;7 12\tBo yngre\n", encoding="utf-8")
    command = ["run", "--corpus", folder, "--language", "sv", "--output", tmp_path / "runs" / "x", "--device", "cpu"]
    refused = deidsynth(*command)
    assert refused.exit_code == 2
    assert "--discontinuous join or --set corpus.discontinuous=join" in refused.stderr
    assert deidsynth(*command, "--discontinuous", "join").exit_code == 0
    train = stages["adapt"].seen[0]["corpora"]["train"]
    assert {(entity.start, entity.end) for document in train for entity in document.entities} == {(0, 12)}


def test_problems_stand_by_file_and_line(deidsynth, write_jsonl, note, tmp_path) -> None:
    write_jsonl("parts/b.jsonl", [note("b", "x", (0, 9, "NAME")), note("", "x")])
    nameless = '{"doc_id": "", "text": "", "entities": []}'
    (tmp_path / "parts" / "a.jsonl").write_text("\n" * 9 + nameless + "\n{", encoding="utf-8")
    told = deidsynth("corpus", "describe", tmp_path / "parts").stderr
    places = [line.split(": ")[0].rpartition("/")[2] for line in told.splitlines() if ".jsonl:" in line]
    assert places == ["a.jsonl:10", "a.jsonl:11", "b.jsonl:1", "b.jsonl:2"]


def test_texts_of_a_table_are_converted_and_columns_that_may_hold_entities_are_told(deidsynth, tmp_path) -> None:
    path = tmp_path / "notes.csv"
    path.write_text("text,ward\nx,7\n", encoding="utf-8")
    result = deidsynth("corpus", "convert", path, tmp_path / "out", "--to", "brat")
    assert result.exit_code == 0
    assert f"{path}: no entity column found, and these columns are ignored: ward" in result.stderr


def test_a_corpus_keeps_its_language_through_every_command(deidsynth, write_jsonl, note, tmp_path) -> None:
    notes = [note(f"{n}", "Bo, 45", (0, 2, "NOMBRE_SUJETO_ASISTENCIA"), (4, 6, "FECHAS")) for n in range(4)]
    source = write_jsonl("in.jsonl", notes)
    steps = [
        ("convert", "--to", "brat", "--language", "sv"),
        ("map", "--to", "i2b2", "--mapping", "meddocan-sepr"),
        ("split", "--to", "doccano"),
        ("convert", "--to", "jsonl"),
    ]
    for number, (verb, *options) in enumerate(steps):
        target = tmp_path / str(number)
        result = deidsynth("corpus", verb, source, target, *options)
        assert result.exit_code == 0, result.stderr
        source = target
    assert json.loads(deidsynth("corpus", "describe", source, "--json").stdout)["language"] == "sv"


def test_an_origin_that_is_not_stated_is_not_claimed(deidsynth, corpus, write_jsonl, note) -> None:
    assert json.loads(deidsynth("corpus", "describe", corpus, "--json").stdout)["origin"] is None
    assert "not stated (treated as real)" in deidsynth("corpus", "describe", corpus).stdout
    stated = write_jsonl("stated.jsonl", [note("a", "Bo", (0, 2, "NAME")) | {"origin": "real"}])
    assert json.loads(deidsynth("corpus", "describe", stated, "--json").stdout)["origin"] == "real"


def test_converted_offsets_are_not_skipped(deidsynth, tmp_path) -> None:
    text = "\U0001f600 Ana kom"
    region = {"from_name": "label", "to_name": "text", "type": "labels"}
    value = {"start": 3, "end": 6, "text": "Ana", "labels": ["NAME"]}
    task = {"id": 1, "data": {"text": text}, "annotations": [{"result": [{**region, "value": value}]}]}
    (tmp_path / "tasks.json").write_text(json.dumps([task]), encoding="utf-8")
    described = deidsynth("corpus", "describe", tmp_path / "tasks.json")
    assert described.exit_code == 0, described.stderr
    assert "converted 1 documents with utf16 offsets" in described.stderr and "skipped" not in described.stderr
    checked = json.loads(deidsynth("corpus", "check", tmp_path / "tasks.json", "--json").stdout)
    assert (checked["skipped"], checked["converted"]) == ({}, {"documents_with_utf16_offsets": 1})


@pytest.mark.parametrize("to", ["brat", "jsonl", "i2b2"])
def test_documents_are_converted_one_by_one(deidsynth, write_jsonl, note, tmp_path, monkeypatch, to) -> None:
    """What is read and written document by document is never held as a corpus, and is the same as if it were."""
    notes = [note(str(number), f"Ana kom {number} gånger.", (0, 3, "NAME")) for number in range(150)]
    source = write_jsonl("in.jsonl", notes)
    streamed, held, back = tmp_path / "streamed", tmp_path / "held", tmp_path / "back.jsonl"
    with monkeypatch.context() as patched:
        patched.setattr("deidsynth.cli.corpus.load", None)
        assert deidsynth("corpus", "convert", source, streamed, "--to", to).exit_code == 0
        assert deidsynth("corpus", "convert", streamed, back, "--to", "jsonl").exit_code == 0
        assert deidsynth("corpus", "describe", streamed, "--json").exit_code == 0
    corpora.write_corpus(corpora.read_corpus(source).corpus, held, to, splits={})
    for file in held.iterdir():
        assert (streamed / file.name).read_bytes() == file.read_bytes()
    assert len(list(streamed.iterdir())) == len(list(held.iterdir()))
    found = {each["doc_id"]: each for each in map(json.loads, back.read_text(encoding="utf-8").splitlines())}
    assert {doc_id: (each["text"], each["entities"]) for doc_id, each in found.items()} == {
        each["doc_id"]: (each["text"], each["entities"]) for each in notes
    }


def test_a_refused_document_leaves_nothing(deidsynth, write_jsonl, note, tmp_path) -> None:
    notes = [note("1", "Ana"), {**note("2", "a\0b"), "origin": "synthetic"}]
    source = write_jsonl("in.jsonl", [{**each, "origin": "synthetic"} for each in notes])
    result = deidsynth("corpus", "convert", source, tmp_path / "out", "--to", "brat")
    assert result.exit_code == 2
    assert "document number 2 has a NUL character" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]
