"""The files of the page, as the package ships them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

_TYPES = {"css": "text/css", "html": "text/html", "js": "text/javascript"}
_OF_REPORTS = "report.css"


@dataclass(frozen=True, slots=True)
class File:
    """A file to send.

    Args:
        content: of it.
        kind: MIME type.
    """

    content: bytes
    kind: str


def page_files() -> Mapping[str, File]:
    """The files by name, with the style sheet of all reports."""
    shipped = [
        *files("deidsynth.server").joinpath("page").iterdir(),
        files("deidsynth.report").joinpath("templates", _OF_REPORTS),
    ]
    return {
        each.name: File(each.read_bytes(), f"{_TYPES[each.name.rpartition('.')[2]]}; charset=utf-8")
        for each in shipped
        if each.name.rpartition(".")[2] in _TYPES
    }
