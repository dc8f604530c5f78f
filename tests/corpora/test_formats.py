"""Every format that is written holds every corpus at hand, and is told from the others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deidsynth.corpora import FORMATS, LoadedCorpus, find_format, read_corpus, write_corpus
from deidsynth.documents import Corpus, Document, Entity
from deidsynth.errors import InputError, UnrepresentableError

WRITTEN = [name for name, each in FORMATS.items() if each.write is not None]
CORPORA = ["meddocan", "swedish_ner_corpus", "uner_swedish_pud", "en_presidio_synth", "en_asq_phi"]
SMALL = Corpus(
    (
        Document("a-1", "Åsa Ek, 45 år.\nBor i Umeå.", (Entity(0, 6, "NAME"), Entity(8, 13, "AGE"))),
        Document("b-1", "Inget namn här, men ett till <3.", ()),
    )
)


def target(folder: Path, name: str) -> Path:
    return folder / ("out.csv" if name == "table" else "out")


@pytest.fixture(scope="module", params=CORPORA)
def loaded(request: pytest.FixtureRequest, data_folder: Path) -> LoadedCorpus:
    return read_corpus(data_folder / request.param)


@pytest.mark.parametrize("name", WRITTEN)
def test_round_trip_of_real_corpora(loaded: LoadedCorpus, name: str, tmp_path: Path) -> None:
    _round_trip(loaded.corpus[:: max(1, len(loaded.corpus) // 40)], loaded, name, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITTEN)
def test_round_trip_of_whole_corpora(loaded: LoadedCorpus, name: str, tmp_path: Path) -> None:
    _round_trip(loaded.corpus, loaded, name, tmp_path)


def _round_trip(corpus: Corpus, loaded: LoadedCorpus, name: str, folder: Path) -> None:
    splits = {document.doc_id: loaded.splits[document.doc_id] for document in corpus} if loaded.splits else {}
    write_corpus(corpus, target(folder, name), name, splits)
    back = read_corpus(target(folder, name), format=name)
    assert _content(back.corpus) == _content(corpus)
    assert back.splits == splits


@pytest.mark.parametrize("name", WRITTEN)
def test_the_format_of_what_was_written_is_found(name: str, tmp_path: Path) -> None:
    path = target(tmp_path, name)
    write_corpus(SMALL, path, name)
    assert find_format(path) == name
    assert _content(read_corpus(path).corpus) == _content(SMALL)


ODD = Corpus(
    (
        Document("a", "Hej.", ()),
        Document(
            "b",
            "\U0001f600 Åsa\u0301 Ek\U0001f600,\r\nfödd 45. \U0001f9d1\u200d\u2695\ufe0f Bo",
            (Entity(2, 9, "NAME"), Entity(27, 29, "NAME")),
        ),
    )
)


@pytest.mark.parametrize("name", WRITTEN)
def test_emoji_line_ends_and_names_survive_code_point_by_code_point_or_are_refused(name: str, tmp_path: Path) -> None:
    path = target(tmp_path, name)
    if name == "i2b2":  # XML reads every line end as a line feed
        with pytest.raises(UnrepresentableError, match="document number 2 .*carriage return"):
            write_corpus(ODD, path, name)
        assert not path.exists()
        return
    write_corpus(ODD, path, name)
    back = read_corpus(path)
    assert _content(back.corpus) == _content(ODD)
    assert not back.problems and not back.skipped


@pytest.mark.parametrize("name", WRITTEN)
def test_the_language_is_kept_or_counted_as_left_out(name: str, tmp_path: Path) -> None:
    path = target(tmp_path, name)
    dropped = write_corpus(replace(SMALL, language="sv"), path, name)
    kept = read_corpus(path).corpus.language
    assert (kept, dropped["languages"]) in (("sv", 0), (None, 1))
    assert (kept == "sv") == (name not in ("conll", "table"))


def test_a_format_that_is_only_read_says_which_are_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"asq-phi can be read but not written; formats to write: brat, jsonl"):
        write_corpus(SMALL, tmp_path / "out", "asq-phi")


@pytest.mark.parametrize(
    ("format", "name", "remedy"),
    [
        ("cas", "x.json", "such as x"),
        ("brat", "x.txt", "such as x"),
        ("i2b2", "x.xml", "such as x"),
        ("jsonl", "x.json", "such as x, or a name that ends in .jsonl"),
        ("docbin", "x.json", "such as x, or a name that ends in .spacy"),
        ("presidio", "x.JSON", "such as x, or a name that ends in .json"),
    ],
)
def test_no_folder_is_named_like_a_file(tmp_path: Path, format: str, name: str, remedy: str) -> None:
    with pytest.raises(InputError, match="is a file name, but .* is written as a folder") as caught:
        write_corpus(SMALL, tmp_path / name, format)
    assert str(caught.value).endswith(remedy)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_may_have_a_dot_in_its_name(tmp_path: Path) -> None:
    write_corpus(SMALL, tmp_path / "corpus.v2", "brat")
    assert (tmp_path / "corpus.v2" / "a-1.txt").is_file()


def _content(corpus: Corpus) -> dict[str, tuple[str, list[tuple[int, int, str]]]]:
    return {each.doc_id: (each.text, [entity.key for entity in each.entities]) for each in corpus}
