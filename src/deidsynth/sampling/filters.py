"""Which sampled documents are rejected: the rules, and what they say of each document. No model, no file."""

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
"""The fact that counts the documents with a finding; only models that write inline entity tags have malformed ones."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say of one document.

    Args:
        findings: the rules that it breaks, in the order of ``FINDINGS``.
        kept: whether it becomes part of the corpus.
        repeated: share of its runs of tokens that stood before; None where it was not looked at.
        foreign_letters: share of its letters of scripts that no training text has; None likewise.
        common_words: share of its words among the commonest training words, as a multiple of the training texts' own
            share; None likewise, and for short documents.
    """

    findings: tuple[Finding, ...]
    kept: bool
    repeated: float | None = None
    foreign_letters: float | None = None
    common_words: float | None = None


class Filters:
    """Judges documents one after another; near-duplicates are those of a document that was kept before.

    The verdicts follow from the configuration, the training documents and the documents so far, in their order: a run
    that was killed comes to the same ones.

    Args:
        config: the rules' bounds, and whether a finding rejects.
        train: the training documents with their entities and groups; those without words say nothing.
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
        """What the rules say of the next document, which is *empty* if no word stands behind its prompt.

        Args:
            text: of the document.
            prompt_characters: length of its prompt.
            malformed: share of its inline entity tags that had to be repaired.
            ended: whether the model came to its end; else it was cut off.
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
    """How many documents were sampled, were left out, and broke each rule; a document may break several."""
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
    """Requests in place of the rejected documents of a round, with their prompts, up to ``max_sampled_ratio``.

    Args:
        config: how many may be sampled, and whether documents are replaced at all.
        round_: what was asked for last, in the order of the numbers, and what is said of what came.
        asked: how many documents are wanted.
        sampled: how many were sampled so far; the first of the new ones has this number.
    """
    if config.mode != "reject":
        return []
    rejected = [request for request, verdict in round_ if not verdict.kept]
    room = max(0, math.ceil(config.max_sampled_ratio * asked) - sampled)
    return [replace(request, index=sampled + place) for place, request in enumerate(rejected[:room])]
