"""The report of a run as one self-contained HTML page: no script, no request, no real note."""

from __future__ import annotations

from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined
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
    environment = Environment(
        loader=PackageLoader("deidsynth.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, _, _ = environment.loader.get_source(environment, "report.css")  # type: ignore[union-attr]
    return environment.get_template("report.html").render(
        style=Markup(style),
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
