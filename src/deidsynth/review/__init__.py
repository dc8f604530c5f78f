"""Review: what a tagger was unsure of, out to a person in an annotation tool, and the corrections back as a corpus."""

from __future__ import annotations

from deidsynth.review.agreement import Agreement
from deidsynth.review.candidates import Candidate, Candidates, scored_candidates
from deidsynth.review.exporting import export_review
from deidsynth.review.importing import Review, import_review
from deidsynth.review.queues import QUEUES, Queue, Sizes, choose
from deidsynth.review.reviewed import Rest, seen_by_person
from deidsynth.review.sent import Sent, read_sent
from deidsynth.review.tools import TOOLS

__all__ = [
    "QUEUES",
    "TOOLS",
    "Agreement",
    "Candidate",
    "Candidates",
    "Queue",
    "Rest",
    "Review",
    "Sent",
    "Sizes",
    "choose",
    "export_review",
    "import_review",
    "read_sent",
    "scored_candidates",
    "seen_by_person",
]
