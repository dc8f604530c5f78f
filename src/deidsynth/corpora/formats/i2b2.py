"""XML of i2b2 2014 and MEDDOCAN: one file per document, its text in ``<TEXT>``, one empty element per entity.

Each element below ``<TAGS>`` is an entity: its name is a coarse category, the attribute ``TYPE`` the label (by default
the element name), ``start`` and ``end`` the offsets, ``text`` a copy of the text there. Folders are laid out as for
brat, with an inner folder ``xml``. A file ``deidsynth.json`` beside the documents says where they come from.

An XML parser turns every line break into ``\\n``; offsets count the characters that it returns.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from deidsynth.corpora.document_files import heads_of
from deidsynth.corpora.encodings import decode_xml, decode_xml_head
from deidsynth.corpora.folders import documents_by_file, files_below, skip_outside_splits, split_folders, write_folder
from deidsynth.corpora.output import Source
from deidsynth.corpora.provenance import Provenance, read_provenance
from deidsynth.corpora.records import RawSpan, ReadResult, Record, read_bytes, repeated_ids
from deidsynth.documents import Document, Split
from deidsynth.errors import Problem, UnrepresentableError

NAME = "i2b2"
SUFFIX = ".xml"
FALLBACK = "PHI"

_INNER = "xml"
_ROOT = "deIdi2b2"
_KNOWN = frozenset({"id", "start", "end", "text", "TYPE", "comment"})
_INTEGER = re.compile(r"-?[0-9]{1,15}")
_SPACE = re.compile(r"\s")
_NOT_XML = re.compile(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WORD = re.compile(r"[A-Z]+")

# Words in labels: in each list first those of i2b2 2014, then those of MEDDOCAN and others.
_WORDS = {
    "NAME": "PATIENT DOCTOR USERNAME NOMBRE NAME SURNAME PERSON",
    "PROFESSION": "PROFESSION PROFESION OCCUPATION",
    "LOCATION": "ROOM DEPARTMENT HOSPITAL ORGANIZATION STREET CITY STATE COUNTRY ZIP CALLE TERRITORIO PAIS "
    "INSTITUCION CENTRO LOCATION ADDRESS UNIT ORGANISATION",
    "AGE": "AGE EDAD",
    "DATE": "DATE FECHA FECHAS YEAR",
    "CONTACT": "PHONE FAX EMAIL URL IPADDR IPADDRESS TELEFONO CORREO DIREC CONTACT MAIL",
    "ID": "MEDICALRECORD IDNUM SSN ACCOUNT LICENSE HEALTHPLAN VEHICLE DEVICE BIOID ID IDENTIF BENEF",
    "OTHER": "FAMILIARES SEXO OTROS OTHER",
}
_CATEGORIES = {word: category for category, words in _WORDS.items() for word in words.split()}


class _Tag(NamedTuple):
    name: str
    attributes: dict[str, str]
    line: int


class _FoundError(Exception):
    """Raised to stop parsing as soon as the format of a file is known."""


class _RefusedError(Exception):
    """The file contains something unsupported; the message says what, the code names it."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


def sniff(path: Path) -> bool:
    """Whether the path looks like this XML: a file, or a folder of such files without brat annotations."""
    if not path.is_dir():
        return path.suffix.lower() == SUFFIX and _looks_right(path)
    folders = [folder for folder, _ in split_folders(path, _INNER)[0]]
    if any(files_below(folder, ".ann") for folder in folders):
        return False
    return any(_looks_right(file) for folder in folders for file in files_below(folder, SUFFIX))


def read_records(path: Path) -> ReadResult:
    """Raw records and problems of a file or a folder.

    Args:
        path: a file, or a folder in which every ``.xml`` file is a document.
    """
    result = ReadResult(NAME)
    result.records += stream_records(path, result)
    return result


def stream_records(path: Path, result: ReadResult) -> Iterator[Record]:
    """The records of a file or a folder, one by one.

    Args:
        path: as for ``read_records``.
        result: gets the problems and what is skipped, not the records.
    """
    skip_outside_splits(result, path, (SUFFIX,), _INNER)
    provenances: dict[Path, Provenance] = {}
    # Every file is read: one that does not look right is a fault to report, not a document to lose.
    for file, split in documents_by_file(path, (SUFFIX,), _INNER, lambda _: True)[0]:
        if file.parent not in provenances:
            provenances[file.parent] = read_provenance(file.parent, result)
        record = _read_document(file, split, provenances[file.parent], result)
        if record is not None:
            yield record


def write(corpus: Source, path: Path, splits: Mapping[str, Split] | None) -> Counter[str]:
    """Counts of what the format cannot store, after writing the corpus into a new folder.

    Args:
        corpus: what to write; a document's id becomes the name of its file.
        path: the folder; with splits, it gets one subfolder for each.
        splits: split of every document id, or None.

    Raises:
        UnrepresentableError: a text or a label that XML cannot represent exactly, or an id that is no safe file name.
        StorageError: the disk is full or not writable.
    """
    for number, document in enumerate(corpus, start=1):
        labels = "".join(entity.label for entity in document.entities)
        if "\r" in document.text:
            raise UnrepresentableError(
                f"the text of document number {number} has a carriage return, which an XML parser turns into a line "
                "feed; write brat or jsonl"
            )
        if _NOT_XML.search(document.text + labels):
            raise UnrepresentableError(
                f"document number {number} has a character that XML 1.0 cannot encode, such as a control character; "
                "write brat or jsonl"
            )
    return write_folder(corpus, path, splits, lambda document: {SUFFIX: _xml(document)}, NAME)


def category(label: str) -> str:
    """The coarse category of a label, by its first known word, else ``PHI``.

    >>> category("NOMBRE_PERSONAL_SANITARIO"), category("Phone_Number"), category("XYZ")
    ('NAME', 'CONTACT', 'PHI')
    """
    return next((_CATEGORIES[word] for word in _WORD.findall(label.upper()) if word in _CATEGORIES), FALLBACK)


def _looks_right(path: Path) -> bool:
    """Whether a file is XML whose root has a child for the text or for the entities."""
    depth = 0

    def start(name: str, _attributes: object) -> None:
        nonlocal depth
        depth += 1
        if depth == 2 and name in ("TEXT", "TAGS"):
            raise _FoundError

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    def declaration(*_: object) -> None:
        raise _RefusedError("", "")

    try:
        for head in heads_of(path):
            depth, parser = 0, expat.ParserCreate()
            parser.StartElementHandler, parser.EndElementHandler, parser.EntityDeclHandler = start, end, declaration
            parser.Parse(decode_xml_head(head), False)
    except _FoundError:
        return True
    except (OSError, expat.ExpatError, _RefusedError, LookupError, ValueError):
        return False
    return False


class _Parser:
    """Text, entities and skipped elements of one file."""

    def __init__(self) -> None:
        self.pieces: list[str] | None = None
        self.tags: list[_Tag] = []
        self.skipped: Counter[str] = Counter()
        self._open: list[str] = []
        self._expat = expat.ParserCreate()
        self._expat.buffer_text = True
        self._expat.StartElementHandler = self._start
        self._expat.EndElementHandler = self._end
        self._expat.CharacterDataHandler = self._characters
        self._expat.EntityDeclHandler = self._refuse_entity
        self._expat.SkippedEntityHandler = self._refuse_entity

    @property
    def line(self) -> int:
        return self._expat.CurrentLineNumber

    def parse(self, content: str) -> None:
        self._expat.Parse(content, True)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        above = self._open[1:3]
        self._open.append(name)
        if above[:1] == ["TEXT"]:
            raise _RefusedError("TEXT contains an element; put the text into one CDATA section", "markup")
        if not above and len(self._open) == 2 and name == "TEXT":
            if self.pieces is not None:
                raise _RefusedError("there is a second TEXT; write one document into each file", "second-text")
            self.pieces = []
        elif above == ["TAGS"]:
            self.tags.append(_Tag(name, attributes, self.line))
        elif above or (len(self._open) == 2 and name != "TAGS"):
            self.skipped["elements"] += 1

    def _end(self, _name: str) -> None:
        self._open.pop()

    def _characters(self, data: str) -> None:
        if self.pieces is not None and self._open[1:3] == ["TEXT"]:
            self.pieces.append(data)

    def _refuse_entity(self, *_: object) -> None:
        message = "DTD entities are not supported; write the characters they stand for and remove their declaration"
        raise _RefusedError(message, "entity-declaration")


def _read_document(path: Path, split: Split | None, provenance: Provenance, result: ReadResult) -> Record | None:
    data = read_bytes(path)
    content = data if isinstance(data, Problem) else decode_xml(data, str(path))
    if isinstance(content, Problem):
        result.problems.append(content)
        return None
    parser = _Parser()
    try:
        parser.parse(content)
    except _RefusedError as error:
        result.problems.append(Problem(str(path), str(error), parser.line, error.code))
        return None
    except expat.ExpatError as error:
        # The message of the error may quote the file; the message of its code does not.
        message = f"not XML at column {error.offset + 1} ({expat.ErrorString(error.code)}); fix the file"
        result.problems.append(Problem(str(path), message, error.lineno, "malformed"))
        return None
    if parser.pieces is None:
        message = "there is no TEXT below the root element; add it, or move the file elsewhere"
        result.problems.append(Problem(str(path), message, code="missing-text"))
        return None
    text = "".join(parser.pieces)
    spans = [_span(tag, text, str(path), parser.skipped) for tag in parser.tags]
    result.problems += [span for span in spans if isinstance(span, Problem)]
    result.problems += repeated_ids(((tag.attributes.get("id"), tag.line) for tag in parser.tags), str(path))
    result.skipped += parser.skipped
    valid = tuple(span for span in spans if isinstance(span, RawSpan))
    origin, annotation, language = provenance
    return Record(path.stem, text, valid, str(path), None, None, split, origin, annotation, language=language)


def _span(tag: _Tag, text: str, path: str, skipped: Counter[str]) -> RawSpan | Problem:
    attributes = tag.attributes
    skipped["attributes"] += len(attributes.keys() - _KNOWN)
    skipped["comments"] += bool(attributes.get("comment"))
    bounds = [attributes.get(name, "") for name in ("start", "end")]
    if not all(map(_INTEGER.fullmatch, bounds)):
        message = "the attributes start and end of an entity must be integers; they count Unicode code points"
        return Problem(path, message, tag.line, "offsets", of_entity=True)
    start, end = map(int, bounds)
    shown = attributes.get("text")
    is_within = 0 <= start < end <= len(text)
    if shown is not None and is_within and (len(shown) != end - start or not _same_text(shown, text[start:end])):
        message = (
            f"the attribute text of entity {start}:{end} differs from TEXT at its offsets; was the text changed after "
            "annotation? Offsets count Unicode code points, and a line break as one"
        )
        return Problem(path, message, tag.line, "text-mismatch", of_entity=True)
    return RawSpan(start, end, attributes.get("TYPE") or tag.name, line=tag.line)


def _same_text(shown: str, expected: str) -> bool:
    """Whether both are equal except for kinds of white space: XML turns each into a blank in attributes."""
    return _SPACE.sub(" ", shown) == _SPACE.sub(" ", expected)


def _xml(document: Document) -> str:
    # The end marker of a CDATA section cannot occur inside one, so it is split over two.
    text = document.text.replace("]]>", "]]]]><![CDATA[>")
    tags = "".join(
        f'    <{category(entity.label)} id="T{number}" start="{entity.start}" end="{entity.end}" '
        f'text={quoteattr(document.surface(entity))} TYPE={quoteattr(entity.label)} comment=""/>\n'
        for number, entity in enumerate(document.entities, start=1)
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{_ROOT}>\n  <TEXT><![CDATA[{text}]]></TEXT>\n'
        f"  <TAGS>\n{tags}  </TAGS>\n</{_ROOT}>\n"
    )
