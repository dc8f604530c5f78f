"""The report of a run as one self-contained HTML page: no script, no request, no real note."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from jinja2 import BaseLoader, ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from deidsynth.documents import Document
from deidsynth.report import notes as note_cards, sampling_table, sections
from deidsynth.report.audit_section import audit_section
from deidsynth.report.content import RunReport
from deidsynth.report.guarantee import guarantee


def render_html(report: RunReport, notes: Sequence[Document] = (), least_certain: Sequence[Document] = ()) -> str:
    """The HTML page of a run.

    Args:
        report: content of the report.
        notes: synthetic notes to show with their entities. The caller must select notes that may be shown.
        least_certain: further ones, with the entities that have the lowest scores; this must hold for them too.

    Returns:
        A complete HTML document without external references.
    """
    shown = [*notes, *least_certain]
    styling, lowest = note_cards.styles(shown), note_cards.lowest_scored(shown)
    return render(
        "report.html",
        origin=report.origin,
        language=report.language,
        headline=sections.headline(report),
        about=sections.about(report),
        stages=sections.stages(report),
        scores=sections.scores(report),
        shared_groups=sections.shared_groups(report),
        weak_taggers=sections.weak_taggers(report),
        guarantee=guarantee(report),
        curves=sections.curves(report),
        sampling=sampling_table.sampling(report),
        corpora=sections.corpora(report),
        memorization=sections.memorization(report),
        audit=audit_section(report),
        notes=note_cards.cards(shown, styling, lowest),
        n_spread=len(notes),
        legend=note_cards.legend(shown, styling),
        filter_rules=note_cards.filter_rules(styling),
        lowest=note_cards.lowest_rows(shown, styling, lowest),
        colophon=sections.colophon(report),
    )


def render_with_script(template: str, *, styles: Sequence[str], script: str, **content: Any) -> str:
    """A page that runs one script of this package and, by its own policy, nothing else; it requests nothing.

    Args:
        template: of this package; it puts ``policy``, ``style`` and ``script`` in their places.
        styles: names of its style sheets.
        script: name of its script.
        content: what else the template shows.
    """
    loader = PackageLoader("deidsynth.report")
    environment = _environment(loader)
    style = "".join(loader.get_source(environment, name)[0] for name in styles)
    code, _, _ = loader.get_source(environment, script)
    policy = "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_policy_digest(style)}'",
            f"script-src '{_policy_digest(code)}'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    return environment.get_template(template).render(
        style=Markup(style), script=Markup(code), policy=Markup(policy), **content
    )


def _policy_digest(text: str) -> str:
    """The digest by which a content security policy allows an inline style or script."""
    return f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _environment(loader: BaseLoader) -> Environment:
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def render(template: str, *packages: str, **content: Any) -> str:
    """A page with the style sheet of all reports, from a template of the packages or of this one."""
    loader = ChoiceLoader([PackageLoader(package) for package in (*packages, "deidsynth.report")])
    environment = _environment(loader)
    style, _, _ = loader.get_source(environment, "report.css")
    return environment.get_template(template).render(style=Markup(style), **content)
