from __future__ import annotations

import json


def test_a_clean_corpus_is_told_so(deidsynth, write_jsonl, note) -> None:
    path = write_jsonl("in.jsonl", [note("a", "Bo kom hit", (0, 2, "NAME")), note("b", "Eva sov", (0, 3, "NAME"))])
    result = deidsynth("corpus", "check", path, "--labels", "NAME, AGE")
    assert result.exit_code == 0, result.stderr
    assert "no problems" in result.stderr


def test_a_corpus_without_documents_is_a_problem(deidsynth, write_jsonl) -> None:
    path = write_jsonl("empty.jsonl", [])
    result = deidsynth("corpus", "check", path)
    assert result.exit_code == 1
    assert f"{path}: [no-documents] no documents" in result.stdout
    assert "no problems" not in result.stderr


def test_a_corpus_without_any_entity_is_a_problem(deidsynth, write_jsonl, note, tmp_path) -> None:
    path = write_jsonl("in.jsonl", [note("a", "Bo kom hit"), note("b", "Eva sov")])
    result = deidsynth("corpus", "check", path)
    assert result.exit_code == 1
    assert f"{path}:1: [no-entities] none of the documents of the corpus has an entity (n = 2)" in result.stdout
    (tmp_path / "texts.csv").write_text("doc_id,text\na,Bo kom hit\n")
    assert deidsynth("corpus", "check", tmp_path / "texts.csv").exit_code == 0


def test_every_problem_is_listed_at_once_with_its_line(deidsynth, write_jsonl, note) -> None:
    path = write_jsonl(
        "in.jsonl",
        [
            note("a", "Bo kom hit", (0, 3, "NAME")),
            note("a", "Eva sov", (0, 2, "NAMN"), (1, 3, "NAME"), (5, 5, "NAME"), (6, 90, "NAME")),
        ],
    )
    result = deidsynth("corpus", "check", path, "--labels", "NAME", "--json")
    assert result.exit_code == 1
    facts = json.loads(result.stdout)
    assert (facts["format"], facts["n_documents"]) == ("jsonl", 2)
    assert {(problem["line"], problem["code"]) for problem in facts["problems"]} == {
        (1, "blanks"),
        (2, "duplicate-id"),
        (2, "unknown-label"),
        (2, "overlap"),
        (2, "inside-word"),
        (2, "empty-entity"),
        (2, "out-of-bounds"),
    }
    table = deidsynth("corpus", "check", path)
    assert table.exit_code == 1
    assert f"{path}:2: [empty-entity]" in table.stdout
    assert "Eva" not in table.output


def test_groups_in_two_parts_are_found(deidsynth, write_jsonl, note, tmp_path) -> None:
    write_jsonl("c/train.jsonl", [note("p1-a", "Bo kom hit", (0, 2, "NAME"))])
    write_jsonl("c/test.jsonl", [note("p1-b", "Eva sov", (0, 3, "NAME"))])
    assert deidsynth("corpus", "check", tmp_path / "c").exit_code == 0
    result = deidsynth("corpus", "check", tmp_path / "c", "--group-by", "^(p[0-9]+)")
    assert result.exit_code == 1
    assert "shared-group-across-splits" in result.stdout


def test_what_splits_share_is_listed_before_other_warnings(deidsynth, write_jsonl, note, tmp_path) -> None:
    write_jsonl("c/test.jsonl", [note("a", "Bo kom hit", (0, 3, "NAME")), note("b", "Eva sov", (0, 3, "NAME"))])
    write_jsonl("c/train.jsonl", [note("c", "Eva sov", (0, 3, "NAME"))])
    lines = deidsynth("corpus", "check", tmp_path / "c").stdout.splitlines()
    told = [line.partition("[")[2].partition("]")[0] for line in lines if ".jsonl:" in line]
    assert told == ["duplicate-across-splits", "blanks"]


def test_words_in_place_of_labels_are_never_shown(deidsynth, write_jsonl, note, tmp_path) -> None:
    path = write_jsonl("in.jsonl", [note(f"{n}", f"Bo sov {n}", (0, 2, f"Anna{n}")) for n in range(20)])
    (tmp_path / "map.yaml").write_text("labels: {A: B}\n")
    for more in (["check"], ["check", "--json"], ["check", "--labels", "A"], ["describe"], ["describe", "--json"]):
        result = deidsynth("corpus", more[0], path, *more[1:])
        assert "20 distinct labels for 20 entities" in result.output
        assert "Anna" not in result.output
    result = deidsynth("corpus", "map", path, tmp_path / "out.jsonl", "--mapping", tmp_path / "map.yaml")
    assert "20 labels are not in the mapping (20 distinct labels" in " ".join(result.output.split())
    assert "Anna" not in result.output


def test_an_unknown_layout_key_is_refused(deidsynth, corpus) -> None:
    result = deidsynth("corpus", "check", corpus, "--layout", "columns.tags=1")
    assert result.exit_code == 2
    assert "did you mean tag?" in result.stderr


def test_a_source_of_which_nothing_is_read_says_what_was_skipped(deidsynth, tmp_path) -> None:
    row = {"text": "Bo kom", "spans": [], "_input_hash": 1, "_task_hash": 2}
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps(row | {"answer": each}) + "\n" for each in ("reject", "reject", "ignore")))
    for command in ("check", "describe"):
        result = deidsynth("corpus", command, path)
        assert "skipped 1 ignored answers, 2 rejected answers" in result.output
        assert "right folder" not in result.output


def test_offsets_that_may_count_utf16_units_are_told_by_every_command(deidsynth, tmp_path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text(json.dumps({"text": "\U0001f600 Anna Ek kom.", "label": [[3, 10, "NAME"]]}), encoding="utf-8")
    assert "[utf16-offsets]" in deidsynth("corpus", "check", path).stdout
    result = deidsynth("corpus", "describe", path)
    assert result.exit_code == 0, result.stderr
    assert "UTF-16 units" in result.stderr
