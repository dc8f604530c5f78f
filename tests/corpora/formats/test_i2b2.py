"""XML of i2b2 and MEDDOCAN: what is read, every fault, what is written."""

from __future__ import annotations

import tempfile
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from deidsynth.corpora.formats import brat, i2b2
from deidsynth.corpora.records import ReadResult, build_corpus, check_records
from deidsynth.documents import Corpus, Document, Entity
from deidsynth.errors import UnrepresentableError

TEXT = "Ana Ek, 45 år.\nBor i Umeå."
SECRET_WORDS = ("Ana", "Ek", "Umeå")
NAME = '<NAME id="P0" start="0" end="6" text="Ana Ek" TYPE="PATIENT" comment=""/>'


def xml(tags: str = NAME, text: str = f"<![CDATA[{TEXT}]]>", head: str = "") -> str:
    return f"{head}<deIdi2b2>\n<TEXT>{text}</TEXT>\n<TAGS>\n{tags}\n</TAGS>\n</deIdi2b2>\n"


def put(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def faults(path: Path) -> list[tuple[str, str, int | None]]:
    """Code, file name and line of every problem; no message may hold text of the corpus."""
    problems = i2b2.read_records(path).problems
    assert not [word for problem in problems for word in SECRET_WORDS if word in problem.message]
    assert all("; " in problem.message for problem in problems)
    return [(problem.code, Path(problem.path).name, problem.line) for problem in problems]


def load(path: Path) -> Corpus:
    result = i2b2.read_records(path)
    result.problems += check_records(result.records)
    assert not result.skipped
    return build_corpus(result)


def test_type_is_the_label_and_else_the_element_name(tmp_path: Path) -> None:
    tags = f'{NAME}\n<AGE start="8" end="10" TYPE=""/><LOCATION start="21" end="25" text="Umeå"></LOCATION>'
    (record,) = i2b2.read_records(put(tmp_path / "a.xml", xml(tags))).records
    assert (record.doc_id, record.text) == ("a", TEXT)
    assert [(*span[:3], span.line) for span in record.spans] == [
        (0, 6, "PATIENT", 5),
        (8, 10, "AGE", 6),
        (21, 25, "LOCATION", 6),
    ]


def test_escaped_text_and_split_sections_are_one_text(tmp_path: Path) -> None:
    tags = '<A start="0" end="3" text="&lt;&#10;&amp;"/>'
    text = "&lt;\n&amp;<!-- no --><![CDATA[<b>]]]]><![CDATA[>]]>"
    (record,) = i2b2.read_records(put(tmp_path / "a.xml", xml(tags, text))).records
    assert (record.text, [span[:3] for span in record.spans]) == ("<\n&<b>]]>", [(0, 3, "A")])


def test_a_parser_makes_one_line_feed_of_every_line_end(tmp_path: Path) -> None:
    tags = '<A start="2" end="5" text="b c"/>'
    result = i2b2.read_records(put(tmp_path / "a.xml", "\ufeff" + xml(tags, "a\r\nb\rc")))
    assert (result.records[0].text, result.problems) == ("a\nb\nc", [])


@pytest.mark.parametrize("shown", ["a b", "a&#10;b", "a&#9;b", "a\nb", "a\u00a0b"])
def test_kinds_of_white_space_are_equal_in_the_copy(tmp_path: Path, shown: str) -> None:
    assert faults(put(tmp_path / "a.xml", xml(f'<A start="0" end="3" text="{shown}"/>', "a\nb"))) == []


def test_what_is_not_held_is_counted(tmp_path: Path) -> None:
    tags = '<A start="0" end="3" docid="x" time="y" comment="sure?"><B start="0" end="1"/></A>'
    put(tmp_path / "a.xml", xml(tags).replace("</TEXT>", "</TEXT><META><X/></META>"))
    result = i2b2.read_records(tmp_path)
    assert [span[:3] for span in result.records[0].spans] == [(0, 3, "A")]
    assert result.skipped == {"attributes": 2, "comments": 1, "elements": 3}


def test_folders_named_after_parts_are_read_alone(tmp_path: Path) -> None:
    for name in ("train/xml/a", "train/other/b", "Dev/c", "test/deep/d", "scored/e", "f"):
        put(tmp_path / f"{name}.xml", xml())
    (tmp_path / "train" / "xml" / "deidsynth.json").write_text('{"origin": "invented", "annotation": "silver"}')
    result = i2b2.read_records(tmp_path)
    assert [(record.doc_id, record.split, record.origin, record.annotation) for record in result.records] == [
        ("c", "validation", None, None),
        ("d", "test", None, None),
        ("a", "train", "invented", "silver"),
    ]
    assert result.skipped == {"files_outside_splits": 2}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (xml('\n<A start="1" end="6" text="Ana Ek"/>'), ("text-mismatch", 6)),
        (xml('<A start="0" end="x"/>'), ("offsets", 5)),
        (xml('<A end="1"/>'), ("offsets", 5)),
        (xml('<A start=" 0" end="1"/>'), ("offsets", 5)),
        (xml(f'{NAME}\n<A id="P0" start="8" end="10"/>'), ("duplicate-entity-id", 6)),
        (xml("<A>"), ("malformed", 6)),
        (xml(text="Ana \x00"), ("malformed", 2)),
        (xml(text="Ana &unknown;"), ("malformed", 2)),
        (xml(text="Ana <b>Ek</b>"), ("markup", 2)),
        ("", ("malformed", 1)),
        ("<r>\n<TAGS/>\n</r>", ("missing-text", None)),
        ("<TEXT>Ana</TEXT>", ("missing-text", None)),
        ("<r>\n<x><TEXT>Ana</TEXT></x>\n</r>", ("missing-text", None)),
        ("<r>\n<TEXT>a</TEXT>\n<TEXT>b</TEXT></r>", ("second-text", 3)),
        (xml(head='<!DOCTYPE r [\n<!ENTITY a "Ana">]>'), ("entity-declaration", 2)),
        (xml(head='<!DOCTYPE r SYSTEM "r.dtd">', text="\n&a;"), ("entity-declaration", 3)),
        (xml(head='<?xml version="1.0" encoding="ISO-8859-1"?>'), ("encoding", 1)),
        (xml().encode("latin-1"), ("encoding", 2)),
    ],
)
def test_every_fault_has_its_line_and_reading_goes_on(tmp_path: Path, content: str | bytes, expected) -> None:
    put(tmp_path / "a.xml", content)
    put(tmp_path / "b.xml", xml())
    code, line = expected
    assert faults(tmp_path) == [(code, "a.xml", line)]
    assert i2b2.read_records(tmp_path).records[-1].doc_id == "b"


def test_all_faults_of_a_file_are_told_and_sound_entities_kept(tmp_path: Path) -> None:
    path = put(
        tmp_path / "a.xml", xml('<A start="0" end="2" text="x"/>\n<A start="z"/>\n<A start="0" end="99" text=""/>')
    )
    assert faults(path) == [("text-mismatch", "a.xml", 5), ("offsets", "a.xml", 6)]
    records = i2b2.read_records(path).records
    assert [problem.code for problem in check_records(records)] == ["out-of-bounds"]


def test_a_folder_in_place_of_a_file_is_a_problem(tmp_path: Path) -> None:
    assert faults(tmp_path / "absent.xml") == [("unreadable", "absent.xml", None)]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (xml(), True),
        (xml(text=f"<![CDATA[{'å' * 20_000}]]>"), True),
        ("<r><META>x</META><TAGS/><TEXT/></r>", True),
        ("<collection><source/><document><TEXT/></document></collection>", False),
        ("<TEXT/>", False),
        ("<r>&x;<TEXT/></r>", False),
        ('<!DOCTYPE r [<!ENTITY a "b">]><r><TEXT/></r>', False),
        ('<?xml version="1.0" encoding="no-such"?><r><TEXT/></r>', False),
        ("plain", False),
        ("", False),
        (b"\xff\x00", False),
    ],
)
def test_sniffing_looks_at_the_beginning(tmp_path: Path, content: str | bytes, expected: bool) -> None:
    path = put(tmp_path / "xml" / "a.xml", content)
    assert (i2b2.sniff(path), i2b2.sniff(tmp_path)) == (expected, expected)


def test_sniffing_leaves_other_formats_alone(tmp_path: Path) -> None:
    assert not i2b2.sniff(tmp_path)
    assert not i2b2.sniff(put(tmp_path / "a.txt", xml()))
    put(tmp_path / "a.xml", xml())
    put(tmp_path / "a.ann", "")
    assert not i2b2.sniff(tmp_path)


def test_what_is_written(tmp_path: Path) -> None:
    text = "a \"'<&\t\n]]>"
    document = Document("d", text, (Entity(2, len(text), "Phone_Number", 0.5),), "g")
    assert i2b2.write(Corpus((document,)), tmp_path / "out", {"d": "test"}) == {"scores": 1, "groups": 1}
    assert (tmp_path / "out" / "test" / "d.xml").read_text(encoding="utf-8") == (
        '<?xml version="1.0" encoding="UTF-8"?>\n<deIdi2b2>\n  <TEXT><![CDATA[a "\'<&\t\n]]]]><![CDATA[>]]></TEXT>\n'
        '  <TAGS>\n    <CONTACT id="T1" start="2" end="11" text="&quot;\'&lt;&amp;&#9;&#10;]]&gt;" '
        'TYPE="Phone_Number" comment=""/>\n  </TAGS>\n</deIdi2b2>\n'
    )
    assert load(tmp_path / "out")[0].text == text


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("PATIENT DOCTOR USERNAME NOMBRE_SUJETO_ASISTENCIA First_Name lastName LAST_NAME", "NAME"),
        ("PROFESSION PROFESION", "PROFESSION"),
        ("HOSPITAL STREET ZIP LOCATION-OTHER CALLE TERRITORIO PAIS CENTRO_SALUD Health_Care_Unit", "LOCATION"),
        ("AGE EDAD_SUJETO_ASISTENCIA", "AGE"),
        ("DATE FECHAS Full_Date", "DATE"),
        ("PHONE FAX EMAIL URL NUMERO_TELEFONO NUMERO_FAX CORREO_ELECTRONICO DIREC_PROT_INTERNET", "CONTACT"),
        ("MEDICALRECORD IDNUM ID_CONTACTO_ASISTENCIAL NUMERO_BENEF_PLAN_SALUD", "ID"),
        ("SEXO_SUJETO_ASISTENCIA FAMILIARES_SUJETO_ASISTENCIA", "OTHER"),
        ("XYZ 名前", "PHI"),
    ],
)
def test_categories(labels: str, expected: str) -> None:
    known = {"lastName": "PHI"}  # words are not parted where only the case tells them apart
    assert [i2b2.category(label) for label in labels.split()] == [known.get(each, expected) for each in labels.split()]


@pytest.mark.parametrize(
    ("text", "label", "message"),
    [
        ("Ana\r\n", "A", "carriage return"),
        ("Ana\x00", "A", "cannot encode"),
        ("Ana\x0b", "A", "cannot encode"),
        ("Ana\ufffe", "A", "cannot encode"),
        ("Ana\ud800", "A", "cannot encode"),
        ("Ana", "A\x01", "cannot encode"),
    ],
)
def test_what_xml_cannot_hold_is_refused_before_anything_is_written(tmp_path: Path, text, label, message) -> None:
    corpus = Corpus((Document("fine", "x"), Document("a", text, (Entity(0, 1, label),))))
    with pytest.raises(UnrepresentableError, match=rf"document number 2 .*{message}") as caught:
        i2b2.write(corpus, tmp_path / "out", None)
    assert "Ana" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


CHARACTERS = st.sampled_from(
    list("aé\U0001f600\u0301שם\t\n\u0085\u2028\ufeff \u00a0\"'<>&;]\\\r\x0b\uffff")
) | st.characters(exclude_categories=["Cs"])


@st.composite
def corpora(draw: st.DrawFn) -> Corpus:
    made = []
    for doc_id in ("a", "ö.x"):
        text = draw(
            st.text(CHARACTERS, max_size=40) | st.lists(st.sampled_from(["a\n", "]]>", "\t", "é"])).map("".join)
        )
        cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
        kept = [(start, end) for start, end in pairwise(cuts) if draw(st.booleans())]
        labels = st.sampled_from(["NAME", "Ärende-2", "名前", 'a"<&'])
        made.append(Document(doc_id, text, tuple(Entity(*span, draw(labels)) for span in kept)))
    return Corpus(tuple(made), draw(st.sampled_from(["real", "invented"])), draw(st.sampled_from(["gold", "silver"])))


@settings(max_examples=60)
@given(corpora())
def test_what_is_written_is_read_back(corpus: Corpus) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            assert not i2b2.write(corpus, Path(folder) / "out", None)
        except UnrepresentableError:
            assert any(ord(each) < 32 or each in "\ufffe\uffff" for document in corpus for each in document.text)
            return
        assert load(Path(folder) / "out") == corpus
        assert i2b2.sniff(Path(folder) / "out")


def test_meddocan_says_the_same_in_xml_as_in_brat(data_folder: Path, tmp_path: Path) -> None:
    dev = data_folder / "meddocan" / "dev"
    if not (dev / "xml").is_dir():
        pytest.skip(f"no XML at {dev}")

    def plain(result: ReadResult) -> list[tuple[str, bool, list[tuple[int, int, str]]]]:
        assert (result.problems, dict(+result.skipped)) == ([], {})
        return sorted(
            (record.doc_id, record.text, sorted(span[:3] for span in record.spans)) for record in result.records
        )

    expected = plain(brat.read_records(dev / "brat"))
    assert plain(i2b2.read_records(dev / "xml")) == expected
    assert (i2b2.sniff(dev / "xml"), i2b2.sniff(dev / "brat")) == (True, False)
    i2b2.write(load(dev / "xml"), tmp_path / "out", None)
    assert plain(i2b2.read_records(tmp_path / "out")) == expected


@pytest.mark.parametrize("wrap", ["<r><TEXT>a</TEXT><X>{}</X><TAGS/></r>", "<r><TEXT>a</TEXT><TAGS>{}</TAGS></r>"])
def test_elements_in_elements_take_time_by_their_number(wrap: str, tmp_path: Path) -> None:
    n_elements = 150_000
    nested = "<a>" * n_elements + "</a>" * n_elements
    (tmp_path / "a.xml").write_text(wrap.format(nested), encoding="utf-8")
    begun = time.process_time()
    assert len(i2b2.read_records(tmp_path / "a.xml").records) == 1
    assert time.process_time() - begun < 5  # by its square, it was half a minute
