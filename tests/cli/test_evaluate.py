from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

# Nine characters a name: "Anna Berg" is tokens Anna, Berg.
TEXT = "Anna Berg ringde Karl."


@pytest.fixture
def corpora(write_jsonl, note):
    gold = write_jsonl("gold.jsonl", [note("1", TEXT, (0, 9, "NAME"), (17, 21, "NAME"))])
    predicted = write_jsonl("predicted.jsonl", [note("1", TEXT, (0, 4, "NAME"), (17, 21, "PLACE"))])
    return gold, predicted


def test_json_holds_the_counts_worked_by_hand(deidsynth, corpora) -> None:
    result = deidsynth("evaluate", *corpora, "--json")
    assert result.exit_code == 0, result.stderr
    scores = json.loads(result.stdout)
    # Strict: neither span-with-label agrees. Span: 17-21 does.
    assert [scores["strict"][key] for key in ("tp", "fp", "fn", "f1")] == [0, 2, 2, 0.0]
    assert [scores["span"][key] for key in ("tp", "fp", "fn", "f1")] == [1, 1, 1, 0.5]
    # Tokens: Anna right; Berg missed; Karl has another label.
    assert [scores["token"][key] for key in ("tp", "fp", "fn")] == [1, 1, 2]
    assert scores["per_label"]["PLACE"]["recall"] is None
    assert scores["n_documents"] == 1


def test_perfect_prediction_scores_one_and_sentences_give_the_leak(deidsynth, corpora) -> None:
    gold, predicted = corpora
    scores = json.loads(deidsynth("evaluate", gold, gold, "--json", "--sentences", "4").stdout)
    assert scores["strict"]["f1"] == 1.0
    assert scores["leak"] == 0.0
    assert json.loads(deidsynth("evaluate", gold, predicted, "--json", "--sentences", "4").stdout)["leak"] == 0.5


def test_table_shows_every_way_of_scoring_and_no_text(deidsynth, corpora) -> None:
    result = deidsynth("evaluate", *corpora)
    assert result.exit_code == 0
    for word in ("strict", "span", "token", "NAME", "PLACE", "0.500", "–"):
        assert word in result.stdout
    assert "Anna" not in result.output


def test_other_documents_are_the_users_fault(deidsynth, write_jsonl, note) -> None:
    gold = write_jsonl("gold.jsonl", [note("1", TEXT, (0, 9, "NAME"))])
    other = write_jsonl("other.jsonl", [note("2", TEXT, (0, 9, "NAME"))])
    result = deidsynth("evaluate", gold, other)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")


def test_missing_file_is_named_without_a_traceback(deidsynth, corpora, tmp_path) -> None:
    missing = tmp_path / "nowhere.jsonl"
    result = deidsynth("evaluate", corpora[0], missing)
    assert result.exit_code == 2
    assert str(missing) in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("system", ["noisy", "poor"])
def test_meddocan_predictions_score_as_the_official_script_says(deidsynth, data_folder, tmp_path, system) -> None:
    """The texts of dev with one system's annotations beside them, as a user would lay them out."""
    dev, scored = data_folder / "meddocan" / "dev" / "brat", data_folder / "meddocan" / "scored_predictions"
    for text in dev.glob("*.txt"):
        (tmp_path / text.name).write_bytes(text.read_bytes())
        annotations = scored / system / text.with_suffix(".ann").name
        (tmp_path / annotations.name).write_bytes(annotations.read_bytes() if annotations.is_file() else b"")
    result = deidsynth("evaluate", dev, tmp_path, "--json", "--sentences", "7768")
    assert result.exit_code == 0, result.stderr
    scores = json.loads(result.stdout)
    official = json.loads((scored / "official_scores.json").read_text(encoding="utf-8"))[system]
    for ours, theirs in (("strict", "Subtask1"), ("span", "Subtask2Strict"), ("merged", "Subtask2Merged")):
        assert scores[ours]["f1"] == pytest.approx(float(official[f"{theirs}_F1"]), abs=1e-9)
    assert scores["leak"] == pytest.approx(float(official["Subtask1_Leak"]), abs=1e-9)


@pytest.fixture
def many(write_jsonl, note):
    gold = [note(f"p{n // 2}-{n}", TEXT, (0, 9, "NAME"), (17, 21, "NAME")) for n in range(12)]
    good = [note(f"p{n // 2}-{n}", TEXT, (0, 9, "NAME"), *([(17, 21, "NAME")] if n else [])) for n in range(12)]
    poor = [note(f"p{n // 2}-{n}", TEXT, (0, 9, "NAME"), *([] if n % 3 else [(17, 21, "NAME")])) for n in range(12)]
    return tuple(write_jsonl(f"{name}.jsonl", rows) for name, rows in (("gold", gold), ("good", good), ("poor", poor)))


def test_intervals_resample_groups(deidsynth, many) -> None:
    gold, good, _ = many
    found = json.loads(deidsynth("evaluate", gold, good, "--json", "--group-by", "^(p[0-9]+)").stdout)
    assert found["resampling"]["n_groups"] == 6
    low, high = found["intervals"]["strict"]["recall"]
    assert low < found["strict"]["recall"] <= high
    assert "intervals" not in json.loads(deidsynth("evaluate", gold, good, "--json", "--resamples", "0").stdout)


def test_a_reference_gives_differences_and_a_verdict(deidsynth, many) -> None:
    gold, good, poor = many
    result = deidsynth("evaluate", gold, good, "--reference", poor, "--margin", "0.01", "--errors")
    assert result.exit_code == 0, result.stderr
    for words in (
        "Comparison with the reference",
        "drop within margin?",
        "yes (",
        "Errors by kind",
        "Missed, by shape",
    ):
        assert words in result.stdout
    shares = result.stdout.partition("What would be hidden, compared with the reference")[2].splitlines()
    assert any("documents without a miss" in line and "yes (" in line for line in shares)
    assert "Karl" not in result.output
    alone = deidsynth("evaluate", gold, good, "--margin", "0.01")
    assert alone.exit_code == 2
    assert "--reference" in alone.stderr


def test_forms_of_the_result(deidsynth, many) -> None:
    gold, good, _ = many
    markdown = deidsynth("evaluate", gold, good, "--format", "markdown").stdout
    assert "| strict | 1.000 [1.000, 1.000] |" in markdown
    # Eleven of twelve documents; the entity that is missed once is missed in its own document only.
    assert "| documents without a miss | 0.917 [0.750, 1.000] | 12 |" in markdown
    latex = deidsynth("evaluate", gold, good, "--format", "latex").stdout
    assert r"\toprule" in latex
    assert latex.count(r"\begin{tabular}") == latex.count(r"\end{tabular}") >= 3
    official = deidsynth("evaluate", gold, good, "--format", "official", "--sentences", "10").stdout
    assert official.startswith("Subtask1_Leak: 0.1\nSubtask1_Precision: 1.0\n")


def test_two_formats_and_two_schemes_of_labels(deidsynth, write_jsonl, note, tmp_path) -> None:
    gold = write_jsonl("gold.jsonl", [note("1", TEXT, (0, 9, "NOMBRE_SUJETO_ASISTENCIA"), (17, 21, "FECHAS"))])
    sepr = write_jsonl("sepr.jsonl", [note("1", TEXT, (0, 9, "First_Name"), (17, 21, "Full_Date"))])
    assert deidsynth("corpus", "map", sepr, tmp_path / "x", "-m", "sepr-coarse", "--to", "i2b2").exit_code == 0
    assert deidsynth("evaluate", gold, tmp_path / "x", "--json").exit_code == 0
    result = deidsynth("evaluate", gold, tmp_path / "x", "--gold-mapping", "meddocan-coarse", "--json")
    assert json.loads(result.stdout)["strict"]["f1"] == 1.0


def test_a_table_whose_entities_may_stand_in_a_column_that_was_passed_over_is_refused(deidsynth, tmp_path) -> None:
    path = tmp_path / "notes.csv"
    path.write_text("doc_id,text,marked\n1,x,7\n", encoding="utf-8")
    gold = tmp_path / "gold.csv"
    gold.write_text('doc_id,text,spans\n1,x,"[[0,1,""NAME""]]"\n', encoding="utf-8")
    for corpora in ((gold, path), (path, gold)):
        result = deidsynth("evaluate", *corpora)
        assert result.exit_code == 2
        assert (
            "these columns are ignored: marked; if one of them contains the entities, name it: --layout table"
            in result.stderr
        )
    assert deidsynth("evaluate", gold, gold).exit_code == 0


def table(path, doc_id, text, label):
    """One document as a CSV file with columns of the given names."""
    entities = json.dumps([{"start": 0, "end": 9, "label": label}])
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([(doc_id, text, "entities"), ("1", TEXT, entities)])
    return path


def test_each_corpus_has_its_own_format_layout_and_mapping(deidsynth, write_jsonl, note, tmp_path) -> None:
    gold, predicted = table(tmp_path / "a.csv", "nr", "note", "NAME"), table(tmp_path / "b.csv", "id", "note", "AGE")
    reference = write_jsonl("reference.jsonl", [note("1", TEXT, (0, 9, "HIDDEN"))])
    scheme = tmp_path / "scheme.yaml"
    scheme.write_text("labels: {HIDDEN: PHI}", encoding="utf-8")
    every = ("--from", "table", "--layout", "table.text=note", "--mapping", "coarse-private", "--reference", reference)
    own = ("--gold-layout", "table.doc_id=nr", "--predicted-layout", "table.doc_id=id", "--reference-from", "jsonl")
    result = deidsynth("evaluate", gold, predicted, *every, *own, "--reference-mapping", scheme, "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["comparison"]["strict"]["reference_f1"] == found["strict"]["f1"] == 1.0
    without = deidsynth("evaluate", gold, predicted, *every, "--reference-from", "jsonl")
    assert without.exit_code == 2


def test_a_format_for_one_corpus_leaves_the_other_to_be_found(deidsynth, corpora, tmp_path) -> None:
    gold, predicted = corpora
    assert deidsynth("corpus", "convert", gold, tmp_path / "brat", "--to", "brat").exit_code == 0
    assert deidsynth("evaluate", tmp_path / "brat", predicted, "--from", "brat").exit_code == 2
    for options in (("--gold-from", "brat"), ("--from", "brat", "--predicted-from", "jsonl")):
        result = deidsynth("evaluate", tmp_path / "brat", predicted, *options, "--json")
        assert json.loads(result.stdout)["span"]["tp"] == 1


def test_options_that_speak_of_nothing_are_refused(deidsynth, corpora) -> None:
    alone = deidsynth("evaluate", *corpora, "--reference-from", "brat")
    assert alone.exit_code == 2
    assert "--reference-" in alone.stderr
    unknown = deidsynth("evaluate", *corpora, "--predicted-layout", "table.txt=note")
    assert unknown.exit_code == 2
    assert "--predicted-layout" in unknown.stderr


def test_several_predicted_corpora_are_runs_or_folds(deidsynth, many, tmp_path) -> None:
    gold, good, poor = many
    runs = json.loads(deidsynth("evaluate", gold, good, poor, "--json", "--resamples", "200").stdout)
    assert [run["predicted"] for run in runs["runs"]] == [str(good), str(poor)]
    assert runs["over_runs"]["strict"]["recall"]["highest"] == runs["runs"][0]["strict"]["recall"] == 23 / 24
    shown = deidsynth("evaluate", gold, good, poor, "--resamples", "200", "--sentences", "9").stdout
    for words in (
        "Each run",
        "Over 2 runs, 12 documents",
        "variance by training",
        "leak: missed entities per sentence",
    ):
        assert words in shown
    for form in ("markdown", "latex"):
        assert "Over 2 runs" in deidsynth("evaluate", gold, good, poor, "--resamples", "0", "--format", form).stdout
    lines = good.read_text(encoding="utf-8").splitlines(keepends=True)
    halves = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    for half, some in zip(halves, (lines[:5], lines[5:]), strict=True):
        half.write_text("".join(some), encoding="utf-8")
    table = deidsynth("evaluate", gold, *halves, "--reference", poor, "--resamples", "200").stdout
    for words in ("Scores of 12 documents", "Each fold", "Over 2 folds", "Comparison with the reference"):
        assert words in table


def test_what_is_asked_of_one_prediction_is_refused_of_runs(deidsynth, many) -> None:
    gold, good, poor = many
    for options in (("--reference", poor), ("--format", "official")):
        result = deidsynth("evaluate", gold, good, poor, "--resamples", "0", *options)
        assert result.exit_code == 2
        assert "give a single run" in result.stderr


def test_labels_that_have_nothing_in_common_are_warned_of(deidsynth, write_jsonl, note) -> None:
    gold = write_jsonl("gold.jsonl", [note("1", TEXT, (0, 9, "NAME"), (17, 21, "NAME"))])
    labels = [f"L{number}" for number in range(10)]
    spans = [(number, number + 1, label) for number, label in enumerate(labels)]
    other = write_jsonl("other.jsonl", [note("1", TEXT.replace(" ", "-"), *spans)])
    gold_too = write_jsonl("gold-too.jsonl", [note("1", TEXT.replace(" ", "-"), (0, 9, "NAME"))])
    result = deidsynth("evaluate", gold_too, gold_too, "--reference", other, "--json")
    assert result.exit_code == 0
    assert f"warning: {other}: shares no label with gold" in result.stderr
    assert "gold has NAME; reference has L0, L1, L2, L3, L4, L5, L6, L7 and 2 more; give them" in result.stderr
    assert "Anna" not in result.output
    text = "a " * 120
    words = [note("1", text, *((2 * n, 2 * n + 1, f"Karl{n}") for n in range(120)))]
    confused, right = write_jsonl("words.jsonl", words), write_jsonl("right.jsonl", [note("1", text, (0, 1, "NAME"))])
    told = deidsynth("evaluate", right, confused, "--resamples", "0", "--format", "official")
    assert "predicted has 120 that are implausible as labels" in told.stderr
    assert "Karl" not in told.output
    assert "warning" not in deidsynth("evaluate", gold, gold).stderr
    silent = write_jsonl("silent.jsonl", [note("1", TEXT)])
    assert "warning" not in deidsynth("evaluate", gold, silent).stderr


def test_gold_without_entities_is_scored_for_false_alarms(deidsynth, write_jsonl, note) -> None:
    gold = write_jsonl("gold.jsonl", [note(str(number), TEXT) for number in range(4)])
    predicted = write_jsonl("predicted.jsonl", [note(str(number), TEXT, (0, 9, "NAME")) for number in range(4)])
    result = deidsynth("evaluate", gold, predicted, "--errors", "--sentences", "4", "--json")
    assert result.exit_code == 0, result.stderr
    assert f"warning: {gold}: no entities, so recall is undefined" in result.stderr
    found = json.loads(result.stdout)
    assert (found["strict"]["fp"], found["strict"]["precision"], found["strict"]["recall"]) == (4, 0.0, None)
    assert (found["exposure"]["characters_found"], found["leak"], found["intervals"]["leak"]) == (None, 0.0, [0.0, 0.0])
    assert found["exposure"]["characters_overredacted"] == 8 / 19
    assert "–" in deidsynth("evaluate", gold, predicted, "--errors", "--quiet").stdout


def test_brat_annotations_alone_are_read_on_the_texts_of_gold(deidsynth, corpora, tmp_path) -> None:
    gold, predicted = corpora
    assert deidsynth("corpus", "convert", predicted, tmp_path / "brat", "--to", "brat").exit_code == 0
    for path in (tmp_path / "brat").rglob("*.txt"):
        path.unlink()
    result = deidsynth("evaluate", gold, tmp_path / "brat", "--predicted-from", "brat", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["span"]["tp"] == 1


PRINTED = Path(__file__).with_name("evaluate_printed.jsonl").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("printed", PRINTED, ids=["plain", "reference", "runs", "folds"])
def test_json_is_what_it_has_always_been(deidsynth, write_jsonl, note, tmp_path, monkeypatch, printed) -> None:
    """To the order of the keys and the last digit; the file was written before results had types."""
    golds = [note(f"p{n // 2}-{n}", TEXT, (0, 9, "NAME"), (17, 21, "NAME" if n else "PLACE")) for n in range(5)]
    found = [note(f"p{n // 2}-{n}", TEXT, (0, 9 - n % 3, "NAME"), (17, 21, "NAME")) for n in range(5)]
    found[2]["entities"][0]["score"] = 0.75
    few = [note(f"p{n // 2}-{n}", TEXT, *[(0, 9, "NAME"), (10, 16, "AGE")][: n % 3]) for n in range(5)]
    corpora = {"gold": golds, "found": found, "few": few, "one": found[:2], "two": found[2:]}
    for name, notes in corpora.items():
        write_jsonl(f"{name}.jsonl", notes)
    monkeypatch.chdir(tmp_path)
    wanted = json.loads(printed)
    result = deidsynth("evaluate", *wanted["arguments"], "--group-by", "^(p[0-9])", "--resamples", "50", "--json")
    assert json.dumps(json.loads(result.stdout)) == json.dumps(wanted["printed"])


def test_equal_corpora_whose_ids_differ_by_file_name_are_matched_by_text(deidsynth, write_jsonl, note) -> None:
    texts = [f"{TEXT} {number}" for number in range(3)]
    gold = write_jsonl("gold.jsonl", [note(f"{number}", text, (0, 9, "NAME")) for number, text in enumerate(texts)])
    rows = [note(f"notes/{number}.txt", text, (0, 9, "NAME")) for number, text in enumerate(texts)]
    result = deidsynth("evaluate", gold, write_jsonl("other.jsonl", rows[::-1]), "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["strict"]["f1"] == 1.0
    assert "matched 3 documents to gold by their text" in result.stderr
    for name in ("one", "two"):
        (gold.parent / f"{name}.conll").write_text("Bo B-NAME\nkom O\n\nEva B-NAME\n", encoding="utf-8")
    command = ["evaluate", gold.parent / "one.conll", gold.parent / "two.conll", "--json"]
    result = deidsynth(*command, "--layout", "columns.sentences=1")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["n_documents"] == 2
    other = write_jsonl("unlike.jsonl", [note("x", "Another text", (0, 7, "NAME"))])
    assert deidsynth("evaluate", gold, other).exit_code == 2


def test_few_common_labels_are_warned_of_and_a_weak_model_is_not(deidsynth, write_jsonl, note) -> None:
    def corpus(name, *labels):
        return write_jsonl(name, [note("1", TEXT, *((2 * n, 2 * n + 1, label) for n, label in enumerate(labels)))])

    gold = corpus("gold.jsonl", "NAME", "AGE", "DATE", "PLACE")
    unlike = corpus("unlike.jsonl", "NAME", "Age", "Date", "Place")
    result = deidsynth("evaluate", gold, unlike)
    assert f"warning: {unlike}: only 1 of 7 labels are common with gold" in result.stderr
    assert "only gold has AGE, DATE, PLACE; only predicted has Age, Date, Place" in result.stderr
    assert "--predicted-mapping" in result.stderr
    for name, labels in (("weak.jsonl", ["NAME"]), ("near.jsonl", ["NAME", "AGE", "DATE", "Place"])):
        assert "warning" not in deidsynth("evaluate", gold, corpus(name, *labels)).stderr
