"""Canaries: random texts inserted by coin flip into a twin of a training run, and what a model tells of the flips.

The twin is never released. A canary begins like a document of the corpus and ends at random, so that a model can know
its end from training alone. Who guesses many flips right contradicts a claimed epsilon.

Source: Carlini et al. 2019, "The Secret Sharer" (exposure); Steinke, Nasr and Jagielski 2023, "Privacy Auditing with
One (1) Training Run" (the bound: section 5, appendix D).
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import binom

from deidsynth.documents import Document
from deidsynth.privacy.audit.figures import Measured

CONFIDENCE = 0.95
POWER = 0.8
_PRECISION = 1e-6
_LARGEST_EPSILON = 100.0


@dataclass(frozen=True, slots=True)
class EndingSpace:
    """The space that random endings are drawn from, uniformly.

    Args:
        symbols: what an ending is made of, such as digits or words.
        length: symbols of an ending.
        separator: between two of them.
    """

    symbols: tuple[str, ...] = tuple("0123456789")
    length: int = 12
    separator: str = " "

    @property
    def n_bits(self) -> float:
        """The logarithm of the number of endings, to base 2: the largest exposure there could be."""
        return self.length * math.log2(len(self.symbols))

    def draw(self, chance: random.Random) -> str:
        """A random ending."""
        return self.separator.join(chance.choice(self.symbols) for _ in range(self.length))


@dataclass(frozen=True, slots=True, repr=False)
class Canary:
    """One canary.

    Args:
        beginning: the first words of a document, or of an invented one.
        ending: drawn at random.
        is_inserted: what the coin said.
    """

    beginning: str
    ending: str
    is_inserted: bool

    def __repr__(self) -> str:
        return f"Canary(n_chars={len(self.text)}, is_inserted={self.is_inserted})"

    @property
    def text(self) -> str:
        """Beginning and ending."""
        return f"{self.beginning} {self.ending}"

    def document(self, number: int) -> Document:
        """The canary as a document of a group of its own."""
        return Document(f"canary-{number}", self.text, group=f"canary-{number}")


def make_canaries(
    n: int, documents: Sequence[Document | str], *, seed: int, space: EndingSpace | None = None, n_words: int = 8
) -> list[Canary]:
    """Canaries with beginnings of documents in turn, each inserted by a flip of a fair coin.

    Args:
        n: number of canaries.
        documents: whose first words they begin with, or beginnings as they stand.
        seed: of endings and coins.
        space: of the endings; by default twelve digits.
        n_words: words that are taken of a document.
    """
    if not documents:
        raise ValueError("canaries need documents or texts to begin with")
    chance, space = random.Random(f"canaries/{seed}"), space or EndingSpace()
    order = chance.sample(range(len(documents)), len(documents))
    taken = [documents[order[number % len(order)]] for number in range(n)]
    return [Canary(_beginning(each, n_words), space.draw(chance), chance.random() < 0.5) for each in taken]


def _beginning(document: Document | str, n_words: int) -> str:
    return document if isinstance(document, str) else " ".join(document.text.split()[:n_words])


def ranks(losses: Sequence[float], references: Sequence[float]) -> list[int]:
    """The rank of each loss among those of texts of the same space that no model has seen; 1 is the lowest.

    >>> ranks([0.5, 2.5], [1.0, 2.0, 3.0])
    [1, 3]

    Args:
        losses: of the canaries.
        references: of texts that were not inserted; one with the same loss comes first.
    """
    return [1 + sum(reference <= loss for reference in references) for loss in losses]


def exposure(losses: Sequence[float], references: Sequence[float]) -> list[float]:
    """The exposure of each canary, in bits: how much better than by chance its rank is.

    It is estimated from as many references as there are, and so is at most ``log2(len(references) + 1)``.

    Source: Carlini et al. 2019, section 4.2.

    >>> exposure([0.5, 3.5], [1.0, 2.0, 3.0])
    [2.0, 0.0]
    """
    return [math.log2(len(references) + 1) - math.log2(rank) for rank in ranks(losses, references)]


def guesses_p_value(n_canaries: int, n_guesses: int, n_correct: int, epsilon: float, delta: float) -> float:
    """How likely so many right guesses are, at most, if the training is (epsilon, delta)-differentially private.

    Source: Steinke et al. 2023, section 5 and appendix D.

    Args:
        n_canaries: flipped coins.
        n_guesses: of them; for the others there is none.
        n_correct: right guesses.
        epsilon: of the claim.
        delta: of the claim.
    """
    right = float(expit(epsilon))
    tail = float(binom.sf(n_correct - 1, n_guesses, right))
    if not delta:
        return tail
    shares = binom.pmf(range(n_correct - 1, -1, -1), n_guesses, right).cumsum()
    largest = max((float(share) / number for number, share in enumerate(shares, start=1)), default=0.0)
    return min(1.0, tail + 2 * n_canaries * delta * largest)


def epsilon_lower_bound(
    n_canaries: int, n_guesses: int, n_correct: int, *, delta: float = 0.0, confidence: float = CONFIDENCE
) -> float:
    """The largest epsilon that so many right guesses contradict; 0 if they contradict none.

    The number of guesses must be fixed before the guesses are compared with the coins.

    Args:
        n_canaries: flipped coins.
        n_guesses: of them.
        n_correct: right guesses.
        delta: of the guarantee.
        confidence: of the bound, one-sided.
    """

    def above(epsilon: float) -> float:
        return guesses_p_value(n_canaries, n_guesses, n_correct, epsilon, delta) - (1 - confidence)

    if above(0.0) >= 0:
        return 0.0
    if above(_LARGEST_EPSILON) < 0:
        return _LARGEST_EPSILON
    return max(0.0, float(brentq(above, 0.0, _LARGEST_EPSILON, xtol=_PRECISION)) - _PRECISION)


def canaries(
    losses_in: Sequence[float],
    losses_out: Sequence[float],
    claimed_epsilon: float | None,
    *,
    delta: float = 0.0,
    guessed: float = 0.5,
    confidence: float = CONFIDENCE,
    of: str = "",
) -> Measured:
    """The measure: a lower bound of epsilon beside the claim, and the exposure of the canaries.

    The canaries with the lowest losses are guessed to be inserted, as many with the highest not to be, and for the rest
    there is no guess. Ties count as wrong. The bound is one-sided: whatever canaries show, other attacks may show more.
    So both ends of the interval are the bound minus the claim, and above 0 the claim is contradicted.

    Args:
        losses_in: of the endings of inserted canaries, best as the loss after training minus that before.
        losses_out: of those that were not inserted.
        claimed_epsilon: of the training; None if it claims none.
        delta: of the claim.
        guessed: share of the canaries for which there is a guess, fixed before.
        confidence: of the bound.
        of: the model.
    """
    n_canaries = len(losses_in) + len(losses_out)
    n_each = int(n_canaries * guessed / 2)
    n = (len(losses_in), len(losses_out))
    if not n_each or not all(n):
        return Measured.missing("canaries", "epsilon", "too few canaries; insert some hundreds", n=n, of=of)
    n_guesses, n_correct = 2 * n_each, _n_correct(losses_in, losses_out, n_each)
    bound = epsilon_lower_bound(n_canaries, n_guesses, n_correct, delta=delta, confidence=confidence)
    largest = epsilon_lower_bound(n_canaries, n_guesses, n_guesses, delta=delta, confidence=confidence)
    bits = exposure(losses_in, losses_out)
    details = {
        "n_canaries": n_canaries,
        "n_guesses": n_guesses,
        "n_correct": n_correct,
        "delta": delta,
        "confidence": confidence,
        "largest_bound": largest,
        "exposure_mean": sum(bits) / len(bits),
        "exposure_max": max(bits),
        "exposure_limit": math.log2(len(losses_out) + 1),
    }
    if claimed_epsilon is None:
        reason = "the training claims no epsilon that the canaries could contradict"
        return Measured("canaries", "epsilon", bound, None, None, None, n, None, of, reason, details)
    excess = bound - claimed_epsilon
    detectable = detectable_excess(n_canaries, n_guesses, claimed_epsilon, delta=delta, confidence=confidence)
    reason = ""
    if detectable is None:
        needed = guesses_needed(claimed_epsilon, confidence=confidence)
        reason = f"{n_guesses} guesses cannot contradict the claim, even if all are right; at least {needed} can"
    return Measured(
        "canaries", "epsilon", bound, claimed_epsilon, excess, (excess, excess), n, detectable, of, reason, details
    )


def detectable_excess(
    n_canaries: int, n_guesses: int, claimed_epsilon: float, *, delta: float = 0.0, confidence: float = CONFIDENCE
) -> float | None:
    """How far epsilon must be above the claim for the best attack to contradict it with 80 % power; None: no epsilon.

    The best attack guesses like randomized response, and as often right as epsilon allows.
    """
    wanted = next(
        (
            n_correct
            for n_correct in range(n_guesses + 1)
            if guesses_p_value(n_canaries, n_guesses, n_correct, claimed_epsilon, delta) < 1 - confidence
        ),
        None,
    )
    if wanted is None:
        return None

    def missing_power(epsilon: float) -> float:
        return POWER - float(binom.sf(wanted - 1, n_guesses, expit(epsilon)))

    if missing_power(claimed_epsilon) <= 0:
        return 0.0
    return (
        float(brentq(missing_power, claimed_epsilon, _LARGEST_EPSILON, xtol=_PRECISION)) + _PRECISION - claimed_epsilon
    )


def guesses_needed(claimed_epsilon: float, *, confidence: float = CONFIDENCE) -> int:
    """The fewest guesses that can contradict a claim, if all are right and delta is 0.

    >>> guesses_needed(1.0)
    10
    """
    return math.ceil(math.log(1 - confidence) / math.log(expit(claimed_epsilon)))


def _n_correct(losses_in: Sequence[float], losses_out: Sequence[float], n_each: int) -> int:
    """Right guesses; among equal losses those that were not inserted come first, so that they count as wrong."""
    order = sorted([(loss, True) for loss in losses_in] + [(loss, False) for loss in losses_out])
    return sum(is_in for _, is_in in order[:n_each]) + sum(not is_in for _, is_in in order[-n_each:])
