"""What each annotation tool gets: the documents of a queue, and how the tool learns the labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from xml.sax.saxutils import quoteattr

from deidsynth.corpora import write_corpus
from deidsynth.corpora.formats import brat, cas, doccano, label_studio
from deidsynth.documents import Corpus
from deidsynth.errors import InputError


@dataclass(frozen=True, slots=True)
class Tool:
    """An annotation tool.

    Args:
        suffix: of the file of a queue; empty if a queue is a folder.
        write: writes the documents of a queue.
        settings: files that tell the tool about the labels: content by name, from the labels.
    """

    suffix: str
    write: Callable[[Corpus, Path], object]
    settings: Callable[[Sequence[str]], Mapping[str, str]]


def tool_of(format: str) -> Tool:
    """The tool that reads a format.

    Raises:
        InputError: none of those that review knows.
    """
    if format not in TOOLS:
        raise InputError(f"--to {format}: expected one of {', '.join(TOOLS)} (cas is what INCEpTION reads)")
    return TOOLS[format]


def labeling_config(labels: Sequence[str]) -> str:
    """The labeling configuration of a Label Studio project, for its page Labeling Interface, Code."""
    named = "".join(f"\n    <Label value={quoteattr(label)}/>" for label in labels)
    return (
        f'<View>\n  <Labels name="{label_studio.CONTROL}" toName="{label_studio.TEXT}">{named}\n  </Labels>\n'
        f'  <Text name="{label_studio.TEXT}" value="${label_studio.TEXT}"/>\n</View>\n'
    )


def _annotation_conf(labels: Sequence[str]) -> str:
    """The configuration of a brat collection."""
    return "\n".join(["[entities]", *labels, "", "[relations]", "", "[events]", "", "[attributes]", ""])


def _label_lines(labels: Sequence[str]) -> Mapping[str, str]:
    """A file with a label on each line."""
    return {"labels.txt": "".join(f"{label}\n" for label in labels)}


def _as(format: str) -> Callable[[Corpus, Path], object]:
    return lambda corpus, path: write_corpus(corpus, path, format)


TOOLS: Mapping[str, Tool] = MappingProxyType(
    {
        label_studio.NAME: Tool(
            label_studio.SUFFIX,
            label_studio.write_predictions,
            lambda labels: {"labeling-config.xml": labeling_config(labels)},
        ),
        brat.NAME: Tool("", _as(brat.NAME), lambda labels: {"annotation.conf": _annotation_conf(labels)}),
        cas.NAME: Tool("", _as(cas.NAME), _label_lines),
        doccano.NAME: Tool(doccano.SUFFIX, _as(doccano.NAME), _label_lines),
    }
)
