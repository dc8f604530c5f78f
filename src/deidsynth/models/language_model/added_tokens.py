"""Tokens added to a language model's vocabulary: inline entity tags in the text, and control codes before it.

They are special tokens, never characters, so that no text can contain one. Nothing here depends on a tokenizer.

Source: Ding et al. 2020 (DAGA) for entity tags in the text that a language model learns; Keskar et al. 2019 (CTRL) for
control codes.
"""

from __future__ import annotations

import re
import statistics
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from deidsynth.config import AdaptConfig
from deidsynth.documents import Document, Entity
from deidsynth.errors import CorpusError

CLOSING = "<|/entity|>"
CONTROL_CODES_END = "<|/control|>"
COUNTS = ("1", "2-3", "4-7", "8+")
N_LENGTHS = 4

Repair = Literal["stray_closing", "nested_opening", "unclosed", "empty_entity", "stray_control_code", "blanks"]
REPAIRS: dict[Repair, str] = {
    "stray_closing": "n_repaired_stray_closings",
    "nested_opening": "n_repaired_nested_openings",
    "unclosed": "n_repaired_unclosed",
    "empty_entity": "n_repaired_empty",
    "stray_control_code": "n_repaired_stray_control_codes",
    "blanks": "n_repaired_blanks",
}
"""The name of the fact that counts each kind of repair."""

_LINE_END = re.compile(r"[\r\n]")


class SpecialToken(NamedTuple):
    """An inline entity tag or a control code.

    Args:
        kind: opening tag, closing tag or control code.
        label: of an opening tag.
    """

    kind: Literal["opening", "closing", "control_code"]
    label: str = ""


@dataclass(frozen=True, slots=True)
class AddedTokens:
    """The inline entity tags and control codes of one model, saved with its weights.

    Args:
        labels: of inline entity tags and control codes, sorted.
        inline: whether there are inline entity tags.
        control_codes: fields of the control codes, in order.
        length_bounds: maximum characters of each length class except the last.
        crosses_lines: whether entities may span lines; otherwise a line break closes them.
    """

    labels: tuple[str, ...] = ()
    inline: bool = False
    control_codes: tuple[str, ...] = ()
    length_bounds: tuple[int, ...] = ()
    crosses_lines: bool = True

    @classmethod
    def of(cls, config: AdaptConfig, documents: Sequence[Document]) -> AddedTokens:
        """The added tokens of a configuration.

        Args:
            config: ``annotations`` and ``control_codes``.
            documents: all documents that the model is adapted to.

        Raises:
            CorpusError: the configuration needs entities, and there are none.
        """
        inline, control_codes = config.annotations == "inline", tuple(config.control_codes or ())
        if not inline and not control_codes:
            return cls()
        labels = sorted({entity.label for document in documents for entity in document.entities})
        if not labels and (inline or "labels" in control_codes):
            raise CorpusError(
                "adapt.annotations: inline and adapt.control_codes: [labels] need entities, but the training documents "
                "have none; give an annotated corpus"
            )
        lengths = [len(document.text) for document in documents]
        bounds = statistics.quantiles(lengths, n=N_LENGTHS, method="inclusive") if len(lengths) > 1 else lengths * 3
        crosses = any(_LINE_END.search(each.surface(entity)) for each in documents for entity in each.entities)
        return cls(
            tuple(labels) if inline or "labels" in control_codes else (),
            inline,
            control_codes,
            tuple(int(bound) for bound in bounds) if "length" in control_codes else (),
            crosses,
        )

    def __bool__(self) -> bool:
        return self.inline or bool(self.control_codes)

    @property
    def tokens(self) -> dict[str, SpecialToken]:
        """All special tokens by their spelling, in a fixed order."""
        tags: dict[str, SpecialToken] = {}
        if self.inline:
            tags = {opening(label): SpecialToken("opening", label) for label in self.labels}
            tags[CLOSING] = SpecialToken("closing")
        codes: list[str] = []
        if "labels" in self.control_codes:
            codes += [*map(_has, self.labels), *map(_count, COUNTS)]
        if "length" in self.control_codes:
            codes += [_length(number) for number in range(N_LENGTHS)]
        if self.control_codes:
            codes.append(CONTROL_CODES_END)
        return tags | dict.fromkeys(codes, SpecialToken("control_code"))

    def control_codes_of(self, document: Document) -> tuple[str, ...]:
        """A document's control codes: its labels with their frequencies, and its length class.

        Labels unknown to the model are left out.
        """
        codes: list[str] = []
        for name in self.control_codes:
            if name == "labels":
                counts = Counter(entity.label for entity in document.entities)
                for label in self.labels:
                    if counts[label]:
                        codes += [_has(label), _count(_bucket(counts[label]))]
            else:
                codes.append(_length(bisect_left(self.length_bounds, len(document.text))))
        return (*codes, CONTROL_CODES_END) if self.control_codes else ()

    def labels_named_in(self, control_codes: Sequence[str]) -> frozenset[str]:
        """The labels named by control codes."""
        return frozenset(label for label in self.labels if _has(label) in control_codes)


def opening(label: str) -> str:
    """The opening tag of a label."""
    return f"<|entity:{label}|>"


def _has(label: str) -> str:
    return f"<|has:{label}|>"


def _count(bucket: str) -> str:
    return f"<|count:{bucket}|>"


def _length(number: int) -> str:
    return f"<|length:{number + 1}|>"


def _bucket(count: int) -> str:
    return COUNTS[bisect_left((1, 3, 7), count)]


def tagged_parts(text: str, entities: Sequence[Entity], *, is_open: bool = False) -> Iterator[str | SpecialToken]:
    """Text and inline entity tags in order; texts are not empty.

    >>> list(tagged_parts("Dr Ek.", [Entity(3, 5, "NAME")]))
    ['Dr ', SpecialToken(kind='opening', label='NAME'), 'Ek', SpecialToken(kind='closing', label=''), '.']

    Args:
        text: plain.
        entities: sorted, without overlap.
        is_open: whether the last entity continues after the text and is not closed.
    """
    last = 0
    for number, entity in enumerate(entities):
        if entity.start > last:
            yield text[last : entity.start]
        yield SpecialToken("opening", entity.label)
        yield text[entity.start : entity.end]
        if not is_open or number + 1 < len(entities):
            yield SpecialToken("closing")
        last = entity.end
    if last < len(text):
        yield text[last:]


@dataclass(frozen=True, slots=True, repr=False)
class ReadText:
    """The text and entities decoded from a sequence of text and special tokens.

    Args:
        text: without special tokens.
        entities: sorted, without overlap or surrounding blanks.
        n_special_tokens: number of special tokens in the sequence.
        repairs: number of repairs of each kind.
    """

    text: str
    entities: tuple[Entity, ...]
    n_special_tokens: int
    repairs: Mapping[str, int]


@dataclass
class Reader:
    """Decodes a sequence of text and special tokens, and repairs misplaced tags.

    A closing tag without an opening one is dropped. An opening tag inside an open entity closes that one. An entity
    without a closing tag ends with its line, as does any entity if entities may not span lines. Blanks around an
    entity are excluded, and an empty one is dropped. Control codes are dropped.

    Args:
        text: preceding text.
        entities: of that text.
        is_open: whether the last of them continues.
        crosses_lines: whether entities may span lines.
    """

    text: str = ""
    entities: tuple[Entity, ...] = ()
    is_open: bool = False
    crosses_lines: bool = True
    _open: tuple[int, str] | None = field(default=None, init=False)
    _n_special_tokens: int = field(default=0, init=False)
    _repairs: Counter[str] = field(default_factory=Counter, init=False)

    def __post_init__(self) -> None:
        self._found = list(self.entities)
        if self.is_open and self._found:
            last = self._found.pop()
            self._open, self._n_special_tokens = (last.start, last.label), 1

    def feed(self, part: str | SpecialToken) -> None:
        """Add the next piece of text or special token."""
        if isinstance(part, str):
            self.text += part
            if self._open is not None and not self.crosses_lines and _LINE_END.search(self.text, self._open[0]):
                self._close("unclosed")
            return
        self._n_special_tokens += 1
        if part.kind == "control_code":
            self._repairs["stray_control_code"] += 1
        elif part.kind == "opening":
            if self._open is not None:
                self._close("nested_opening")
            self._open = len(self.text), part.label
        elif self._open is None:
            self._repairs["stray_closing"] += 1
        else:
            self._close(None)

    def finish(self) -> ReadText:
        """The decoded text and entities, after the last part."""
        if self._open is not None:
            self._close("unclosed")
        return ReadText(self.text, tuple(self._found), self._n_special_tokens, {**self._repairs})

    def _close(self, reason: Repair | None) -> None:
        """End the open entity here, or at the end of its line if it is not closed by a tag."""
        assert self._open is not None
        (start, label), self._open = self._open, None
        line_end = _LINE_END.search(self.text, start) if reason is not None else None
        end = line_end.start() if line_end is not None else len(self.text)
        surface = self.text[start:end]
        kept = surface.strip()
        if kept:
            first = start + len(surface) - len(surface.lstrip())
            self._found.append(Entity(first, first + len(kept), label))
            if kept != surface:
                self._repairs["blanks"] += 1
        elif reason is None:
            reason = "empty_entity"
        if reason is not None:
            self._repairs[reason] += 1


def malformed_share(n_special_tokens: int, repairs: Mapping[str, int]) -> float:
    """Share of special tokens that had to be repaired, apart from blanks; 0 without special tokens."""
    malformed = sum(count for kind, count in repairs.items() if kind != "blanks")
    return malformed / n_special_tokens if n_special_tokens else 0.0
