import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from deidsynth.documents import Document, Entity
from deidsynth.errors import IntegrityError
from deidsynth.metrics import Counts, Scores, score
from deidsynth.report.content import RunReport
from deidsynth.report.document import render_html
from deidsynth.report.model_tables import comparison_table, label_rows
from deidsynth.report.tables import to_markdown
from run_reports import TEXT, recall, report_content, run_report, stage

NOTES = [Document("s-1", TEXT, (Entity(0, 8, "NAME", 0.9), Entity(14, 16, "NAME"), Entity(35, 39, "A_PLACE")))]
VOID = {"meta", "br", "wbr", "link", "img", "input", "hr"}


@pytest.fixture
def report():
    return report_content()


def render(report, notes):
    return render_html(RunReport.model_validate(report), notes)


class Page(HTMLParser):
    """Checks that tags nest; collects ids, targets, marks and text."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.links, self.marks, self.text = [], [], [], [], ""
        self.in_note = 0
        self.note = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.links += [values[name] for name in ("src", "href", "srcset", "action", "data") if name in values]
        self.ids += [values["id"]] if "id" in values else []
        if tag in VOID:
            return
        self.open.append((tag, values.get("class") or ""))
        if tag == "mark":
            self.marks.append(["", ""])

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        if self.open and self.open[-1][0] in ("style",):
            return
        self.text += data
        classes = [kind for _, kind in self.open]
        inside_mark = any(tag == "mark" for tag, _ in self.open)
        if "text" in classes:
            if "label" not in classes:
                self.note += data
            if inside_mark:
                self.marks[-1][1 if "label" in classes else 0] += data


def test_the_page_is_whole_and_refers_to_nothing_outside(report):
    html = render(report, NOTES)
    page = Page(html)
    assert html.startswith("<!DOCTYPE html>")
    assert page.links and all(link.startswith("#") for link in page.links)
    assert {link[1:] for link in page.links} <= set(page.ids)
    assert len(set(page.ids)) == len(page.ids)
    assert not re.search(r"https?:|//[a-z]|@import|@font-face|<script|<link|javascript:", html)
    assert set(re.findall(r"url\(([^)]*)\)", html)) <= {"#tip-wide", "#tip-tall"}


def test_the_headline_gives_both_models_and_the_difference(report):
    page = Page(render(report, NOTES))
    # Token: Ana, Ruiz, 54 of four tokens. F1 = 6 / 7. Strict: two of three entities. F1 = 4 / 5.
    sentence = "reaches 0.857 token F1, 0.143 below the model trained on the gold notes"
    assert sentence in page.text
    for figure in ("−0.143", "0.800", "−0.200", "1.000"):
        assert figure in page.text


def test_every_section_shows_its_figures(report):
    text = Page(render(report, NOTES)).text
    for shown in (
        "Read the corpus", "15 min 12 s", "cached", "98.1\u202f%", "1\u202f234", "Train the synthetic model",
        "After 899 steps", "55.5", "70.0\u202f%", "50.0\u202f%", "12.2\u202f%", "6.1\u202f%", "2.0 times",
        "97.5\u202f%", "390 of 400", "Spanish", "2026-01-02 03:04:05", "missed 1 of 4", "That anything is anonymous",
    ):  # fmt: skip
        assert shown in text, shown
    assert "feed" not in text


def test_a_curve_is_drawn_for_every_training_that_has_one(report):
    html = render(report, NOTES)
    charts = re.findall(r'<svg class="chart".*?</svg>', html)
    assert len(charts) == 2
    assert charts[0].count("<polyline") == 2
    points = re.search(r'curve train" points="([^"]*)"', charts[0]).group(1).split()
    assert 100 < len(points) <= 240
    places = [tuple(map(float, point.split(","))) for point in points]
    assert all(0 <= x <= 360 and 0 <= y <= 220 for x, y in places)
    assert places == sorted(places), "a loss that falls goes down to the right"


def test_entities_are_marked_exactly_and_text_is_escaped(report):
    html = render(report, NOTES)
    page = Page(html)
    assert page.note == TEXT
    in_text = [[text, label.strip()] for text, label in page.marks if text]
    assert in_text == [["Ana Ruiz", "NAME"], ["Bo", "NAME"], ["Lugo", "A_PLACE"]]
    assert "<b>" not in html
    assert "&lt;here&gt;" in html


def test_more_labels_than_colors_still_look_unlike(report):
    text = " ".join("x" for _ in range(24))
    note = Document("n", text, tuple(Entity(2 * i, 2 * i + 1, f"L{i}") for i in range(24)))
    styles = re.findall(r'<li><mark class="([^"]+)"', render(report, [note]))
    assert len(styles) == len(set(styles)) == 24


@pytest.mark.parametrize("character", ["\x00", "\x08", "\x1b"])
def test_control_characters_do_not_reach_the_page(report, character):
    assert character not in render(report, [Document("n", f"a{character}b")])


def test_undefined_figures_are_dashes(report):
    empty = score([Document("e", "x")], [Document("e", "x")]).to_dict()
    report["models"] = {"gold": empty, "synthetic": empty}
    report["difference"] = {"strict_f1": None, "token_f1": None}
    report["memorization"] |= {"train": recall(None), "held_out": recall(None), "n_notes_checked": 0}
    page = Page(render(report, []))
    assert "no token F1 of both models" in page.text
    assert not re.search(r"\bNone\b(?! of these)|\bnan\b", page.text)
    assert comparison_table(RunReport.model_validate(report)).rows[0] == ("strict", *["–"] * 7)


@pytest.mark.parametrize("key", list(report_content()))
def test_a_report_that_lacks_a_part_is_refused_in_one_line(report, key, tmp_path):
    path = tmp_path / "report.json"
    path.write_text(json.dumps({name: part for name, part in report.items() if name != key}))
    with pytest.raises(IntegrityError, match=r"report\.json: not readable; remove it and run again$"):
        RunReport.read(path)


def test_a_report_of_another_version_says_to_run_again(report, tmp_path):
    path = tmp_path / "report.json"
    path.write_text(json.dumps(report | {"schema_version": 1}))
    with pytest.raises(IntegrityError, match=r"report\.json: schema version 1, .* reads 4; run again"):
        RunReport.read(path)


def test_a_report_is_read_back_as_it_was_written(report, tmp_path):
    path = tmp_path / "report.json"
    path.write_text(run_report().to_json())
    assert json.loads(path.read_text()) == RunReport.read(path).to_dict() == report
    assert RunReport.read(path) == run_report()
    assert RunReport.read(path).models.synthetic.strict.f1 == 0.8


def test_invented_notes_are_said_to_be_invented(report):
    assert "Invented notes." not in render(report, NOTES)
    assert "Invented notes." in render(report | {"origin": "invented"}, NOTES)


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        (
            {"train_test": 15, "validation_test": 2},
            "a case: 15 with the training notes and 2 with the validation notes",
        ),
        ({"train_test": 0, "validation_test": 1}, "a case: 1 with the validation notes."),
    ],
)
def test_groups_that_test_shares_with_training_are_told(report, counts, told):
    assert told in Page(render(report | {"shared_groups": counts}, NOTES)).text
    assert "Shared groups." not in render(report | {"shared_groups": dict.fromkeys(counts, 0)}, NOTES)


def test_tables_by_hand():
    table = comparison_table(run_report())
    assert table.headers[0] == "measure"
    assert table.rows[0] == ("strict", "1.000", "1.000", "1.000", "1.000", "0.667", "0.800", "−0.200")
    assert [row[0] for row in table.rows] == ["strict", "span", "merged", "token"]
    labels = label_rows(run_report().models)
    assert labels[0] == ("AGE", 1, Counts(1, 0, 0), Counts(1, 0, 0))
    assert labels[2] == ("PLACE", 1, Counts(1, 0, 0), Counts(0, 0, 1))


def test_markdown_escapes_bars():
    assert to_markdown(["a", "b"], [["x|y", "1"]]) == "| a | b |\n|---|---:|\n| x\\|y | 1 |"


def words_of(html):
    return " ".join(Page(html).text.split())


def test_the_checks_that_shown_notes_passed_are_named_with_their_numbers(report):
    text = words_of(render(report, NOTES))
    run = "no verbatim run of more than 12 words that occurs in fewer than 3 groups of training notes"
    value = (
        "no identifying value of 7 or more characters that occurs in fewer than 3 groups of training notes, or of "
        "validation and test notes with them"
    )
    assert text.count(f"passed two automatic checks: each contains {run}, and {value}.") == 2
    assert "Such a run occurs in 2 of the 400, and such a value in 8." in text
    assert "no real note." in text and "no text of theirs" not in text
    assert text.count("may still occur in them") == 2


def test_a_report_without_notes_makes_no_claim_about_them(report):
    text = words_of(render(report, []))
    assert "no real note." in text
    assert "automatic checks" not in text and "automatic check" not in text
    assert "shown below" not in text


@pytest.mark.parametrize(
    ("origin", "told"),
    [("real", "Private notes are used"), ("invented", "Invented notes are used")],
)
def test_the_notes_that_teach_are_named_by_their_origin(report, origin, told):
    assert told in render(report | {"origin": origin}, NOTES)


def test_labels_on_which_the_synthetic_model_fails_are_called_out(report):
    gold, untried = Counts(9, 1, 1), Counts(0, 1, 0)
    of_gold = {"NEVER": gold, "BEHIND": gold, "NEAR": gold}
    of_synthetic = {"NEVER": Counts(0, 0, 10), "BEHIND": Counts(69, 31, 31), "NEAR": Counts(7, 3, 3)}
    assert [each.f1 for each in of_synthetic.values()] == [0, 0.69, 0.7]
    for model, labels in (("gold", of_gold), ("synthetic", of_synthetic | {"UNTRIED": untried})):
        report["models"][model] = replace(Scores.from_dict(report["models"][model]), per_label=labels).to_dict()
    text = words_of(render(report, NOTES))
    assert "its F1 is 0: NEVER (gold 0.900, support 10)." in text
    assert "more than 0.2 below that of the gold model: BEHIND (gold 0.900, support 10)." in text


def test_facts_of_stages_have_readable_names_and_ratios_three_decimals(report):
    report["stages"][1]["facts"] = {
        "n_without_eos": 6, "n_cut_entities": 42, "recall_train": 0.01928, "token_f1": 1.0, "median_score": 0.99991,
    }  # fmt: skip
    report["stages"][1]["fact_titles"] = {
        "n_without_eos": "truncated at the length limit", "n_cut_entities": "entities cut at chunk boundaries",
        "recall_train": "n-gram recall of training notes", "token_f1": "token F1",
    }  # fmt: skip
    shown = re.findall(r"<dt>([^<]*)</dt><dd>([^<]*)</dd>", render(report, NOTES))
    for fact in (
        ("truncated at the length limit", "6"), ("entities cut at chunk boundaries", "42"),
        ("n-gram recall of training notes", "0.019"), ("token F1", "1.000"), ("median score", "1.000"),
    ):  # fmt: skip
        assert fact in shown, fact


def test_what_the_filters_found_stands_in_a_table(report):
    found = {"n_asked": 40, "n_sampled": 50, "n_rejected": 12, "n_missing": 2, "n_loops": 5, "n_with_long_runs": 7}
    titles = {"n_with_long_runs": "notes with a long verbatim run"}
    assert "Sampling" not in render(report, NOTES)
    entry = stage("any", "any", "Write", "synthesize", 1.0, facts=found, fact_titles=titles)
    report["stages"].append(entry)
    report["config"]["synthesize"]["filters"] |= {"mode": "reject", "max_run_words": 9}
    html = render(report, NOTES)
    text = words_of(html)
    assert "40 synthetic notes were requested, 50 were sampled, 12 of them rejected." in text
    assert "Notes that violate a rule were replaced by new samples. 2 are missing" in text
    assert re.search(
        r"Notes with a long verbatim run <small>a verbatim run of more than 9 words that occurs in fewer than 3 "
        r"groups of training notes<.*?<td>7</td><td>14.0",
        html,
    )
    assert "Empty notes" not in text


def test_a_narrow_screen_keeps_f1_of_both_models_and_the_difference(report):
    html = render(report, NOTES)
    tables = re.findall(r'<table class="\w+ compare">.*?</table>', html, re.DOTALL)
    assert len(tables) == 2
    for table in tables:
        head, *rows = table.split("<tr>")[2:]
        kept = re.findall(r'<t[hd](?! class="[^"]*(?:wide-only|figure)")[^>]*>(.*?)</t[hd]>', head)
        assert [re.sub("<[^>]*>", " ", cell).split()[0] for cell in kept[1:]] == ["Gold", "Synthetic", "Difference"]
        for row in rows:
            assert len(re.findall(r'<t[hd](?! class="[^"]*(?:wide-only|figure)")[ >]', row)) == len(kept)


def test_nothing_of_a_note_is_hidden_on_screen_or_on_paper(report):
    style = re.search(r"<style>(.*?)</style>", render(report, NOTES), re.DOTALL).group(1)
    assert "max-height" not in style
    assert "overflow: hidden" not in style.replace(
        ".sr { position: absolute; width: 1px; height: 1px; overflow: hidden", ""
    )


def scored_notes():
    """Notes in which the later an entity is, the less certain it is."""
    return [
        Document(f"n{number}", "Ana vio a Bo.", (Entity(0, 3, "NAME", 0.9 - number / 10), Entity(10, 12, "PET", 0.95)))
        for number in range(3)
    ]


def test_notes_are_filtered_by_label_without_a_script(report):
    html = render(report, [*scored_notes(), Document("n3", "Lugo", (Entity(0, 4, "A_PLACE"),))])
    numbers = dict(re.findall(r'of(\d+)"><label><input type="radio" name="label" id="label\d+"> (\w+)</label>', html))
    assert sorted(numbers.values()) == ["A_PLACE", "NAME", "PET"]
    for number in numbers:
        assert f"#notes:has(#label{number}:checked) article:not(:has(.of{number})) {{ display: none; }}" in html
    assert html.count('name="label" checked') == 1
    marks = re.findall(r'<mark[^>]* class="hue\d line\d of(\d+)">', html.partition('<div class="notes">')[2])
    assert sorted(numbers[number] for number in marks) == ["A_PLACE", "NAME", "NAME", "NAME", "PET", "PET", "PET"]
    assert "<script" not in html


def test_the_lowest_scored_entities_are_listed_and_linked(report):
    html = render(report, scored_notes())
    page = Page(html)
    rows = re.findall(r'<td>(0\.\d\d)</td><td class="figure"><a href="#([^"]+)">note (\d)</a>', html)
    assert rows[:3] == [("0.70", "note3-0", "3"), ("0.80", "note2-0", "2"), ("0.90", "note1-0", "1")]
    assert {identity for _, identity, _ in rows} <= set(page.ids)
    mark = '<mark id="note3-0" data-score="0.70" class="hue0 line0 of0">Ana<span class="label"> NAME</span></mark>'
    assert mark in html and 'content: " " attr(data-score)' in html
    assert "The 6 lowest-scored entities" in html
    assert "lowest-scored" not in words_of(render(report, [Document("n", "Ana", (Entity(0, 3, "NAME"),))]))


def test_notes_of_low_scores_follow_the_others(report):
    notes = scored_notes()
    html = render_html(RunReport.model_validate(report), notes[:2], notes[2:])
    before, after = html.split("Notes with the lowest-scored entities")
    assert ">Note 2 <" in before and ">Note 3 <" in after and ">Note 3 <" not in before
    assert "3 synthetic notes" in html


def test_no_label_can_write_a_style_rule(report):
    hostile = "</style><b>"
    html = render(report, [Document("n", "Ana", (Entity(0, 3, hostile, 0.5),))])
    assert hostile not in html


def test_a_tagger_that_finds_next_to_nothing_is_told_of(report):
    assert "Taggers to check" not in render(report, NOTES)
    facts = {
        "n_entities_checked": 90,
        "n_entities_found": 0,
        "training_loss": 0.4,
        "constant_loss": 0.9,
        "n_steps": 160,
    }
    silver = {"n_documents": 40, "n_entities": 3, "n_entities_expected": 800}
    report["stages"] += [
        stage("gold", "train", "Train a tagger", None, 1.0, facts=facts),
        stage("annotate", "annotate", "Annotate", None, 1.0, facts=silver),
    ]
    page = render(report, NOTES)
    assert page.count("Taggers to check") == 2
    assert "it finds 0 entities in training documents that have 90" in page
    assert "3 entities in 40 documents, where as much text of its training has 800" in page
