"""The privacy audit in the report of a run: its verdict and its measures; the rest is on a page of its own."""

from __future__ import annotations

from typing import Any

from deidsynth.report import formats
from deidsynth.report.audit_findings import VERDICTS, counts_sentence, headline, shown_figures
from deidsynth.report.audit_words import title_of, words
from deidsynth.report.content import RunReport
from deidsynth.showing import visible


def audit_section(report: RunReport) -> dict[str, Any] | None:
    """The audit of a run for its page; None if there was none."""
    audit = report.audit
    if audit is None:
        return None
    return {
        "key": audit.verdict,
        "word": VERDICTS[audit.verdict],
        "sentence": headline(audit),
        "counts": counts_sentence(audit),
        "held_out": formats.count(audit.n_groups.held_out),
        "rows": [
            {
                "title": visible(title_of(each)),
                "cells": shown_figures(each)[:4],
                "key": each.verdict,
                "word": VERDICTS[each.verdict],
            }
            for each in audit.measures
        ],
        "not_run": ", ".join(visible(words().of(name).title.lower()) for name in audit.not_run),
    }
