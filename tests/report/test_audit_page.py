import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import get_args

import pytest

from audits import audit, judged, missing, passing, replaced
from deidsynth.errors import IntegrityError, OtherVersionError
from deidsynth.privacy.audit.figures import MeasureName
from deidsynth.report import audit_figure
from deidsynth.report.audit_fidelity import fidelity_of
from deidsynth.report.audit_page import render_audit
from deidsynth.report.audit_words import words
from deidsynth.report.content import AuditMeasure, AuditSummary, RunReport
from deidsynth.report.document import render_html
from run_reports import report_content

VOID = {"meta", "br", "wbr", "link", "img", "input", "hr"}
SVG_LEAVES = {"path", "circle", "rect", "line", "polyline"}
CELLS = {"td", "th", "dt", "dd", "small", "li", "p"}


class Page(HTMLParser):
    """Checks that tags nest; collects ids, targets, roles and text, by section too."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.links, self.text = [], [], [], ""
        self.sections, self.section = {}, ""
        self.feed(html)
        self.close()
        assert self.open == []
        self.text = " ".join(self.text.split())
        self.sections = {name: " ".join(text.split()) for name, text in self.sections.items()}

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        assert not any(name.startswith("on") or name == "style" for name in values)
        self.links += [values[name] for name in ("src", "href", "srcset", "action", "data") if name in values]
        self.ids += [values["id"]] if "id" in values else []
        if tag in ("header", "section"):
            self.section = values.get("id", tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert tag in SVG_LEAVES | VOID

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        if tag in CELLS:
            self.handle_data(" ")

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text += data
            self.sections[self.section] = self.sections.get(self.section, "") + data


def page(made, **options):
    return Page(render_audit(json.loads(json.dumps(made.to_dict())), **options))


def failing(**figures):
    return audit("fail", replaced(passing(), judged("rare_values", "fail", **figures)))


EVERYTHING = audit(
    "no-verdict",
    [
        *replaced(passing(), missing("linkage", "No document has two identifiers.", "share")),
        judged("tagger_membership", of="gold", train=0.7),
        judged("language_model_membership", train=0.9, half=0.2),
        judged("canaries", train=1.2, held_out=8.0),
    ],
    not_run={},
    fidelity={"n_synthetic": 950, "labels": {"NAME": {"real": 0.5, "synthetic": 0.4}}},
)


@pytest.mark.parametrize(
    "made",
    [audit("pass", passing()), failing(train=0.9, half=0.01), EVERYTHING, audit("no-verdict", [], not_run={})],
    ids=["pass", "fail", "everything", "nothing"],
)
def test_the_page_is_whole_and_refers_to_nothing_outside(made):
    html = render_audit(made.to_dict())
    found = Page(html)
    assert html.startswith("<!DOCTYPE html>")
    assert found.links and all(link.startswith("#") for link in found.links)
    assert {link[1:] for link in found.links} <= set(found.ids)
    assert len(set(found.ids)) == len(found.ids)
    assert not re.search(r"https?:|//[a-z]|@import|@font-face|<script|<link|javascript:|url\(", html)
    assert "default-src 'none'" in html
    assert not re.search(r"\bNone\b|\bnan\b|\{\{|\{[a-z_]+\}", found.text)


def test_a_pass_is_one_sentence_with_what_it_is_about():
    top = page(audit("pass", passing())).sections["header"]
    assert (
        "Pass From the synthetic notes and the synthetic tagger, no more could be learned about patients whose" in top
    )
    assert "All 9 measures pass." in top
    # 0.867 and 0.861 of 100 patients.
    assert "Of 100 patients whose notes were used, 87 have a value of their own in the synthetic notes" in top
    assert "of 100 whose notes were not used, 86 have one. Difference: +0.6 points of 100" in top
    assert "(95 % interval −3.4 to +4.6; tolerated ±8). A leak below 5.6 points may go unseen." in top
    assert "not a legal opinion" in top
    assert "says nothing about the gold tagger or the language model" in top


def test_a_failure_names_where_it_leaked_and_comes_first():
    top = page(failing(train=0.95, held_out=0.71, half=0.06)).sections["header"]
    assert "Fail From the synthetic notes, more could be learned" in top
    assert "tagger" not in top.split("Of 100")[0]
    assert "Of 9 measures, 8 pass and 1 fails." in top
    assert top.index("95 have a value of their own") < top.index("points of 100 (95 % interval +18.0 to +30.0")


def test_a_deficit_is_told_as_a_deficit():
    top = page(failing(train=0.1, held_out=0.7)).sections["header"]
    assert "less could be learned about patients whose notes were used" in top
    assert "what is missing tells" in top


def test_no_verdict_says_what_cannot_be_said():
    open_ = judged("text_membership", "no-verdict", train=0.55, half=0.2)
    found = page(audit("no-verdict", replaced(passing(), open_)))
    assert "It cannot be said whether more can be learned" in found.sections["header"]
    assert "about 900 groups of each side would be needed" in found.sections["attacks"]
    questions = found.sections["questions"]
    assert "Membership from the text alone: no verdict" in questions


def test_a_comparison_that_is_not_valid_comes_before_everything_else():
    invalid = judged("validity", "no-verdict", train=0.71)
    found = page(audit("no-verdict", replaced(passing(), invalid, judged("linkage", "fail", train=0.9))))
    top, questions = found.sections["header"], found.sections["questions"]
    assert "The patients of the two sides cannot be compared" in top
    assert "What the 9 measures found does not count." in top
    assert "71 times of 100" in top
    assert "Of 100 patients" not in top, "what was found says nothing"
    assert "Pass" not in questions and "Fail" not in questions
    assert questions.count("the two sides cannot be compared") == 4


def test_every_measure_is_shown_or_said_to_be_missing():
    few = audit("pass", passing()[:3], not_run={"linkage": "It was left out on request."})
    found = page(few)
    left_out = found.sections["not-run"]
    assert "Two identifiers together It was left out on request." in left_out
    told = {each.measured.name for each in few.measures}
    for name in set(get_args(MeasureName)) - told - {"linkage"}:
        assert f"{words().of(name).title} It is not in this audit." in left_out, name
    assert "Two identifiers together: not run" in found.sections["questions"]
    assert "Membership from the text alone: not run" in found.sections["questions"]
    for name in told - {"validity"}:
        assert words().of(name).title in found.sections["attacks"], name


def test_a_question_with_a_measure_left_out_has_not_passed():
    without = [each for each in passing() if each.measured.name != "rare_values_normalized"]
    questions = page(audit("pass", without)).sections["questions"]
    assert questions.index("Synthetic notes") < questions.index("No verdict") < questions.index("Synthetic tagger")


def test_a_measure_without_a_figure_says_why():
    found = page(EVERYTHING)
    assert "No document has two identifiers." in found.sections["not-run"]
    assert "No document has two identifiers." in found.sections["attacks"]
    assert "Two identifiers together" not in found.sections["differences"]


def test_each_attack_is_told_with_its_figures():
    attacks = page(EVERYTHING).sections["attacks"]
    for shown in (
        "Search the synthetic notes for a name, number or address that only one patient has.",
        "The attacker holds The synthetic notes, and a value of the patient.",
        "86.7 %", "of 475 patients", "of 235 patients", "±8", "+5.6",
        "Synthetic tagger", "Gold tagger", "70 times of 100",
        "epsilon, the privacy loss, is at least 1.2; the claim is that it is at most 8.",
        "Not covered: Whether somebody who knows a part of a history can deduce the rest of it is not measured.",
    ):  # fmt: skip
        assert shown in attacks, shown


def test_the_figure_has_a_row_for_every_difference_and_its_text_beside_it():
    html = render_audit(EVERYTHING.to_dict())
    rows = re.findall(r'<tr role="row"><th role="rowheader".*?</tr>', html[html.index('<table class="forest"') :])
    drawn = [row for row in rows if '<svg class="difference' in row]
    assert len(drawn) == 10, "eight of the run, the gold tagger and the language model"
    assert all(re.search(r'class="number">(0\.0|[+−]\d)', row) for row in drawn)
    assert all(re.search("Pass|Fail|No verdict", row) for row in drawn)


def test_what_goes_beyond_the_scale_is_an_arrow_within_the_picture():
    wide = audit("fail", [judged("rare_values", "fail", train=0.99, held_out=0.1, half=0.3)])
    measure = AuditSummary.of(wide.to_dict()).measures[0]
    limit = audit_figure.reach([measure])
    drawn = audit_figure.row(measure, limit)
    assert limit == 0.5
    assert all(0 <= float(place) <= 100 for place in re.findall(r'(?:x|x1|x2|width)="([\d.]+)%"', drawn))
    assert drawn.count("L0 0L") == 2, "both ends of the interval are above the scale"


@pytest.mark.parametrize(
    ("train", "held_out", "told"),
    [
        (0.5, 0.25, "Of 100 patients whose notes were used, 50 have"),
        (0.501, 0.498, "whose notes were not used, 49.8 have"),
        (0.004, 0.0, "Of 1 000 patients whose notes were used, 4 have"),
        (0.0, 0.0, "Of 100 patients whose notes were used, none has"),
        (0.5, 0.01, "not used, 1 has one"),
    ],
)  # fmt: skip
def test_shares_are_told_as_numbers_of_patients(train, held_out, told):
    made = audit("pass", [judged("rare_values", train=train, held_out=held_out)])
    assert told in page(made).text


FIDELITY = {
    "n_documents": {"real": 925, "synthetic": 9000},
    "n_sampled": {"real": 925, "synthetic": 5000},
    "labels": {
        "jensen_shannon_distance": 0.1234,
        "per_1000_words": {"AGE": {"real": 4.94, "synthetic": 0.0}, "NAME": {"real": 109.8, "synthetic": 90.0}},
    },
    "lengths": {side: {"mean": 136.9, "quantiles": {"0.05": 133.0, "0.5": 137.0}} for side in ("real", "synthetic")},
    "vocabulary": {"of_real_in_synthetic": {"types": 0.5, "tokens": 0.961}, "of_synthetic_in_real": {"tokens": 0.949}},
    "diversity": {
        "n_words": 1000,
        "real": {"distinct_1": 0.028, "distinct_2": 0.3},
        "synthetic": {"distinct_1": 0.034},
    },
    "near_duplicates": {"real": {"share": 0.0}, "synthetic": {"share": 0.025}},
    "discriminator": {"auc": 0.973},
    "another": {"figure": 12},
}


def test_fidelity_is_told_in_sentences_and_tables():
    text = page(audit("pass", passing(), fidelity=FIDELITY)).sections["fidelity"]
    for shown in (
        "925 real and 9 000 synthetic notes are compared; looked at: 925 and 5 000.",
        "tells which is which 97 times of 100",
        "(Jensen-Shannon) is 0.12",
        "Of 100 words of real text, 96 occur in the synthetic text; of 100 words of synthetic text, 95",
        "2.5 % of the synthetic notes nearly repeat an earlier one, and 0.0 % of the real notes.",
        "5 % 133 133", "median 137 137", "mean 136.9 136.9",
        "words 2.8 % 3.4 %", "runs of 2 words 30.0 % –",
        "NAME 109.8 90.0 AGE 4.9 0.0",
        "Another figure 12",
    ):  # fmt: skip
        assert shown in text, shown


@pytest.mark.parametrize("key", FIDELITY)
def test_fidelity_may_lack_any_part(key):
    for value in (None, {}, 3, {"real": None}, {"real": {}, "synthetic": "x"}, [1]):
        assert fidelity_of({key: value}) is not None
        assert "None" not in repr(fidelity_of(FIDELITY | {key: value})).replace("=None", "")
    without = {name: value for name, value in FIDELITY.items() if name != key}
    assert "Fidelity and diversity" in page(audit("pass", passing(), fidelity=without)).sections["fidelity"]


HOSTILE = '<script>alert(1)</script>"\x1b[31m'


def test_everything_is_escaped():
    by_label = {HOSTILE: {"train": HOSTILE, HOSTILE: 0.5}}
    odd = replace(judged("rare_values", details={"by_label": by_label, HOSTILE: HOSTILE}), why=HOSTILE)
    of = judged("tagger_membership", of=HOSTILE)
    made = audit(
        "fail", [odd, of], why=HOSTILE, not_run={HOSTILE: HOSTILE}, removed={HOSTILE: 3},
        fidelity={HOSTILE: {HOSTILE: 1}, "labels": {HOSTILE: {HOSTILE: HOSTILE}}},
    )  # fmt: skip
    html = render_audit(made.to_dict(), title=HOSTILE, facts=[(HOSTILE, HOSTILE)])
    assert "<script" not in html.lower()
    assert "\x1b" not in html
    assert Page(html).text.count("<script>alert(1)</script>") > 5


def test_a_measure_that_is_not_known_is_still_shown():
    plain = audit("pass", passing()).to_dict()
    plain["measures"].append(plain["measures"][1] | {"name": "shadow_models"})
    attacks = Page(render_audit(plain)).sections["attacks"]
    assert "Other measures" in attacks and "Shadow models" in attacks


@pytest.mark.parametrize("key", ["verdict", "measures", "n_groups"])
def test_a_damaged_audit_is_refused_without_its_text(key):
    plain = audit("pass", passing()).to_dict()
    with pytest.raises(IntegrityError, match="not readable; audit again"):
        render_audit({name: value for name, value in plain.items() if name != key})
    with pytest.raises(IntegrityError, match="not readable; audit again"):
        render_audit(plain | {key: HOSTILE})


def test_an_audit_of_another_version_is_refused():
    with pytest.raises(OtherVersionError, match="audit again"):
        render_audit(audit("pass", passing()).to_dict() | {"schema_version": 9})


def test_words_are_there_for_every_measure_and_every_artifact_has_all_questions():
    known = words()
    assert set(known.measures) == set(get_args(MeasureName))
    named = {
        name for artifact in known.artifacts.values() for each in artifact.answers.values() for name in each.evidence
    }
    assert named == set(known.measures) - {"validity"}
    assert all(set(artifact.answers) == set(known.questions) for artifact in known.artifacts.values())


@pytest.mark.parametrize("verdict", ["pass", "fail", "no-verdict"])
def test_the_report_of_a_run_has_the_verdict_the_measures_and_the_way_to_the_page(verdict):
    measures = replaced(passing(), judged("linkage", verdict, train=0.3, held_out=0.02))
    summary = AuditSummary.of(audit(verdict, measures).to_dict())
    report = RunReport.model_validate(report_content() | {"audit": summary.model_dump(mode="json")})
    found = Page(render_html(report))
    assert "audit/audit.html" in found.links
    text = found.sections["audit"]
    word = {"pass": "Pass", "fail": "Fail", "no-verdict": "No verdict"}[verdict]
    assert text.startswith(f"Privacy audit {word} ")
    assert f"Two identifiers together {word} 30.0 % 2.0 % +28.0 +24.0 to +32.0" in text
    assert "against 235 patients" in text
    assert "Not run: membership from the language model, planted sentences." in text


def test_a_run_without_an_audit_has_no_such_section():
    found = Page(render_html(RunReport.model_validate(report_content())))
    assert "audit" not in found.sections
    assert "audit/audit.html" not in found.links


def test_a_summary_keeps_what_the_audit_says():
    plain = audit("pass", passing()).to_dict()
    summary = AuditSummary.of(plain)
    kept = summary.model_dump(mode="json")
    assert kept["measures"] == [{key: each[key] for key in AuditMeasure.model_fields} for each in plain["measures"]]
    assert "fidelity" not in kept


def test_the_page_names_what_was_audited():
    page = Page(render_audit(audit("pass", passing()).to_dict() | {"audited": {"synthetic": "sha256:" + "ab" * 32}}))
    assert "Fingerprint of the synthetic corpus abababababababab" in page.text
    assert "Fingerprint of the synthetic model" not in page.text


def test_negative_numbers_of_a_verdict_have_a_minus_sign():
    why = "the difference is -0.012 to 0.120, a one-sided bag-of-words 8-gram"
    page = Page(render_audit(audit("pass", passing(), why=why).to_dict()))
    assert "the difference is \N{MINUS SIGN}0.012 to 0.120, a one-sided bag-of-words 8-gram" in page.text
