"""One self-contained HTML page that tells a run: no script, no request, no real note."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from deidsynth.documents import Document
from deidsynth.report import notes as note_cards
from deidsynth.report import sampling_table, sections


def render_html(report: Mapping[str, Any], notes: Sequence[Document] = ()) -> str:
    """The page of a run.

    Args:
        report: the content of ``report.json``; parts that are missing are left out of the page.
        notes: synthetic notes to show with their entities. The caller answers for it that they may be shown.

    Returns:
        A whole HTML document that refers to nothing outside of itself.
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
        origin=report.get("origin"),
        language=report.get("language"),
        headline=sections.headline(report),
        about=sections.about(report),
        stages=sections.stages(report),
        scores=sections.scores(report),
        shared_groups=sections.shared_groups(report),
        curves=sections.curves(report),
        sampling=sampling_table.sampling(report),
        corpora=sections.corpora(report),
        overlap=sections.overlap(report),
        notes=note_cards.cards(notes),
        legend=note_cards.legend(notes),
        colophon=sections.colophon(report),
    )
