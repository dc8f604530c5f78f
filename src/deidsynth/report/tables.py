"""Tables of formatted text, and their output as Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from deidsynth.report import formats

_LATEX = str.maketrans(
    {character: f"\\{character}" for character in "_%&#$"} | {formats.THIN: r"\,", formats.DASH: "--"}
)


class Table(NamedTuple):
    """A table of formatted text: the first column has row names, the others numbers."""

    title: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def markdown(tables: Sequence[Table]) -> str:
    """The tables in Markdown, each under its title."""
    return "\n\n".join(f"**{table.title}**\n\n{to_markdown(table.headers, table.rows)}" for table in tables)


def to_markdown(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, with the first column left-aligned and the others right-aligned.

    >>> print(to_markdown(["a", "b"], [["x", "1"]]))
    | a | b |
    |---|---:|
    | x | 1 |
    """
    lines = [headers, *rows]
    shown = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
    return "\n".join([shown[0], "|---" + "|---:" * (len(headers) - 1) + "|", *shown[1:]])


def latex(tables: Sequence[Table]) -> str:
    """The tables in LaTeX, for the package ``booktabs``."""
    return "\n\n".join(map(_latex, tables))


def _latex(table: Table) -> str:
    lines = [
        "\\begin{table}",
        "\\centering",
        f"\\caption{{{table.title.translate(_LATEX)}}}",
        f"\\begin{{tabular}}{{l{'r' * (len(table.headers) - 1)}}}",
        "\\toprule",
        _latex_row(table.headers),
        "\\midrule",
        *map(_latex_row, table.rows),
        "\\bottomrule",
        "\\end{tabular}",
        "\\end{table}",
    ]
    return "\n".join(lines)


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join(cell.translate(_LATEX) for cell in cells) + r" \\"
