"""Documents as token ids with their marks, and drawn token ids as text with entities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from transformers import PreTrainedTokenizerBase

from deidsynth.documents import Document, Entity
from deidsynth.errors import ModelNotUsableError
from deidsynth.models.language_model.markup import Mark, Markup, Reader, ReadText, marked_parts
from deidsynth.models.language_model.packing import token_ids

_PROBES = ("x", " x", "x ", "\nx", " ")


class Codec:
    """Writes documents as a model learns them, and reads what it draws.

    The pieces of text between marks are tokenized each for itself. So the blank before an entity is a token of its own
    or the end of the piece before it, and the first word of an entity has no blank in front, as at the start of a line.

    Args:
        tokenizer: of the model, with a special token for every mark.
        markup: of the model; by default nothing is marked up.

    Raises:
        ModelNotUsableError: the tokenizer lacks a mark, or does not give pieces of text back as they were.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, markup: Markup | None = None) -> None:
        self._tokenizer = tokenizer
        self.markup = markup or Markup()
        known = tokenizer.get_vocab() if self.markup else {}
        missing = sum(token not in known for token in self.markup.tokens)
        if missing:
            raise ModelNotUsableError(
                f"the tokenizer lacks {missing} of the special tokens that its model was adapted with; copy the whole "
                "folder of the model, or adapt it anew"
            )
        self._ids = {token: known[token] for token in self.markup.tokens}
        self._marks = {known[token]: mark for token, mark in self.markup.tokens.items()}
        self._id_of = {mark: number for number, mark in self._marks.items() if mark.kind != "header"}
        if self.markup.inline and any(self._text(token_ids(tokenizer, piece)) != piece for piece in _PROBES):
            raise ModelNotUsableError(
                "the base model's tokenizer changes blanks at the ends of texts, so entities would not be found again "
                "in what it writes; take another base, or adapt.annotations: none"
            )

    @property
    def mark_ids(self) -> tuple[int, ...]:
        """The ids that are marks and no text."""
        return tuple(self._marks)

    @property
    def header_ids(self) -> tuple[int, ...]:
        """The ids of headers, which stand before a text and never in it."""
        return tuple(number for number, mark in self._marks.items() if mark.kind == "header")

    def encode(self, document: Document) -> list[int]:
        """Header, text and entities of a document, without BOS and EOS.

        Entities of labels that the markup does not have are left out.
        """
        return self.encode_start(document.text, document.entities, header=self.markup.header_of(document))

    def encode_start(
        self, text: str, entities: Sequence[Entity] = (), *, is_open: bool = False, header: Sequence[str] = ()
    ) -> list[int]:
        """What a document begins with, without BOS.

        Args:
            text: its first characters.
            entities: those that are marked in it, where the model writes them at all.
            is_open: whether the last of them goes on.
            header: tokens of the header.
        """
        ids = [self._ids[token] for token in header]
        if not self.markup.inline:
            return ids + token_ids(self._tokenizer, text)
        known = [entity for entity in entities if Mark("opening", entity.label) in self._id_of]
        goes_on = is_open and known[-1:] == [*entities[-1:]]
        parts = list(marked_parts(text, known, is_open=goes_on))
        pieces = iter(self._tokenize([part for part in parts if isinstance(part, str)]))
        for part in parts:
            ids += [self._id_of[part]] if isinstance(part, Mark) else next(pieces)
        return ids

    def decode(
        self,
        start: Sequence[int],
        ids: Sequence[int],
        text: str = "",
        entities: Sequence[Entity] = (),
        *,
        is_open: bool = False,
    ) -> ReadText:
        """The document that begins with a text and goes on with what was drawn.

        Args:
            start: what ``encode_start`` gave for the text.
            ids: drawn after it, without EOS.
            text: its first characters, which stand as they are, however the tokenizer spells them.
            entities: those of the text.
            is_open: whether the last of them goes on.
        """
        inline = self.markup.inline
        reader = Reader(
            text, tuple(entities) if inline else (), inline and is_open, crosses_lines=self.markup.crosses_lines
        )
        for part in self._parts(start, ids):
            reader.feed(part)
        return reader.finish()

    def _parts(self, start: Sequence[int], ids: Sequence[int]) -> Iterator[str | Mark]:
        """Text and marks of what was drawn; the first piece goes on where the start's last piece ended."""
        before = [place for place, number in enumerate(start) if number in self._marks]
        head: list[int] = [*start[before[-1] + 1 if before else 0 :]]
        piece: list[int] = []
        for number in [*ids, None]:
            mark = None if number is None else self._marks.get(number)
            if number is not None and mark is None:
                piece.append(number)
                continue
            if piece:
                yield self._text([*head, *piece])[len(self._text(head)) if head else 0 :]
                head, piece = [], []
            if mark is not None:
                head = []
                yield mark

    def _text(self, ids: Sequence[int]) -> str:
        decoded = self._tokenizer.decode([*ids], skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return str(decoded)

    def _tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        if not texts:
            return []
        encoding = self._tokenizer(list(texts), add_special_tokens=False, split_special_tokens=True, verbose=False)
        return [list(ids) for ids in encoding["input_ids"]]
