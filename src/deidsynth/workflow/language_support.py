"""What is missing for the language and the labels of a corpus, said before anything runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from deidsynth.config import (
    ResolvedAdaptConfig,
    ResolvedPseudonymizeConfig,
    ResolvedTrainConfig,
    StageConfig,
    SynthesizeConfig,
)
from deidsynth.config.surrogates import Kind
from deidsynth.corpora.label_sets import are_plausible
from deidsynth.documents import Corpus
from deidsynth.languages import named, what_is_wrong
from deidsynth.starters import Kind as ModelKind, find
from deidsynth.surrogates.coverage import has_month_names, uncovered_labels, unknown_labels
from deidsynth.surrogates.labels import kind_of

PAGE = "docs/languages.md"
WITHOUT_BLANKS = frozenset("ja km lo my th zh".split())
"""Languages that are written without blanks between words."""
OTHER_STOPS = frozenset("am bn bo hi hy ne pa".split())
"""Languages whose sentences end with signs other than a full stop."""

_DATES = frozenset({"date", "date_part"})
_WITH_LETTERS = re.compile(r"\d\W*[^\W\d_]{3,}|[^\W\d_]{3,}\W*\d")


@dataclass(frozen=True, slots=True)
class Needs:
    """What one configuration needs of a language.

    Args:
        models: kind and name of each model that it starts from, by key.
        language: of the surrogates; None if it draws none.
        labels: kind of value for labels, as configured.
        use: what becomes of values that cannot be invented.
    """

    models: Mapping[str, tuple[ModelKind, str]] = field(default_factory=dict)
    language: str | None = None
    labels: Mapping[str, Kind] = field(default_factory=dict)
    use: str = ""


def language_warnings(corpus: Corpus, configs: Iterable[StageConfig]) -> list[str]:
    """Warnings, one line each, about what some configurations lack for the language and the labels of a corpus.

    Args:
        corpus: whose texts are learned from, or give the prompts.
        configs: resolved, of stages.
    """
    needs = [each for each in map(_needs, configs) if each is not None]
    language = corpus.language
    lines: list[str] = []
    if language is not None:
        models = {key: model for each in needs for key, model in each.models.items()}
        lines += [*_of_code(language), *_of_models(models, language), *_of_sentences(language)]
    drawn = [each for each in needs if each.language is not None]
    for spoken in dict.fromkeys(each.language for each in drawn):
        alike = [each for each in drawn if each.language == spoken]
        lines += _of_labels(corpus, spoken or "", alike)
    return [f"warning: {line}" for line in dict.fromkeys(lines)]


def _needs(config: StageConfig) -> Needs | None:
    match config:
        case ResolvedAdaptConfig():
            return Needs({"adapt.base": ("causal", config.base)})
        case ResolvedPseudonymizeConfig() if config.mode == "always":
            use = "random strings take their place in the text that the language model reads"
            return Needs({}, config.language, config.labels, use)
        case ResolvedTrainConfig():
            use = "mention replacement takes others of the synthetic text and keeps those of other text"
            language = config.language if config.mention_replacement else None
            return Needs({"train.encoder": ("encoder", config.encoder)}, language, config.labels, use)
        case SynthesizeConfig() if config.prompts.source == "validation" and config.prompts.pii == "surrogate":
            return Needs({}, config.prompts.language, config.prompts.labels, "prompts end before them")
    return None


def _of_code(language: str) -> Iterator[str]:
    wrong = what_is_wrong(language)
    if wrong is not None:
        yield wrong


def _of_models(models: Mapping[str, tuple[ModelKind, str]], language: str) -> Iterator[str]:
    foreign: dict[str, Sequence[str]] = {}
    for key, (kind, name) in models.items():
        starter = find(name, kind)
        if starter is not None and language not in starter.languages:
            foreign[key] = starter.languages
    if foreign:
        known = sorted({code for codes in foreign.values() for code in codes})
        yield (
            f"language {named(language)}: the starters ({', '.join(foreign)}) have read {_joined(map(named, known))} "
            f"only; set {_joined(foreign)} to models that know the language, see {PAGE}"
        )


def _of_sentences(language: str) -> Iterator[str]:
    if language in WITHOUT_BLANKS:
        yield (
            f"language {named(language)}: it is written without blanks between words, but words are told apart and "
            f"counted by blanks, and sentences by . ! ? before a blank; put blanks between words first, see {PAGE}"
        )
    elif language in OTHER_STOPS:
        yield (
            f"language {named(language)}: its sentences are not found, only those that end with . ! ? : ; so chunks "
            f"and windows end at the ends of lines; put one sentence on a line, see {PAGE}"
        )


def _of_labels(corpus: Corpus, language: str, needs: Sequence[Needs]) -> Iterator[str]:
    """Warnings about labels for which no values can be invented."""
    counts, own = corpus.label_counts(), {label: kind for each in needs for label, kind in each.labels.items()}
    use = ", ".join(dict.fromkeys(each.use for each in needs))
    unknown = unknown_labels(counts, own)
    if unknown:
        yield (
            f"labels whose kind of value is not known: {len(unknown)}{_shown(unknown, counts)}; no values are invented "
            f"for them: {use}; say which kinds they are with --labels FILE, see {PAGE}"
        )
    for missing, labels in uncovered_labels(counts, language, own).items():
        yield (
            f"language {named(language)}: no {missing} are known; no values are invented for "
            f"{len(labels)} label{'' if len(labels) == 1 else 's'}{_shown(labels, counts)}: {use}; see {PAGE}"
        )
    if not has_month_names(language) and _has_written_dates(corpus, own):
        yield (
            f"language {named(language)}: the names of its months are not known, so they are kept in dates, whose "
            f"numbers change; see {PAGE}"
        )


def _has_written_dates(corpus: Corpus, own: Mapping[str, Kind]) -> bool:
    """Whether a date of the corpus has a word beside a number."""
    labels = {label for label in corpus.label_counts() if kind_of(label, own) in _DATES}
    return any(
        _WITH_LETTERS.search(document.surface(entity))
        for document in corpus
        for entity in document.entities
        if entity.label in labels
    )


def _shown(labels: Sequence[str], counts: Mapping[str, int]) -> str:
    """The labels, unless there are so many that something else may have been read as labels."""
    return f" ({', '.join(labels)})" if are_plausible(counts) else ""


def _joined(words: Iterable[str]) -> str:
    listed = list(words)
    return listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} and {listed[-1]}"
