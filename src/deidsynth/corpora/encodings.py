"""From bytes to text: UTF-8, in XML also what it declares, and which encoding the bytes of any other file show."""

from __future__ import annotations

import codecs
import re
from dataclasses import replace

from deidsynth.errors import Problem

MARK = "\ufeff"
"""The byte order mark: at the beginning of a file it is no text."""

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_DECLARED = re.compile(r"""\s*<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_DECLARATION = re.compile(r"""(\A\s*<\?xml[^>]*?)\s+encoding\s*=\s*(?:"[^"]*"|'[^']*')""")
_ASCII = "".join(map(chr, range(32, 127))).replace("\\", "") + r"+AOk- ~{ \u00e9 .xn--9ca."
"""Every printable character, and sequences that UTF-7, HZ and codecs that are no encodings take for something else."""
_NOT_EVERYWHERE = "\\~%"
"""Characters that some encodings of other scripts have replaced."""
_ASCII_OR_LATIN_1 = ("ascii", "iso8859-1")


class _NotOfXMLError(LookupError):
    """An XML file declares an encoding such as UTF-7, in which the characters of ASCII are not those of ASCII."""


def decode(
    data: bytes, path: str, first_line: int = 1, first_byte: int = 0, whole: bytes | None = None
) -> str | Problem:
    """The text of UTF-8 bytes without a byte order mark, or the problem that names the first bad byte and the encoding.

    Args:
        data: the bytes of a file, or of a part of it.
        path: the file.
        first_line: one-based line of the file where ``data`` begins.
        first_byte: zero-based offset in the file where ``data`` begins.
        whole: the bytes of the whole file, which show its encoding; by default ``data``.
    """
    try:
        return data.decode("utf-8").removeprefix(MARK if first_byte == 0 else "")
    except UnicodeDecodeError as error:
        line = first_line + data.count(b"\n", 0, error.start)
        remedy = _remedy(data if whole is None else whole)
        return Problem(path, f"not UTF-8 at byte {first_byte + error.start}; {remedy}", line, "encoding")


def is_utf_16(data: bytes) -> bool:
    """Whether bytes begin with the byte order mark of UTF-16."""
    return data.startswith(_UTF_16)


def decode_xml(data: bytes, path: str) -> str | Problem:
    """The text of an XML file in the encoding that it declares, or the problem in the way.

    Args:
        data: the bytes of the file.
        path: the file.
    """
    try:
        codec = _xml_codec(data)
    except _NotOfXMLError:
        message = "in an encoding that XML cannot have, as its declaration states; write it again in UTF-8"
        return Problem(path, message, 1, "encoding")
    except LookupError:
        codec = "an encoding that is not known"
    text = decode(data, path)
    if isinstance(text, str) and (codec in ("utf-8", "ascii") or (text.isascii() and "\0" not in text)):
        return text
    if isinstance(text, str) and not codec.startswith("utf-16"):
        message = f"its XML declaration states {codec}, but it is UTF-8; state UTF-8 there"
        return Problem(path, message, 1, "encoding")
    try:
        return data.decode(codec).removeprefix(MARK)
    except (UnicodeError, LookupError):
        problem = decode(data, path)
    if isinstance(problem, Problem) and codec != "utf-8":
        return replace(problem, message=f"{problem.message}, and let its XML declaration state UTF-8")
    return problem


def decode_xml_head(data: bytes) -> str:
    """The text of the first bytes of an XML file; what cannot be decoded is replaced.

    Raises:
        LookupError: the encoding that it declares is not known.
    """
    return data.decode(_xml_codec(data), "replace").removeprefix(MARK)


def as_utf_8(xml: str) -> bytes:
    """The bytes of an XML text in UTF-8, without a declaration of another encoding."""
    return _DECLARATION.sub(r"\1", xml, count=1).encode("utf-8", "surrogatepass")


def _xml_codec(data: bytes) -> str:
    """The encoding that the first bytes of an XML file show, or else declare.

    Raises:
        LookupError: what it declares is not known.
    """
    wide = "utf-16" if is_utf_16(data) else wide_encoding(data)
    head = data[:1024].decode(wide or "ascii", "replace").removeprefix(MARK)
    declared = _DECLARED.match(head if wide else head.removeprefix("\ufffd" * 3))
    name = codecs.lookup(declared[1] if declared else wide or "utf-8").name
    if wide and not name.startswith("utf-16"):
        raise LookupError("it declares another encoding than its bytes have")
    if wide:
        return wide
    if not name.startswith(("utf-16", "utf-32")) and not _keeps_ascii(name):
        raise _NotOfXMLError
    # As browsers do: what declares Latin-1 and has the quotation marks of Windows is Windows-1252.
    return "cp1252" if name in _ASCII_OR_LATIN_1 and _shown_encoding(data) == "cp1252" else name


def _keeps_ascii(codec: str) -> bool:
    """Whether an encoding has the characters of ASCII where ASCII has them, as every one that XML can declare."""
    try:
        decoded = _ASCII.encode().decode(codec)
    except (UnicodeError, LookupError):
        return False
    return len(decoded) == len(_ASCII) and all(
        found == expected or expected in _NOT_EVERYWHERE for found, expected in zip(decoded, _ASCII, strict=True)
    )


def wide_encoding(data: bytes) -> str | None:
    """The form of UTF-16 without a byte order mark that bytes show: every second one is NUL in most of a Latin text.

    >>> wide_encoding("Ana Ek".encode("utf-16-be"))
    'utf-16be'
    """
    for name, high in (("utf-16le", data[1:1024:2]), ("utf-16be", data[:1024:2])):
        if 2 * high.count(0) > len(high):
            return name
    return None


def _remedy(data: bytes) -> str:
    """What to do with a file that is not UTF-8."""
    decoded = data.decode("utf-8", "replace")
    n_bad = decoded.count("\ufffd")
    if sum(character > "\x7f" for character in decoded) - n_bad > n_bad:
        return "the rest of the file is UTF-8; fix that character"
    encoding = _shown_encoding(data)
    if encoding is None:
        return "find out its encoding and convert the file to UTF-8, with offsets in code points"
    return f"it seems to be {encoding}; convert it to UTF-8: iconv -f {encoding} -t utf-8 OLD > NEW"


def _shown_encoding(data: bytes) -> str | None:
    """The encoding of bytes that are not UTF-8; None if none of the usual ones fits."""
    if is_utf_16(data):
        return "utf-16"
    wide = wide_encoding(data)
    if wide is not None or re.search(rb"[\x80-\x9f]", data) is None:
        return wide or "latin-1"
    try:
        data.decode("cp1252")
    except UnicodeDecodeError:
        return None
    return "cp1252"
