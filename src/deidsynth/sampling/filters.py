"""Quality filters: the rules by which sampled documents are rejected."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from deidsynth.config import FilterConfig
from deidsynth.documents import Document
from deidsynth.metrics import LanguageProfile, token_spans, words
from deidsynth.privacy import LOOP_TOKENS, IdentifyingRuns, NearDuplicateIndex, VerbatimIndex, repeated_ngram_share
from deidsynth.sampling.engine import Request, Sample

Finding = Literal[
    "empty", "malformed", "overlong", "loop", "foreign_script", "other_language", "near_duplicate", "long_run",
    "identifying_run",
]  # fmt: skip
FINDINGS: tuple[Finding, ...] = get_args(Finding)

FACTS: dict[Finding, str] = {
    "empty": "n_empty",
    "malformed": "n_malformed",
    "overlong": "n_overlong",
    "loop": "n_loops",
    "foreign_script": "n_in_foreign_script",
    "other_language": "n_in_other_language",
    "near_duplicate": "n_near_duplicates",
    "long_run": "n_with_long_runs",
    "identifying_run": "n_with_identifying_runs",
}
"""The facts that count documents by finding; malformed tags only occur in models with inline entity tags."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of the rules for one document.

    Args:
        findings: the violated rules, in the order of ``FINDINGS``.
        kept: whether it goes into the corpus.
        repeated: share of repeated token runs; None if not checked.
        foreign_letters: share of letters from scripts that do not occur in the training texts; None likewise.
        common_words: share of the most frequent training words, relative to their share in the training texts;
            None likewise, and for short documents.
    """

    findings: tuple[Finding, ...]
    kept: bool
    repeated: float | None = None
    foreign_letters: float | None = None
    common_words: float | None = None


class Filters:
    """Checks documents one after another; near-duplicates are relative to documents kept earlier.

    Verdicts are determined by the configuration, the training documents and the documents so far, in order, so that a
    resumed run gives the same ones.

    Args:
        config: thresholds, and whether a finding rejects.
        train: the training documents with their entities and groups; those without words are ignored.
    """

    def __init__(self, config: FilterConfig, train: Sequence[Document]) -> None:
        self._config = config
        self.compares = config.mode != "off" and any(words(document.text) for document in train)
        """Whether there is training text to compare with."""
        looks = train if self.compares else ()
        pairs = [(document.text, document.unit) for document in looks]
        texts, groups = [text for text, _ in pairs], [group for _, group in pairs]
        lengths = sorted(len(text) for text in texts)
        rank = math.ceil(config.overlong * len(lengths)) - 1
        self._longest = lengths[max(0, rank)] if lengths and config.overlong < 1.0 else None
        self._language = LanguageProfile(texts)
        self._earlier = NearDuplicateIndex(pairs, config.near_duplicate_share, config.min_groups)
        self._verbatim = VerbatimIndex(texts, groups, config.max_run_words, config.min_groups)
        self._identifying = IdentifyingRuns(looks, config.max_run_words, config.min_groups)

    def judge(self, text: str, prompt_characters: int = 0, malformed: float = 0.0, *, ended: bool = True) -> Verdict:
        """The verdict on the next document, which is *empty* if there is no word after its prompt.

        Args:
            text: of the document.
            prompt_characters: length of its prompt.
            malformed: share of repaired inline entity tags.
            ended: whether the model finished it; otherwise it was truncated.
        """
        if not words(text[prompt_characters:]):
            return Verdict(("empty",), kept=self._config.mode != "reject" and bool(text.strip()))
        if self._config.mode == "off":
            return Verdict((), kept=True)
        repeated = repeated_ngram_share([text[start:end] for start, end in token_spans(text)], LOOP_TOKENS)
        foreign = self._language.foreign_letters(text) if self.compares else None
        common = self._language.common_words(text) if self.compares else None
        found: dict[Finding, bool] = {
            "malformed": malformed > self._config.max_malformed,
            "overlong": not ended and self._longest is not None and len(text) > self._longest,
            "loop": repeated > self._config.max_repeated,
            "foreign_script": foreign is not None and foreign > self._config.max_foreign_letters,
            "other_language": common is not None and common < self._config.min_common_words,
            "near_duplicate": self._earlier.matches(text),
            "long_run": self.compares and not self._verbatim.passes(text),
            "identifying_run": self._identifying.occur_in(text),
        }
        findings = tuple(name for name in FINDINGS if found.get(name))
        kept = not findings or self._config.mode == "count"
        if kept:
            self._earlier.add(text)
        return Verdict(findings, kept, repeated, foreign, common)


def counts(samples: Sequence[Sample], verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Counts of sampled and rejected documents, and of violations of each rule; a document may violate several."""
    found = Counter(finding for verdict in verdicts for finding in verdict.findings)
    tagged = any(each.repairs is not None for each in samples)
    return {
        "n_sampled": len(samples),
        "n_rejected": sum(not verdict.kept for verdict in verdicts),
        "n_without_eos": sum(not each.ended for each in samples),
        **{fact: found[finding] for finding, fact in FACTS.items() if tagged or finding != "malformed"},
    }


def replacements(
    config: FilterConfig, round_: Sequence[tuple[Request, Verdict]], *, asked: int, sampled: int
) -> list[Request]:
    """Requests to replace the rejected documents of a round, with the same prompts, up to ``max_sampled_ratio``.

    Args:
        config: the maximum number of samples, and whether rejected documents are replaced.
        round_: the last requests, in order of their numbers, with the verdicts on their documents.
        asked: number of requested documents.
        sampled: number of documents sampled so far; the first new one has this number.
    """
    if config.mode != "reject":
        return []
    rejected = [request for request, verdict in round_ if not verdict.kept]
    room = max(0, math.ceil(config.max_sampled_ratio * asked) - sampled)
    return [replace(request, index=sampled + place) for place, request in enumerate(rejected[:room])]
