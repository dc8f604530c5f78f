"""The report of a run as one self-contained HTML page: no script, no request, no real note."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from deidsynth.documents import Document
from deidsynth.report import notes as note_cards, sampling_table, sections
from deidsynth.report.content import RunReport


def render_html(report: RunReport, notes: Sequence[Document] = ()) -> str:
    """The HTML page of a run.

    Args:
        report: content of the report.
        notes: synthetic notes to show with their entities. The caller must select notes that may be shown.

    Returns:
        A complete HTML document without external references.
    """
    return render(
        "report.html",
        origin=report.origin,
        language=report.language,
        headline=sections.headline(report),
        about=sections.about(report),
        stages=sections.stages(report),
        scores=sections.scores(report),
        shared_groups=sections.shared_groups(report),
        curves=sections.curves(report),
        sampling=sampling_table.sampling(report),
        corpora=sections.corpora(report),
        memorization=sections.memorization(report),
        notes=note_cards.cards(notes),
        legend=note_cards.legend(notes),
        colophon=sections.colophon(report),
    )


def render(template: str, *packages: str, **content: Any) -> str:
    """A page with the style sheet of all reports, from a template of the packages or of this one."""
    loader = ChoiceLoader([PackageLoader(package) for package in (*packages, "deidsynth.report")])
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style, _, _ = loader.get_source(environment, "report.css")
    return environment.get_template(template).render(style=Markup(style), **content)
