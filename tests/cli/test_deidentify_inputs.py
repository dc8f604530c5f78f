"""``deidsynth deidentify`` reads notes, corpora, tables and JSON, and keeps every code point."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings, strategies as st

from deidsynth.deidentification.inputs.columns import Columns
from deidsynth.deidentification.inputs.delimited import delimited
from deidsynth.progress import SilentProgress

NOTE = 'Karin \U0001f600 kom\r\nmed \u00e5 a\u030a, "Dal"; \tsen\nhem.\u2028'
CLEAN = NOTE.replace("Karin", "[NAME]").replace("Dal", "[NAME]")


def rows_of(path, delimiter=","):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream, delimiter=delimiter))


def write_rows(path, rows, delimiter=",", line_end="\n"):
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, delimiter=delimiter, lineterminator=line_end).writerows(rows)


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "corpus.jsonl", "a.csv", "a.tsv", "a.parquet", "a.json"])
def test_every_form_keeps_every_code_point(deidsynth, model, tmp_path, name) -> None:
    source, out = tmp_path / name, tmp_path / f"out{Path(name).suffix}"
    plain = {"id": 7, "note": NOTE, "other": f"x {NOTE}"}
    options = ["--column", "note"]
    match name:
        case "a.txt":
            source.write_bytes(NOTE.encode())
            options = []
        case "corpus.jsonl":
            source.write_text(json.dumps({"doc_id": "n", "text": NOTE}) + "\n", encoding="utf-8")
            options = []
        case "a.jsonl" | "a.json":
            source.write_text(json.dumps(plain), encoding="utf-8")
        case "a.parquet":
            pyarrow.parquet.write_table(pyarrow.table({key: [value] for key, value in plain.items()}), source)
        case _:
            write_rows(source, [list(plain), list(plain.values())], "\t" if name == "a.tsv" else ",")
    result = deidsynth("deidentify", model, source, "--output", out, *options)
    assert result.exit_code == 0, result.stderr
    clean = {**plain, "note": CLEAN}
    match name:
        case "a.txt":
            assert out.read_bytes() == CLEAN.encode()
        case "corpus.jsonl":
            assert json.loads(out.read_text(encoding="utf-8"))["text"] == CLEAN
        case "a.jsonl" | "a.json":
            assert json.loads(out.read_text(encoding="utf-8")) == clean
        case "a.parquet":
            assert pyarrow.parquet.read_table(out).to_pylist() == [clean]
        case _:
            delimiter = "\t" if name == "a.tsv" else ","
            assert rows_of(out, delimiter) == [list(plain), ["7", CLEAN, plain["other"]]]
    assert out.stat().st_mode & 0o777 == 0o600
    assert ("id, other" in result.stderr) == bool(options)
    assert "Karin" not in result.stderr


def test_a_table_keeps_its_form(deidsynth, model, tmp_path) -> None:
    source, out = tmp_path / "a.csv", tmp_path / "clean"
    source.write_bytes(b'\xef\xbb\xbfid;note\r\n1;Karin kom\r\n\r\n2;"a;""b"""\r\n')
    assert deidsynth("deidentify", model, source, "--output", out, "--column", "note").exit_code == 0
    assert (out / "a.csv").read_bytes() == b'\xef\xbb\xbfid;note\r\n1;[NAME] kom\r\n\r\n2;"a;""b"""\r\n'


@settings(max_examples=40)
@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=2), max_size=5))
def test_cells_are_read_and_written_as_they_are(tmp_path_factory, rows) -> None:
    source = tmp_path_factory.mktemp("table") / "a.csv"
    written = io.StringIO(newline="")
    csv.writer(written, quoting=csv.QUOTE_ALL).writerows([["note", "x"], *rows])
    source.write_text(written.getvalue(), encoding="utf-8", newline="")
    made = "".join(
        row.written([type("Made", (), {"text": document.text}) for document in row.documents]).content
        for row in delimited(source, "a.csv", Columns(("note",))).rows()
    )
    assert list(csv.reader(io.StringIO(made, newline=""))) == [["note", "x"], *rows]


def test_several_columns_and_the_patient_of_a_row(deidsynth, model, tmp_path) -> None:
    source = tmp_path / "a.csv"
    write_rows(source, [["who", "note", "more"], ["p1", "Karin kom", "Anna gick"], ["p2", "", "Dal"]])
    command = ["deidentify", model, source, "--output", tmp_path / "out.csv", "--patient-column", "who", "--json"]
    result = deidsynth(*command, "--column", "note", "--column", "more")
    assert result.exit_code == 0, result.stderr
    assert rows_of(tmp_path / "out.csv")[1:] == [["p1", "[NAME] kom", "[NAME] gick"], ["p2", "", "[NAME]"]]
    assert json.loads(result.stdout)["n_documents"] == 4
    missing = deidsynth(*command, "--column", "text")
    assert (missing.exit_code, "no column 'text'" in missing.stderr, "fix --column" in missing.stderr) == (
        2,
        True,
        True,
    )
    alone = deidsynth(*command)
    assert (alone.exit_code, "--patient-column" in alone.stderr) == (2, True)


def test_parquet_keeps_row_groups_and_compression(deidsynth, model, tmp_path) -> None:
    source, out = tmp_path / "a.parquet", tmp_path / "out.parquet"
    table = pyarrow.table({"id": range(1000), "note": ["Karin kom"] * 1000})
    codecs = {"id": "NONE", "note": "zstd"}
    pyarrow.parquet.write_table(table, source, row_group_size=400, compression=codecs)
    assert deidsynth("deidentify", model, source, "--output", out, "--column", "note").exit_code == 0
    made = pyarrow.parquet.ParquetFile(out).metadata
    groups = [made.row_group(number) for number in range(made.num_row_groups)]
    assert [group.num_rows for group in groups] == [400, 400, 200]
    assert {tuple(group.column(at).compression for at in range(2)) for group in groups} == {("UNCOMPRESSED", "ZSTD")}
    assert pyarrow.parquet.read_table(out).to_pylist()[-1] == {"id": 999, "note": "[NAME] kom"}


def test_several_inputs_become_one_folder(deidsynth, model, tmp_path) -> None:
    (tmp_path / "ward").mkdir()
    (tmp_path / "ward" / "n.txt").write_text("Karin kom", encoding="utf-8")
    (tmp_path / "one.txt").write_text("Dal gick", encoding="utf-8")
    (tmp_path / "c.jsonl").write_text('{"doc_id": "1", "text": "Anna"}\n', encoding="utf-8")
    sources = [tmp_path / name for name in ("ward", "one.txt", "c.jsonl")]
    result = deidsynth("deidentify", model, *sources, "--output", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    written = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")}
    assert written == {"ward/n.txt", "one.txt", "c.jsonl"}
    refused = deidsynth("deidentify", model, *sources, "--output", tmp_path / "out.jsonl")
    assert (refused.exit_code, "folder" in refused.stderr) == (2, True)


def test_what_cannot_be_de_identified_is_named_and_the_rest_is_written(deidsynth, model, tmp_path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "a.txt").write_text("Karin kom", encoding="utf-8")
    (notes / "b.txt").write_bytes(b"Karin \xe5")
    (notes / "c.txt").write_text("BREAK Karin", encoding="utf-8")
    (notes / "d.txt").write_text("Karin Dal, karin dal dal, DAL", encoding="utf-8")
    (notes / "e.txt").write_text("Anna", encoding="utf-8")
    result = deidsynth("deidentify", model, notes, "--output", tmp_path / "clean", "--json")
    assert result.exit_code == 1
    assert {path.name for path in (tmp_path / "clean").iterdir()} == {"a.txt", "e.txt"}
    for name in "bcd":
        assert f"not written: {notes / name}.txt: " in result.stderr
    assert "3 of 5 documents" in result.stderr
    assert not re.search("karin", result.stderr, re.IGNORECASE)
    assert json.loads(result.stdout)["n_failed"] == 3
    manifest = json.loads((tmp_path / "clean.manifest.json").read_text(encoding="utf-8"))
    assert [each["document"] for each in manifest["failed"]] == [2, 3, 4]
    assert not re.search(r"karin|b\.txt", json.dumps(manifest), re.IGNORECASE)


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet", "a.json"])
def test_a_row_that_cannot_be_is_not_written(deidsynth, model, tmp_path, name) -> None:
    source, out = tmp_path / name, tmp_path / f"out{Path(name).suffix}"
    texts = ["Karin kom", "BREAK Karin", "Dal gick"]
    match name:
        case "a.csv":
            lines = [b"id,note", *(f"{number},{text}".encode() for number, text in enumerate(texts))]
            source.write_bytes(b"\n".join([*lines, b"3,\xff", b"4,a,b", b'5,"never closed\n6,Karin']))
        case "a.jsonl":
            lines = [json.dumps({"note": text}) for text in texts]
            source.write_text("\n".join([*lines, '{"not": 1}', "{", '{"note": 5}']), encoding="utf-8")
        case "a.parquet":
            pyarrow.parquet.write_table(pyarrow.table({"note": texts}), source)
        case "a.json":
            source.write_text(json.dumps([{"note": text} for text in texts]), encoding="utf-8")
    column = "[].note" if name == "a.json" else "note"
    result = deidsynth("deidentify", model, source, "--output", out, "--column", column)
    assert result.exit_code == 1
    assert "Karin" not in result.stderr
    match name:
        case "a.csv":
            assert rows_of(out)[1:] == [["0", "[NAME] kom"], ["2", "[NAME] gick"]]
            assert all(f"a.csv:{line}: " in result.stderr for line in (3, 5, 6, 7))
        case "a.jsonl":
            lines = out.read_text(encoding="utf-8").splitlines()
            assert [json.loads(line)["note"] for line in lines] == ["[NAME] kom", "[NAME] gick"]
            assert all(f"a.jsonl:{line}: " in result.stderr for line in (2, 4, 5, 6))
        case "a.parquet":
            assert [row["note"] for row in pyarrow.parquet.read_table(out).to_pylist()] == ["[NAME] kom", "[NAME] gick"]
            assert "row 2" in result.stderr
        case "a.json":
            found = [each["note"] for each in json.loads(out.read_text(encoding="utf-8"))]
            assert found == ["[NAME] kom", None, "[NAME] gick"]


@pytest.mark.parametrize(
    ("suffix", "first"), [(".pdf", "pdftotext"), (".docx", "pandoc"), (".rtf", "pandoc"), (".dcm", "DICOM")]
)
def test_what_has_to_be_converted_is_refused_with_what_to_do_first(deidsynth, model, tmp_path, suffix, first) -> None:
    source = tmp_path / f"note{suffix}"
    source.write_bytes(b"Karin")
    result = deidsynth("deidentify", model, source, "--output", tmp_path / "out")
    assert (result.exit_code, first in result.stderr, suffix in result.stderr) == (2, True, True)


def test_a_policy_and_a_private_map(deidsynth, model, tmp_path) -> None:
    source, policy = tmp_path / "a.txt", tmp_path / "policy.yaml"
    source.write_text("Karin kom, sen Dal.", encoding="utf-8")
    policy.write_text("default: number\n", encoding="utf-8")
    key = tmp_path / "key"
    key.write_bytes(b"0123456789abcdef")
    command = ["deidentify", model, source, "--output", tmp_path / "out.txt", "--policy", policy]
    result = deidsynth(*command, "--private", tmp_path / "map", "--key-file", key)
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "out.txt").read_text(encoding="utf-8") == "[NAME-1] kom, sen [NAME-2]."
    assert "chmod 600" in result.stderr
    assert (tmp_path / "map").stat().st_mode & 0o777 == 0o700
    (line,) = (tmp_path / "map" / "map.jsonl").read_text(encoding="utf-8").splitlines()
    assert [(each["surface"], each["replacement"]) for each in json.loads(line)["replaced"]] == [
        ("Karin", "[NAME-1]"),
        ("Dal", "[NAME-2]"),
    ]
    kept = json.loads((tmp_path / "map" / "key.json").read_text(encoding="utf-8"))
    assert set(kept) == {"key_fingerprint"} and len(kept["key_fingerprint"]) == 32
    manifest = json.loads((tmp_path / "out.txt.manifest.json").read_text(encoding="utf-8"))
    assert manifest["entities"]["by_action"] == {"number": 2}
    assert manifest["entities"]["by_source"] == {"model": 2}
    assert manifest["policy"]["default"] == "number" and manifest["model"]["digest"].startswith("sha256:")
    assert "Karin" not in json.dumps(manifest)
    assert deidsynth(*command, "--mode", "tag").exit_code == 2


def test_surrogates_of_a_patient_are_the_same_in_all_rows_and_no_name_that_was_found(
    deidsynth, model, tmp_path
) -> None:
    source, policy, key = tmp_path / "a.csv", tmp_path / "policy.yaml", tmp_path / "key"
    key.write_bytes(bytes(range(32)))
    key.chmod(0o600)
    notes = ["Karin kom", "Anna gick", "Karin gick"]
    write_rows(source, [["who", "note"], *(["p1", note] for note in notes), ["p2", "Karin kom"]])
    policy.write_text("default: surrogate\nscope: patient\nlanguage: sv\nkinds: {NAME: first_name}\n", encoding="utf-8")
    command = ["deidentify", model, source, "--column", "note", "--patient-column", "who", "--policy", policy]
    refused = deidsynth(*command, "--output", tmp_path / "no.csv")
    assert (refused.exit_code, "key" in refused.stderr) == (2, True)
    assert not [path for path in tmp_path.iterdir() if "no.csv" in path.name]
    written = []
    for name in ("out.csv", "again.csv"):
        result = deidsynth(*command, "--output", tmp_path / name, "--key-file", key)
        assert result.exit_code == 0, result.stderr
        written.append([row[1] for row in rows_of(tmp_path / name)[1:]])
    assert written[0] == written[1]
    names = [text.split()[0] for text in written[0]]
    assert names[0] == names[2] != names[1]
    assert not {"Karin", "Anna", "[NAME]"} & set(names)


def test_progress_says_which_pass_runs(deidsynth, model, tmp_path, monkeypatch) -> None:
    import deidsynth.cli.deidentify as command

    class Noted(SilentProgress):
        def task(self, name, total, unit=""):
            tasks.append((name, total))
            return super().task(name, total, unit)

    monkeypatch.setattr(command, "make_progress", lambda _: Noted())
    source, key, policy, tasks = tmp_path / "a.txt", tmp_path / "key", tmp_path / "policy.yaml", []
    source.write_text("Karin kom", encoding="utf-8")
    key.write_bytes(bytes(range(32)))
    key.chmod(0o600)
    policy.write_text("default: surrogate\nscope: corpus\nlanguage: sv\n", encoding="utf-8")
    call = ["deidentify", model, source, "--output"]
    assert deidsynth(*call, tmp_path / "one.txt").exit_code == 0
    assert deidsynth(*call, tmp_path / "two.txt", "--policy", policy, "--key-file", key).exit_code == 0
    assert tasks == [("deidentify", 1), ("find (pass 1 of 2)", 1), ("replace (pass 2 of 2)", 1)]


def test_what_has_no_effect_is_told(deidsynth, model, tmp_path) -> None:
    source, policy, known = tmp_path / "a.csv", tmp_path / "policy.yaml", tmp_path / "known.csv"
    source.write_text("note\nIngen kom.\n", encoding="utf-8")
    policy.write_text("labels: {NAMES: remove}\n", encoding="utf-8")
    known.write_text("patient,value\np1,Zubizarreta\n", encoding="utf-8")
    command = ["deidentify", model, source, "--column", "note", "--output", tmp_path / "out.csv", "--device", "cpu"]
    result = deidsynth(*command, "--policy", policy, "--known", known)
    assert result.exit_code == 0, result.stderr
    assert "the policy names labels that nothing finds: NAMES" in result.stderr
    assert "no known value was found beyond what the model found" in result.stderr
    assert "Zubizarreta" not in result.stderr
