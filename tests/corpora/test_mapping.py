"""Labels renamed and merged."""

from __future__ import annotations

from pathlib import Path

import pytest

from deidsynth.corpora import LabelMapping, load_mapping, map_labels, ready_mappings
from deidsynth.documents import Corpus, Document, Entity
from deidsynth.errors import ConfigError, CorpusError, InputError

CORPUS = Corpus((Document("a", "Ana Ek 45", (Entity(0, 3, "FIRST", 0.5), Entity(4, 6, "LAST"), Entity(7, 9, "AGE"))),))
COARSE = {"NAME", "AGE", "DATE", "LOCATION", "ORGANIZATION", "CONTACT", "ID", "PROFESSION", "OTHER"}


def labels(corpus: Corpus) -> list[str]:
    return [entity.label for document in corpus for entity in document.entities]


def test_labels_are_renamed_merged_and_left_out() -> None:
    mapping = LabelMapping(labels={"FIRST": "NAME", "LAST": "NAME", "AGE": None})
    mapped, dropped = map_labels(CORPUS, mapping)
    assert mapped[0].entities == (Entity(0, 3, "NAME", 0.5), Entity(4, 6, "NAME"))
    assert dropped == {"AGE": 1}


def test_labels_that_the_table_does_not_name() -> None:
    names = {"FIRST": "NAME"}
    with pytest.raises(CorpusError, match="2 labels are not in the mapping: AGE, LAST"):
        map_labels(CORPUS, LabelMapping(labels=names))
    assert labels(map_labels(CORPUS, LabelMapping(labels=names, others="keep"))[0]) == ["NAME", "LAST", "AGE"]
    kept, dropped = map_labels(CORPUS, LabelMapping(labels=names, others="drop"))
    assert (labels(kept), dropped) == (["NAME"], {"LAST": 1, "AGE": 1})


def test_ready_mappings_reach_what_they_are_named_for() -> None:
    ready = ready_mappings()
    assert len(ready) >= 9
    for name, mapping in ready.items():
        assert mapping.about
        assert len(mapping.labels) >= 9
        if name.endswith("-coarse"):
            assert set(mapping.labels.values()) <= COARSE
    assert set(ready["meddocan-i2b2"].labels.values()) - {None} <= set(ready["i2b2-coarse"].labels)
    assert set(ready["meddocan-sepr"].labels.values()) - {None} <= set(ready["sepr-coarse"].labels)


def test_by_way_of_i2b2_the_coarse_class_is_the_same() -> None:
    ready = ready_mappings()
    for label, type_ in ready["meddocan-i2b2"].labels.items():
        if type_ is not None:
            assert ready["i2b2-coarse"].labels[type_] == ready["meddocan-coarse"].labels[label]


def test_meddocan_is_covered_whole(data_folder: Path) -> None:
    from deidsynth.corpora import read_corpus

    corpus = read_corpus(data_folder / "meddocan").corpus
    mapped, dropped = map_labels(corpus, load_mapping("meddocan-coarse"))
    assert not dropped
    assert set(mapped.label_scheme()) <= COARSE


def test_a_file_is_a_mapping_too(tmp_path: Path) -> None:
    path = tmp_path / "labels.yaml"
    path.write_text("labels: {FIRST: NAME, LAST: null}\nothers: keep\n", encoding="utf-8")
    assert labels(map_labels(CORPUS, load_mapping(str(path)))[0]) == ["NAME", "AGE"]
    path.write_text("label: {FIRST: NAME}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="did you mean labels"):
        load_mapping(str(path))
    with pytest.raises(InputError, match="built in: coarse-private"):
        load_mapping("no-such")
