"""Corrections that are not of what was sent are refused with their place; others become a corpus to train on."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path

import pytest

from deidsynth.corpora import read_jsonl
from deidsynth.corpora.provenance import lineage_beside
from deidsynth.documents import Corpus, Document, Entity
from deidsynth.errors import CorpusError, InputError
from deidsynth.review import Sizes, export_review, import_review, read_sent
from deidsynth.review.reviewed import Rest, seen_by_person
from deidsynth.workflow.store.manifest import faults, read_manifest
from made_reviews import candidate, candidates

TEXTS = ["Anna ringde.\r\n", "Bo kom i maj.\r\n", "Eva bor i Kil.\r\n"]
DOCUMENTS = [
    candidate(f"note-{number}", text, (0, text.index(" "), "NAME", 0.5 + number / 10))
    for number, text in enumerate(TEXTS)
]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The folder of an export to brat of three documents, the least certain first."""
    export_review(candidates(DOCUMENTS), tmp_path / "out", "brat", sizes=Sizes(3, 0, 0))
    return tmp_path / "out"


@pytest.fixture
def doccano(tmp_path: Path) -> Path:
    """The folder of an export to doccano of three documents."""
    export_review(candidates(DOCUMENTS), tmp_path / "doccano", "doccano", sizes=Sizes(3, 0, 0))
    return tmp_path / "doccano"


def lines(path: Path, *changed: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in changed), encoding="utf-8")
    return path


def refused(sent: Path, corrected: Path, tmp_path: Path) -> list[tuple[int | None, str]]:
    """Line and code of every fault; nothing is written."""
    with pytest.raises(CorpusError) as error:
        import_review(sent, corrected, tmp_path / "reviewed.jsonl")
    assert not (tmp_path / "reviewed.jsonl").exists()
    assert not any(word in str(error.value) for word in ("Anna", "Eva", "Kil"))
    return [(problem.line, problem.code) for problem in error.value.problems]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (
            lambda text: text.replace("Anna", "Anja"),
            r"\(14 characters\) is not the one that was sent \(14 characters\)",
        ),
        (lambda text: text.replace("\r\n", "\n"), "its line endings differ"),
        (lambda text: text.strip(), "leading or trailing white space differs"),
    ],
)
def test_a_changed_text_is_refused(out, tmp_path, changed, told) -> None:
    file = out / "entities" / "entities-0001.txt"
    file.write_bytes(changed(file.read_bytes().decode()).encode())
    file.with_suffix(".ann").write_text("", encoding="utf-8")
    with pytest.raises(CorpusError, match=f"entities-0001.txt: entities-0001: .*{told}"):
        import_review(out, out, tmp_path / "reviewed.jsonl")
    assert refused(out, out, tmp_path) == [(None, "text-changed")]


def test_all_faults_are_told_at_once_with_their_lines(doccano, tmp_path) -> None:
    back = lines(
        tmp_path / "back.jsonl",
        {"id": "entities-0001", "text": TEXTS[0] + "Ja.", "label": []},
        {"id": 2, "text": TEXTS[1], "label": [[0, 99, "NAME"]]},
        {"id": 3, "text": TEXTS[2], "label": []},
        {"id": 4, "text": TEXTS[2], "label": []},
        {"id": 5, "text": "En annan text.", "label": []},
    )
    assert refused(doccano, back, tmp_path) == [
        (1, "text-changed"), (2, "out-of-bounds"), (4, "returned-twice"), (5, "not-sent"),
    ]  # fmt: skip


def test_tasks_that_nobody_submitted_are_refused(tmp_path) -> None:
    export_review(candidates(DOCUMENTS), tmp_path / "out", "label-studio", sizes=Sizes(3, 0, 0))
    found = refused(tmp_path / "out", tmp_path / "out" / "entities.json", tmp_path)
    assert [code for _, code in found] == ["not-annotated"] * 3


def submitted(folder: Path, n: int) -> Path:
    """An export of Label Studio in which the first tasks were submitted as they were predicted."""
    tasks = json.loads((folder / "entities.json").read_bytes())
    for task in tasks[:n]:
        task["annotations"] = [{"result": task["predictions"][0]["result"], "was_cancelled": False}]
    back = folder.parent / "project.json"
    back.write_text(json.dumps(tasks), encoding="utf-8")
    return back


def test_tasks_that_nobody_submitted_beside_others_are_counted_and_stay_unreviewed(tmp_path) -> None:
    export_review(candidates(DOCUMENTS), tmp_path / "out", "label-studio", sizes=Sizes(3, 0, 0))
    output = tmp_path / "mixed.jsonl"
    rest = Rest(Corpus(tuple(each.document for each in DOCUMENTS), "invented", "silver", "sv"))
    review = import_review(tmp_path / "out", submitted(tmp_path / "out", 1), output, rest=rest)
    assert review.n_not_submitted == review.to_dict()["n_not_submitted"] == 2
    assert "tasks_without_annotation" not in review.source.skipped  # said once
    assert (review.n_documents, review.n_seen, review.queues["entities"].n_returned) == (3, 1, 1)
    assert seen_by_person(output) == {"note-0"}


def test_where_all_was_submitted_nothing_is_missing(tmp_path) -> None:
    export_review(candidates(DOCUMENTS), tmp_path / "out", "label-studio", sizes=Sizes(3, 0, 0))
    review = import_review(tmp_path / "out", submitted(tmp_path / "out", 3), tmp_path / "reviewed.jsonl")
    assert (review.n_not_submitted, review.n_seen) == (0, 3)


def test_a_record_that_is_damaged_or_missing_is_refused(out, tmp_path) -> None:
    assert len(read_sent(out).documents) == 3
    (out / "sent.json").write_text('{"format": "brat"}', encoding="utf-8")
    with pytest.raises(InputError, match="is damaged"):
        read_sent(out)
    with pytest.raises(InputError, match=r"has no sent\.json; give the folder"):
        read_sent(tmp_path)


def test_what_did_not_come_back_is_counted_and_not_written(out, tmp_path) -> None:
    for suffix in (".txt", ".ann"):
        (out / "entities" / f"entities-0003{suffix}").unlink()
    (out / "entities" / "entities-0001.ann").write_text("T1\tNAEM 0 4\tAnna\n", encoding="utf-8")
    review = import_review(out, out, tmp_path / "reviewed.jsonl")
    found = review.queues["entities"]
    assert (found.n_sent, found.n_returned, found.n_unchanged) == (3, 2, 1)
    assert review.new_labels == ("NAEM",)
    assert read_jsonl(tmp_path / "reviewed.jsonl").doc_ids == ("note-0", "note-1")


def test_corrections_are_mixed_with_the_rest_and_every_line_says_who_annotated(out, tmp_path) -> None:
    silver = Document("note-9", "Li kom.", (Entity(0, 2, "NAME", 0.7),))
    before = Document("note-8", "Ulf kom.", (Entity(0, 3, "NAME"),))
    old = Document("note-0", TEXTS[0], (Entity(5, 6, "NAME", 0.1),))
    rest = Rest(Corpus((old, silver, before), "invented", "silver", "sv"), {"note-8"})
    output = tmp_path / "mixed.jsonl"
    review = import_review(out, out, output, rest=rest)
    assert (review.n_documents, review.n_seen) == (5, 4)
    written = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert {each["doc_id"]: each["annotation"] for each in written} == {
        "note-0": "gold", "note-1": "gold", "note-2": "gold", "note-8": "gold", "note-9": "silver",
    }  # fmt: skip
    assert written[0]["entities"] == [{"start": 0, "end": 4, "label": "NAME"}]
    assert written[-1]["entities"][0]["score"] == 0.7
    assert seen_by_person(output) == {"note-0", "note-1", "note-2", "note-8"}
    manifest = tmp_path / "mixed.jsonl.manifest.json"
    assert not faults(read_manifest(manifest), manifest)
    assert read_manifest(manifest).facts["seen_by_a_person"] == ["note-0", "note-1", "note-2", "note-8"]
    lineage = lineage_beside(output)
    assert lineage is not None and [entry["via"] for entry in lineage["invented_data"]] == [["review"], ["review"]]


def test_a_rest_with_other_texts_is_refused(out, tmp_path) -> None:
    rest = Rest(Corpus((Document("note-0", "Något annat."),), "invented", "silver"))
    with pytest.raises(InputError, match="1 documents have the ids of reviewed ones, but other texts"):
        import_review(out, out, tmp_path / "reviewed.jsonl", rest=rest)


def test_what_is_real_is_written_for_its_owner_alone(tmp_path) -> None:
    made = candidates(DOCUMENTS)
    made = type(made)(made.documents, Corpus((), "real"), made.labels, {"real_data": []}, made.model)
    export_review(made, tmp_path / "out", "brat", sizes=Sizes(1, 0, 0))
    import_review(tmp_path / "out", tmp_path / "out", tmp_path / "reviewed.jsonl")
    assert stat.S_IMODE((tmp_path / "reviewed.jsonl").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("lineage", "mode"), [("real_data", 0o600), ("unknown_models", 0o600), ("invented_data", 0o644)]
)
def test_what_goes_back_to_real_data_is_written_for_its_owner_alone(tmp_path, lineage, mode) -> None:
    made = candidates(DOCUMENTS)
    source = {lineage: [{"source": "k", "direct": False, "via": ["train"], "parts": []}]}
    made = type(made)(made.documents, Corpus((), "synthetic"), made.labels, source, made.model)
    export_review(made, tmp_path / "out", "brat", sizes=Sizes(1, 0, 0))
    import_review(tmp_path / "out", tmp_path / "out", tmp_path / "reviewed.jsonl")
    for name in ("reviewed.jsonl", "reviewed.jsonl.manifest.json"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == mode


def test_a_rest_that_goes_back_to_real_data_makes_all_of_it_private(out, tmp_path) -> None:
    lineage = {"real_data": [{"source": "k", "direct": False, "via": [], "parts": []}]}
    rest = Rest(Corpus((Document("note-9", "Li kom."),), "synthetic", "silver", "sv", lineage))
    import_review(out, out, tmp_path / "reviewed.jsonl", rest=rest)
    for name in ("reviewed.jsonl", "reviewed.jsonl.manifest.json"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_of_a_review_alone_every_document_counts_as_seen(out, tmp_path) -> None:
    output = tmp_path / "reviewed.jsonl"
    import_review(out, out, output)
    assert seen_by_person(output) == {"note-0", "note-1", "note-2"}
    # Without its manifest, gold alone may be a corpus that was gold from the beginning.
    (tmp_path / "reviewed.jsonl.manifest.json").rename(tmp_path / "elsewhere.json")
    assert seen_by_person(output) == frozenset()


def test_without_a_manifest_of_a_review_the_lines_say_what_a_person_saw(out, tmp_path) -> None:
    output, manifest = tmp_path / "mixed.jsonl", tmp_path / "mixed.jsonl.manifest.json"
    silver = Document("note-9", "Li kom.", (Entity(0, 2, "NAME", 0.7),))
    import_review(out, out, output, rest=Rest(Corpus((silver,), "invented", "silver", "sv")))
    for damaged in ("{", json.dumps({**json.loads(manifest.read_bytes()), "stage": "annotate"})):
        manifest.write_text(damaged, encoding="utf-8")
        assert seen_by_person(output) == {"note-0", "note-1", "note-2"}


def test_a_correction_beside_another_of_the_same_text_is_told_in_any_order(doccano, tmp_path) -> None:
    empty = {"id": 7, "text": TEXTS[0], "label": []}
    corrected = {"id": "entities-0001", "text": TEXTS[0], "label": [[0, 4, "NAME"]]}
    for both in ((empty, corrected), (corrected, empty)):
        assert refused(doccano, lines(tmp_path / "back.jsonl", *both), tmp_path) == [(2, "returned-twice")]
    repeated = refused(doccano, lines(tmp_path / "back.jsonl", corrected, corrected), tmp_path)
    assert [code for _, code in repeated] == ["duplicate-id"]


@pytest.mark.parametrize("score", [0.5, None])
def test_an_entity_in_the_record_that_cannot_be_is_damage(out, score) -> None:
    record = json.loads((out / "sent.json").read_bytes())
    record["documents"][0]["predicted"][0].update(start=-1, score=score)
    (out / "sent.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(InputError, match="is damaged"):
        read_sent(out)


def test_blind_documents_without_any_entity_are_counted(tmp_path) -> None:
    export_review(candidates(DOCUMENTS), tmp_path / "out", "brat", sizes=Sizes(1, 0, 2))
    first = tmp_path / "out" / "blind" / "blind-0001.ann"
    first.write_text(
        "T1\tNAME 0 2\t" + first.with_suffix(".txt").read_text(encoding="utf-8")[:2] + "\n", encoding="utf-8"
    )
    review = import_review(tmp_path / "out", tmp_path / "out", tmp_path / "reviewed.jsonl")
    assert review.n_empty_blind == review.to_dict()["n_blind_without_entities"] == 1


def test_nothing_is_written_over(out, tmp_path) -> None:
    with pytest.raises(InputError, match="is not empty; remove it or choose another folder for the output"):
        export_review(candidates(DOCUMENTS), out, "brat", sizes=Sizes(3, 0, 0))
    shutil.copy(out / "sent.json", tmp_path / "reviewed.jsonl")
    before = (tmp_path / "reviewed.jsonl").read_bytes()
    with pytest.raises(InputError, match="exists already; remove it or choose another file"):
        import_review(out, out, tmp_path / "reviewed.jsonl")
    assert (tmp_path / "reviewed.jsonl").read_bytes() == before
