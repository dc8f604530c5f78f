"""A note from a layout of sections, in either language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random

from deidsynth.demo.grammar import Piece, Scene

Layout = Sequence[tuple[str, float]]
_FURTHER_SENTENCES = (0.97, 0.8, 0.6)


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
        for likelihood in _FURTHER_SENTENCES if name in more else ():
            sentence = scene.further(more[name]) if rng.random() < likelihood else []
            pieces.extend([(" ", None), *sentence] if sentence else [])
    return _merged(pieces)


def _merged(pieces: Sequence[Piece]) -> list[Piece]:
    """The same pieces with neighboring literals joined, so that a slip sees whole words.

    A full stop after an entity that ends in one (``S.A.``) is left out.
    """
    merged: list[Piece] = []
    for written, label in pieces:
        after_stop = bool(merged) and merged[-1][1] is not None and merged[-1][0].endswith(".")
        text = written[1:] if label is None and after_stop and written.startswith(".") else written
        if merged and label is None and merged[-1][1] is None:
            merged[-1] = (merged[-1][0] + text, None)
        else:
            merged.append((text, label))
    return merged
