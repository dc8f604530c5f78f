"""Conversion between character offsets and B-/I-/O tags, for any tokenization.

Only ``deidsynth.metrics.sequences``, which follows seqeval's rules, parses tag strings elsewhere.

A token is a half-open pair ``(start, end)`` of code points. White space at either end of a token (`` Anna``) does not
count; a token of only white space belongs to the entity around it. A token of zero width (a special token) has no tag.
Tokens are ordered by start; tokens that share a character (a character split into bytes) are allowed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from deidsynth.documents import Entity, LabelScheme
from deidsynth.errors import ModelNotUsableError
from deidsynth.normalization import is_mark

OUTSIDE = "O"
IGNORED = -100

Offsets = Sequence[tuple[int, int]]

_OUTSIDE_TAGS = frozenset({OUTSIDE, "0"})
_PREFIXED = re.compile(r"([BIMELSU])-(\S+(?: \S+)*)")
_RAW_LABEL = re.compile(r"[^\W\d][\w.:/-]*")


@dataclass(frozen=True)
class TagSet:
    """Tags and their numbers.

    Args:
        tags: ``O`` once, and ``B-X`` and ``I-X`` for every label, in any order.

    Raises:
        ModelNotUsableError: the tags do not have that form.
    """

    tags: tuple[str, ...]
    outside: int = field(init=False)
    begin: dict[str, int] = field(init=False)
    inside: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        begin = {tag[2:]: number for number, tag in enumerate(self.tags) if tag.startswith("B-")}
        inside = {tag[2:]: number for number, tag in enumerate(self.tags) if tag.startswith("I-")}
        plain = [number for number, tag in enumerate(self.tags) if tag == OUTSIDE]
        paired = begin.keys() == inside.keys() and len(self.tags) == 1 + 2 * len(begin)
        named = all(label and not any(character.isspace() for character in label) for label in begin)
        if len(plain) != 1 or not paired or not named:
            raise ModelNotUsableError(
                "the tags must be O once and a pair B-X, I-X for every label X, without white space; "
                "this model was trained with other tags"
            )
        object.__setattr__(self, "outside", plain[0])
        object.__setattr__(self, "begin", begin)
        object.__setattr__(self, "inside", inside)

    @classmethod
    def of(cls, scheme: LabelScheme) -> TagSet:
        """The tags of a label scheme: ``O`` first, then pairs in the order of the labels."""
        return cls((OUTSIDE, *(f"{prefix}-{label}" for label in scheme for prefix in "BI")))

    def __len__(self) -> int:
        return len(self.tags)

    @property
    def scheme(self) -> LabelScheme:
        """The labels behind the tags."""
        return LabelScheme(tuple(self.begin))

    def may_follow(self) -> NDArray[np.bool_]:
        """Which tag may follow which.

        Returns:
            Shape (n_tags + 1, n_tags); ``[i, j]``: tag j may follow tag i; the last row is the start of a text.
        """
        allowed = np.ones((len(self.tags) + 1, len(self.tags)), dtype=bool)
        for label, inside in self.inside.items():
            allowed[:, inside] = False
            allowed[[self.begin[label], inside], inside] = True
        return allowed

    def may_continue(self) -> NDArray[np.bool_]:
        """Which tag may follow which within a word: ``O`` after ``O``, and ``I-X`` after ``B-X`` or ``I-X``.

        Returns:
            Shape (n_tags, n_tags).
        """
        allowed = np.zeros((len(self.tags), len(self.tags)), dtype=bool)
        allowed[self.outside, self.outside] = True
        for label, inside in self.inside.items():
            allowed[[self.begin[label], inside], inside] = True
        return allowed


@dataclass(frozen=True, slots=True)
class Alignment:
    """Tags for the tokens of one text, and the entities they cannot represent.

    Args:
        tags: one number per token; ``IGNORED`` for a token of zero width.
        misaligned: indices of the entities that decoding the tags does not reproduce exactly: a boundary inside a
            token, or leading or trailing white space.
        lost: those of them that have no token at all.
    """

    tags: tuple[int, ...]
    misaligned: tuple[int, ...]
    lost: tuple[int, ...]


def trim(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without leading and trailing white space; ``(start, start)`` if it contains nothing else."""
    piece = text[start:end]
    left = len(piece) - len(piece.lstrip())
    if left == len(piece):
        return start, start
    return start + left, end - (len(piece) - len(piece.rstrip()))


def within_word(text: str, place: int) -> bool:
    """Whether a boundary at ``place`` would cut a word, or a letter from its combining mark.

    A place is inside a word if it is between two digits, or between two letters that do not change from lower to upper
    case.
    """
    if not 0 < place < len(text):
        return False
    if is_mark(text[place]):
        return not text[place - 1].isspace()
    before = place - 1
    while before > 0 and is_mark(text[before]):
        before -= 1
    left, right = text[before], text[place]
    if left.isdigit() or right.isdigit():
        return left.isdigit() and right.isdigit()
    return left.isalpha() and right.isalpha() and not (left.islower() and right.isupper())


def encode(text: str, entities: Sequence[Entity], offsets: Offsets, tag_set: TagSet) -> Alignment:
    """Tags for tokens, from which ``decode`` recovers the entities wherever the tokens allow it.

    A token shared by two entities belongs to the first.

    Args:
        text: the document text.
        entities: sorted, not overlapping, with labels of ``tag_set``.
        offsets: one pair per token.
        tag_set: tags and numbers.
    """
    tags = [tag_set.outside] * len(offsets)
    cores = [trim(text, start, end) for start, end in offsets]
    seen: set[int] = set()
    cursor = 0
    for number, (start, end) in enumerate(offsets):
        if start == end:
            tags[number] = IGNORED
            continue
        left, right = cores[number]
        blank = left == right
        if blank:
            left, right = start, end
        while cursor < len(entities) and entities[cursor].end <= left:
            cursor += 1
        if cursor == len(entities) or entities[cursor].start >= right:
            continue
        entity = entities[cursor]
        if blank and (cursor not in seen or end >= entity.end or not text[end : entity.end].strip()):
            continue
        tags[number] = (tag_set.inside if cursor in seen else tag_set.begin)[entity.label]
        seen.add(cursor)
    found = {entity.key for entity in decode(text, tags, offsets, tag_set)}
    misaligned = tuple(index for index, entity in enumerate(entities) if entity.key not in found)
    return Alignment(tuple(tags), misaligned, tuple(index for index in misaligned if index not in seen))


def decode(
    text: str, tags: Iterable[int], offsets: Offsets, tag_set: TagSet, scores: Sequence[float] | None = None
) -> tuple[Entity, ...]:
    """Entities from the tags of a text's tokens.

    ``I-X`` after anything but ``B-X`` or ``I-X`` begins an entity, as in the CoNLL script. Leading and trailing white
    space of an entity is removed. If tokens share a character, the earlier entity keeps it.

    Args:
        text: the document text.
        tags: one number per token; negative numbers are skipped.
        offsets: one pair per token.
        tag_set: tags and numbers.
        scores: one number per token; an entity gets the lowest of its tokens.
    """
    label_of = {number: label for label, number in (*tag_set.begin.items(), *tag_set.inside.items())}
    begins = set(tag_set.begin.values())
    spans: list[tuple[int, int, str, float | None]] = []
    label: str | None = None
    for number, tag in enumerate(tags):
        start, end = offsets[number]
        if tag < 0 or start == end:
            continue
        score = None if scores is None else float(scores[number])
        if tag == tag_set.outside:
            label = None
        elif tag in begins or label != label_of[tag]:
            label = label_of[tag]
            spans.append((start, end, label, score))
        else:
            first, last, _, lowest = spans[-1]
            if score is not None and lowest is not None:
                lowest = min(lowest, score)
            spans[-1] = (first, max(last, end), label, lowest)
    entities: list[Entity] = []
    for start, end, name, lowest in spans:
        if entities:
            start = max(start, entities[-1].end)
        start, end = trim(text, start, end)
        if start < end:
            entities.append(Entity(start, end, name, lowest))
    return tuple(entities)


def has_prefixes(tags: Iterable[str], least: float = 0.9) -> bool | None:
    """Whether a column of tags has prefixes (True: IOB, IOB2, BIOES, BILOU) or raw labels (False); None: no tags.

    Outside is ``O`` or ``0``; raw labels must repeat, with outside among them.

    Args:
        tags: the cells of the column.
        least: least share of well-formed tags.
    """
    counts = Counter(tags)
    n_outside, total = sum(counts[tag] for tag in _OUTSIDE_TAGS), counts.total()
    n_prefixed = sum(count for tag, count in counts.items() if is_tag(tag, prefixed=True)) - n_outside
    if n_prefixed and n_prefixed + n_outside >= least * total:
        return True
    n_raw = sum(count for tag, count in counts.items() if is_tag(tag, prefixed=False))
    return False if n_outside and n_raw >= least * total and len(counts) <= max(3, total / 5) else None


def is_tag(tag: str, prefixed: bool) -> bool:
    """Whether a string is a tag with a prefix, or else a raw label; ``O`` and ``0`` are both."""
    return tag in _OUTSIDE_TAGS or (_PREFIXED if prefixed else _RAW_LABEL).fullmatch(tag) is not None


def spans_of_tags(tags: Sequence[str], prefixed: bool) -> list[tuple[int, int, str]]:
    """First token, token after the last, and label of every entity in the tags of a sentence.

    ``I-``, ``M-``, ``E-`` and ``L-`` continue an open entity of their label and begin one if there is none, as in the
    CoNLL script, so IOB, IOB2, BIOES and BILOU are all read. Neighboring tokens with one raw label are one entity.

    >>> spans_of_tags(["B-A", "I-A", "S-A", "O", "I-B"], prefixed=True)
    [(0, 2, 'A'), (2, 3, 'A'), (4, 5, 'B')]
    >>> spans_of_tags(["A", "A", "0", "B"], prefixed=False)
    [(0, 2, 'A'), (3, 4, 'B')]
    """
    found: list[tuple[int, int, str]] = []
    is_open = False
    for place, tag in enumerate(tags):
        if tag in _OUTSIDE_TAGS:
            is_open = False
            continue
        prefix, label = (tag[0], tag[2:]) if prefixed else ("I", tag)
        if is_open and prefix in "IMEL" and found[-1][2] == label:
            found[-1] = (found[-1][0], place + 1, label)
        else:
            found.append((place, place + 1, label))
        is_open = prefix not in "ELSU"
    return found


def sequence_faults(sentences: Sequence[Sequence[str]]) -> Iterator[tuple[int, int, str]]:
    """Sentence, token and fault of every tag that breaks the scheme of its file; ``spans_of_tags`` still reads it.

    A file is BIOES or BILOU if at least as many entities end in ``E-``, ``L-``, ``S-`` or ``U-`` as do not; else IOB if
    more entities begin with ``I-`` than with ``B-`` although no entity of their label precedes them; else IOB2. In IOB
    every sequence is valid.

    Args:
        sentences: tags with prefixes.

    >>> list(sequence_faults([["B-A", "I-A", "O", "I-A"]]))
    [(0, 3, 'I- continues an entity that was not begun')]
    >>> list(sequence_faults([["S-A", "B-A", "O"], ["E-A"]]))
    [(0, 1, 'B- begins an entity that is not ended'), (1, 0, 'E- continues an entity that was not begun')]
    >>> list(sequence_faults([["O", "I-A", "B-A"]]))
    []
    """
    closed, marked = _scheme_of(sentences)
    for number, tags in enumerate(sentences):
        for place, (before, tag, after) in enumerate(zip([OUTSIDE, *tags], tags, [*tags[1:], OUTSIDE], strict=False)):
            prefix = tag[0]
            if tag in _OUTSIDE_TAGS:
                continue
            if prefix in "ELSU" and not closed:
                yield number, place, f"{prefix}- does not exist in IOB, the scheme of the other tags"
            elif prefix in "IMEL" and (closed or marked) and not _continues(before, tag):
                yield number, place, f"{prefix}- continues an entity that was not begun"
            elif prefix in "BIM" and closed and not _continues(tag, after):
                yield number, place, f"{prefix}- {'begins' if prefix == 'B' else 'is in'} an entity that is not ended"


def sentences_going_on(sentences: Sequence[Sequence[str]]) -> frozenset[int]:
    """The sentences that begin inside an entity of the sentence before; none in IOB, where ``I-`` may begin an entity.

    Args:
        sentences: tags with prefixes.

    >>> sorted(sentences_going_on([["O", "B-A"], ["I-A", "O", "B-A"], ["B-A"]]))
    [1]
    """
    if not any(_scheme_of(sentences)):
        return frozenset()
    pairs = enumerate(pairwise(sentences), start=1)
    return frozenset(number for number, (before, tags) in pairs if before and tags and _continues(before[-1], tags[0]))


def _scheme_of(sentences: Sequence[Sequence[str]]) -> tuple[bool, bool]:
    """Whether the ends of entities are marked in a file, and whether their beginnings are."""
    pairs = [pair for tags in sentences for pair in pairwise([OUTSIDE, *tags, OUTSIDE])]
    ends = Counter(tag[0] in "ELSU" for tag, after in pairs if tag not in _OUTSIDE_TAGS and not _continues(tag, after))
    begins = Counter(
        tag[0] for before, tag in pairs if tag not in _OUTSIDE_TAGS and not _continues(before, tag, "BIMEL")
    )
    return ends[True] > 0 and ends[True] >= ends[False], begins["B"] >= begins["I"]


def _continues(before: str, tag: str, prefixes: str = "IMEL") -> bool:
    """Whether a tag continues the entity of the previous tag."""
    is_open = before not in _OUTSIDE_TAGS and before[0] not in "ELSU"
    return is_open and tag not in _OUTSIDE_TAGS and tag[0] in prefixes and tag[2:] == before[2:]


def tags_of_spans(spans: Iterable[tuple[int, int, str]], n_tokens: int, scheme: str = "IOB2") -> list[str]:
    """The tags of a sentence.

    Args:
        spans: first token, token after the last, and label.
        n_tokens: in the sentence.
        scheme: ``IOB2`` or ``BIOES``.
    """
    tags = [OUTSIDE] * n_tokens
    for first, last, label in spans:
        tags[first:last] = [f"B-{label}", *[f"I-{label}"] * (last - first - 1)]
        if scheme == "BIOES":
            tags[last - 1] = f"{'S' if last - first == 1 else 'E'}-{label}"
    return tags
