"""A note from a layout of sections, in either language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random

from deidsynth.corpora.invented.grammar import Piece, Scene

Layout = Sequence[tuple[str, float]]
_ONE_MORE, _TWO_MORE = 0.95, 0.65


def compose_note(
    rng: Random,
    scene: Scene,
    layout: Layout,
    headings: Mapping[str, Sequence[str]],
    section_of: Callable[[str], Sequence[str]],
    more: Mapping[str, str],
) -> list[Piece]:
    """The pieces of a note: its sections one after the other, with headings in the note's own manner.

    Args:
        rng: the note's source of chance.
        scene: facts and phrases.
        layout: names of sections and the chance of each.
        headings: words for the headings of a section; a section without any stands alone.
        section_of: the templates of a section.
        more: the list that a section's further sentences come from, where it may have such.
    """
    heading_style = rng.choice(("line", "line", "inline", "inline", "upper", "none"))
    pieces: list[Piece] = []
    in_body, used = False, set[str]()
    for name, chance in layout:
        if rng.random() >= chance:
            continue
        titled = name in headings
        if pieces:
            pieces.append((" " if heading_style == "none" and titled and in_body else "\n", None))
        in_body = in_body or titled
        if titled and heading_style != "none":
            word = rng.choice([heading for heading in headings[name] if heading not in used] or headings[name])
            used.add(word)
            if heading_style == "upper":
                word = word.upper()
            pieces.append((f"{word}\n" if heading_style == "line" else f"{word}: ", None))
        pieces.extend(scene.render(scene.pick(section_of(name))))
        for likelihood in (_ONE_MORE, _TWO_MORE) if name in more else ():
            if rng.random() < likelihood and scene.has_fresh(scene.lists[more[name]]):
                pieces.append((" ", None))
                pieces.extend(scene.render(scene.pick(scene.lists[more[name]])))
    return _merged(pieces)


def _merged(pieces: Sequence[Piece]) -> list[Piece]:
    """The same pieces with neighboring literals joined, so that a slip sees whole words."""
    merged: list[Piece] = []
    for text, label in pieces:
        if merged and label is None and merged[-1][1] is None:
            merged[-1] = (merged[-1][0] + text, None)
        else:
            merged.append((text, label))
    return merged
