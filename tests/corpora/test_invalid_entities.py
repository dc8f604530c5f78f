"""Entities with a fault can be left out, in every format, without the rest of the corpus being lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

import deidsynth as ds
from deidsynth.corpora import read_corpus
from deidsynth.corpora.invalid_entities import leave_out_invalid
from deidsynth.corpora.records import RawSpan, ReadResult, Record, build_corpus, check_records
from deidsynth.errors import CorpusError

TEXT = "Anna Ek ringde Bo."
I2B2 = (
    "<r><TEXT><![CDATA[{text}]]></TEXT><TAGS>"
    '<NAME id="P0" start="0" end="7" text="Anna Ek" TYPE="NAME"/>'
    '<NAME id="P1" start="15" end="17" text="Li" TYPE="NAME"/>'
    '<NAME id="P2" start="x" end="17" text="Bo" TYPE="NAME"/></TAGS></r>'
)
STUDIO = [
    {"value": {"start": start, "end": end, "text": shown, "labels": labels}, "type": "labels"}
    for start, end, shown, labels in [(0, 7, "Anna Ek", ["NAME"]), (15, 17, "Li", ["NAME"]), (15, 17, "Bo", [])]
]
PRESIDIO = [
    {"entity_type": "NAME", "entity_value": shown, "start_position": start, "end_position": end}
    for start, end, shown in [(0, 7, "Anna Ek"), (15, 17, "Li"), (15, None, "Bo")]
]
SPANS = [
    {"start": 0, "end": 7, "label": "NAME"},
    {"start": 15, "end": 99, "label": "NAME"},
    {"start": "15", "end": 17, "label": "NAME"},
]
SOURCES = {
    "brat": {"a.txt": TEXT, "a.ann": "T1\tNAME 0 7\tAnna Ek\nT2\tNAME 15 17\tLi\nT3\tNAME 0 4;15 17\tAnna Bo\n"},
    "i2b2": {"a.xml": I2B2.format(text=TEXT)},
    "jsonl": {"a.jsonl": json.dumps({"doc_id": "a", "text": TEXT, "entities": SPANS}) + "\n"},
    "doccano": {"a.jsonl": json.dumps({"text": TEXT, "label": [[0, 7, "NAME"], [15, 99, "NAME"], [15, "NAME"]]})},
    "label-studio": {"a.json": json.dumps([{"data": {"text": TEXT}, "annotations": [{"result": STUDIO}]}])},
    "presidio": {"a.json": json.dumps([{"full_text": TEXT, "spans": PRESIDIO}])},
    "table": {"a.csv": 'text,entities\n{},"{}"\n'.format(TEXT, json.dumps(SPANS).replace('"', '""'))},
    "inline": {"a.txt": "<NAME>Anna Ek</NAME> ringde </NAME>Bo<NAME>."},
    "asq-phi": {
        "a.txt": f'===QUERY===\n{TEXT}\n===PHI_TAGS===\n{{"identifier_type": "NAME", "value": "Anna Ek"}}\n'
        '{"identifier_type": "NAME"}\n["NAME"]\n'
    },
}


@pytest.mark.parametrize("format", SOURCES)
def test_faulty_entities_are_left_out_counted_and_listed(tmp_path: Path, format: str) -> None:
    for name, content in SOURCES[format].items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    path = tmp_path if format == "brat" else tmp_path / next(iter(SOURCES[format]))
    with pytest.raises(CorpusError, match="2 problems(.|\n)*--skip-invalid"):
        read_corpus(path, format=format)
    loaded = read_corpus(path, format=format, skip_invalid=True)
    (document,) = loaded.corpus
    assert document.text == TEXT
    assert [document.surface(entity) for entity in document.entities] == ["Anna Ek"]
    assert loaded.skipped["invalid_entities"] == 2
    listed = [problem for problem in loaded.problems if problem.of_entity]
    assert len(listed) == 2
    assert not any(problem.fatal for problem in listed)
    assert not any(word in str(problem) for problem in listed for word in ("Anna", "Bo", "Li"))


def test_a_tag_of_another_form_is_read_as_outside(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_text("Anna B-NAME\nEk I-NAME\nringde O\nBo B-NAME\nigen ??\n. O\n", encoding="utf-8")
    loaded = read_corpus(path, skip_invalid=True)
    (document,) = loaded.corpus
    assert document.text == "Anna Ek ringde Bo igen ."
    assert [document.surface(entity) for entity in document.entities] == ["Anna Ek", "Bo"]
    assert loaded.skipped["invalid_entities"] == 1


def test_faults_of_other_things_stay_errors(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"doc_id": "a", "text": "Bo", "entities": []}\n{"doc_id": "a", "text"\n', encoding="utf-8")
    with pytest.raises(CorpusError, match=":2: not JSON") as caught:
        read_corpus(path, skip_invalid=True)
    assert "--skip-invalid" not in str(caught.value)


def test_python_has_the_same_options(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(SOURCES["jsonl"]["a.jsonl"], encoding="utf-8")
    with pytest.warns(UserWarning, match="skipped 2 invalid entities|out of bounds|integers"):
        corpus = ds.load_corpus(path, skip_invalid=True)
    assert corpus.n_entities == 1
    rows = [{"doc_id": "a", "text": TEXT, "entities": SPANS}]
    with pytest.warns(UserWarning, match="skipped 2 invalid entities|out of bounds|integers"):
        assert ds.from_dataset(rows, skip_invalid=True).n_entities == 1
    table = tmp_path / "b.csv"
    table.write_text('note,entities\n"Bo kom","[[0, 2, ""NAME""]]"\n', encoding="utf-8")
    assert ds.load_corpus(table, layout={"table": {"text": "note"}})[0].text == "Bo kom"
    with pytest.raises(ds.ConfigError, match="nonsense"):
        ds.load_corpus(table, layout={"nonsense": {}})


SPAN = st.builds(RawSpan, st.integers(-2, 14), st.integers(-2, 14), st.sampled_from(["NAME", "A B", "", "DATE"]))


@given(st.lists(SPAN, max_size=8))
def test_what_is_left_is_always_a_corpus(spans: list[RawSpan]) -> None:
    result = ReadResult("any", [Record("a", "Anna Ek kom.", tuple(spans), "a.txt")])
    leave_out_invalid(result)
    assert not check_records(result.records)
    kept = build_corpus(result)[0].entities
    assert len(kept) + result.skipped["invalid_entities"] == len(spans)


def test_of_overlapping_entities_the_longest_stays() -> None:
    spans = (RawSpan(0, 4, "FIRST"), RawSpan(0, 7, "NAME"), RawSpan(5, 7, "LAST"), RawSpan(8, 11, "OTHER"))
    result = ReadResult("any", [Record("a", "Anna Ek kom.", spans, "a.txt")])
    leave_out_invalid(result)
    assert [span.label for span in result.records[0].spans] == ["NAME", "OTHER"]
