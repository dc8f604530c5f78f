"""Finding the format, building a corpus, its origin, groups and digest."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from deidsynth import corpora
from deidsynth.corpora import LoadedCorpus, content_digest, find_format, read_corpus, write_corpus
from deidsynth.documents import Corpus, Document, Entity
from deidsynth.errors import ConfigError, CorpusError, InputError, UnrepresentableError


def put(path: Path, *documents: dict[str, object]) -> Path:
    defaults = {"text": "Ana", "entities": [{"start": 0, "end": 3, "label": "NAME"}]}
    path.write_text("".join(json.dumps(defaults | document) + "\n" for document in documents))
    return path


def test_public_names_are_sorted_and_real() -> None:
    assert corpora.__all__ == sorted(corpora.__all__)
    assert all(hasattr(corpora, name) for name in corpora.__all__)


def test_formats_are_found(tmp_path: Path) -> None:
    corpus = Corpus((Document("a", "x", (Entity(0, 1, "A"),)),))
    for path, name in (("b", "brat"), ("j", "jsonl"), ("x.jsonl", "jsonl")):
        write_corpus(corpus, tmp_path / path, name)
        assert find_format(tmp_path / path) == name


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: no such file or folder; check the path of the corpus"):
        read_corpus(tmp_path / "nowhere")


def test_an_unknown_layout_names_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Ana")
    with pytest.raises(InputError, match=r"not a known corpus format: .*--from or corpus\.format: brat, jsonl, "):
        read_corpus(tmp_path)


def test_an_ambiguous_layout_names_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "a.ann").touch()
    (tmp_path / "a.txt").touch()
    put(tmp_path / "x.jsonl", {"doc_id": "a"})
    with pytest.raises(InputError, match=r"could be brat or jsonl; name it with --from or corpus\.format"):
        read_corpus(tmp_path)
    assert read_corpus(tmp_path, format="jsonl").corpus.n_entities == 1


def test_an_unknown_format_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown corpus format 'nix'; known formats: brat, jsonl"):
        read_corpus(tmp_path, format="nix")


def test_an_empty_corpus_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no documents found; is this the right folder"):
        read_corpus(put(tmp_path / "x.jsonl"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorpusError, match="no documents found"):
        read_corpus(tmp_path / "empty", format="brat")


def test_a_corpus_without_entities_is_an_error_unless_allowed(tmp_path: Path) -> None:
    path = put(tmp_path / "x.jsonl", {"doc_id": "a", "entities": []}, {"doc_id": "b", "entities": []})
    with pytest.raises(CorpusError, match="none of the 2 documents has an entity"):
        read_corpus(path)
    assert len(read_corpus(path, require_entities=False).corpus) == 2


@pytest.mark.parametrize(
    ("said", "argument", "expected"),
    [
        (["synthetic", "synthetic"], None, "synthetic"),
        (["synthetic", "invented"], None, "real"),
        (["synthetic", None], None, "real"),
        ([None, None], None, "real"),
        (["synthetic", "synthetic"], "real", "real"),
        ([None, None], "invented", "invented"),
    ],
)
def test_unknown_or_mixed_origin_counts_as_real(tmp_path: Path, said, argument, expected) -> None:
    path = put(tmp_path / "x.jsonl", *({"doc_id": str(n), "origin": origin} for n, origin in enumerate(said)))
    assert read_corpus(path, origin=argument).corpus.origin == expected


@pytest.mark.parametrize(
    ("said", "expected"), [([None, None], "gold"), (["gold", "gold"], "gold"), (["gold", "silver"], "silver")]
)
def test_one_silver_document_makes_the_corpus_silver(tmp_path: Path, said, expected) -> None:
    path = put(tmp_path / "x.jsonl", *({"doc_id": str(n), "annotation": each} for n, each in enumerate(said)))
    assert read_corpus(path, language="es").corpus.annotation == expected


@pytest.mark.parametrize(
    ("group_by", "groups"),
    [(None, ["own", None]), (r"^(.+)-\d+$", ["p-1", "p-1"]), (r"\d+$", ["1", "2"]), (r"(?:x|p)", ["p", "p"])],
)
def test_group_by_takes_the_first_group_or_the_whole_match(tmp_path: Path, group_by, groups) -> None:
    path = put(tmp_path / "x.jsonl", {"doc_id": "p-1-1", "group": "own"}, {"doc_id": "p-1-2"})
    assert [document.group for document in read_corpus(path, group_by=group_by).corpus] == groups


def test_group_by_must_be_an_expression(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"--group-by: 1 problem\n  corpus\.group_by: not a regular expression \(.+\)"
    ):
        read_corpus(put(tmp_path / "x.jsonl", {"doc_id": "a"}), group_by="(")


@pytest.mark.parametrize("group_by", [r"-(\d+)$", r"a-(\d*)|b|c"])
def test_group_by_must_find_a_group_in_every_name(tmp_path: Path, group_by: str) -> None:
    path = put(tmp_path / "x.jsonl", {"doc_id": "a-1"}, {"doc_id": "b"}, {"doc_id": "c"})
    with pytest.raises(CorpusError, match="finds no group in 2 of 3 document names"):
        read_corpus(path, group_by=group_by)


def test_a_part_for_some_documents_only_cannot_be_written(tmp_path: Path) -> None:
    corpus = Corpus((Document("a", "x"), Document("b", "x")))
    with pytest.raises(UnrepresentableError, match="1 of 2 documents have no split"):
        write_corpus(corpus, tmp_path / "out", "jsonl", {"a": "train"})


def test_the_digest_sees_content_but_not_order() -> None:
    first, second = Document("a", "Ana", (Entity(0, 3, "NAME"),)), Document("b", "x", group="g")
    loaded = LoadedCorpus(Corpus((first, second)), {"a": "train", "b": "test"})
    digest = content_digest(loaded)
    assert digest.startswith("sha256:") and len(digest) == len("sha256:") + 64
    assert content_digest(LoadedCorpus(Corpus((second, first)), {"b": "test", "a": "train"}, format="brat")) == digest
    others = [
        replace(loaded, splits={}),
        replace(loaded, corpus=Corpus((first,))),
        replace(loaded, corpus=Corpus((first, second), origin="synthetic")),
        replace(loaded, corpus=Corpus((first, second), annotation="silver")),
        replace(loaded, corpus=Corpus((first, second), language="sv")),
        *(
            replace(loaded, corpus=Corpus((changed, second)))
            for changed in (
                Document("c", "Ana", (Entity(0, 3, "NAME"),)),
                Document("a", "Ann", (Entity(0, 3, "NAME"),)),
                Document("a", "Ana", (Entity(0, 2, "NAME"),)),
                Document("a", "Ana", (Entity(0, 3, "LAST"),)),
                Document("a", "Ana", (Entity(0, 3, "NAME", 0.5),)),
                Document("a", "Ana", (Entity(0, 3, "NAME"),), "g"),
            )
        ),
    ]
    assert len({digest, *map(content_digest, others)}) == 1 + len(others)


def test_representations_hold_no_text_and_no_ids(tmp_path: Path) -> None:
    path = put(tmp_path / "x.jsonl", {"doc_id": "secret-id", "text": "secret-text"})
    loaded, result = read_corpus(path), corpora.check_corpus(path)
    assert "secret" not in repr((loaded, result, result.records))


def test_a_loaded_corpus_knows_its_splits_and_keeps_them(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    put(tmp_path / "in" / "train.jsonl", {"doc_id": "a", "language": "sv"}, {"doc_id": "b", "language": "sv"})
    put(tmp_path / "in" / "test.jsonl", {"doc_id": "c", "language": "sv"})
    corpus = corpora.load_corpus(tmp_path / "in")
    assert corpus.split_counts() == {"train": 2, "test": 1}
    assert [document.doc_id for document in corpus.split("train")] == ["a", "b"]
    write_corpus(corpus, tmp_path / "out", "brat")
    assert corpora.load_corpus(tmp_path / "out").split("test").language == "sv"
    write_corpus(corpus.split("train"), tmp_path / "one.jsonl", "jsonl")
    assert len(read_corpus(tmp_path / "one.jsonl").corpus) == 2
    with pytest.raises(UnrepresentableError, match="one file cannot store splits"):
        write_corpus(corpus, tmp_path / "all.jsonl", "jsonl")
    write_corpus(corpus, tmp_path / "all.jsonl", "jsonl", splits={})


def test_what_a_loaded_corpus_lacks_is_a_warning(tmp_path: Path) -> None:
    path = put(tmp_path / "x.jsonl", {"doc_id": "a", "ward": 1})
    with pytest.warns(UserWarning, match=r"x.jsonl: skipped 1 unknown keys") as told:
        corpora.load_corpus(path)
    assert [Path(each.filename).name for each in told] == ["test_loading.py"]
