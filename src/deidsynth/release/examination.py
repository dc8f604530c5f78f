"""The decision whether a run is released: all that speaks against it, at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deidsynth.corpora import read_jsonl
from deidsynth.digests import file_digest, tree_digest
from deidsynth.documents import Corpus
from deidsynth.errors import InputError
from deidsynth.progress import Progress, SilentProgress
from deidsynth.release.audit_record import AuditRecord
from deidsynth.release.finished_run import AUDIT, CORPUS, TAGGER, FinishedRun
from deidsynth.release.lineage import lineage_refusals
from deidsynth.release.refusals import Refusal
from deidsynth.workflow.run_verification import check_run

AUDIT_PAGE = "audit.html"


@dataclass(frozen=True, slots=True)
class Examination:
    """A run, its audit, and what speaks against a release.

    Args:
        run: the run.
        corpus: its synthetic corpus; None if it cannot be read.
        audit: None if there is none.
        audit_file: the file that the audit is in.
        is_audit_of_run: whether the run made the audit itself, on its own training and held-out documents.
        refusals: all reasons against a release.
    """

    run: FinishedRun
    corpus: Corpus | None
    audit: AuditRecord | None
    audit_file: Path
    is_audit_of_run: bool
    refusals: tuple[Refusal, ...]

    def hindrances(self, *, accepted: bool) -> list[Refusal]:
        """The reasons that are left if those that may be accepted are, or are not."""
        return [each for each in self.refusals if not (accepted and each.may_be_accepted)]


def examine(path: Path, audit: Path | None = None, progress: Progress | None = None) -> Examination:
    """A run examined: every digest is computed again, and lineage and audit are read.

    Args:
        path: the run folder.
        audit: an ``audit.json`` to go by instead of the run's own, whose failures count nevertheless.
        progress: listener for progress.

    Raises:
        InputError: no run folder, or the given file is no audit.
        IntegrityError: the record of the run is damaged.
    """
    with (progress or SilentProgress()).task("examine the run", None):
        found = check_run(path)
        run = FinishedRun.read(path)
        changes = [*(() if found.unfinished is None else (found.unfinished,)), *found.problems]
        corpus = _corpus(run.path / CORPUS)
        refusals = [Refusal("run", change) for change in changes]
        refusals += lineage_refusals(run, corpus)
        own = _own_audit(run)
        given = own if audit is None else AuditRecord.read(audit)
        if given is None:
            refusals.append(Refusal("audit", _MISSING))
        else:
            refusals += given.refusals(_digests(run))
        if own is not None and own is not given:
            refusals += [each for each in own.failures() if each not in refusals]
        file = path / AUDIT if audit is None else audit
        if given is not None and not (file.parent / AUDIT_PAGE).is_file():
            refusals.append(Refusal("audit", f"its page {AUDIT_PAGE} is missing beside it; audit again"))
    return Examination(run, corpus, given, file, audit is None, tuple(refusals))


_MISSING = (
    "is missing; run again, or make one with: deidsynth audit SYNTHETIC --train T --held-out H --tagger M --output "
    "DIR, and give it with --audit DIR/audit.json"
)


def _own_audit(run: FinishedRun) -> AuditRecord | None:
    """The audit that the run made; None if it made none, or the file is gone."""
    if AUDIT not in run.record.published or not (run.path / AUDIT).is_file():
        return None
    return AuditRecord.read(run.path / AUDIT)


def _corpus(path: Path) -> Corpus | None:
    try:
        return read_jsonl(path)
    except (InputError, OSError):
        return None


def _digests(run: FinishedRun) -> dict[str, str]:
    """The digests by which an audit says what it is of; what is missing has none."""
    corpus, tagger = run.path / CORPUS, run.path / TAGGER
    found = {"synthetic": file_digest(corpus)} if corpus.is_file() else {}
    return found | ({"tagger": tree_digest(tagger)} if tagger.is_dir() else {})
