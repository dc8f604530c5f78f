"""Links where a text should be, as annotation tools export them for files that they have stored."""

from __future__ import annotations

import re

from deidsynth.errors import Problem

LINK = "link"
LINK_MESSAGE = (
    "the text is a link to a file, not the text itself; put the content of the file in its place (in Label Studio: "
    "import the texts, not files or links to them, or insert them into the export)"
)
_LINK = re.compile(
    r"(?:[A-Za-z][A-Za-z0-9+.-]*://|/?data/(?:upload|local-files)/)\S+"
    r"|(?:[A-Za-z]:[\\/]|\\\\[^\s\\/]+\\)[^\r\n<>:\"|?*]*\.\w{1,5}"
)


def is_link(text: str) -> bool:
    r"""Whether a text is nothing but a link, a path of a file that Label Studio has stored, or of one on Windows.

    >>> is_link("/data/upload/1/a.txt"), is_link("s3://notes/a.txt"), is_link("See https://example.org")
    (True, True, False)
    >>> is_link(r"C:\notes\0.txt"), is_link(r"\\server\share\a.txt")
    (True, True)
    """
    return _LINK.fullmatch(text.strip()) is not None


def link_problem(path: str, line: int | None, *, fatal: bool = True) -> Problem:
    """The problem of a document whose text is a link."""
    return Problem(path, LINK_MESSAGE, line, LINK, fatal)
