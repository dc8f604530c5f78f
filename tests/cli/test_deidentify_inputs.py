"""``deidsynth deidentify`` reads notes, corpora, tables, JSON and standard input, and keeps every code point."""

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
from typer.testing import CliRunner

from deidsynth.cli.app import app
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


def test_json_by_path(deidsynth, model, tmp_path) -> None:
    source, out = tmp_path / "a.json", tmp_path / "out.json"
    data = {"patients": [{"id": 1, "notes": [{"t": "Karin kom"}, {"t": None}]}, {"id": 2, "notes": []}]}
    source.write_text(json.dumps(data), encoding="utf-8")
    command = ["deidentify", model, source, "--output", out]
    result = deidsynth(*command, "--column", "patients[].notes[].t", "--patient-column", "patients[].id")
    assert result.exit_code == 0, result.stderr
    data["patients"][0]["notes"][0]["t"] = "[NAME] kom"
    assert json.loads(out.read_text(encoding="utf-8")) == data
    for path, told, code in (
        ("patients[].text", "has nothing at patients[].text", 2),
        ("patients[].id", "is not text", 1),
    ):
        failed = deidsynth("deidentify", model, source, "--output", tmp_path / "no.json", "--column", path)
        assert (failed.exit_code, told in failed.stderr, (tmp_path / "no.json").exists()) == (code, True, False)
    for options in (["--column", "a..b"], ["--column", "patients[].id", "--patient-column", "x[].y"]):
        assert deidsynth(*command, *options).exit_code == 2


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_all_paths_in_json_that_stay_are_named(deidsynth, model, tmp_path, name) -> None:
    source, out = tmp_path / name, tmp_path / f"out{Path(name).suffix}"
    plain = {"ward": "A", "patients": []}
    nested = {"name": "Anna", "dni": 1, "notes": [{"text": "Karin kom", "author": "Dal"}], "Anna Dal": {"x": [1]}}
    values = [plain, {"patients": [nested, {**nested, "phones": ["1", "2"]}]}, {"patients": [{"notes": None}]}]
    if name == "a.jsonl":
        source.write_text("".join(json.dumps(each) + "\n" for each in values), encoding="utf-8")
        root = ""
    else:
        source.write_text(json.dumps(values), encoding="utf-8")
        root = "[]."
    column = f"{root}patients[].notes[].text"
    result = deidsynth("deidentify", model, source, "--output", out, "--column", column)
    assert result.exit_code == 0, result.stderr
    expected = ("ward", "patients[].name", "patients[].dni", "patients[].notes[].author", "patients[].phones[]")
    told = f"too: {', '.join(root + each for each in expected)}, 1 without a proper name; drop"
    assert result.stderr.count(told) == 1, result.stderr
    assert "Anna" not in result.stderr


def test_of_many_paths_that_stay_the_others_are_counted(deidsynth, model, tmp_path) -> None:
    source = tmp_path / "a.jsonl"
    command = ["deidentify", model, source, "--column", "note"]
    for n_keys, told in ((25, "k19, 5 more; drop"), (1200, "k19, at least 980 more; drop")):
        value = {"note": "Karin", **{f"k{number}": number for number in range(n_keys)}}
        source.write_text(json.dumps(value) + "\n", encoding="utf-8")
        result = deidsynth(*command, "--output", tmp_path / f"out-{n_keys}.jsonl")
        assert (result.exit_code, told in result.stderr) == (0, True), result.stderr


def test_a_path_in_no_value_is_a_fault_before_anything_is_written(deidsynth, model, tmp_path) -> None:
    source, out = tmp_path / "a.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"notes": []}\n{"notes": [{"text": "Karin"}]}\n{\n{"who": 1}\n', encoding="utf-8")
    before = sorted(tmp_path.iterdir())
    command = ["deidentify", model, "--column"]
    for options, told in (
        (["notes[].txt"], "nothing at notes[].txt in any value; fix --column"),
        (["notes[].text", "--patient-column", "whom"], "nothing at whom in any value; fix --patient-column"),
    ):
        failed = deidsynth(*command, *options, source, "--output", out)
        assert (failed.exit_code, told in failed.stderr) == (2, True), failed.stderr
        assert sorted(tmp_path.iterdir()) == before
    found = deidsynth(*command, "notes[].text", "--patient-column", "who", source, "--output", out)
    assert (found.exit_code, "a.jsonl:4" in found.stderr) == (1, True)
    (tmp_path / "b.jsonl").write_text('{"who": 2}\n', encoding="utf-8")
    both = deidsynth(*command, "notes[].text", source, tmp_path / "b.jsonl", "--output", tmp_path / "clean")
    assert (both.exit_code, "b.jsonl:1" in both.stderr, (tmp_path / "clean" / "a.jsonl").exists()) == (1, True, True)
    source.write_text('{"notes": []}\n', encoding="utf-8")
    assert deidsynth(*command, "notes[].text", source, "--output", tmp_path / "none.jsonl").exit_code == 0


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
