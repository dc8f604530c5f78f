"""A label mapping to fill in, made from the labels of a corpus."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import yaml

from deidsynth.corpora.label_sets import are_plausible, what_is_wrong
from deidsynth.corpora.records import ReadResult
from deidsynth.errors import CorpusError, InputError
from deidsynth.files import write_atomically

HEAD = """\
# What each label becomes: a new name, the same name to keep it, or null to drop its entities.
# Several labels may get one name. The number is how often the label occurs.
about: ""
labels:
"""
TAIL = """\
# Labels that are not listed above: refuse, keep or drop.
others: refuse
"""


def skeleton(counts: Counter[str]) -> str:
    """The YAML of a mapping that keeps every label but for blanks, most frequent first, with counts in comments."""
    rows = [
        f"  {_quoted(label)}: {_quoted('_'.join(label.split()))}  # {count}\n"
        for label, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]
    return HEAD + "".join(rows) + TAIL


def write_skeleton(source: Path, found: ReadResult, target: Path) -> None:
    """Write the mapping to fill in.

    Args:
        source: where the corpus was read, for messages.
        found: what was read, with or without faults.
        target: a new file.

    Raises:
        InputError: the target exists.
        CorpusError: no labels, or labels that cannot be labels, since they may be words of the text.
    """
    counts = Counter(span.label for record in found.records for span in record.spans)
    if not counts:
        raise CorpusError(f"{source}: no labels; see: deidsynth corpus check {source}")
    if not are_plausible(counts):
        raise CorpusError(f"{source}: {what_is_wrong(counts)}")
    if target.exists():
        raise InputError(f"{target}: exists already; give a new file, so that nothing is lost")
    write_atomically(target, skeleton(counts))


def _quoted(label: str) -> str:
    """A label as YAML on one line, in quotes where it would be read as something else."""
    return yaml.safe_dump(label, allow_unicode=True, width=float("inf")).removesuffix("...\n").strip()
