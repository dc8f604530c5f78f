"""``deidsynth deidentify`` and ``annotate`` read texts by format, and refuse what no reader reads."""

from __future__ import annotations

import json
import re

import pytest

NOTE = "Karin Dal kom."
MASKED = "[NAME] [NAME] kom."
I2B2 = (
    f"<deIdi2b2><TEXT><![CDATA[{NOTE}]]></TEXT><TAGS>"
    '<NAME id="P0" start="0" end="9" text="Karin Dal" TYPE="DOCTOR"/></TAGS></deIdi2b2>'
)
CORPORA = {
    "case.xml": I2B2,
    "case.csv": f'doc_id,text,mrn\nk1,"{NOTE}",Karin\n',
    "case.tsv": f"doc_id\ttext\nk1\t{NOTE}\n",
    "case.conll": "Karin B-DOCTOR\nDal I-DOCTOR\nkom O\n. O\n",
    "case.json": json.dumps([{"data": {"text": NOTE, "doctor": "Karin"}, "annotations": [{"result": []}]}]),
}


def lines_of(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("name", CORPORA)
def test_the_texts_of_a_corpus_are_written_and_nothing_else_of_it(deidsynth, model, tmp_path, name) -> None:
    source, out = tmp_path / name, tmp_path / "out.jsonl"
    source.write_text(CORPORA[name], encoding="utf-8")
    result = deidsynth("deidentify", model, source, "--output", out)
    assert result.exit_code == 0, result.stderr
    (line,) = lines_of(out)
    assert re.fullmatch(r"\[NAME\] \[NAME\] kom ?\.", line["text"])
    assert [(each["start"], each["end"], each["label"]) for each in line["entities"]] == [
        (0, 6, "NAME"),
        (7, 13, "NAME"),
    ]
    assert line["annotation"] == "silver"
    assert not re.search("Karin|Dal|Anna|Ek", out.read_text(encoding="utf-8"))
    assert "DOCTOR" not in out.read_text(encoding="utf-8")
    assert "--ids number" in result.stderr


def test_a_folder_of_a_corpus_becomes_a_folder_of_texts(deidsynth, model, tmp_path) -> None:
    (tmp_path / "corpus").mkdir()
    for name in ("a.xml", "b.xml"):
        (tmp_path / "corpus" / name).write_text(I2B2, encoding="utf-8")
    (tmp_path / "corpus" / "scan.pdf").write_bytes(b"%PDF")
    result = deidsynth("deidentify", model, tmp_path / "corpus", "--output", tmp_path / "clean", "--json")
    assert result.exit_code == 0, result.stderr
    assert {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "clean").iterdir()} == {
        "a.txt": MASKED,
        "b.txt": MASKED,
    }
    assert "scan.pdf" in result.stderr
    assert json.loads(result.stdout)["n_skipped_files"] == 1


@pytest.mark.parametrize("command", ["deidentify", "annotate"])
@pytest.mark.parametrize("suffix", [".html", ".pdf", ".docx", ".rtf", ".dcm", ".xlsx", ".odt", ".gz"])
def test_what_no_reader_reads_is_refused_before_a_model_is_loaded(deidsynth, model, tmp_path, command, suffix) -> None:
    source = tmp_path / "folder" / f"note{suffix}"
    source.parent.mkdir()
    source.write_text(f"<p>{NOTE}</p>", encoding="utf-8")
    for path in (source, source.parent):
        result = deidsynth(command, model, path, "--output", tmp_path / "out")
        assert result.exit_code == 2
        assert (suffix in result.stderr, ".txt" in result.stderr) == (True, True)
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (I2B2.replace("<deId", '<?xml version="1.0"?><deId', 1), "is XML"),
        (f"<!DOCTYPE html><p title='Karin'>{NOTE}", "is HTML"),
        ('{"name": "Karin"}', "is JSON"),
        ("{\\rtf1 Karin}", "is RTF"),
        ("<div>Karin</div>", "is HTML"),
        ("id,name,text\n1,Karin,kom\n", "is a table"),
        ("Karin\tB-NAME\nDal\tI-NAME\nkom\tO\n", "looks like conll"),
        ('===QUERY===\nKarin\n===PHI_TAGS===\n{"identifier_type": "NAME", "value": "Karin"}\n', "looks like asq-phi"),
    ],
)
def test_what_is_only_named_like_plain_text_is_a_question(deidsynth, model, tmp_path, content, told) -> None:
    (tmp_path / "notes").mkdir()
    source = tmp_path / "notes" / "note.txt"
    source.write_text(content, encoding="utf-8")
    for path in (source, tmp_path / "notes"):
        refused = deidsynth("deidentify", model, path, "--output", tmp_path / "out")
        assert refused.exit_code == 2
        assert (told in refused.stderr, "note.txt" in refused.stderr, "Karin" in refused.stderr) == (True, True, False)
        assert not (tmp_path / "out").exists()
    assert deidsynth("deidentify", model, source, "--output", tmp_path / "out", "--from", "text").exit_code == 0


def test_plain_text_has_several_names(deidsynth, model, tmp_path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    for name in ("a.txt", "b.TXT", "c.text", "a.TXT"):
        (notes / name).write_text(NOTE, encoding="utf-8")
    result = deidsynth("deidentify", model, notes, "--output", tmp_path / "clean")
    assert result.exit_code == 0, result.stderr
    assert "skipped" not in result.stderr
    written = {path.name for path in (tmp_path / "clean").iterdir()}
    assert written == {"a.txt.txt", "a.TXT.txt", "b.txt", "c.txt"}
    bare = tmp_path / "bare"
    bare.write_text(NOTE, encoding="utf-8")
    for source in (notes / "b.TXT", bare):
        assert deidsynth("deidentify", model, source, "--output", tmp_path / "one.txt").exit_code == 0
        assert (tmp_path / "one.txt").read_text(encoding="utf-8") == MASKED


def test_a_folder_of_notes_and_a_corpus_is_a_question(deidsynth, model, tmp_path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "a.txt").write_text(NOTE, encoding="utf-8")
    (notes / "b.xml").write_text(I2B2, encoding="utf-8")
    command = ["deidentify", model, notes, "--output", tmp_path / "clean"]
    refused = deidsynth(*command)
    assert (refused.exit_code, (tmp_path / "clean").exists()) == (2, False)
    assert "b.xml in i2b2 format" in refused.stderr
    chosen = deidsynth(*command, "--from", "text")
    assert chosen.exit_code == 0, chosen.stderr
    assert "skipped 1 file that are not .txt: b.xml" in chosen.stderr


def test_notes_in_json_lines_need_only_a_text(deidsynth, model, stages, tmp_path) -> None:
    source = tmp_path / "notes.jsonl"
    source.write_text('{"text": "Anna kom."}\n{"id": 7, "text": "Ek gick.", "ward": "3"}\n', encoding="utf-8")
    out = tmp_path / "out.jsonl"
    result = deidsynth("deidentify", model, source, "--output", out)
    assert result.exit_code == 0, result.stderr
    assert [(line["doc_id"], line["text"]) for line in lines_of(out)] == [
        ("notes-1", "[NAME] kom."),
        ("7", "[NAME] gick."),
    ]
    result = deidsynth("annotate", model, source, "--output", tmp_path / "silver.jsonl", "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    assert [text.text for text in stages["annotate"].seen[0]["corpora"]["texts"]] == ["Anna kom.", "Ek gick."]
    assert deidsynth("corpus", "describe", source).exit_code == 2, "a gold corpus says that it has no entities"


@pytest.mark.parametrize("number", [False, True])
def test_ids_and_groups_do_not_give_away_what_the_text_hides(
    deidsynth, model, write_jsonl, note, tmp_path, number
) -> None:
    notes = [note("dal_karin", NOTE), note("k-2", NOTE), note("k-3", "kom")]
    source = write_jsonl("in.jsonl", [each | {"group": f"19121212-{each['doc_id']}"} for each in notes])
    command = ["deidentify", model, source, "--output", tmp_path / "out.jsonl"]
    result = deidsynth(*command, *(["--ids", "number"] if number else []))
    assert result.exit_code == 0, result.stderr
    lines = lines_of(tmp_path / "out.jsonl")
    kept = ["document-1", "document-2", "document-3"] if number else ["document-1", "k-2", "k-3"]
    assert [line["doc_id"] for line in lines] == kept
    assert [line["group"] for line in lines] == ["group-1", "group-2", "group-3"]
    assert ("1 document id held what was found" in result.stderr) != number


def test_a_file_name_does_not_give_away_what_the_text_hides(deidsynth, model, tmp_path) -> None:
    (tmp_path / "notes").mkdir()
    for name in ("Anna Ek", "other"):
        (tmp_path / "notes" / f"{name}.txt").write_text("Anna Ek kom.", encoding="utf-8")
    assert deidsynth("deidentify", model, tmp_path / "notes", "--output", tmp_path / "clean").exit_code == 0
    assert sorted(path.name for path in (tmp_path / "clean").iterdir()) == ["document-1.txt", "other.txt"]


@pytest.mark.parametrize(
    ("name", "output", "told"),
    [("case.csv", "out.csv", "ends in .jsonl"), ("slash.csv", "clean", "cannot be file names")],
)
def test_an_output_that_cannot_be_is_refused(deidsynth, model, tmp_path, name, output, told) -> None:
    (tmp_path / name).write_text(f'doc_id,text\n{"k/1" if "slash" in name else "k1"},"{NOTE}"\n', encoding="utf-8")
    result = deidsynth("deidentify", model, tmp_path / name, "--output", tmp_path / output)
    assert result.exit_code == 2
    assert told in result.stderr
    assert not (tmp_path / output).exists()


def test_faulty_annotations_are_refused_or_left_out(deidsynth, model, tmp_path) -> None:
    source = tmp_path / "case.xml"
    source.write_text(I2B2.replace('end="9"', 'end="99"'), encoding="utf-8")
    command = ["deidentify", model, source, "--output", tmp_path / "out.jsonl"]
    assert deidsynth(*command).exit_code == 2
    assert deidsynth(*command, "--skip-invalid").exit_code == 0
    assert lines_of(tmp_path / "out.jsonl")[0]["text"] == MASKED


def test_a_table_says_which_column_is_the_text(deidsynth, model, tmp_path) -> None:
    source = tmp_path / "case.csv"
    source.write_text(f'name,note\nKarin,"{NOTE}"\n', encoding="utf-8")
    command = ["deidentify", model, source, "--output", tmp_path / "clean"]
    refused = deidsynth(*command)
    assert (refused.exit_code, "--layout table.text=NAME" in refused.stderr) == (2, True)
    result = deidsynth(*command, "--layout", "table.text=note")
    assert result.exit_code == 0, result.stderr
    assert [path.read_text(encoding="utf-8") for path in (tmp_path / "clean").iterdir()] == [MASKED]
