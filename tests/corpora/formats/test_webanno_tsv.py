"""WebAnno TSV 3: layers, UTF-16 offsets, sentences, escapes, faults with their line."""

from __future__ import annotations

from pathlib import Path

import pytest

from deidsynth.corpora import check_corpus, find_format, read_corpus
from deidsynth.corpora.formats import webanno_tsv
from deidsynth.corpora.records import ReadResult, check_records

HEAD = "#FORMAT=WebAnno TSV 3.3\n#T_SP=webanno.custom.PHI|kind|note\n\n"


def put(folder: Path, *lines: str, head: str = HEAD, name: str = "a.tsv") -> Path:
    path = folder / name
    path.write_bytes((head + "\n".join(lines) + "\n").encode())
    return path


def found(path: Path) -> tuple[str, list[tuple[str, str]]]:
    (document,) = read_corpus(path).corpus
    return document.text, [(document.surface(entity), entity.label) for entity in document.entities]


def faults(result: ReadResult) -> list[tuple[str, int | None]]:
    return [(each.code, each.line) for each in result.problems + check_records(result.records)]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_sentences_entities_and_utf16_offsets_are_read(tmp_path: Path, end: str) -> None:
    lines = [
        "",
        "#Text=\U0001f600 Ana Ek kom.",
        "1-1\t0-2\t\U0001f600\t_\t_\t",
        "1-2\t3-6\tAna\tNAME[1]\tx[1]\t",
        "1-3\t7-9\tEk\tNAME[1]\tx[1]\t",
        "1-4\t10-13\tkom\t_\t_\t",
        "1-5\t13-14\t.\t_\t_\t",
        "",
        "#Text=Bor i Umeå",
        "2-1\t17-20\tBor\t_\t_\t",
        "2-2\t21-22\ti\t_\t_\t",
        "2-3\t23-27\tUmeå\tPLACE\t*\t",
    ]
    path = put(tmp_path, *lines)
    path.write_bytes(path.read_bytes().replace(b"\n", end.encode()))
    assert find_format(path) == find_format(tmp_path) == "webanno"
    assert found(path) == ("\U0001f600 Ana Ek kom.\n  Bor i Umeå", [("Ana Ek", "NAME"), ("Umeå", "PLACE")])
    assert not check_corpus(path).problems and not check_corpus(path).skipped


def test_sentences_may_touch_and_have_several_lines(tmp_path: Path) -> None:
    lines = ["#Text=Ana", "#Text=Ek", "1-1\t0-3\tAna\tN[1]\t_\t", "1-2\t4-6\tEk\tN[1]\t_\t", ""]
    path = put(tmp_path, *lines, "#Text=Bo", "2-1\t6-8\tBo\tN\t_\t")
    assert found(path) == ("Ana\nEkBo", [("Ana\nEk", "N"), ("Bo", "N")])


def test_escapes_and_parts_of_tokens_are_read(tmp_path: Path) -> None:
    lines = ["#Text=Ana\\tEk\\\\", "1-1\t0-7\tAna\\tEk\\\\\t_\t_\t", "1-1.1\t0-3\tAna\tFIRST\\_NAME\t*\t"]
    assert found(put(tmp_path, *lines)) == ("Ana\tEk\\", [("Ana", "FIRST_NAME")])


def test_stacked_annotations_are_refused_with_their_place(tmp_path: Path) -> None:
    path = put(tmp_path, "#Text=Ana", "1-1\t0-3\tAna\tA[1]|B\\|C[2]\t*[1]|*[2]\t")
    result = webanno_tsv.read_records(path)
    assert [span.label for span in result.records[0].spans] == ["A", "B|C"]
    assert faults(result) == [("overlap", 5)]


def test_other_layers_are_counted(tmp_path: Path) -> None:
    head = (
        "#FORMAT=WebAnno TSV 3.2\n"
        "#T_SP=de.tudarmstadt.ukp.dkpro.core.api.lexmorph.type.pos.POS|PosValue\n"
        "#T_SP=de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity|identifier|value\n"
        "#T_SP=webanno.custom.Mark\n"
        "#T_RL=webanno.custom.Link|label|BT_webanno.custom.Mark\n\n"
    )
    path = put(tmp_path, "#Text=Ana", "1-1\t0-3\tAna\tNN\t*\tPER\t_\tof\t1-1\t", head=head)
    assert found(path) == ("Ana", [("Ana", "PER")])
    assert read_corpus(path).skipped == {"POS": 1, "relations": 1}


def test_a_custom_layer_without_features_is_its_own_label(tmp_path: Path) -> None:
    head = "#FORMAT=WebAnno TSV 3.3\n#T_SP=webanno.custom.Name\n\n"
    assert found(put(tmp_path, "#Text=Ana", "1-1\t0-3\tAna\t*\t", head=head)) == ("Ana", [("Ana", "Name")])


@pytest.mark.parametrize(
    ("lines", "head", "fault"),
    [
        (["#Text=Ana", "1-1\t0-3\tEva\tN\t_\t"], HEAD, ("text-mismatch", 5)),
        (["#Text=\U0001f600", "1-1\t0-1\tx\tN\t_\t"], HEAD, ("text-mismatch", 5)),
        (["#Text=Ana", "1-1\t0-9\tAna\tN\t_\t"], HEAD, ("text-mismatch", 5)),
        (["#Text=Ana", "1-1\tAna\tN"], HEAD, ("malformed", 5)),
        (["#Text=Ana", "1-1\t0-3\tAna\t*\tx\t"], HEAD, ("label", 5)),
        (["#id=1"], "#FORMAT=WebAnno TSV 2.0\n", ("malformed", 1)),
    ],
)
def test_every_fault_has_its_line(tmp_path: Path, lines: list[str], head: str, fault: tuple[str, int]) -> None:
    path = put(tmp_path, *lines, head=head)
    assert find_format(path) == "webanno"
    result = webanno_tsv.read_records(path)
    assert faults(result) == [fault]
    assert not [each for each in result.problems if "Ana" in each.message]
