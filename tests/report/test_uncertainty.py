"""A small test set looks like one."""

from __future__ import annotations

import re

import pytest

from deidsynth.metrics import score
from deidsynth.report.content import RunReport
from deidsynth.report.document import render_html
from deidsynth.report.uncertainty import uncertainty_table
from run_reports import GOLD, report_content, uncertainty


def report_of(n_documents: int, n_groups: int | None = None, **changed: object) -> RunReport:
    content = report_content()
    content["uncertainty"] = uncertainty(n_groups or n_documents) | changed
    content["corpora"]["test"]["n_documents"] = n_documents
    return RunReport.model_validate(content)


def words(report: RunReport) -> str:
    return " ".join(re.sub("<[^>]*>", " ", render_html(report).partition("<body>")[2]).split())


def test_the_headline_of_thirteen_documents_says_so() -> None:
    text = words(report_of(13))
    assert "the model trained on the gold notes: measured on only 13 test documents." in text
    assert "Small test set." in text and "Every figure is rough" in text
    assert "may be due to the choice of test notes" in text
    assert "Small test set." not in words(report_of(200))


def test_every_headline_figure_has_its_interval_on_the_page() -> None:
    text = words(report_of(200))
    assert "difference −0.143 −0.300 to +0.100" in text
    assert "difference −0.200 −0.300 to −0.100" in text
    # Both models in both tiles, and F1 of both under each of four measures.
    assert text.count("0.700 to 0.950") == 12


def test_a_difference_whose_interval_lacks_zero_is_called_significant() -> None:
    gap = {"strict_f1": [-0.3, -0.1], "token_f1": [-0.3, -0.1]}
    assert "is significant: with 200 test documents" in words(report_of(200, difference=gap))


def test_resamples_that_all_agree_give_no_interval() -> None:
    sure = {
        measure: dict.fromkeys(("precision", "recall", "f1"), (1.0, 1.0))
        for measure in ("strict", "token", "span", "merged")
    }
    rows = {row[0]: row for row in uncertainty_table(report_of(13, gold=sure)).rows}
    assert rows["token F1"][1] == "1.000 [–]"
    assert rows["token F1"][2] == "0.857 [0.700 to 0.950]"


def test_documents_without_a_miss_count_no_more_units_than_groups() -> None:
    notes = [GOLD]
    content = report_content()
    perfect = score(notes, notes).to_dict()
    for model in ("gold", "synthetic"):
        perfect["exposure"] |= {"n_documents_with_entities": 26, "documents_without_miss": 1.0}
        content["models"][model] = perfect
    content["uncertainty"] = uncertainty(13)
    rows = {row[0]: row for row in uncertainty_table(RunReport.model_validate(content)).rows}
    assert rows["documents without a miss"][1] == "26 of 26 [0.772 to 1.000]"


@pytest.mark.parametrize(("n_groups", "told"), [(13, "13 test documents"), (5, "13 test documents in 5 groups")])
def test_the_title_says_how_many_documents_and_groups(n_groups, told) -> None:
    assert uncertainty_table(report_of(13, n_groups)).title.endswith(f"intervals, {told}")
