"""A small template language, and the scene of a note that provides its values.

| writing | meaning |
|---|---|
| ``{key}`` | a fact of the scene, or a phrase from the list of that name |
| ``{2-9}``, ``{3.5-5.0}`` | a number in that range, whole or with one decimal |
| ``<a|b|c>`` | one of the alternatives, which may contain facts |
| ``[he/she]`` | the first for a male patient, the second for a female one |

A rendered template is a list of pieces, each literal or labeled; the offsets of a note are exact because its text is
the concatenation of those pieces.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache
from random import Random
from typing import Literal

Split = Literal["train", "test"]
Piece = tuple[str, str | None]
Pieces = tuple[Piece, ...]
Fact = Pieces | Callable[[], Pieces]
HELD_OUT_EVERY = 5

_TOKEN = re.compile(r"\{[^{}]+\}|\[[^\[\]]*/[^\[\]]*\]|<[^<>]+>")
_RANGE = re.compile(r"(\d+(?:\.\d)?)-(\d+(?:\.\d)?)")


def literal(text: str) -> Pieces:
    """A piece of text without a label."""
    return ((text, None),)


def labeled(text: str, label: str) -> Pieces:
    """An entity."""
    return ((text, label),)


def held_out_phrases(tables: Iterable[Sequence[str]]) -> frozenset[str]:
    """Every fifth phrase of each table is used in the test split only."""
    return frozenset(
        phrase for table in tables for index, phrase in enumerate(table) if index % HELD_OUT_EVERY == HELD_OUT_EVERY - 1
    )


class Scene:
    """The state of one note: facts of its patient, available phrases and randomness.

    Args:
        rng: the note's only source of randomness.
        male: whether the patient is male.
        facts: pieces by key, or functions that give new pieces for every mention.
        lists: phrases by key, which are templates.
        reserve: further phrases of a list, used when it has none left.
        withheld: phrases that this split does not use.
        unfit: words that do not fit this patient; phrases with one of them are not used.
    """

    def __init__(
        self,
        rng: Random,
        male: bool,
        facts: Mapping[str, Fact],
        lists: Mapping[str, Sequence[str]],
        reserve: Mapping[str, Sequence[str]],
        withheld: Collection[str] = (),
        unfit: Sequence[str] = (),
    ) -> None:
        self.rng, self.male = rng, male
        self.facts, self.lists, self._reserve = facts, lists, reserve
        self._withheld, self._unfit = withheld, unfit
        self._used: set[str] = set()
        self._openings: set[str] = set()

    def pick(self, phrases: Sequence[str]) -> str:
        """A suitable phrase, preferably one that the note does not have yet."""
        allowed = self._allowed(phrases)
        fresh = [phrase for phrase in allowed if phrase not in self._used]
        return self._take(fresh or allowed)

    def further(self, key: str) -> list[Piece]:
        """The pieces of another phrase of a list; empty if all are used."""
        fresh = self._fresh(self.lists[key])
        return self.render(self._take(fresh)) if fresh else []

    def _from_list(self, key: str) -> list[Piece]:
        for phrases in (self.lists[key], self._reserve.get(key, ())):
            fresh = self._fresh(phrases)
            if fresh:
                return self.render(self._take(fresh))
        return self.render(self.pick([*self.lists[key], *self._reserve.get(key, ())]))

    def _take(self, phrases: Sequence[str]) -> str:
        phrase = self.rng.choice(phrases)
        self._used.add(phrase)
        self._openings.add(_opening(phrase))
        return phrase

    def _fresh(self, phrases: Sequence[str]) -> list[str]:
        """Allowed new phrases that do not start like another one: one finding per organ."""
        return [phrase for phrase in self._allowed(phrases) if _opening(phrase) not in self._openings]

    def _allowed(self, phrases: Sequence[str]) -> list[str]:
        return [
            phrase
            for phrase in phrases
            if phrase not in self._withheld and not any(word in phrase for word in self._unfit)
        ]

    def render(self, template: str) -> list[Piece]:
        """The pieces of a template."""
        pieces: list[Piece] = []
        for token in _tokens(template):
            mark = token[0]
            if mark == "{":
                pieces.extend(self._slot(token[1:-1]))
            elif mark == "<" and token[-1] == ">":
                pieces.extend(self.render(self.rng.choice(token[1:-1].split("|"))))
            elif mark == "[" and token[-1] == "]" and "/" in token:
                pieces.extend(self.render(token[1:-1].split("/", 1)[0 if self.male else 1]))
            else:
                pieces.append((token, None))
        return pieces

    def _slot(self, key: str) -> Sequence[Piece]:
        fact = self.facts.get(key)
        if fact is not None:
            return fact() if callable(fact) else fact
        bounds = _RANGE.fullmatch(key)
        if bounds:
            return literal(self._number(bounds[1], bounds[2]))
        if key not in self._reserve and len(self.lists[key]) == 1:
            return self.render(self.lists[key][0])
        return self._from_list(key)

    def _number(self, low: str, high: str) -> str:
        if "." in low:
            return f"{self.rng.uniform(float(low), float(high)):.1f}".replace(".", ",")
        return str(self.rng.randint(int(low), int(high)))


@cache
def _opening(phrase: str) -> str:
    """The topic of a phrase: its first word, or the whole phrase if it starts with a slot."""
    word = phrase.split()[0].strip(":.,")
    return word if word.isalpha() else phrase


@cache
def _tokens(template: str) -> tuple[str, ...]:
    tokens, position = [], 0
    for match in _TOKEN.finditer(template):
        if match.start() > position:
            tokens.append(template[position : match.start()])
        tokens.append(match[0])
        position = match.end()
    if position < len(template):
        tokens.append(template[position:])
    return tuple(token for token in tokens if token)
