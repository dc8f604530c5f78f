"""``deidsynth report``."""

from __future__ import annotations

from pathlib import Path

from deidsynth.cli.options import AsJson, Quiet
from deidsynth.cli.runs import RunPath


def report_command(run: RunPath, json: AsJson = False, quiet: Quiet = False) -> None:
    """Rebuild the report page of a run and print its scores, or print report.json."""
    from deidsynth.cli.terminal import print_json, print_table, tell
    from deidsynth.report import comparison_table
    from deidsynth.workflow.pipeline import render_report
    from deidsynth.workflow.run_folder import RunFolder

    report = RunFolder(run).report()
    if json:
        print_json(report)
        return
    page: Path = render_report(run)
    print_table(*comparison_table(report))
    tell(f"report: {page}", quiet)
