"""Texts with their entities in color: HTML in a notebook, else on the terminal.

The label stands beside every entity, so that color is never needed.
"""

from __future__ import annotations

import html
import importlib
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from rich.text import Text

HUES = ("#0a5fae", "#a35c00", "#12755a", "#a63a7d", "#5b4bb5", "#b23b22", "#0b7285", "#6f6a10")
LINES = ("solid", "dashed", "dotted")
_CONTROL = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127), "\N{REPLACEMENT CHARACTER}")
_BIDIRECTIONAL = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))  # they change the order of what follows
_HALF = range(0xD800, 0xE000)
_TERMINAL_CONTROL = {
    13: None,
    **dict.fromkeys((*range(128, 160), *_BIDIRECTIONAL, *_HALF), "\N{REPLACEMENT CHARACTER}"),
}


class Look(NamedTuple):
    """How a label looks: number of its color in ``HUES``, number of its underline in ``LINES``."""

    hue: int
    line: int


class Note(NamedTuple):
    """A text to show: its name, and its stretches with their labels, None where there is no entity."""

    name: str
    pieces: Sequence[tuple[str, str | None]]


def looks(counts: Mapping[str, int]) -> dict[str, Look]:
    """The look of every label, most frequent first; the first 24 are unlike each other."""
    ordered = sorted(counts, key=lambda label: (-counts[label], label))
    return {label: Look(number % len(HUES), number // len(HUES) % len(LINES)) for number, label in enumerate(ordered)}


def visible(text: str) -> str:
    """The text with a replacement character for every control character that is no tab or line end."""
    return text.translate(_CONTROL)


def show(notes: Sequence[Note], n_more: int = 0) -> None:
    """Draw notes in the notebook that this is, else print them to standard output.

    Args:
        notes: what to show.
        n_more: how many there are besides, which is told.
    """
    if _is_notebook():
        display: Any = importlib.import_module("IPython.display")
        display.display(display.HTML(as_html(notes, n_more)))
        return
    # Only here, because rich takes longer to load than all of the package that needs no models.
    from rich.console import Console

    console = Console()
    for text in as_texts(notes, n_more):
        console.print(text)


def as_html(notes: Sequence[Note], n_more: int = 0) -> str:
    """The notes as HTML that needs no style sheet and can be read on light and dark ground."""
    found = _looks_in(notes)
    parts = []
    for note in notes:
        body = "".join(_html_piece(text, label, found) for text, label in note.pieces)
        parts.append(f'<div style="opacity:.65;margin-top:.8em">{html.escape(visible(note.name))}</div>')
        parts.append(f'<div style="white-space:pre-wrap;line-height:1.7">{body}</div>')
    if n_more:
        parts.append(f'<div style="opacity:.65;margin-top:.8em">{_told(n_more)}</div>')
    return "".join(parts)


def as_texts(notes: Sequence[Note], n_more: int = 0) -> list[Text]:
    """The notes for a terminal: for each its name and its text."""
    from rich.text import Text  # slow to load, as above

    found = _looks_in(notes)
    texts = []
    for note in notes:
        texts.append(Text(for_terminal(note.name), style="dim"))
        body = Text()
        for piece, label in note.pieces:
            if label is None:
                body.append(for_terminal(piece))
            else:
                color = HUES[found[label].hue]
                body.append(for_terminal(piece), style=f"bold white on {color}")
                body.append(f"[{for_terminal(label)}]", style=f"bold {color}")
        texts.append(body.append("\n"))
    return [*texts, Text(_told(n_more), style="dim")] if n_more else texts


def _looks_in(notes: Sequence[Note]) -> dict[str, Look]:
    return looks(Counter(label for note in notes for _, label in note.pieces if label is not None))


def _html_piece(text: str, label: str | None, found: Mapping[str, Look]) -> str:
    shown = html.escape(visible(text))
    if label is None:
        return shown
    hue, line = HUES[found[label].hue], LINES[found[label].line]
    return (
        f'<mark style="background:{hue}33;color:inherit;border-bottom:2px {line} {hue};padding:.08em .2em">{shown}'
        f'<span style="background:{hue};color:#fff;font-size:.65em;font-weight:650;margin-left:.4em;padding:.1em .3em;'
        f'border-radius:3px">{html.escape(visible(label))}</span></mark>'
    )


def for_terminal(text: str) -> str:
    """The text without anything that a terminal would take for a control sequence, or could not encode."""
    return visible(text).translate(_TERMINAL_CONTROL)


def _told(n_more: int) -> str:
    return f"and {n_more} more document{'' if n_more == 1 else 's'}"


def _is_notebook() -> bool:
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return getattr(shell, "kernel", None) is not None
