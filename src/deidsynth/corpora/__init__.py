"""Reading and writing corpus formats, checks, splits, label mappings and statistics of a corpus."""

from deidsynth.corpora.checking import find_unannotated, find_warnings
from deidsynth.corpora.finding import find_format
from deidsynth.corpora.formats.hub_datasets import from_dataset, to_dataset
from deidsynth.corpora.formats.jsonl import read_jsonl, write_jsonl
from deidsynth.corpora.formats.registry import FORMATS, Format, write_corpus
from deidsynth.corpora.formats.spacy_docs import from_spacy, to_spacy
from deidsynth.corpora.loading import LoadedCorpus, check_corpus, content_digest, load_corpus, read_corpus
from deidsynth.corpora.mapping import LabelMapping, load_mapping, map_labels, ready_mappings
from deidsynth.corpora.records import RawSpan, ReadResult, Record
from deidsynth.corpora.splitting import hold_out, make_fold, make_splits, shared_groups, take_fraction
from deidsynth.corpora.statistics import describe

__all__ = [
    "FORMATS",
    "Format",
    "LabelMapping",
    "LoadedCorpus",
    "RawSpan",
    "ReadResult",
    "Record",
    "check_corpus",
    "content_digest",
    "describe",
    "find_format",
    "find_unannotated",
    "find_warnings",
    "from_dataset",
    "from_spacy",
    "hold_out",
    "load_corpus",
    "load_mapping",
    "make_fold",
    "make_splits",
    "map_labels",
    "read_corpus",
    "read_jsonl",
    "ready_mappings",
    "shared_groups",
    "take_fraction",
    "to_dataset",
    "to_spacy",
    "write_corpus",
    "write_jsonl",
]
