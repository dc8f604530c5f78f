"""The formats by name: how each is detected, read and written. A new format is one file and one entry here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from deidsynth.config import LayoutConfig
from deidsynth.corpora.folders import refuse_unassigned, splits_of
from deidsynth.corpora.formats import (
    asq_phi,
    brat,
    cas,
    cas_files,
    conll,
    conll_writing,
    docbin,
    doccano,
    i2b2,
    inline,
    jsonl,
    label_studio,
    presidio,
    spacy_json,
    table,
    token_lists,
    webanno_tsv,
)
from deidsynth.corpora.output import Source, refuse_lost_characters, refuse_occupied, refuse_unwritable
from deidsynth.corpora.records import ReadOptions, ReadResult, Record
from deidsynth.documents import Corpus, Split
from deidsynth.errors import InputError


@dataclass(frozen=True, slots=True)
class Format:
    """One corpus format.

    Args:
        description: what it looks like on disk, in a few words.
        suffixes: of the files it is read from.
        sniff: whether a path looks like it.
        read: raw records and problems of a path.
        write: writes a corpus, with the split of each document if it has splits, and counts what the format cannot
            store. None if the format is read only.
        files: suffixes of names that are written as one file.
        folder: whether any other name is written as a folder.
        stream: what ``read`` returns record by record, with problems and skipped content added to a result; None if
            a record depends on those after it.
        write_stream: what ``write`` does, document by document; None if it needs all of them.
    """

    description: str
    suffixes: tuple[str, ...]
    sniff: Callable[[Path], bool]
    read: Callable[[Path, ReadOptions], ReadResult]
    write: Callable[[Corpus, Path, Mapping[str, Split] | None, LayoutConfig], Counter[str]] | None
    files: tuple[str, ...] = ()
    folder: bool = True
    stream: Callable[[Path, ReadOptions, ReadResult], Iterator[Record]] | None = None
    write_stream: Callable[[Source, Path, Mapping[str, Split] | None], Counter[str]] | None = None


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        brat.NAME: Format(
            "a folder of .txt and .ann pairs",
            brat.SUFFIXES,
            brat.sniff,
            lambda path, options: brat.read_records(path, options.discontinuous, options.texts),
            lambda corpus, path, splits, _layout: brat.write(corpus, path, splits),
            write_stream=brat.write,
            stream=lambda path, options, found: brat.stream_records(path, found, options.discontinuous, options.texts),
        ),
        jsonl.NAME: Format(
            "a .jsonl file, or a folder of them",
            (jsonl.SUFFIX,),
            lambda path: jsonl.sniff(path) and not any(each.sniff(path) for each in (doccano, spacy_json, token_lists)),
            lambda path, options: jsonl.read_records(path, texts_only=options.texts_only),
            lambda corpus, path, splits, _layout: jsonl.write(corpus, path, splits),
            (jsonl.SUFFIX,),
            write_stream=jsonl.write,
            stream=lambda path, options, result: jsonl.stream_records(path, result, texts_only=options.texts_only),
        ),
        i2b2.NAME: Format(
            "i2b2 / MEDDOCAN XML: TEXT in CDATA, TAGS with offsets",
            (i2b2.SUFFIX,),
            i2b2.sniff,
            lambda path, _options: i2b2.read_records(path),
            lambda corpus, path, splits, _layout: i2b2.write(corpus, path, splits),
            write_stream=i2b2.write,
            stream=lambda path, _options, result: i2b2.stream_records(path, result),
        ),
        inline.NAME: Format(
            "a folder of .txt with entities in the text: <NAME>Ana</NAME> or [Ana](NAME)",
            (inline.SUFFIX,),
            inline.sniff,
            lambda path, options: inline.read_records(path, options.layout.inline),
            lambda corpus, path, splits, layout: inline.write(corpus, path, splits, layout.inline),
        ),
        conll.NAME: Format(
            "token and tag in columns, IOB, BIOES or raw labels",
            conll.SUFFIXES,
            conll.sniff,
            lambda path, options: conll.read_records(path, options.layout.columns),
            lambda corpus, path, splits, layout: conll_writing.write(corpus, path, splits, layout.columns),
            (conll_writing.WRITTEN_SUFFIX,),
        ),
        doccano.NAME: Format(
            "doccano's .jsonl or .json: text and label, entities or annotations",
            doccano.SUFFIXES,
            doccano.sniff,
            lambda path, _options: doccano.read_records(path),
            lambda corpus, path, splits, _layout: doccano.write(corpus, path, splits),
            (doccano.SUFFIX,),
        ),
        label_studio.NAME: Format(
            "Label Studio's .json of tasks, full or minimal",
            (label_studio.SUFFIX,),
            label_studio.sniff,
            lambda path, _options: label_studio.read_records(path),
            lambda corpus, path, splits, _layout: label_studio.write(corpus, path, splits),
            (label_studio.SUFFIX,),
        ),
        presidio.NAME: Format(
            "presidio-evaluator's .json: full_text and spans",
            (presidio.SUFFIX,),
            presidio.sniff,
            lambda path, _options: presidio.read_records(path),
            lambda corpus, path, splits, _layout: presidio.write(corpus, path, splits),
            (presidio.SUFFIX,),
        ),
        table.NAME: Format(
            "a .csv, .tsv or .parquet file with a text column and an entity column",
            table.SUFFIXES,
            table.sniff,
            lambda path, options: table.read_records(path, options.layout.table),
            lambda corpus, path, splits, layout: table.write(corpus, path, splits, layout.table),
            table.SUFFIXES,
            folder=False,
        ),
        cas.NAME: Format(
            "UIMA CAS, JSON or XMI, as INCEpTION exports it (written as XMI)",
            cas_files.SUFFIXES,
            cas.sniff,
            lambda path, _options: cas.read_records(path),
            lambda corpus, path, splits, _layout: cas.write(corpus, path, splits),
        ),
        webanno_tsv.NAME: Format(
            "WebAnno TSV 3, as INCEpTION and WebAnno export it",
            (webanno_tsv.SUFFIX,),
            webanno_tsv.sniff,
            lambda path, _options: webanno_tsv.read_records(path),
            None,
        ),
        spacy_json.NAME: Format(
            "spaCy's and Prodigy's .jsonl or .json: text and spans, or [text, {entities}]",
            spacy_json.SUFFIXES,
            spacy_json.sniff,
            lambda path, _options: spacy_json.read_records(path),
            lambda corpus, path, splits, _layout: spacy_json.write(corpus, path, splits),
            (spacy_json.SUFFIX,),
        ),
        docbin.NAME: Format(
            "spaCy's .spacy files (DocBin)",
            (docbin.SUFFIX,),
            docbin.sniff,
            lambda path, _options: docbin.read_records(path),
            lambda corpus, path, splits, _layout: docbin.write(corpus, path, splits),
            (docbin.SUFFIX,),
        ),
        token_lists.NAME: Format(
            ".jsonl or .json with tokens and their tags (ner_tags, labels)",
            token_lists.SUFFIXES,
            token_lists.sniff,
            lambda path, _options: token_lists.read_records(path),
            None,
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
"""Of all formats; folder names do not end in these."""


def get_format(name: str) -> Format:
    """The format with this name.

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
    splits: Mapping[str, Split] | None = None,
    layout: LayoutConfig | None = None,
) -> Counter[str]:
    """Counts of what the format cannot store, after writing the corpus to a new place.

    Args:
        corpus: what to write.
        path: a folder, or a file for formats that allow it (``Format.files``); must not exist or be empty.
        format: name of the format.
        splits: split of every document id, empty for none; by default those of the documents, if there are several.
        layout: details that the format leaves open, such as columns.

    Raises:
        InputError: an unknown format, a destination that is not empty or not writable, or a file name for a format that
            is written as a folder.
        UnrepresentableError: the format cannot represent the corpus, or a text has characters that are not read back;
            nothing is written.
        StorageError: the disk is full.
    """
    writer, path = get_format(format).write, Path(path)
    splits = splits_of(corpus) if splits is None else splits
    if writer is None:
        written = ", ".join(name for name, each in FORMATS.items() if each.write is not None)
        raise InputError(f"{format} can be read but not written; formats to write: {written}")
    refuse_unassigned(corpus.doc_ids, splits)
    for number, document in enumerate(corpus, start=1):
        refuse_lost_characters(document, number)
    refuse_target(path, format)
    return writer(corpus, path, splits or None, layout or LayoutConfig())


def refuse_target(path: Path, format: str) -> None:
    """Refuse a target for a format.

    Raises:
        InputError: it is occupied, not writable, or named like a file, which the format is not.
    """
    _refuse_file_name(path, format)
    refuse_occupied(path)
    refuse_unwritable(path.parent, "TARGET")


def _refuse_file_name(path: Path, format: str) -> None:
    """Refuse to make a folder that is named like a file, unless it exists already."""
    made = get_format(format)
    if made.folder and path.suffix.lower() in SUFFIXES and path.suffix not in made.files and not path.is_dir():
        file = f", or a name that ends in {made.files[0]}" if made.files else ""
        raise InputError(
            f"{path}: is a file name, but {format} is written as a folder; give the name of a folder as TARGET, "
            f"such as {path.stem}{file}"
        )
