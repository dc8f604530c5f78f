"""The types of the data: an invalid value cannot exist, and none shows text."""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from deidsynth.documents import Corpus, Document, Entity, LabelScheme
from deidsynth.errors import (
    CorpusError,
    DocumentError,
    InputError,
    InvalidEntityError,
    MissingExtraError,
    OverlappingEntitiesError,
)

SECRET = "Alvedina Kvistlund"


@pytest.mark.parametrize(
    ("start", "end", "label", "score", "message"),
    [
        (-1, 2, "NAME", None, "0 <= start < end, got -1:2"),
        (3, 3, "NAME", None, "0 <= start < end, got 3:3"),
        (0, 1, "", None, "needs a label without white space"),
        (0, 1, "A B", None, "needs a label without white space"),
        (0, 1, "NAME", 1.5, r"outside \[0, 1\]: 1.5"),
    ],
)
def test_an_invalid_entity_is_refused(start: int, end: int, label: str, score: float | None, message: str) -> None:
    with pytest.raises(InvalidEntityError, match=message):
        Entity(start, end, label, score)


def test_a_document_sorts_its_entities_and_gives_their_surface() -> None:
    document = Document("1", "Anna bor i Vindheim", (Entity(11, 19, "CITY"), Entity(0, 4, "NAME")))
    assert [entity.label for entity in document.entities] == ["NAME", "CITY"]
    assert [document.surface(entity) for entity in document.entities] == ["Anna", "Vindheim"]
    assert document.unit == "1"
    assert Document("1", "", group="g").unit == "g"


def test_an_entity_beyond_the_text_is_refused_without_showing_it() -> None:
    with pytest.raises(InvalidEntityError, match=r"0:30 ends after the text \(18 characters\)") as caught:
        Document("7", SECRET, (Entity(0, 30, "NAME"),))
    assert "Kvistlund" not in str(caught.value)


def test_overlapping_entities_are_refused_and_touching_ones_are_not() -> None:
    with pytest.raises(OverlappingEntitiesError, match=r"0:8 \(FIRST\) and 5:18 \(LAST\) overlap"):
        Document("7", SECRET, (Entity(0, 8, "FIRST"), Entity(5, 18, "LAST")))
    assert len(Document("7", SECRET, (Entity(0, 8, "FIRST"), Entity(8, 18, "LAST"))).entities) == 2


def test_a_document_needs_an_id() -> None:
    with pytest.raises(DocumentError, match="a non-empty id"):
        Document("", "text")
    with pytest.raises(DocumentError, match="'7': the split must be one of train, validation, test, or None"):
        Document("7", "text", split="dev")  # type: ignore[arg-type]


@st.composite
def documents(draw: st.DrawFn) -> Document:
    text = draw(st.text(max_size=30))
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    chosen = [pair for pair in pairwise(cuts) if draw(st.booleans())]
    entities = tuple(
        Entity(start, end, draw(st.sampled_from("AB")), draw(st.none() | st.just(0.5))) for start, end in chosen
    )
    return Document("7", text, entities, "g", "train")


@given(documents())
def test_the_pieces_are_the_text_cut_at_the_entities(document: Document) -> None:
    pieces = list(document.pieces())
    assert "".join(piece for piece, _ in pieces) == document.text
    assert all(piece for piece, _ in pieces)
    assert [(entity, piece) for piece, entity in pieces if entity] == [
        (each, document.surface(each)) for each in document.entities
    ]
    assert not any(left is None and right is None for (_, left), (_, right) in pairwise(pieces))


@given(documents(), st.data())
def test_entities_are_replaced_and_nothing_else(document: Document, data: st.DataObject) -> None:
    news = {entity: data.draw(st.none() | st.text(max_size=9)) for entity in document.entities}
    asked: list[Entity] = []

    def new(entity: Entity) -> str | None:
        asked.append(entity)
        return news[entity]

    made = document.replace_entities(new)
    surfaces = [document.surface(entity) if news[entity] is None else news[entity] for entity in asked]
    assert asked == list(document.entities)
    assert [made.surface(entity) for entity in made.entities] == [each for each in surfaces if each]
    kept = [entity for entity, surface in zip(asked, surfaces, strict=True) if surface]
    assert [(each.label, each.score) for each in made.entities] == [(each.label, each.score) for each in kept]
    between = [piece for piece, entity in document.pieces() if entity is None]
    ends = [0, *(place for entity in made.entities for place in (entity.start, entity.end)), len(made.text)]
    assert "".join(between) == "".join(made.text[ends[n] : ends[n + 1]] for n in range(0, len(ends), 2))
    assert replace(made, text="", entities=()) == replace(document, text="", entities=())
    assert document.replace_entities(lambda _: None) == document


@given(st.text(min_size=1), st.text(min_size=12))
def test_no_repr_shows_text(doc_id: str, text: str) -> None:
    document = Document(doc_id, text, (Entity(0, len(text), "NAME"),))
    shown = repr(document)
    assert shown == f"Document(doc_id={doc_id!r}, n_chars={len(text)}, n_entities=1)"
    assert repr(Corpus((document,))) == "Corpus(n_documents=1, n_entities=1, origin='real', annotation='gold')"


def test_a_corpus_counts_slices_and_refuses_an_id_twice() -> None:
    corpus = Corpus(tuple(Document(str(n), "Anna", (Entity(0, 4, "NAME"),) if n else ()) for n in range(3)), "invented")
    assert (len(corpus), corpus.n_entities, corpus.label_counts()) == (3, 2, {"NAME": 2})
    assert corpus[1].doc_id == "1"
    assert (corpus[:2].origin, len(corpus[:2])) == ("invented", 2)
    assert corpus.label_scheme() == LabelScheme(("NAME",))
    with pytest.raises(DocumentError, match="1 document ids occur more than once"):
        Corpus((*corpus, corpus[0]))


def test_a_label_scheme_is_sorted_and_refuses_a_label_twice() -> None:
    scheme = LabelScheme(("B", "A"))
    assert (list(scheme), len(scheme), "A" in scheme, "C" in scheme) == (["A", "B"], 2, True, False)
    with pytest.raises(DocumentError, match="contains a label twice"):
        LabelScheme(("A", "A"))


NAMED = Corpus(
    (
        Document("a", "Anna", (Entity(0, 4, "NAME", 0.5),), "p", "train"),
        Document("b", "x", group="p", split="test"),
        Document("c", "Bo, Umeå", (Entity(0, 2, "NAME"), Entity(4, 8, "CITY")), "q", "train"),
    ),
    "invented",
    language="SV",
)


def ids(corpus: Corpus) -> list[str]:
    return [document.doc_id for document in corpus]


def test_a_corpus_says_its_shape() -> None:
    shape = "n_documents=3, n_entities=3, origin='invented', annotation='gold', language='sv', train=2, test=1"
    assert repr(NAMED) == f"Corpus({shape})"
    with pytest.raises(DocumentError, match="language: expected a code of two or three letters"):
        Corpus((), language="Swedish")


def test_a_named_split_is_given_and_one_that_is_not_there_is_told() -> None:
    assert (ids(NAMED.split("train")), ids(NAMED.split("test"))) == (["a", "c"], ["b"])
    assert (NAMED.split("test").origin, NAMED.split("test").language) == ("invented", "sv")
    with pytest.raises(
        InputError, match=r"in the split 'validation': the corpus has 2 train and 1 test documents; draw a new split"
    ):
        NAMED.split("validation")
    with pytest.raises(InputError, match=r"'train': the documents of the corpus have no splits; .* split\(test=.2\)"):
        Corpus((Document("a", "x"),)).split("train")


def test_a_corpus_is_parted_by_group() -> None:
    corpus = Corpus(tuple(Document(str(n), "x", group=f"g{n // 3}") for n in range(60)), language="es")
    train, test = corpus.split(test=0.2, seed=3)
    assert (len(train), len(test)) == (48, 12)
    assert not {document.group for document in train} & {document.group for document in test}
    assert sorted([*ids(train), *ids(test)], key=int) == ids(corpus)
    assert (train.split_counts(), test.split_counts(), test.language) == ({"train": 48}, {"test": 12}, "es")
    again = corpus.with_documents(reversed(corpus)).split(test=0.2, seed=3)[1]
    assert ids(again) == ids(test)[::-1]
    assert ids(corpus.split(test=0.2, seed=4)[1]) != ids(test)
    assert ids(test.split("test")) == ids(test)


def test_faults_of_a_split() -> None:
    for share in (0.0, 1.0, 20.0):
        with pytest.raises(InputError, match=r"expected a share in \(0, 1\) for test"):
            NAMED.split(test=share)
    with pytest.raises(InputError, match=r'give a name, such as split\("train"\), or a share'):
        NAMED.split()  # type: ignore[call-overload]
    with pytest.raises(InputError, match="or a share"):
        NAMED.split("train", test=0.2)  # type: ignore[call-overload]
    with pytest.raises(CorpusError, match="1 group of documents cannot be split into train and test"):
        NAMED[:2].split(test=0.5)


def test_a_corpus_is_filtered_mapped_and_sampled() -> None:
    assert ids(NAMED.filter(lambda document: document.entities)) == ["a", "c"]
    bare = NAMED.map(lambda document: document.with_entities(()))
    assert (bare.n_entities, bare.language, bare.split_counts()) == (0, "sv", NAMED.split_counts())
    with pytest.raises(DocumentError, match="must return a Document, got NoneType"):
        NAMED.map(lambda _: None)  # type: ignore[arg-type, return-value]
    drawn = [ids(NAMED.sample(2, seed=seed)) for seed in range(9)]
    assert {tuple(each) for each in drawn} == {("a", "b"), ("a", "c"), ("b", "c")}
    assert drawn[4] == ids(NAMED.sample(2, seed=4))
    assert len(NAMED.sample(0)) == 0
    with pytest.raises(InputError, match="expected 0 to 3 documents, got 4"):
        NAMED.sample(4)


def test_a_corpus_as_a_table() -> None:
    pytest.importorskip("pandas")
    frame = NAMED.to_pandas()
    assert list(frame.columns) == ["doc_id", "text", "group", "split", "n_entities"]
    assert frame.to_dict("records")[0] == {
        "doc_id": "a",
        "text": "Anna",
        "group": "p",
        "split": "train",
        "n_entities": 1,
    }
    entities = NAMED.to_pandas(entities=True)
    assert list(entities.columns) == ["doc_id", "group", "split", "start", "end", "label", "text", "score"]
    assert entities["text"].tolist() == ["Anna", "Bo", "Umeå"]
    assert entities["score"].tolist()[0] == 0.5
    assert list(NAMED[:0].to_pandas(entities=True).columns) == list(entities.columns)


def test_a_table_needs_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'deidsynth\[pandas\]'"):
        NAMED.to_pandas()


def test_a_corpus_shows_its_first_documents(capsys: pytest.CaptureFixture[str]) -> None:
    NAMED.show(1)
    assert capsys.readouterr().out.split() == ["a", "Anna[NAME]", "and", "2", "more", "documents"]
    NAMED[2].show()
    assert capsys.readouterr().out.split() == ["c", "Bo[NAME],", "Umeå[CITY]"]
