"""Through each tool and back: what the tool would export for texts with emoji, CRLF and names."""

from __future__ import annotations

import json
import shutil
import stat
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest

from deidsynth.corpora import read_jsonl, write_corpus
from deidsynth.corpora.formats import cas
from deidsynth.documents import Corpus, Document, Entity
from deidsynth.errors import CorpusError, InputError, UnrepresentableError
from deidsynth.review import QUEUES, Sent, Sizes, export_review, import_review
from deidsynth.review.tools import TOOLS
from made_reviews import candidate, candidates

EMOJI = "\U0001f600 Anna Ek \U0001f476\U0001f3fd kom.\r\nHon bor i Åmål.\r\n"
DOCUMENTS = [
    candidate("Anna Ek/1", EMOJI, (2, 6, "NAME", 0.4), (29, 33, "CITY", 0.9), outside=(7, 9, 0.8), group="p1"),
    candidate("Bo/2", "Bo \U0001f600 åkte till Kil.\r\n", outside=(15, 18, 0.6)),
    candidate("Cia/3", "Cia \U0001f600 och Eva\r\när \U0001f600 här", (0, 3, "NAME", 0.95)),
    candidate("Dan/4", "Dan ringde.", (0, 3, "NAME", 0.99)),
]
RIGHT = {
    "Anna Ek/1": [(2, 9, "NAME"), (29, 33, "CITY")],
    "Bo/2": [(0, 2, "NAME"), (15, 18, "CITY")],
    "Cia/3": [(0, 3, "NAME"), (10, 13, "NAME")],
    "Dan/4": [(0, 3, "NAME")],
}
TEXTS = {each.document.doc_id: each.document.text for each in DOCUMENTS}
Units = Callable[[str, int], int]


def code_points(_text: str, offset: int) -> int:
    return offset


def utf16(text: str, offset: int) -> int:
    return len(text[:offset].encode("utf-16-le")) // 2


def sent_to(format: str, folder: Path) -> Sent:
    return export_review(candidates(DOCUMENTS), folder, format, sizes=Sizes(1, 1, 2), seed=8)


def spans(sent: Sent) -> Mapping[str, Sequence[tuple[int, int, str]]]:
    """What a person leaves in each document, by its name in the tool."""
    return {each.name: RIGHT[each.doc_id] for each in sent.documents}


def label_studio_export(sent: Sent, out: Path, back: Path, units: Units, minimal: bool = False) -> Path:
    tasks = []
    for file in sorted(out.glob("*.json")):
        for task in json.loads(file.read_text(encoding="utf-8")) if file.name != "sent.json" else ():
            text = task["data"]["text"]
            values = [
                {"start": units(text, start), "end": units(text, end), "text": text[start:end], "labels": [label]}
                for start, end, label in spans(sent)[task["data"]["doc_id"]]
            ]
            common = {"id": 7000 + len(tasks)}
            if minimal:
                tasks.append({**common, "text": text, "label": values, "annotator": 1, "annotation_id": len(tasks)})
                continue
            result = [
                {"id": f"r{n}", "from_name": "label", "to_name": "text", "type": "labels", "value": value}
                for n, value in enumerate(values)
            ]
            tasks.append({**task, **common, "annotations": [{"id": 1, "was_cancelled": False, "result": result}]})
    back.write_text(json.dumps(tasks), encoding="utf-8")
    return back


def label_studio_minimal(sent: Sent, out: Path, back: Path, units: Units) -> Path:
    return label_studio_export(sent, out, back, units, minimal=True)


def doccano_export(sent: Sent, out: Path, back: Path, units: Units) -> Path:
    lines = []
    for file in sorted(out.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            read = json.loads(line)
            label = [
                [units(read["text"], start), units(read["text"], end), name]
                for start, end, name in spans(sent)[read["id"]]
            ]
            lines.append(json.dumps({"id": 400 + len(lines), "text": read["text"], "label": label, "Comments": []}))
    back.write_text("\n".join(lines), encoding="utf-8")
    return back


def brat_export(sent: Sent, out: Path, back: Path, _units: Units) -> Path:
    shutil.copytree(out, back)
    for file in back.rglob("*.ann"):
        text = file.with_suffix(".txt").read_bytes().decode("utf-8")
        lines = [
            f"T{number}\t{label} {start} {end}\t{text[start:end]}\n"
            for number, (start, end, label) in enumerate(spans(sent)[file.stem], start=1)
        ]
        file.write_text("".join(lines), encoding="utf-8")
    return back


def inception_export(sent: Sent, out: Path, back: Path, _units: Units) -> Path:
    read = cas.read_records(out)
    assert not read.problems
    documents = [
        Document(record.doc_id, record.text, tuple(Entity(*span) for span in spans(sent)[record.doc_id]))
        for record in read.records
    ]
    write_corpus(Corpus(tuple(documents)), back, cas.NAME)
    with zipfile.ZipFile(back.with_suffix(".zip"), "w") as archive:
        for file in back.iterdir():
            archive.write(file, file.name)
    return back.with_suffix(".zip")


EXPORTS = [
    ("label-studio", label_studio_export, code_points),
    ("label-studio", label_studio_export, utf16),
    ("label-studio", label_studio_minimal, utf16),
    ("doccano", doccano_export, code_points),
    ("doccano", doccano_export, utf16),
    ("brat", brat_export, code_points),
    ("cas", inception_export, code_points),
]


@pytest.mark.parametrize(("format", "export", "units"), EXPORTS)
def test_corrections_come_back_at_the_same_code_points(format, export, units, tmp_path) -> None:
    if format == "cas":
        pytest.importorskip("cassis")
    sent = sent_to(format, tmp_path / "out")
    back = export(sent, tmp_path / "out", tmp_path / ("back" if format in ("brat", "cas") else "back.json"), units)
    if format == "doccano":
        back = back.rename(tmp_path / "back.jsonl")
    review = import_review(tmp_path / "out", back, tmp_path / "reviewed.jsonl")
    corpus = read_jsonl(tmp_path / "reviewed.jsonl")
    assert {document.doc_id: document.text for document in corpus} == TEXTS
    assert {each.doc_id: [entity.key for entity in each.entities] for each in corpus} == RIGHT
    assert (corpus.origin, corpus.annotation, corpus.language) == ("invented", "gold", "sv")
    assert {document.doc_id: document.group for document in corpus}["Anna Ek/1"] == "p1"
    assert review.n_seen == 4 and not review.new_labels
    assert sum(each.n_returned for each in review.queues.values()) == 4


def test_offsets_of_an_uncertain_unit_are_refused_with_their_line(tmp_path) -> None:
    documents = [candidate("a", "Dan ringde.", (0, 3, "NAME", 0.9)), candidate("b", "\U0001f600 Bo kom.")]
    export_review(candidates(documents), tmp_path / "out", "doccano", sizes=Sizes(0, 0, 2))
    lines = [
        {"id": 1, "text": "Dan ringde.", "label": []},
        {"id": 2, "text": "\U0001f600 Bo kom.", "label": [[3, 5, "N"]]},
    ]
    back = tmp_path / "back.jsonl"
    back.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    with pytest.raises(CorpusError, match=r"back\.jsonl:2: .*UTF-16") as refused:
        import_review(tmp_path / "out", back, tmp_path / "reviewed.jsonl")
    assert "Bo" not in str(refused.value)
    assert not (tmp_path / "reviewed.jsonl").exists()


def test_label_studio_gets_predictions_with_scores_and_the_labels(tmp_path) -> None:
    sent = sent_to("label-studio", tmp_path)
    [unsure], [outside] = (json.loads((tmp_path / f"{name}.json").read_bytes()) for name in ("entities", "outside"))
    assert (unsure["annotations"], unsure["data"]) == ([], {"text": EMOJI, "doc_id": "entities-0001"})
    [prediction] = unsure["predictions"]
    assert (prediction["score"], [each["score"] for each in prediction["result"]]) == (0.4, [0.4, 0.9])
    assert prediction["result"][0]["value"] == {"start": 2, "end": 6, "text": "Anna", "labels": ["NAME"]}
    [mark] = outside["predictions"][0]["result"]
    assert (mark["value"]["labels"], mark["value"]["text"], mark["score"]) == (["CHECK"], "Kil", 0.4)
    blind = json.loads((tmp_path / "blind.json").read_bytes())
    assert [task["predictions"] for task in blind] == [[], []]
    config = ElementTree.parse(tmp_path / "labeling-config.xml").getroot()
    assert [each.get("value") for each in config.iter("Label")] == ["CITY", "NAME", "CHECK"]
    [control], [text] = config.findall("Labels"), config.findall("Text")
    region = prediction["result"][0]
    assert (control.get("name"), control.get("toName")) == (region["from_name"], region["to_name"])
    assert (text.get("name"), text.get("value")) == (region["to_name"], "$text")
    assert [each.queue for each in sent.documents] == ["entities", "outside", "blind", "blind"]


def test_brat_gets_the_labels_and_the_marked_word(tmp_path) -> None:
    sent_to("brat", tmp_path)
    assert (tmp_path / "outside" / "outside-0001.ann").read_text(encoding="utf-8") == "T1\tCHECK 15 18\tKil\n"
    assert (tmp_path / "entities" / "entities-0001.txt").read_bytes().decode("utf-8") == EMOJI
    assert [file.read_bytes() for file in (tmp_path / "blind").glob("*.ann")] == [b"", b""]
    shown = (tmp_path / "annotation.conf").read_text(encoding="utf-8").split("\n\n")
    assert shown[0].split("\n") == ["[entities]", "CITY", "NAME", "CHECK"]


@pytest.mark.parametrize("format", TOOLS)
def test_what_is_written_is_private_and_names_no_document(format, tmp_path) -> None:
    if format == "cas":
        pytest.importorskip("cassis")
    folder = tmp_path / "out"
    sent_to(format, folder)
    paths = [folder, *folder.rglob("*")]
    assert not any(stat.S_IMODE(path.stat().st_mode) & 0o077 for path in paths)
    written = [path for path in paths if path.is_file() and path.name != "sent.json"]
    for queue in QUEUES:
        assert any(queue in path.name for path in written)
    for path in written:
        content = path.read_bytes()
        assert b"/1" not in content
        for doc_id in TEXTS:
            first_name = doc_id.split("/")[0].split()[0]
            assert doc_id.encode() not in content and first_name not in path.name


def test_marked_words_that_are_left_are_no_entities(tmp_path) -> None:
    sent_to("brat", tmp_path / "out")
    ann = tmp_path / "out" / "outside" / "outside-0001.ann"
    # The person marks the place, and leaves the mark, which overlaps.
    ann.write_text("T1\tCHECK 15 18\tKil\nT2\tCITY 15 18\tKil\n", encoding="utf-8")
    review = import_review(tmp_path / "out", tmp_path / "out", tmp_path / "reviewed.jsonl")
    [document] = [each for each in read_jsonl(tmp_path / "reviewed.jsonl") if each.doc_id == "Bo/2"]
    assert [entity.key for entity in document.entities] == [(15, 18, "CITY")]
    assert review.queues["outside"].counts["strict"].fn == 1


def test_a_label_of_the_tagger_is_never_taken_for_a_mark(tmp_path) -> None:
    documents = [candidate("a", "Dan ringde.", (0, 3, "CHECK", 0.9), outside=(4, 10, 0.5))]
    sent = export_review(
        candidates(documents, ("CHECK",)), tmp_path / "out", "brat", sizes=Sizes(outside=1, entities=0, blind=0)
    )
    assert (sent.mark, sent.labels) == ("CHECK_", ["CHECK"])
    import_review(tmp_path / "out", tmp_path / "out", tmp_path / "reviewed.jsonl")
    [document] = read_jsonl(tmp_path / "reviewed.jsonl")
    assert [entity.label for entity in document.entities] == ["CHECK"]


def test_the_same_documents_are_sent_the_same(tmp_path) -> None:
    one, other = (sent_to("doccano", tmp_path / name) for name in ("a", "b"))
    assert one.documents == other.documents
    for queue in QUEUES:
        assert (tmp_path / "a" / f"{queue}.jsonl").read_bytes() == (tmp_path / "b" / f"{queue}.jsonl").read_bytes()


def test_what_a_format_cannot_hold_is_refused_and_nothing_is_left(tmp_path) -> None:
    pytest.importorskip("cassis")
    documents = [candidate("a", "Dan\x0bringde.", (0, 3, "NAME", 0.9))]
    with pytest.raises(InputError, match="control character"):
        export_review(candidates(documents), tmp_path / "out", "cas", sizes=Sizes(1, 0, 0))
    with pytest.raises(InputError, match="expected one of label-studio, brat, cas, doccano"):
        export_review(candidates(documents), tmp_path / "out", "conll", sizes=Sizes(1, 0, 0))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("format", TOOLS)
@pytest.mark.parametrize("text", ["\ufeffDan ringde.", "Dan\0ringde."])
def test_texts_that_are_not_read_back_are_refused_for_every_tool(format, text, tmp_path) -> None:
    documents = [candidate("a", "Bo ringde.", (0, 2, "NAME", 0.8)), candidate("b", text, (1, 3, "NAME", 0.9))]
    with pytest.raises(UnrepresentableError, match="document number 2 .* not read back"):
        export_review(candidates(documents), tmp_path / "out", format, sizes=Sizes(2, 0, 0))
    assert not list(tmp_path.iterdir())
