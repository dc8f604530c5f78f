"""How long the audit searches synthetic text for real text, and what memory it takes, beside pairwise ROUGE.

    pip install rouge-score
    OMP_NUM_THREADS=1 python benchmarks/audit.py [--real-mb 100] [--synthetic-mb 1000]

Patients, their notes and synthetic notes are invented by one small grammar: names, dates, places, numbers and telephone
numbers with their labels between words that are drawn by their frequency; seven groups in ten are training groups. A
share of the synthetic notes copies a sentence of a training note. All of it is in memory, as when corpora are loaded,
and is so before the clock starts. What is timed, on one core:

rare values              ``rare_values``: an Aho-Corasick automaton that the synthetic text streams past
normalized, and linkage  ``rare_values_normalized``: the same in every written form, and of what is found ``linkage``:
                         pairs of identifiers in one note
verbatim                 ``verbatim``: runs of 8, 13, 20 and 50 words and the 5-gram recall, by an index of hashes

Pairwise ROUGE, which other audits use, compares every synthetic note with every real note, so its time grows with the
product of both. It is timed over a few notes: ROUGE-5 of every pair by ``rouge_score``, without stemming.
``ratio_to_pairwise_rouge`` is its time per pair times the pairs of the whole, by the time of ``verbatim``: an
extrapolation, and named as one; ``ratio_measured`` is that of both on the same few notes.

Seconds are those of the processor, which other work does not lengthen; ``wall_seconds`` are by the clock.
"""

from __future__ import annotations

import argparse
import platform
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from itertools import accumulate
from random import Random
from typing import Any

import _command

from deidsynth.cli.terminal import tell
from deidsynth.documents import Document, Entity
from deidsynth.errors import InputError
from deidsynth.privacy.audit.linkage import linkage
from deidsynth.privacy.audit.matching import EXACT, NORMALIZED, UniqueValues
from deidsynth.privacy.audit.rare_values import rare_values, rare_values_normalized
from deidsynth.privacy.audit.sides import Groups, Sides
from deidsynth.privacy.audit.verbatim import verbatim

MEGABYTE = 1_000_000
NOTES_OF_A_GROUP = 2
TRAIN_SHARE = 0.7
SENTENCES = 24
WORDS_OF_A_SENTENCE = 14
SYNTHETIC_SENTENCES = 50_000  # that synthetic notes are put together from
COPIES = 0.01  # share of the synthetic notes with a sentence of a training note
BYTES_OF_RSS_UNIT = 1 if sys.platform == "darwin" else 1024
MEASURES: dict[str, Callable[[Sides, list[Document]], object]] = {
    "rare values": lambda sides, synthetic: rare_values(UniqueValues(sides, EXACT).found_among(synthetic)),
    "rare values, normalized, and linkage": lambda sides, synthetic: _normalized(sides, synthetic),
    "verbatim": verbatim,
}


def _normalized(sides: Sides, synthetic: list[Document]) -> object:
    """Both measures of values in any of their forms, which are looked for once."""
    found = UniqueValues(sides, NORMALIZED).found_among(synthetic)
    return rare_values_normalized(found), linkage(found)


Sentence = tuple[str, int, int, str]
"""Text, start and end of its value, label."""


class Notes:
    """Invented notes.

    Args:
        seed: of all of them.
    """

    def __init__(self, seed: int) -> None:
        self._chance = Random(seed)
        syllables = [first + vowel + last for first in "bdfgklmnprst" for vowel in "aeiouåé" for last in ("", "n", "r")]
        self._words = ["".join(self._chance.choices(syllables, k=1 + number % 4)) for number in range(20_000)]
        self._cumulative = [*accumulate(1 / (number + 10) for number in range(len(self._words)))]
        self._first = [word.title() for word in self._chance.sample(self._words, 400)]
        self._last = [
            "".join(self._chance.choices(syllables, k=3)).title() + end for end in ("berg", "ez") for _ in range(8000)
        ]
        self._places = [word.title() + "by" for word in self._chance.sample(self._words, 3000)]
        self._pool = [self._sentence() for _ in range(SYNTHETIC_SENTENCES)]

    def group(self, number: int) -> tuple[Document, ...]:
        """The notes of a patient."""
        patient = self._patient()
        return tuple(
            _note(
                f"r{number}-{turn}", [*map(self._sentence, patient), *(self._sentence() for _ in range(SENTENCES - 3))]
            )
            for turn in range(NOTES_OF_A_GROUP)
        )

    def synthetic(self, number: int, sides: Sides) -> Document:
        """A note of an invented patient, now and then with a sentence of a training note."""
        drawn = self._chance.choices(self._pool, k=SENTENCES - 3)
        note = _note(f"s{number}", [*map(self._sentence, self._patient()), *drawn])
        if self._chance.random() >= COPIES:
            return note
        (source, *_) = self._chance.choice(sides.train)
        copied = self._chance.choice(source.text.split("\n")[:-1])
        return Document(note.doc_id, f"{note.text}{copied}\n", note.entities)

    def _patient(self) -> list[tuple[str, str]]:
        return [self._name(), self._record(), self._telephone()]

    def _sentence(self, value: tuple[str, str] | None = None) -> Sentence:
        text, label = value or self._value()
        words = self._chance.choices(self._words, cum_weights=self._cumulative, k=WORDS_OF_A_SENTENCE - 1)
        at = self._chance.randrange(WORDS_OF_A_SENTENCE)
        before = "".join(f"{word} " for word in words[:at])
        return f"{before}{text} {' '.join(words[at:])}\n", len(before), len(before) + len(text), label

    def _value(self) -> tuple[str, str]:
        return self._chance.choice((self._name, self._date, self._place, self._telephone, self._record))()

    def _name(self) -> tuple[str, str]:
        return f"{self._chance.choice(self._first)} {self._chance.choice(self._last)}", "NAME"

    def _date(self) -> tuple[str, str]:
        day, month, year = self._chance.randint(1, 28), self._chance.randint(1, 12), self._chance.randint(1930, 2025)
        return self._chance.choice(
            (f"{year}-{month:02}-{day:02}", f"{day}/{month} {year}", f"{day} maj {year}")
        ), "DATE"

    def _place(self) -> tuple[str, str]:
        return self._chance.choice(self._places), "CITY"

    def _telephone(self) -> tuple[str, str]:
        return f"0{self._chance.randint(10, 99)}-{self._chance.randrange(10**7):07}", "PHONE"

    def _record(self) -> tuple[str, str]:
        return f"{self._chance.randrange(10**8):08}", "MEDICAL_RECORD"


def _note(doc_id: str, sentences: Sequence[Sentence]) -> Document:
    text, entities, length = list[str](), list[Entity](), 0
    for sentence, start, end, label in sentences:
        entities.append(Entity(length + start, length + end, label))
        text.append(sentence)
        length += len(sentence)
    return Document(doc_id, "".join(text), tuple(entities))


def corpora(real_mb: float, synthetic_mb: float, seed: int) -> tuple[Sides, list[Document]]:
    """Both sides with so much text in all, and so much synthetic text."""
    notes = Notes(seed)
    groups = [*_as_much(real_mb, (notes.group(number) for number in range(sys.maxsize)))]
    n_train = round(TRAIN_SHARE * len(groups))
    sides = Sides(tuple(groups[:n_train]), tuple(groups[n_train:]), {})
    made = _as_much(synthetic_mb, ((notes.synthetic(number, sides),) for number in range(sys.maxsize)))
    return sides, [document for (document,) in made]


def _as_much(megabytes: float, groups: Iterator[tuple[Document, ...]]) -> Iterator[tuple[Document, ...]]:
    left = megabytes * MEGABYTE
    while left > 0:
        group = next(groups)
        left -= sum(len(document.text.encode()) for document in group)
        yield group


def size(groups: Groups) -> float:
    """Megabytes of text."""
    return sum(len(document.text.encode()) for group in groups for document in group) / MEGABYTE


def peak_mb() -> float:
    """Peak memory of the process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * BYTES_OF_RSS_UNIT / MEGABYTE


def seconds(call: Callable[[], object]) -> tuple[float, float]:
    """Time of one call: of the processor, and by the clock."""
    began = time.process_time(), time.perf_counter()
    call()
    return time.process_time() - began[0], time.perf_counter() - began[1]


def pairwise_rouge(options: argparse.Namespace) -> dict[str, Any]:
    """Seconds of ROUGE-5 of all pairs of a few notes, and of ``verbatim`` on the same notes."""
    from rouge_score.rouge_scorer import RougeScorer

    sides, synthetic = corpora(options.rouge_mb, options.rouge_mb, options.seed)
    real = [document for group in (*sides.train, *sides.held_out) for document in group]
    scorer = RougeScorer(["rouge5"], use_stemmer=False)

    def all_pairs() -> None:
        for one in synthetic:
            for other in real:
                scorer.score(other.text, one.text)

    (ours, _), (rouge, _) = seconds(lambda: verbatim(sides, synthetic)), seconds(all_pairs)
    n_pairs = len(real) * len(synthetic)
    return {
        "mb": options.rouge_mb,
        "n_pairs": n_pairs,
        "seconds": rouge,
        "seconds_per_pair": rouge / n_pairs,
        "verbatim_seconds": ours,
        "ratio_measured": rouge / ours,
    }


def arguments() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real-mb", type=float, default=100, metavar="MB", help="text of both sides together")
    parser.add_argument("--synthetic-mb", type=float, default=1000, metavar="MB")
    parser.add_argument("--rouge-mb", type=float, default=0.25, metavar="MB", help="real and synthetic text for ROUGE")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print one object instead of a table")
    return parser


def benchmark(options: argparse.Namespace) -> dict[str, Any]:
    """What ``--json`` prints.

    Raises:
        InputError: an option is out of bounds, or rouge-score is not installed.
    """
    for name in ("real_mb", "synthetic_mb", "rouge_mb"):
        if getattr(options, name) <= 0:
            raise InputError(f"--{name.replace('_', '-')} {getattr(options, name):g}: expected more than 0")
    try:
        rouge_version = version("rouge-score")
    except PackageNotFoundError:
        raise InputError("the benchmark compares with pairwise ROUGE: pip install rouge-score") from None
    rouge = pairwise_rouge(options)
    sides, synthetic = corpora(options.real_mb, options.synthetic_mb, options.seed)
    result: dict[str, Any] = {
        "real_mb": size((*sides.train, *sides.held_out)),
        "synthetic_mb": size((tuple(synthetic),)),
        "n_groups": {"train": len(sides.train), "held_out": len(sides.held_out)},
        "n_synthetic": len(synthetic),
        "corpora_mb": peak_mb(),
        "measures": {},
    }
    tell(
        f"{result['real_mb']:.0f} MB against {result['synthetic_mb']:.0f} MB, {result['corpora_mb']:,.0f} MB in memory"
    )
    for name, measure in MEASURES.items():
        took, wall = seconds(partial(measure, sides, synthetic))
        result["measures"][name] = {"seconds": took, "wall_seconds": wall, "peak_mb": peak_mb()}
        tell(f"{name}: {took:.0f} s, peak {peak_mb():,.0f} MB")
    n_pairs = sum(map(len, (*sides.train, *sides.held_out))) * len(synthetic)
    extrapolated = rouge["seconds_per_pair"] * n_pairs
    return {
        **result,
        "seconds": sum(each["seconds"] for each in result["measures"].values()),
        "peak_mb": peak_mb(),
        "pairwise_rouge": {**rouge, "n_pairs_of_whole": n_pairs, "seconds_of_whole_extrapolated": extrapolated},
        "ratio_to_pairwise_rouge": extrapolated / result["measures"]["verbatim"]["seconds"],
        "versions": {"python": platform.python_version(), "rouge-score": rouge_version},
    }


def table(result: dict[str, Any]) -> str:
    """What is printed without ``--json``."""
    rouge = result["pairwise_rouge"]
    whole = {"all": {"seconds": result["seconds"], "peak_mb": result["peak_mb"]}}
    lines = [
        f"{name:24} {each['seconds']:8.0f} s   peak {each['peak_mb']:7,.0f} MB"
        for name, each in {**result["measures"], **whole}.items()
    ]
    return "\n".join(
        (
            f"{result['real_mb']:.0f} MB of real and {result['synthetic_mb']:.0f} MB of synthetic text",
            *lines,
            f"Pairwise ROUGE-5 of {rouge['n_pairs']:,} pairs takes {rouge['seconds']:.1f} s, "
            f"{rouge['ratio_measured']:,.0f} times as long as verbatim on the same notes; of all pairs it would take "
            f"{result['ratio_to_pairwise_rouge']:,.0f} times as long.",
        )
    )


def main(given: Sequence[str] | None = None) -> int:
    """Run the benchmark.

    Returns:
        The exit code.
    """
    return _command.run(arguments, benchmark, table, given)


if __name__ == "__main__":
    sys.exit(main())
