"""CoNLL-type columns: which column is what, schemes of tags, documents, white space, faults."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from tests.corpora.test_roundtrip import by_id, corpora

from deidsynth.config import ColumnsLayout, LayoutConfig
from deidsynth.corpora import check_corpus, find_format, read_corpus, write_corpus
from deidsynth.documents import Corpus, Document, Entity
from deidsynth.errors import UnrepresentableError


def put(folder: Path, content: str, name: str = "corpus.conll") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode("utf-8"))
    return path


def read(path: Path, **columns: object) -> dict[str, tuple[str, list[tuple[str, str]]]]:
    """Text, and surface and label of every entity, by document."""
    loaded = read_corpus(path, layout=LayoutConfig(columns=ColumnsLayout.model_validate(columns)))
    assert loaded.format == "conll"
    return {each.doc_id: (each.text, [(each.surface(e), e.label) for e in each.entities]) for each in loaded.corpus}


ANA = ("Ana Ek bor i Lund .", [("Ana Ek", "PER"), ("Lund", "LOC")])
TAGS = {
    "IOB": "I-PER I-PER O O I-LOC O",
    "IOB2": "B-PER I-PER O O B-LOC O",
    "BIOES": "B-PER E-PER O O S-LOC O",
    "BILOU": "B-PER L-PER O O U-LOC O",
    "raw labels, zero outside": "PER PER 0 0 LOC 0",
}


@pytest.mark.parametrize("tags", TAGS.values(), ids=TAGS)
@pytest.mark.parametrize("order", ["{token}\t{tag}", "{tag} {token}", "{n}\t{token}\tNN\t{tag}\t_", "{token}   {tag}"])
def test_every_scheme_in_every_order_of_columns(tmp_path: Path, tags: str, order: str) -> None:
    tokens = ANA[0].split()
    rows = [
        order.format(n=n, token=token, tag=tag) for n, (token, tag) in enumerate(zip(tokens, tags.split(), strict=True))
    ]
    path = put(tmp_path, "\n".join([*rows, "", *rows, ""]))
    assert list(read(path).values()) == [ANA, ANA]


FORMS = {
    "underscore": "B_PER I_PER O O B_LOC O",
    "colon": "B:PER I:PER O O B:LOC O",
    "dot": "B.PER I.PER O O B.LOC O",
    "bar": "B|PER I|PER O O B|LOC O",
    "prefix last": "PER-B PER-I O O LOC-B O",
    "prefix last, underscore": "PER_B PER_E O O LOC_S O",
    "lower case": "b-PER i-PER o o b-LOC o",
    "inside alone": "I_PER I_PER 0 0 I_LOC 0",
}


@pytest.mark.parametrize("tags", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("name", ["corpus.conll", "corpus.tsv", "corpus.txt"])
def test_prefixes_in_other_forms_are_read(tmp_path: Path, tags: str, name: str) -> None:
    rows = [f"{token}\t{tag}" for token, tag in zip(ANA[0].split(), tags.split(), strict=True)]
    path = put(tmp_path, "\n".join([*rows, "", *rows, ""]), name)
    assert list(read(path).values()) == [ANA, ANA]
    assert not check_corpus(path).problems


def test_prefixes_without_labels_are_read_and_reported(tmp_path: Path) -> None:
    path = put(tmp_path, "Ana\tB\nEk\tI\nLi\tB\nkom\tO\n")
    assert list(read(path).values()) == [("Ana Ek Li kom", [("Ana Ek", "ENTITY"), ("Li", "ENTITY")])]
    (problem,) = check_corpus(path).problems
    assert (problem.code, problem.line, problem.fatal) == ("tag-form", 1, False)
    assert "every entity gets the label ENTITY" in problem.message


def test_labels_are_preferred_to_prefixes_without_labels(tmp_path: Path) -> None:
    path = put(tmp_path, "Ana\tPER\tB\nEk\tPER\tI\nkom\tO\tO\n")
    assert list(read(path).values()) == [("Ana Ek kom", [("Ana Ek", "PER")])]


@pytest.mark.parametrize(
    "tags", ["B_PER I_PER DATE O O O O", "I_PER B_DATE L_PER S_PER O O O O", "E_MAIL L_NAME O O O O O"]
)
def test_what_may_or_may_not_be_a_prefix_is_reported(tmp_path: Path, tags: str) -> None:
    path = put(tmp_path, "".join(f"Ana{n}\t{tag}\n" for n, tag in enumerate(tags.split() * 8)))
    assert set(tags.split()) - {"O"} == {label for text, found in read(path).values() for _, label in found}
    assert [(each.code, each.fatal) for each in check_corpus(path).problems] == [("tag-form", False)]


def test_labels_that_begin_like_a_prefix_are_labels(tmp_path: Path) -> None:
    path = put(tmp_path, "ana@x.se\tE_MAIL\nAna\tNAME\nkom\tO\n" * 3)
    assert {label for _, found in read(path).values() for _, label in found} == {"E_MAIL", "NAME"}
    assert not check_corpus(path).problems


@pytest.mark.parametrize("link", ["/data/upload/1/ab-note.txt", "s3://notes/a.txt", "https://example.org/a.txt"])
def test_a_link_in_place_of_a_document_is_refused(tmp_path: Path, link: str) -> None:
    path = put(tmp_path, f"-DOCSTART- -X- O\n{link} -X- _ O\n\n-DOCSTART- -X- O\nAna -X- _ B-PER\n")
    (problem,) = check_corpus(path).problems
    assert (problem.code, problem.line, problem.fatal) == ("link", 2, True)
    assert "the text is a link to a file" in problem.message and link not in problem.message


def test_touching_entities_of_one_label_are_two() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = put(Path(folder), "Ana\tB-PER\nBo\tB-PER\nkom\tO\n")
        assert list(read(path).values()) == [("Ana Bo kom", [("Ana", "PER"), ("Bo", "PER")])]


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        ("auto", {"corpus-1": "Ana kom\nBo gick", "corpus-2": "Li sov"}),
        ("file", {"corpus": "Ana kom\nBo gick\nLi sov"}),
        ("sentences", {"corpus-1": "Ana kom", "corpus-2": "Bo gick", "corpus-3": "Li sov"}),
    ],
)
def test_documents_are_what_docstart_opens_a_sentence_or_a_file(tmp_path: Path, documents: str, expected: dict) -> None:
    path = put(
        tmp_path,
        "-DOCSTART- O\n\nAna B-PER\nkom O\n\nBo B-PER\ngick O\n\n-DOCSTART- O\n\nLi B-PER\nsov O\n",
    )
    assert {name: text for name, (text, _) in read(path, documents=documents).items()} == expected


def test_sentences_without_marks_are_joined_by_number(tmp_path: Path) -> None:
    path = put(tmp_path, "".join(f"Ana{n}\tB-PER\nkom\tO\n\n" for n in range(5)))
    texts = [text for text, _ in read(path, sentences=2).values()]
    assert texts == ["Ana0 kom\nAna1 kom", "Ana2 kom\nAna3 kom", "Ana4 kom"]


def test_comments_name_documents_and_hold_the_text(tmp_path: Path) -> None:
    path = put(
        tmp_path,
        "# newdoc id = n7\n# sent_id = n7-1\n# text = Ana, kom!\n1\tAna\tB-PER\n2\t,\tO\n3\tkom\tO\n4\t!\tO\n\n"
        "# sent_id = n7-2\n# text = (Bo)\n1\t(\tO\n2\tBo\tB-PER\n3\t)\tO\n",
    )
    assert read(path) == {"n7": ("Ana, kom!\n(Bo)", [("Ana", "PER"), ("Bo", "PER")])}
    blank = read(path, detokenize="blank", documents="sentences")
    assert {name: text for name, (text, _) in blank.items()} == {"n7-1": "Ana , kom !", "n7-2": "( Bo )"}


COMMENTS = {
    "MultiCoNER": (
        "# id 5f5b-x\tdomain=train\nAna _ _ B-PER\n# _ _ O\n\n# id 77-y domain=train\nkom _ _ O\n",
        "Ana #\nkom",
    ),
    "before tabs": ("# made by hand\n#\nAna\tB-PER\n# checked by two\n#\tO\nkom\tO\n", "Ana # kom"),
    "with a tab": ("# id 7\tdomain=train\nAna\tB-PER\n#hej\tO\n", "Ana #hej"),
    "before blanks": ("# two words and more\n# words\nAna B-PER\n# O\nkom O\n", "Ana # kom"),
    "before raw labels": ("# words\nAna PER\n# O\nBo PER\n# PER\nkom O\n", "Ana # Bo # kom"),
    "tag first": ("# words\nB-PER Ana\nO #\nO kom\n", "Ana # kom"),
    "after -DOCSTART-": ("-DOCSTART-\n\n# made by hand\nAna x\tB-PER\n#\tO\n", "Ana x #"),
}


@pytest.mark.parametrize(("content", "text"), COMMENTS.values(), ids=COMMENTS)
def test_comments_are_told_from_rows_with_a_hash(tmp_path: Path, content: str, text: str) -> None:
    loaded = read_corpus(put(tmp_path, content), layout=LayoutConfig(columns=ColumnsLayout(documents="file")))
    assert (loaded.format, loaded.corpus[0].text, loaded.problems) == ("conll", text, ())
    assert {entity.label for entity in loaded.corpus[0].entities} == {"PER"}


def test_a_row_with_a_hash_and_a_bad_tag_is_told(tmp_path: Path) -> None:
    path = put(tmp_path, "Ana\tB-PER\nkom\tO\n#\tXX\n" + "x\tO\n" * 20)
    assert [problem.line for problem in check_corpus(path).problems] == [3]


def test_a_text_comment_that_does_not_fit_is_counted_and_passed_over(tmp_path: Path) -> None:
    path = put(tmp_path, "# text = Ana gick\nAna\tB-PER\nkom\tO\n")
    loaded = read_corpus(path)
    assert loaded.corpus[0].text == "Ana kom"
    assert loaded.skipped == {"text_comments_that_do_not_fit": 1}


def test_space_after_is_followed(tmp_path: Path) -> None:
    path = put(tmp_path, "Ana\t_\tB-PER\n,\tSpaceAfter=No\tO\nBo\tSpaceAfter=No|x=y\tB-PER\n.\t_\tO\n")
    assert list(read(path).values()) == [("Ana ,Bo.", [("Ana", "PER"), ("Bo", "PER")])]


def test_ranges_of_words_are_left_out(tmp_path: Path) -> None:
    path = put(tmp_path, "1-2\tal\tO\n1\ta\tO\n2\tel\tO\n3\tLugo\tB-LOC\n")
    assert list(read(path).values()) == [("a el Lugo", [("Lugo", "LOC")])]
    assert read_corpus(path).skipped == {"ranges_of_words": 1}


def test_file_names_and_folders_tell_parts(tmp_path: Path) -> None:
    rows = "Ana B-PER\nkom O\n\nBo B-PER\ngick O\n"
    for name in ("x/train_corpus.txt", "x/sv-ud-test.iob2", "y/dev/a.conll", "y/train/b.conll"):
        put(tmp_path, rows, name)
    put(tmp_path, "Some words about the corpus.\n", "x/README.txt")
    by_name, by_folder = read_corpus(tmp_path / "x"), read_corpus(tmp_path / "y")
    assert by_name.skipped == {"files_without_columns": 1}
    assert set(by_name.splits.values()) == {"train", "test"}
    assert set(by_folder.splits.values()) == {"train", "validation"}


FAULTS = {
    "a tag of another form": ("Ana\tB-PER\n" + "x\tO\n" * 20 + "Bo\tPER\n", "tag", 22, True),
    "no tag": ("Ana\tB-PER\n" + "x\tO\n" * 3 + "Bo\n", "columns", 5, False),
    "no columns": ("Ana kom hem\noch sov\n", "columns", 2, True),
    "not UTF-8": ("", "encoding", 1, True),
}


@pytest.mark.parametrize(("content", "code", "line", "fatal"), FAULTS.values(), ids=FAULTS)
def test_faults_have_file_and_line(tmp_path: Path, content: str, code: str, line: int | None, fatal: bool) -> None:
    path = put(tmp_path, content)
    if not content:
        path.write_bytes(b"\xff\tO\n")
    (problem,) = check_corpus(path, format="conll").problems
    assert (problem.path, problem.code, problem.line, problem.fatal) == (str(path), code, line, fatal)
    assert not {"Ana", "Bo"} & set(problem.message.split())


SEQUENCES = {
    "IOB2": ("B-N I-N O B-N", []),
    "IOB2, begun by I": ("B-N I-N O B-N O I-N", [6]),
    "IOB2, another label": ("B-N I-L O B-N", [2]),
    "IOB2, over the end of a sentence": ("B-N . I-N", [3]),
    "IOB2, an end": ("B-N O B-L I-L O B-N E-N", [7]),
    "IOB": ("I-N I-N B-N O I-L I-N", []),
    "BIOES": ("B-N I-N E-N S-N O B-L E-L", []),
    "BIOES, no beginning": ("B-N E-N S-N E-N O I-L E-L", [4, 6]),
    "BIOES, no end": ("B-N O S-N B-N I-N . B-L E-L", [1, 5]),
    "BILOU": ("B-N I-N L-N U-N O B-L L-L", []),
    "BILOU, no beginning": ("U-N L-N B-N L-N", [2]),
    "raw labels": ("N N O N 0 N", []),
}


@pytest.mark.parametrize(("tags", "lines"), SEQUENCES.values(), ids=SEQUENCES)
def test_tags_that_break_the_scheme_of_the_file_are_warnings(tmp_path: Path, tags: str, lines: list[int]) -> None:
    path = put(tmp_path, "".join("\n" if tag == "." else f"ord\t{tag}\n" for tag in tags.split()))
    problems = check_corpus(path, format="conll").problems
    assert [(problem.code, problem.line, problem.fatal) for problem in problems] == [
        ("tag-sequence", line, False) for line in lines
    ]
    assert read_corpus(path, format="conll").corpus.n_entities


@pytest.mark.parametrize("tags", ["B-N I-N . I-N O", "B-N I-N . E-N O S-N", "B-N . I-N . I-N O B-N"])
@pytest.mark.parametrize("mark", ["", "-DOCSTART- O\n\n"])
def test_an_entity_goes_on_over_the_end_of_a_sentence_of_its_document(tmp_path: Path, tags: str, mark: str) -> None:
    rows = "".join("\n" if tag == "." else f"ord{n}\t{tag}\n" for n, tag in enumerate(tags.split()))
    path = put(tmp_path, mark + rows)
    (text, entities), *others = read(path, documents="auto" if mark else "file").values()
    assert not others
    assert not check_corpus(path, layout=LayoutConfig(columns=ColumnsLayout(documents="marked"))).problems
    assert text[: len(entities[0][0])] == entities[0][0] and entities[0][0].count("ord") == 3
    assert "\n" in entities[0][0] and {label for _, label in entities} == {"N"}


def test_an_entity_that_goes_on_in_another_document_is_a_named_problem(tmp_path: Path) -> None:
    path = put(tmp_path, "Ana\tB-PER\n\nEk\tI-PER\nkom\tO\n")
    (problem,) = check_corpus(path).problems
    assert (problem.code, problem.line) == ("tag-sequence", 3)
    assert "--layout columns.documents=file" in problem.message
    assert not check_corpus(path, layout=LayoutConfig(columns=ColumnsLayout(documents="file"))).problems


def test_in_iob_an_entity_may_begin_with_the_sentence(tmp_path: Path) -> None:
    path = put(tmp_path, "hos\tO\nAna\tI-PER\n\nBo\tI-PER\nkom\tO\n")
    assert list(read(path, documents="file").values()) == [("hos Ana\nBo kom", [("Ana", "PER"), ("Bo", "PER")])]


def test_a_first_entity_that_comes_late_is_found(tmp_path: Path) -> None:
    put(tmp_path, "ord\tO\n\n" * 500 + "Ana\tB-PER\n", "notes.txt")
    assert find_format(tmp_path) == find_format(tmp_path / "notes.txt") == "conll"


def test_named_columns_win(tmp_path: Path) -> None:
    path = put(tmp_path, "Ana\tB-PER\tO\nkom\tO\tB-VERB\n")
    assert read(path) == {"corpus-1": ("Ana kom", [("kom", "VERB")])}
    assert read(path, tag=1) == {"corpus-1": ("Ana kom", [("Ana", "PER")])}
    (problem,) = check_corpus(path, layout=LayoutConfig(columns=ColumnsLayout(tag=7)), format="conll").problems
    assert "--layout columns.token=0" in problem.message


def test_plain_notes_and_other_files_are_no_columns(tmp_path: Path) -> None:
    put(tmp_path / "a", "Ana kom hem.\nHon sov.\n", "note.txt")
    put(tmp_path / "b", "Ana\tB-PER\nkom\tO\n", "note.conll")
    assert find_format(tmp_path / "b") == "conll"
    with pytest.raises(Exception, match="not a known corpus format"):
        find_format(tmp_path / "a")


def test_bioes_is_written_on_request(tmp_path: Path) -> None:
    corpus = Corpus((Document("a", "Ana Ek, Bo", (Entity(0, 6, "PER"), Entity(8, 10, "PER"))),))
    layout = LayoutConfig(columns=ColumnsLayout(scheme="BIOES"))
    write_corpus(corpus, tmp_path / "a.conll", "conll", layout=layout)
    assert (tmp_path / "a.conll").read_text(encoding="utf-8") == (
        "# newdoc id = a\nAna\t_\tB-PER\nEk\tSpaceAfter=No\tE-PER\n,\t_\tO\nBo\tSpacesAfter=\tS-PER\n\n"
    )
    assert read_corpus(tmp_path / "a.conll").corpus == corpus


@pytest.mark.parametrize(
    "document",
    [
        Document("a", " \n "),
        Document("a\nb", "Ana"),
        Document("a", "Ana kom", (Entity(0, 4, "PER"),)),
    ],
    ids=["white space alone", "id", "entity with a blank"],
)
def test_what_columns_cannot_hold_is_refused(tmp_path: Path, document: Document) -> None:
    with pytest.raises(UnrepresentableError, match="document number 1"):
        write_corpus(Corpus((document,)), tmp_path / "out.conll", "conll")
    assert not list(tmp_path.iterdir())


def test_one_file_cannot_hold_parts(tmp_path: Path) -> None:
    with pytest.raises(UnrepresentableError, match="give a folder"):
        write_corpus(Corpus((Document("a", "Ana"),)), tmp_path / "out.conll", "conll", {"a": "train"})


@settings(max_examples=100)
@given(corpora())
def test_what_is_written_is_read_back(corpus: Corpus) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "out.conll"
        try:
            write_corpus(corpus, path, "conll")
        except UnrepresentableError:
            return
        loaded = read_corpus(path, format="conll", require_entities=False).corpus
    assert [(each.doc_id, each.text, each.entities) for each in by_id(loaded)] == [
        (each.doc_id, each.text, each.entities) for each in by_id(corpus)
    ]


@given(st.lists(st.tuples(st.integers(1, 3), st.booleans(), st.sampled_from("AB"))))
def test_tags_of_spans_are_read_back(plan: list[tuple[int, bool, str]]) -> None:
    from deidsynth.tagging import sequence_faults, spans_of_tags, tags_of_spans

    spans, at = [], 0
    for width, inside, label in plan:
        if inside:
            spans.append((at, at + width, label))
        at += width
    for scheme in ("IOB2", "BIOES"):
        tags = tags_of_spans(spans, at, scheme)
        assert spans_of_tags(tags, prefixed=True) == spans
        assert not list(sequence_faults([tags]))


def test_prefixes_may_be_words(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_text("Anna BEGIN-NAME\nEk INSIDE-NAME\nringde OUTSIDE\n", encoding="utf-8")
    checked = check_corpus(path)
    assert [span[:3] for span in checked.records[0].spans] == [(0, 7, "NAME")]
    assert not checked.problems
    path.write_text("Anna SINGLE-NAME\nringde O\nBo SINGLE-NAME\nkom O\nE SINGLE-AGE\n" * 3, encoding="utf-8")
    assert [each.code for each in check_corpus(path).problems] == ["tag-form"]
