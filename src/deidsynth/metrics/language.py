"""Whether a text has the script and the language of other texts, by simple counts.

This distinguishes Russian from Spanish by its letters, and English from Spanish by its most frequent words. It cannot
distinguish languages that share most of these, such as Catalan and Spanish or Norwegian and Danish.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import cache

from deidsynth.metrics.tokens import words

LEAST_WORDS = 20


@cache
def script(character: str) -> str:
    """The script of a letter: the first word of its Unicode name.

    >>> script("å"), script("ж"), script("中")
    ('LATIN', 'CYRILLIC', 'CJK')
    """
    return unicodedata.name(character, "").partition(" ")[0]


class LanguageProfile:
    """Scripts and most frequent words of some texts.

    Args:
        texts: such as the training texts; they are not kept.
        n_words: how many of the most frequent words, without those that contain digits, count as function words.
    """

    def __init__(self, texts: Iterable[str], n_words: int = 100) -> None:
        letters: set[str] = set()
        counts: Counter[str] = Counter()
        for text in texts:
            letters |= set(text)
            counts.update(words(text))
        self._scripts = {script(letter) for letter in letters if letter.isalpha()}
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        self._common = frozenset(
            [word for word, _ in ranked if not any(map(str.isdigit, word))][:n_words],
        )
        self.n_words = counts.total()
        n_common = sum(counts[word] for word in self._common)
        self.share = n_common / self.n_words if self.n_words else 0.0
        """Share of the words of the texts that are among their most frequent ones."""

    def __repr__(self) -> str:
        return f"LanguageProfile(n_words={self.n_words}, n_scripts={len(self._scripts)})"

    def foreign_letters(self, text: str) -> float:
        """Share of the letters of a text whose script occurs in none of the texts; 0 if it has no letters."""
        letters = Counter({letter: count for letter, count in Counter(text).items() if letter.isalpha()})
        foreign = sum(count for letter, count in letters.items() if script(letter) not in self._scripts)
        return foreign / letters.total() if letters else 0.0

    def common_words(self, text: str) -> float | None:
        """Share of the words of a text that are among the most frequent ones, relative to that share in the texts.

        None if the text has fewer than ``LEAST_WORDS`` words, or if there is nothing to compare with.
        """
        found = words(text)
        if len(found) < LEAST_WORDS or not self.share:
            return None
        return sum(word in self._common for word in found) / len(found) / self.share
