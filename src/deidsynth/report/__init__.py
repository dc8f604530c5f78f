"""What a run is told with: tables for a terminal and one self-contained HTML page. Nothing here imports torch."""

from deidsynth.report.document import render_html
from deidsynth.report.tables import Table, comparison_table, label_table, to_markdown

__all__ = ["Table", "comparison_table", "label_table", "render_html", "to_markdown"]
