"""What came back beside what was sent: which document is which, and every fault with its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deidsynth.corpora.formats import label_studio
from deidsynth.corpora.records import ReadResult, Record
from deidsynth.digests import digest
from deidsynth.errors import Problem
from deidsynth.review.sent import Sent, SentDocument

_LINE_END = re.compile("\r\n|\r|\n")


@dataclass(frozen=True, slots=True, repr=False)
class Matches:
    """Documents that came back.

    Args:
        pairs: each with the document that was sent, in the order in which it was.
        problems: of what is none of them.
    """

    pairs: Sequence[tuple[SentDocument, Record]]
    problems: Sequence[Problem]


def match(result: ReadResult, sent: Sent) -> Matches:
    """The documents that came back, by the name that they had in the tool, or by their exact text if that is lost.

    Args:
        result: as read; its own problems are not repeated.
        sent: what was sent.
    """
    by_name = {each.name: each for each in sent.documents}
    by_text = {each.text: each for each in sent.documents}  # queues hold each text once
    found: dict[str, Record] = {}
    problems = []
    for record in result.records:
        document = by_name.get(record.doc_id)
        if document is None:
            document = by_text.get(digest(record.text))
        before = None if document is None else found.get(document.name)
        if before is not None and before.doc_id == record.doc_id:
            continue  # an id that is there twice is among the problems of the reading
        fault = _fault(record, document, found, is_predicted=_is_predicted(record, result))
        if fault is not None:
            message, code = fault
            problems.append(Problem(record.text_path or record.path, message, record.line, code))
        elif document is not None:
            found[document.name] = record
    return Matches([(each, found[each.name]) for each in sent.documents if each.name in found], problems)


def _is_predicted(record: Record, result: ReadResult) -> bool:
    """Whether a task holds what was sent and nothing that a person submitted."""
    return result.format == label_studio.NAME and record.annotation == "silver"


def _fault(
    record: Record, document: SentDocument | None, before: Iterable[str], *, is_predicted: bool
) -> tuple[str, str] | None:
    """The message and the code of what is wrong with a document that came back; None if nothing is."""
    if document is None:
        return (
            "this document was not sent, or its text was changed and its name lost; take it out, or give the folder of "
            "the export that it belongs to",
            "not-sent",
        )
    if is_predicted:
        return "it holds predictions alone; submit the tasks in Label Studio and export these", "not-annotated"
    if not document.has_text(record.text):
        return _difference(record.text, document), "text-changed"
    if document.name in before:
        return f"{document.name} is here a second time; keep the one that is right", "returned-twice"
    return None


def _difference(text: str, document: SentDocument) -> str:
    """How a text differs from the one that was sent, in words without the text."""
    remedy = "correct entities, never texts: put back the text that was sent, and place the entities in it"
    ends = ("\n", "\r\n", "\r")
    if any(document.has_text(_LINE_END.sub(end, text)) for end in ends):
        what = "its line endings differ from those of the text that was sent"
    elif any(document.has_text(each) for each in (text.strip(), f"{text}\n", f"{text}\r\n")):
        what = "leading or trailing white space differs from those of the text that was sent"
    else:
        what = f"its text ({len(text)} characters) is not the one that was sent ({document.n_chars} characters)"
    return f"{document.name}: {what}; {remedy}"
