"""Corpora in every format, damaged, through the verbs that read a corpus."""

from __future__ import annotations

import random
from collections.abc import Mapping

from fuzz.bases import CORPUS, Bases
from fuzz.case import Case
from fuzz.mutation import mutate

WRITTEN = ("brat", "jsonl", "i2b2", "inline", "conll", "doccano", "label-studio", "presidio", "cas", "spacy", "docbin")


UNLABELED = ("texts.jsonl.gz", "texts.jsonl.xz", "texts.jsonl.bz2")


def draw(rng: random.Random, bases: Bases) -> Case:
    """A case with one or two damaged files of one corpus, or with damaged texts beside one."""
    if rng.random() < 0.06:
        name = rng.choice(UNLABELED)
        return _unlabeled(name, {name: mutate(rng, name, bases["unlabeled"][name])})
    base = rng.choice([name for name in bases if name.startswith(CORPUS)])
    files = dict(bases[base])
    for path in rng.sample(sorted(files), k=min(len(files), rng.choice((1, 1, 2)))):
        files[path] = mutate(rng, path, files[path])
    return Case("corpora", _commands(rng, base, files), files, ("tagger",))


def valid(rng: random.Random, bases: Bases) -> list[Case]:
    """Every corpus as it is."""
    names = [name for name in bases if name.startswith(CORPUS)]
    return [_unlabeled(name, {}) for name in UNLABELED] + [
        Case("corpora", _commands(rng, name, bases[name]), bases[name], ("tagger",)) for name in names
    ]


def _unlabeled(name: str, files: Mapping[str, bytes]) -> Case:
    options = ("--language", "sv", "--set", f"corpus.unlabeled={name}", "--dry-run", "--device", "cpu")
    return Case("corpora", (("run", "--corpus", "notes.jsonl", *options),), files, ("unlabeled",))


def _commands(rng: random.Random, base: str, files: Mapping[str, bytes]) -> tuple[tuple[str, ...], ...]:
    """``corpus check``, and one of the other verbs."""
    first = next(iter(files))
    corpus = first.partition("/")[0]
    named = format_of(base) if rng.random() < 0.5 else "auto"
    others = (
        ("corpus", "describe", corpus, "--json"),
        ("corpus", "describe", corpus, "--discontinuous", "join"),
        ("corpus", "convert", corpus, "out", "--to", rng.choice(WRITTEN)),
        ("corpus", "repair", corpus, "out", "--to", "jsonl", "--skip-invalid"),
        ("deidentify", "tagger", corpus, "--output", "out", "--ids", "number", "--device", "cpu"),
    )
    chosen = rng.choices(others, weights=(4, 2, 4, 3, 2))[0]
    return (("corpus", "check", corpus, "--json", "--from", named), (*chosen, "--from", named))


def format_of(base: str) -> str:
    """The name of a format, from the name of a base: the longest that the registry has."""
    from deidsynth.corpora import FORMATS

    name = base.removeprefix(CORPUS)
    return max((each for each in FORMATS if f"{name}-".startswith(f"{each}-")), key=len)
