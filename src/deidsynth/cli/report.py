"""``deidsynth report``."""

from __future__ import annotations

from pathlib import Path

from deidsynth.cli.options import AsJson, Quiet
from deidsynth.cli.runs import RunPath
from deidsynth.cli.terminal import print_json, print_table, tell
from deidsynth.report.guarantee import guarantee
from deidsynth.report.model_tables import comparison_table
from deidsynth.report.uncertainty import few_notes, uncertainty_table
from deidsynth.workflow.pipeline import render_report
from deidsynth.workflow.run_folder import RunFolder


def report_command(run: RunPath, json: AsJson = False, quiet: Quiet = False) -> None:
    """Rebuild the report page of a run and print its scores, or print report.json."""
    report = RunFolder(run).report()
    if json:
        print_json(report.to_dict())
        return
    page: Path = render_report(run)
    for table in (comparison_table(report), uncertainty_table(report)):
        print_table(table.headers, table.rows, title=table.title)
    if warning := few_notes(report):
        tell(f"warning: {warning}", quiet)
    if warning := guarantee(report):
        tell(f"warning: {warning}", quiet)
    tell(f"report: {page}", quiet)
