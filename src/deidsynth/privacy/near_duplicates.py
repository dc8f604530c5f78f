"""Near-duplicates of earlier texts, and texts that repeat themselves, found by runs of words that reappear.

Similarity is containment (Broder 1997): the share of the shorter text's distinct runs (n-grams of ``RUN_WORDS`` words)
that also occur in the other. Time and memory are linear in the number of words.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from deidsynth.metrics.tokens import words

RUN_WORDS = 8
LOOP_TOKENS = 4
"""Length of the token n-grams by which loops are detected: longer than most set phrases."""
NEAR = 0.6
LEAST_RUNS = 5
MOST_HOLDERS = 10  # texts remembered per run: enough to find near-duplicates, few enough to stay linear


class Runs:
    """Names for runs of words: equal runs have equal names, in every process."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def numbered(self, text: str) -> tuple[int, ...]:
        """A number for each word of a text."""
        return tuple(self._numbers.setdefault(word, len(self._numbers)) for word in words(text))

    def names(self, text: str, length: int = RUN_WORDS) -> set[int]:
        """The names of the runs of ``length`` words in a text."""
        return runs_of(self.numbered(text), length)


def runs_of(numbers: tuple[int, ...], length: int = RUN_WORDS) -> set[int]:
    """The names of the runs of ``length`` numbered words."""
    return {hash(numbers[at : at + length]) for at in range(len(numbers) - length + 1)}


class NearDuplicateIndex:
    """Remembers texts, and finds near-duplicates of them.

    A text is a *near-duplicate* of another if their words are the same, or if their containment is at least ``share``.
    A run or a whole text that occurs in at least ``min_groups`` training groups is a template and does not count. For
    every run, only the first ``MOST_HOLDERS`` texts that contain it are compared.

    Args:
        train: training texts with their groups.
        share: least containment of a near-duplicate, in (0, 1].
        min_groups: number of groups that makes a run or a text a template.
    """

    def __init__(self, train: Iterable[tuple[str, str]], share: float = NEAR, min_groups: int = 3) -> None:
        self._share = share
        self._runs = Runs()
        by_group: defaultdict[str, tuple[set[int], set[tuple[int, ...]]]] = defaultdict(lambda: (set(), set()))
        for text, group in train:
            runs, wholes = by_group[group]
            numbers = self._runs.numbered(text)
            runs |= runs_of(numbers)
            wholes.add(numbers)
        held = Counter(run for runs, _ in by_group.values() for run in runs)
        whole = Counter(words for _, wholes in by_group.values() for words in wholes)
        self._templates = {run for run, n_groups in held.items() if n_groups >= min_groups}
        self._common = {words for words, n_groups in whole.items() if n_groups >= min_groups}
        self._wholes: set[tuple[int, ...]] = set()
        self._sizes: list[int] = []
        self._holders: defaultdict[int, list[int]] = defaultdict(list)

    def __repr__(self) -> str:
        return f"NearDuplicateIndex(n_texts={len(self._sizes)}, n_templates={len(self._templates)})"

    def matches(self, text: str) -> bool:
        """Whether a text is a near-duplicate of one that was added."""
        whole = self._runs.numbered(text)
        if whole in self._wholes:
            return whole not in self._common
        own = runs_of(whole) - self._templates
        shared = Counter(holder for run in own for holder in self._holders.get(run, ()))
        for holder, count in shared.items():
            smaller = min(len(own), self._sizes[holder])
            if smaller >= LEAST_RUNS and count >= self._share * smaller:
                return True
        return False

    def add(self, text: str) -> None:
        """Remember the runs of a text, not the text itself."""
        whole = self._runs.numbered(text)
        own = runs_of(whole) - self._templates
        for run in own:
            if len(self._holders[run]) < MOST_HOLDERS:
                self._holders[run].append(len(self._sizes))
        self._sizes.append(len(own))
        self._wholes.add(whole)


def repeated_ngram_share(tokens: Sequence[str], n: int = LOOP_TOKENS) -> float:
    """Share of the token n-grams of a text that occurred earlier in it: 0 if none did, near 1 in a loop.

    With ``m`` n-grams of which ``d`` are distinct, this is ``1 - d / m``; 0 if there are none.

    Source: Welleck et al. 2020 (Neural text generation with unlikelihood training), where it is called seq-rep-n.

    >>> repeated_ngram_share("a b a b a b".split(), 2)
    0.6
    """
    n_repeated, n_all = repeated_ngrams(tokens, n)
    return n_repeated / n_all if n_all else 0.0


def repeated_ngrams(tokens: Sequence[str], n: int) -> tuple[int, int]:
    """How many token n-grams of a text occurred earlier in it, and how many there are.

    >>> repeated_ngrams("a b a b a b".split(), 2)
    (3, 5)
    """
    ngrams = [tuple(tokens[at : at + n]) for at in range(len(tokens) - n + 1)]
    return len(ngrams) - len(set(ngrams)), len(ngrams)
