"""What is said of a run whose language model alone is private."""

from __future__ import annotations

from deidsynth.report.document import render_html
from deidsynth.report.guarantee import guarantee
from run_reports import run_report

GAP = "synthesize.prompts.source: prompts are words of real notes"


def test_it_says_what_is_not_covered() -> None:
    report = run_report(gaps_in_guarantee=(GAP,))
    assert guarantee(report) == f"language model adaptation only: the corpus has no guarantee ({GAP})"
    assert GAP in render_html(report)


def test_without_gaps_nothing_is_said() -> None:
    assert guarantee(run_report()) is None
    assert "no guarantee" not in render_html(run_report())
