"""Outside formats to a ``Corpus`` and back, splits, and figures about a corpus."""

from deidsynth.corpora.formats import FORMATS, Format, find_format, write_corpus
from deidsynth.corpora.jsonl import read_jsonl, write_jsonl
from deidsynth.corpora.loading import LoadedCorpus, check_corpus, content_digest, load_corpus
from deidsynth.corpora.records import RawSpan, ReadResult, Record
from deidsynth.corpora.splitting import shared_groups, split_parts, take_fraction
from deidsynth.corpora.statistics import describe

__all__ = [
    "FORMATS",
    "Format",
    "LoadedCorpus",
    "RawSpan",
    "ReadResult",
    "Record",
    "check_corpus",
    "content_digest",
    "describe",
    "find_format",
    "load_corpus",
    "read_jsonl",
    "shared_groups",
    "split_parts",
    "take_fraction",
    "write_corpus",
    "write_jsonl",
]
