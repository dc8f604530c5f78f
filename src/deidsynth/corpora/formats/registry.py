"""The formats by name: how each is told, read and written. A new format is a file and one line here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from deidsynth.config import LayoutConfig
from deidsynth.corpora.folders import parts_of
from deidsynth.corpora.formats import (
    asq_phi,
    brat,
    cas,
    cas_files,
    conll,
    conll_writing,
    doccano,
    i2b2,
    inline,
    jsonl,
    label_studio,
    presidio,
    table,
)
from deidsynth.corpora.output import refuse_occupied, refuse_unwritable
from deidsynth.corpora.records import PARTS, Part, ReadOptions, ReadResult
from deidsynth.documents import Corpus
from deidsynth.errors import InputError, UnrepresentableError


@dataclass(frozen=True, slots=True)
class Format:
    """One outside format.

    Args:
        description: what it looks like on disk, in a few words.
        suffixes: of the files that it is read from.
        sniff: whether a path looks like it.
        read: raw records and problems of a path.
        write: writes a corpus, with the part of each document where it has parts; counts what could not be held.
            None where the format is only read.
        files: ends of names that become one file when written.
        folder: whether any other name becomes a folder.
    """

    description: str
    suffixes: tuple[str, ...]
    sniff: Callable[[Path], bool]
    read: Callable[[Path, ReadOptions], ReadResult]
    write: Callable[[Corpus, Path, Mapping[str, Part] | None, LayoutConfig], Counter[str]] | None
    files: tuple[str, ...] = ()
    folder: bool = True


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        brat.NAME: Format(
            "a folder of .txt and .ann pairs",
            brat.SUFFIXES,
            brat.sniff,
            lambda path, options: brat.read_records(path, options.discontinuous, options.texts),
            lambda corpus, path, parts, _layout: brat.write(corpus, path, parts),
        ),
        jsonl.NAME: Format(
            "a .jsonl file, or a folder of them",
            (jsonl.SUFFIX,),
            lambda path: jsonl.sniff(path) and not doccano.sniff(path),
            lambda path, _options: jsonl.read_records(path),
            lambda corpus, path, parts, _layout: jsonl.write(corpus, path, parts),
            (jsonl.SUFFIX,),
        ),
        i2b2.NAME: Format(
            "i2b2 / MEDDOCAN XML: TEXT in CDATA, TAGS with offsets",
            (i2b2.SUFFIX,),
            i2b2.sniff,
            lambda path, _options: i2b2.read_records(path),
            lambda corpus, path, parts, _layout: i2b2.write(corpus, path, parts),
        ),
        inline.NAME: Format(
            "a folder of .txt with entities in the text: <NAME>Ana</NAME> or [Ana](NAME)",
            (inline.SUFFIX,),
            inline.sniff,
            lambda path, options: inline.read_records(path, options.layout.inline),
            lambda corpus, path, parts, layout: inline.write(corpus, path, parts, layout.inline),
        ),
        conll.NAME: Format(
            "token and tag in columns, IOB, BIOES or raw labels",
            conll.SUFFIXES,
            conll.sniff,
            lambda path, options: conll.read_records(path, options.layout.columns),
            lambda corpus, path, parts, layout: conll_writing.write(corpus, path, parts, layout.columns),
            (conll_writing.WRITTEN_SUFFIX,),
        ),
        doccano.NAME: Format(
            "doccano's .jsonl: text and label or entities",
            (doccano.SUFFIX,),
            doccano.sniff,
            lambda path, _options: doccano.read_records(path),
            lambda corpus, path, parts, _layout: doccano.write(corpus, path, parts),
            (doccano.SUFFIX,),
        ),
        label_studio.NAME: Format(
            "Label Studio's .json of tasks, full or minimal",
            (label_studio.SUFFIX,),
            label_studio.sniff,
            lambda path, _options: label_studio.read_records(path),
            lambda corpus, path, parts, _layout: label_studio.write(corpus, path, parts),
            (label_studio.SUFFIX,),
        ),
        presidio.NAME: Format(
            "presidio-evaluator's .json: full_text and spans",
            (presidio.SUFFIX,),
            presidio.sniff,
            lambda path, _options: presidio.read_records(path),
            lambda corpus, path, parts, _layout: presidio.write(corpus, path, parts),
            (presidio.SUFFIX,),
        ),
        table.NAME: Format(
            "a .csv, .tsv or .parquet file with a column of texts and one of entities",
            table.SUFFIXES,
            table.sniff,
            lambda path, options: table.read_records(path, options.layout.table),
            lambda corpus, path, parts, layout: table.write(corpus, path, parts, layout.table),
            table.SUFFIXES,
            folder=False,
        ),
        cas.NAME: Format(
            "UIMA CAS, JSON or XMI, as INCEpTION exports it (written as XMI)",
            cas_files.SUFFIXES,
            cas.sniff,
            lambda path, _options: cas.read_records(path),
            lambda corpus, path, parts, _layout: cas.write(corpus, path, parts),
        ),
        asq_phi.NAME: Format(
            "ASQ-PHI's blocks of a query and the values in it",
            (asq_phi.SUFFIX,),
            asq_phi.sniff,
            lambda path, _options: asq_phi.read_records(path),
            None,
        ),
    }
)

SUFFIXES = tuple(dict.fromkeys(suffix for each in FORMATS.values() for suffix in each.suffixes))
"""Of all formats; nobody ends the name of a folder so."""


def get_format(name: str) -> Format:
    """The format of that name.

    Raises:
        InputError: there is none.
    """
    if name not in FORMATS:
        raise InputError(f"unknown corpus format {name!r}; known formats: {', '.join(FORMATS)}")
    return FORMATS[name]


def write_corpus(
    corpus: Corpus,
    path: str | Path,
    format: str,
    parts: Mapping[str, Part] | None = None,
    layout: LayoutConfig | None = None,
) -> Counter[str]:
    """What the format could not hold, counted, after writing the corpus to a new place.

    Args:
        corpus: what to write.
        path: a folder, or for formats that are one file (``Format.files``) the name of one; absent or empty.
        format: name of the format.
        parts: part of every document id, empty for none; by default the splits of the documents, where they name
            several.
        layout: what the format leaves open.

    Raises:
        InputError: an unknown format, a destination that is not empty or cannot be written in, or the name of a file
            where the format would become a folder.
        UnrepresentableError: the format cannot hold the corpus; nothing is written.
        StorageError: the disk is full.
    """
    writer, path = get_format(format).write, Path(path)
    parts = parts_of(corpus) if parts is None else parts
    if writer is None:
        written = ", ".join(name for name, each in FORMATS.items() if each.write is not None)
        raise InputError(f"{format} is read but not written; formats to write: {written}")
    homeless = sum(document.doc_id not in parts for document in corpus) if parts else 0
    if homeless:
        raise UnrepresentableError(
            f"{homeless} of {len(corpus)} documents are in no part; give every document one of {', '.join(PARTS)}"
        )
    _refuse_file_name(path, format)
    refuse_occupied(path)
    refuse_unwritable(path.parent, "TARGET")
    return writer(corpus, path, parts or None, layout or LayoutConfig())


def _refuse_file_name(path: Path, format: str) -> None:
    """Make sure that no folder is made that is named like a file, unless it is there already."""
    made = get_format(format)
    if made.folder and path.suffix.lower() in SUFFIXES and path.suffix not in made.files and not path.is_dir():
        file = f", or a name that ends in {made.files[0]}" if made.files else ""
        raise InputError(
            f"{path}: is named like a file, and {format} would make a folder of that name; give the name of a folder "
            f"as TARGET, such as {path.stem}{file}"
        )
