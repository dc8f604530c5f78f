"""UIMA CAS: layers, offsets, type systems, zips and projects of INCEpTION, every fault, writing."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from deidsynth.corpora import check_corpus, read_corpus
from deidsynth.corpora.formats import cas
from deidsynth.corpora.records import ReadResult, build_corpus, check_records
from deidsynth.documents import Corpus, Document, Entity
from deidsynth.errors import MissingExtraError, UnrepresentableError

TEXT = "\U0001f600 Ana Ek\r\nbor i \U00010348 Lund."
CORE = "de.tudarmstadt.ukp.dkpro.core.api."
STRING = "uima.cas.String"


def made(text: str | None = TEXT) -> Any:
    """A CAS with a span of every kind over the same text."""
    cassis = pytest.importorskip("cassis")
    types = cassis.TypeSystem()
    layers = {
        cas.NAMED_ENTITY: {"value": STRING, "identifier": STRING},
        f"{CORE}segmentation.type.Token": {"value": STRING},
        f"{CORE}segmentation.type.Lemma": {"value": STRING},
        f"{CORE}lexmorph.type.pos.POS": {"PosValue": STRING},
        f"{CORE}coref.type.CoreferenceLink": {"referenceType": STRING, "next": "uima.tcas.Annotation"},
        "custom.Span": {"Kind": STRING, "comment": STRING},
        "webanno.custom.PHONE": {"score": "uima.cas.Integer"},
        "webanno.custom.Remark": {"comment": STRING},
        "webanno.custom.Rel": {
            "Governor": "uima.tcas.Annotation",
            "Dependent": "uima.tcas.Annotation",
            "label": STRING,
        },
    }
    for name, features in layers.items():
        kind = types.create_type(name)
        for feature, range_name in features.items():
            types.create_feature(kind, feature, range_name)
    document = cassis.Cas(types)
    if text is not None:
        document.sofa_string, document.sofa_mime = text, "text/plain"
    return document


def add(document: Any, name: str, begin: int, end: int, **features: Any) -> None:
    document.add(document.typesystem.get_type(name)(begin=begin, end=end, **features))


def sample() -> Any:
    document = made()
    add(document, cas.NAMED_ENTITY, 2, 5, value="FIRST")
    add(document, "custom.Span", 6, 8, Kind="LAST", comment="x")
    add(document, "webanno.custom.PHONE", 18, 22)
    add(document, "webanno.custom.Remark", 18, 22, comment="x")
    add(document, "webanno.custom.Rel", 18, 22, label="x")
    for name in (
        "segmentation.type.Token",
        "segmentation.type.Lemma",
        "lexmorph.type.pos.POS",
        "coref.type.CoreferenceLink",
    ):
        add(document, f"{CORE}{name}", 2, 5)
    return document


def put(folder: Path, document: Any, name: str = "a.xmi") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    if name.endswith(".json"):
        document.to_json(folder / name)
    else:
        document.to_xmi(folder / name)
        document.typesystem.to_xml(folder / "TypeSystem.xml")
    return folder / name


def packed(files: dict[str, str | bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def read(path: Path) -> ReadResult:
    result = cas.read_records(path)
    result.problems += check_records(result.records)
    assert not [problem for problem in result.problems if "Ana" in problem.message or "Lund" in problem.message]
    return result


@pytest.mark.parametrize("name", ["a.xmi", "a.json"])
def test_layers_are_entities_or_counted_and_offsets_are_code_points(tmp_path: Path, name: str) -> None:
    path = put(tmp_path, sample(), name)
    assert cas.sniff(path) and cas.sniff(tmp_path)
    for place in (path, tmp_path):
        result = read(place)
        (document,) = build_corpus(result)
        assert (document.doc_id, document.text) == ("a", TEXT)
        assert [(document.surface(each), each.label) for each in document.entities] == [
            ("Ana", "FIRST"),
            ("Ek", "LAST"),
            ("Lund", "PHONE"),
        ]
        assert result.skipped == {"Remark": 1, "relations": 1, "chain_links": 1, "POS": 1}


def test_an_entity_without_a_label_is_told(tmp_path: Path) -> None:
    document = made()
    add(document, cas.NAMED_ENTITY, 2, 5)
    (problem,) = read(put(tmp_path, document)).problems
    assert "entity 2:5 (xmi:id 2) needs a label" in problem.message


@pytest.mark.parametrize("name", ["a.xmi", "a.json"])
def test_an_offset_inside_of_a_character_is_told(tmp_path: Path, name: str) -> None:
    path = put(tmp_path, sample(), name)
    content = path.read_text(encoding="utf-8")
    old, new = ('begin="3"', 'begin="1"') if name == "a.xmi" else ('"begin": 3', '"begin": 1')
    assert old in content
    path.write_text(content.replace(old, new), encoding="utf-8", newline="")
    (problem,) = read(path).problems
    assert (problem.code, problem.path) == ("inside-character", str(path))
    number = re.search(r'(?:xmi:id="|"%ID": )([0-9]+)[^>}]*egin"?[=:] ?"?1\b', path.read_text(encoding="utf-8"))
    assert number and f"({'xmi:id' if name == 'a.xmi' else '%ID'} {number[1]})" in problem.message


def test_entities_that_overlap_are_told_by_their_ids(tmp_path: Path) -> None:
    document = made()
    for end in (5, 8):
        add(document, cas.NAMED_ENTITY, 2, end, value="NAME")
    (problem,) = read(put(tmp_path, document)).problems
    assert problem.message == "entity 2:8 (xmi:id 3) overlaps entity 2:5 (xmi:id 2); keep one of them"


def test_an_offset_after_the_text_is_told_once(tmp_path: Path) -> None:
    path = put(tmp_path, sample())
    path.write_text(path.read_text(encoding="utf-8").replace('end="9"', 'end="99"', 1), encoding="utf-8")
    assert "out-of-bounds" in [problem.code for problem in read(path).problems]


@pytest.mark.parametrize(("end", "code"), [(None, "out-of-bounds"), ("9", "malformed"), (20.5, "malformed")])
def test_an_offset_that_is_no_number_is_told(tmp_path: Path, end: object, code: str) -> None:
    path = put(tmp_path, sample(), "a.json")
    data = json.loads(path.read_text(encoding="utf-8"))
    for each in data["%FEATURE_STRUCTURES"]:
        if each["%TYPE"] == "webanno.custom.PHONE":
            each["end"] = end
            if end is None:
                del each["end"]
    path.write_text(json.dumps(data), encoding="utf-8")
    assert [each.code for each in read(path).problems] == [code]
    assert "(%ID " in read(path).problems[0].message


def test_a_label_that_is_no_string_is_told(tmp_path: Path) -> None:
    path = put(tmp_path, sample(), "a.json")
    path.write_text(path.read_text(encoding="utf-8").replace('"FIRST"', "7"), encoding="utf-8")
    assert [each.code for each in read(path).problems] == ["label"]


def test_a_zip_of_one_document(tmp_path: Path) -> None:
    inner = put(tmp_path / "in", sample())
    path = tmp_path / "x.zip"
    path.write_bytes(
        packed({"a.xmi": inner.read_bytes(), "TypeSystem.xml": inner.with_name("TypeSystem.xml").read_bytes()})
    )
    assert cas.sniff(path)
    (record,) = read(path).records
    assert (record.doc_id, record.path, len(record.spans)) == ("a", f"{path}/a.xmi", 3)


@pytest.mark.parametrize("unpacked", [False, True])
def test_of_a_project_the_curation_is_read_by_the_names_of_its_folders(tmp_path: Path, unpacked: bool) -> None:
    xmi = put(tmp_path / "in", sample())
    one = packed({"u.xmi": xmi.read_bytes(), "TypeSystem.xml": xmi.with_name("TypeSystem.xml").read_bytes()})
    files: dict[str, str | bytes] = {
        "exportedproject1.json": "{}",
        "source/n1.txt": TEXT,
        "annotation/n1.txt/webanno1export.zip": one,
        "annotation/n2.txt/webanno2export.zip": one,
        "curation/n1.txt/webanno3export.zip": one,
        "curation/n2.txt/CURATION_USER.json": sample().to_json(),
        "curation/n2.txt/INITIAL_CAS.json": sample().to_json(),
    }
    path = tmp_path / "out" / "project.zip"
    path.parent.mkdir()
    path.write_bytes(packed(files))
    if unpacked:
        with zipfile.ZipFile(path) as archive:
            archive.extractall(tmp_path / "project")
        path = tmp_path / "project"
    assert cas.sniff(path)
    result = read(path)
    assert sorted(each.doc_id for each in result.records) == ["n1.txt", "n2.txt"]
    assert not result.problems and result.skipped["uncurated_files"] == 2


@pytest.mark.parametrize("root", ["", "project", "project/train/deep"])
def test_the_type_system_may_be_in_a_folder_above(tmp_path: Path, root: str) -> None:
    path = put(tmp_path / "project" / "train" / "deep", sample())
    path.with_name("TypeSystem.xml").rename(tmp_path / "project" / "TypeSystem.xml")
    for place in (path, tmp_path / root):
        assert [(each.doc_id, len(each.spans)) for each in read(place).records] == [("a", 3)]


def test_the_type_system_may_be_in_a_folder_above_in_a_zip(tmp_path: Path) -> None:
    inner = put(tmp_path / "in", sample())
    types = inner.with_name("TypeSystem.xml").read_bytes()
    (tmp_path / "x.zip").write_bytes(packed({"p/deep/a.xmi": inner.read_bytes(), "p/TypeSystem.xml": types}))
    assert [len(each.spans) for each in read(tmp_path / "x.zip").records] == [3]


def test_one_document_in_two_forms_is_one_or_a_question(tmp_path: Path) -> None:
    put(tmp_path / "xmi", sample(), "a.xmi")
    put(tmp_path / "json", sample(), "a.json")
    loaded = read_corpus(tmp_path)
    assert (len(loaded.corpus), loaded.corpus.n_entities) == (1, 3)
    assert loaded.skipped["documents_in_a_second_form"] == 1
    other = sample()
    add(other, cas.NAMED_ENTITY, 9, 12, value="X")
    put(tmp_path / "json", other, "a.json")
    (problem,) = [each for each in check_corpus(tmp_path).problems if each.code == "duplicate-id"]
    assert "the same document with other entities, remove one of the files" in problem.message


@pytest.mark.parametrize("encoding", ["iso-8859-1", "utf-16", "utf-8"])
def test_xmi_is_read_in_the_encoding_that_it_declares(tmp_path: Path, encoding: str) -> None:
    document = made("Åsa kom.")
    add(document, cas.NAMED_ENTITY, 0, 3, value="NAME")
    path = put(tmp_path, document)
    for file in (path, path.with_name("TypeSystem.xml")):
        content = re.sub(r"encoding=.[\w-]+.", f'encoding="{encoding}"', file.read_text(encoding="utf-8"))
        file.write_bytes(content.replace("&#197;", "Å").encode(encoding))
    assert cas.sniff(path)
    (record,) = read(path).records
    assert (record.text, [span[:3] for span in record.spans]) == ("Åsa kom.", [(0, 3, "NAME")])


def test_a_document_of_megabytes_is_found(tmp_path: Path) -> None:
    path = put(tmp_path, sample(), "a.json")
    data = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({"about": "x" * 2_000_000, **data}), encoding="utf-8")
    assert cas.sniff(path)


def test_folders_are_parts(tmp_path: Path) -> None:
    for split in ("train", "test"):
        put(tmp_path / split, sample(), f"{split}.xmi")
    assert {each.doc_id: each.split for each in read(tmp_path).records} == {"train": "train", "test": "test"}


def test_views_beside_the_first_are_counted(tmp_path: Path) -> None:
    document = sample()
    document.create_view("other").sofa_string = "x"
    result = read(put(tmp_path, document))
    assert (result.records[0].text, result.skipped["views"]) == (TEXT, 1)


def test_every_fault_is_a_problem_and_the_rest_is_read(tmp_path: Path) -> None:
    good = put(tmp_path, sample(), "z.xmi")
    content = good.read_text(encoding="utf-8")
    bad: dict[str, str | bytes] = {
        "malformed": content.replace("</xmi:XMI>", ""),
        "doctype": content.replace("<xmi:XMI", "<!DOCTYPE a><xmi:XMI", 1),
        "encoding": content.encode("utf-16"),
        "missing-text": made(None).to_xmi(),
        "unknown": content.replace("type:NamedEntity", "type:Other"),
    }
    codes = {}
    for name, data in bad.items():
        (tmp_path / f"{name}.xmi").write_bytes(data if isinstance(data, bytes) else data.encode())
        result = read(tmp_path / f"{name}.xmi")
        codes[name] = [problem.code for problem in result.problems]
    assert codes == {
        "malformed": ["malformed"],
        "doctype": ["malformed"],
        "encoding": ["encoding"],
        "missing-text": ["missing-text"],
        "unknown": ["unknown-type"],
    }
    (tmp_path / "j.json").write_text('{"%TYPES": {}', encoding="utf-8")
    result = read(tmp_path)
    assert [each.doc_id for each in result.records] == ["z"]
    assert len(result.problems) == len(bad)  # what is not UTF-8 does not even look like XMI
    (tmp_path / "TypeSystem.xml").write_text("<x", encoding="utf-8")
    assert "TypeSystem.xml cannot be read" in read(good).problems[0].message
    (tmp_path / "TypeSystem.xml").unlink()
    assert [each.code for each in read(good).problems] == ["missing-types"]
    (tmp_path / "x.zip").write_bytes(b"PK")
    assert "cannot be unpacked" in read(tmp_path / "x.zip").problems[0].message


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.json", b'{"text": "%TYPES"}'),
        ("x.json", b'["%TYPES"]'),
        ("x.xmi", b"<xml/>"),
        ("x.zip", b"PK"),
        ("x.zip", packed({"a.json": "{}", "b.tsv": ""})),
        ("x.txt", b"<xmi:XMI>"),
    ],
)
def test_other_things_do_not_look_like_cas(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert not cas.sniff(tmp_path / name) and not cas.sniff(tmp_path) and not cas.sniff(tmp_path / "absent.xmi")


def test_the_library_is_asked_for_when_it_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import sys, deidsynth.corpora.formats.cas; assert not {'cassis', 'pyarrow', 'datasets'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    monkeypatch.setitem(sys.modules, "cassis", None)
    with pytest.raises(MissingExtraError, match=r"reading UIMA CAS .* 'deidsynth\[uima\]'"):
        cas.read_records(tmp_path)


@pytest.mark.parametrize(
    ("doc_id", "text", "message"),
    [
        ("a/b", "x", "1 document ids cannot be file names"),
        ("a", "x\x0b", "document number 1 has a control character"),
        ("a", "x\ufffe", "document number 1 has a control character"),
        ("a", "x\ud800", "document number 1 has a lone surrogate"),
    ],
)
def test_what_xml_cannot_hold_is_refused(tmp_path: Path, doc_id: str, text: str, message: str) -> None:
    pytest.importorskip("cassis")
    with pytest.raises(UnrepresentableError, match=message):
        cas.write(Corpus((Document(doc_id, text),)), tmp_path / "out", None)
    assert list(tmp_path.iterdir()) == []


CHARACTERS = st.one_of(
    st.sampled_from(list("aé\U0001f600\U00010348\u0301שלוםع\t\r\n\x85\u2028\ufeff <&\"'")),
    st.characters(exclude_categories=["Cs", "Cc"]),
)


@settings(max_examples=40)
@given(st.text(CHARACTERS, max_size=30), st.data())
def test_what_is_written_is_read_back(text: str, data: st.DataObject) -> None:
    pytest.importorskip("cassis")
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=6)))
    entities = tuple(Entity(*pair, data.draw(st.sampled_from(["NAME", "名前"]))) for pair in pairwise(cuts))
    corpus = Corpus((Document("a", text, entities), Document("b", "")), origin="invented", annotation="silver")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "out"
        try:
            assert not cas.write(corpus, path, {"a": "train", "b": "test"})
        except UnrepresentableError:
            return
        assert cas.sniff(path)
        result = read(path)
    assert sorted(build_corpus(result), key=lambda document: document.doc_id) == list(corpus)
    assert {each.doc_id: each.split for each in result.records} == {"a": "train", "b": "test"}
    assert {(each.origin, each.annotation) for each in result.records} == {("invented", "silver")}


def test_scores_and_groups_are_counted_as_left_out(tmp_path: Path) -> None:
    pytest.importorskip("cassis")
    corpus = Corpus((Document("a", "x", (Entity(0, 1, "A", 0.5),), "g"),))
    assert cas.write(corpus, tmp_path / "out", None) == {"scores": 1, "groups": 1}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["TypeSystem.xml", "a.xmi", "deidsynth.json"]


def test_blanks_in_xmi_take_time_by_their_number(tmp_path: Path) -> None:
    text = "Ana" + " " * 100_000 + "Ruiz"
    pytest.importorskip("cassis")
    cas.write(Corpus((Document("1", text, (Entity(0, 3, "NAME"),)),)), tmp_path / "cas", None)
    xmi = tmp_path / "cas" / "1.xmi"
    xmi.write_text(xmi.read_text(encoding="utf-8").partition("?>")[2], encoding="utf-8")  # without a declaration
    begun = time.process_time()
    assert check_corpus(tmp_path / "cas").records[0].text == text
    assert time.process_time() - begun < 5  # by their square, it was a minute
