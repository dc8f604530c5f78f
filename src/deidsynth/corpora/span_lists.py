"""Cells that tables and datasets share: lists of entities, names of splits, names of columns."""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Mapping, Reversible, Sequence
from types import MappingProxyType
from typing import Any, TypeGuard

from deidsynth.corpora.records import SPLIT_NAMES, RawSpan
from deidsynth.corpora.stated_texts import Placed, Stated, in_code_points, mismatch
from deidsynth.documents import SPLITS, Split
from deidsynth.plain_data import RepeatedKeyError, read_json

_KEYS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "start": ("start", "startoffset", "begin", "beginoffset", "startposition", "startchar", "startindex"),
        "end": ("end", "endoffset", "stop", "endposition", "endchar", "endindex"),
        "label": (
            *("label", "labels", "entitygroup", "entitytype", "labelname", "type", "tag", "category", "class"),
            "entity",  # last: in some lists it is the text
        ),
        "score": ("score",),
        "text": ("text", "entitytext", "entityvalue", "coveredtext", "surface", "mention"),
    }
)
"""Keys of an entity, best first, in lower case and without separators."""
_KEY_NAME = re.compile(r"[A-Za-z_]{1,24}")
_COLUMN_NAME = re.compile(r"[^\W\d][\w.:/# -]{0,39}")

_KNOWN_COLUMNS = frozenset(
    {"text", "texts", "note", "notes", "note_text", "body", "content", "document", "report", "sentence", "full_text"}
    | {"doc_id", "document_id", "id", "group", "patient_id", "split", "language", "tokens", "ner_tags", "tags"}
    | {"entities", "spans", "annotations", "label", "labels", "ner", "entity", "entity_spans", "ner_spans", "phi"}
    | {"phi_spans", "pii", "pii_spans", "pii_entities", "privacy_mask", "gold", "predictions"}
)
"""Names of columns that may be shown; any other could be a cell of a table without a header row."""

NUMERIC = "numeric-label"
NUMERIC_LABEL = (
    "the label of an entity must be a string, but it is a number, and the names are elsewhere: in the features of a "
    "Hugging Face dataset (ClassLabel; deidsynth.from_dataset reads them), in its card or dataset_infos.json, or in "
    "the list of labels that a tool exports apart; write them in place of the numbers"
)


class RowError(ValueError):
    """A row has a fault; the message says which and how to fix it, without quoting the row.

    Args:
        message: what is wrong, and the remedy.
        code: of the problem.
    """

    def __init__(self, message: str, code: str = "malformed") -> None:
        self.code = code
        super().__init__(message)


def decoded(cell: object) -> object:
    """The value of a cell that may contain JSON or the repr of a Python list; None for an empty cell.

    Raises:
        RowError: the string is neither.
    """
    if not isinstance(cell, str):
        return cell
    try:
        return read_json(cell) if cell.strip() else None
    except RepeatedKeyError as error:
        raise RowError(f"the entities: {error}") from None
    except (ValueError, RecursionError):
        pass
    try:  # pandas writes a column of lists like this
        return ast.literal_eval(cell.strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        raise RowError("the entities are not JSON; write a list of objects with start, end and label") from None


def spans_of(
    value: object,
    text: str,
    skipped: Counter[str],
    faults: list[RowError],
    line: int | None = None,
    names: Sequence[str] | None = None,
) -> Placed:
    """The spans of a decoded entity list, without those that have a fault; in code points, if their texts prove it.

    Args:
        value: None, or a list of objects with start, end and label (or other common names of these, such as ``begin``,
            ``end_offset`` and ``type``), or a list of such triples, or an object of three lists of the same length.
        text: of the document; where the entities state theirs, it proves the offsets.
        skipped: counts the unknown keys, and the documents whose offsets count UTF-16 units.
        faults: gets an error for each entity that has one.
        line: of the row.
        names: of the labels, if these are integers.

    Raises:
        RowError: the value is something else, or a stated text is not at its offsets.
    """
    if isinstance(value, dict) and value and all(isinstance(each, list) for each in value.values()):
        if len({len(each) for each in value.values()}) > 1:
            raise RowError("start, end and label must be lists of the same length")
        value = [dict(zip(value, each, strict=True)) for each in zip(*value.values(), strict=True)]
    if value is None:
        return Placed(())
    if not isinstance(value, list | tuple):
        raise RowError("the entities must be a list of objects with start, end and label; write [] if it is empty")
    found = []
    for each in value:
        try:
            found.append(stated_span(each, skipped, line, names))
        except RowError as error:
            if error.code == NUMERIC:  # of all entities, whatever is left out
                raise
            faults.append(error)
    return proven_spans(found, text, skipped, faults)


def proven_spans(stated: Sequence[Stated], text: str, skipped: Counter[str], faults: list[RowError]) -> Placed:
    """The spans of a text in code points, proved by the texts that they state, without those that have a fault.

    Raises:
        RowError: the label of every entity is its text.
    """
    placed = in_code_points(text, stated)
    faults += [RowError(mismatch("the text", span), "text-mismatch") for span in placed.wrong]
    if placed.from_utf16:
        skipped["documents_with_utf16_offsets"] += 1
    if placed.spans and all(span.label == text[span.start : span.end] for span in placed.spans):
        raise RowError("the label of every entity is its text; put the label under the key label")
    return placed


def split_of(value: object) -> Split | None:
    """The split that a cell names, or None for an empty cell.

    Raises:
        RowError: it is not the name of a split.
    """
    if value is None or value == "":
        return None
    split = SPLIT_NAMES.get(value.strip().lower()) if isinstance(value, str) else None
    if split is None:
        raise RowError(f"the split must be one of {', '.join(SPLITS)}, or empty")
    return split


def are_names(names: Sequence[str]) -> bool:
    """Whether all names look like column names rather than text."""
    return all(map(_COLUMN_NAME.fullmatch, names))


def list_names(names: Sequence[str]) -> str:
    """The known column names for a message, and the number of all: without a header row, the others are text."""
    if not names:
        return "there are no columns"
    known = [name for name in names if name.lower() in _KNOWN_COLUMNS]
    if len(known) == len(names):
        return f"the columns are {', '.join(names)}"
    if known:
        return f"there are {len(names)} columns, among them {', '.join(known)}"
    return f"there are {len(names)} columns, some without a proper name (is the first row a header?)"


def is_span(value: object) -> bool:
    """Whether a value looks like an entity: a triple, or an object with a start and an end, or with two integers."""
    if isinstance(value, Mapping):
        return all(key_of(list(value), part) for part in ("start", "end")) or _n_integers(value) > 1
    return isinstance(value, list | tuple) and len(value) == 3


def stated_span(
    entity: object, skipped: Counter[str], line: int | None = None, names: Sequence[str] | None = None
) -> Stated:
    """The span of an entity of a list, with the text that it states; for arguments and errors see ``spans_of``."""
    if isinstance(entity, list | tuple) and len(entity) == 3:
        entity = dict(zip(("start", "end", "label"), entity, strict=True))
    if not isinstance(entity, dict):
        raise RowError("an entity must be an object with start, end and label")
    keys = {part: key for part in _KEYS if (key := key_of(entity, part)) is not None}
    start, end, label, score, text = (entity.get(keys.get(part, "")) for part in _KEYS)
    if not {"start", "end", "label"} <= keys.keys():
        raise RowError(f"an entity must have start, end and label; {_list_keys(entity, keys)}")
    if type(start) is not int or type(end) is not int:
        raise RowError("start and end of an entity must be integers; they count Unicode code points")
    if isinstance(label, list) and len(label) == 1:  # as Label Studio writes it
        label = label[0]
    if names and type(label) is int and 0 <= label < len(names):
        label = names[label]
    if type(label) is int:
        raise RowError(NUMERIC_LABEL, NUMERIC)
    if not isinstance(label, str):
        raise RowError("the label of an entity must be a string")
    if score is not None and not is_score(score):
        raise RowError("the score of an entity must be a number in [0, 1]; leave it out if there is none")
    if len(entity) > len(keys):
        skipped["unknown_keys"] += len(entity) - len(keys)
    span = RawSpan(start, end, label, None if score is None else float(score), line)
    return Stated(span, text if isinstance(text, str) else None)


def is_score(value: object) -> TypeGuard[int | float]:
    """Whether a value is a number that a float can hold; whether it is in [0, 1] is checked for every format."""
    return type(value) is float or (type(value) is int and abs(value) <= sys.float_info.max)


def key_of(keys: Reversible[Any], part: str) -> Any:
    """The best of some keys, or columns, for the start, end, label, score or text of an entity; None if none is one."""
    plain = {_plain(key): key for key in reversed(keys)}
    return next((plain[name] for name in _KEYS[part] if name in plain), None)


def _n_integers(entity: Mapping[Any, object]) -> int:
    return sum(type(value) is int for value in entity.values())


def _plain(key: object) -> str:
    return re.sub(r"[\s_-]", "", str(key)).lower()


def _list_keys(entity: Mapping[Any, object], known: Mapping[str, object]) -> str:
    """The keys of an entity for a message; only their number if they may be text."""
    are_keys = bool(known) or _n_integers(entity) > 1
    if are_keys and all(isinstance(key, str) and _KEY_NAME.fullmatch(key) for key in entity):
        return f"the keys found are {', '.join(entity)}"
    return f"{len(entity)} other keys were found"
