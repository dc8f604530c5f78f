"""Encoding of documents with inline entity tags and control codes, and decoding of sampled tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property

from transformers import PreTrainedTokenizerBase

from deidsynth.documents import Document, Entity
from deidsynth.errors import ModelNotUsableError
from deidsynth.models.language_model.added_tokens import AddedTokens, Reader, ReadText, SpecialToken, tagged_parts
from deidsynth.models.language_model.packing import token_ids

_PROBES = ("x", " x", "x ", "\nx", " ")


class Codec:
    """Encodes documents for training and decodes sampled tokens.

    The pieces of text between inline entity tags are tokenized separately. So the blank before an entity is a
    token of its own or the end of the piece before it, and the first word of an entity has no blank in front, as at the
    start of a line.

    Args:
        tokenizer: of the model, with all added tokens.
        added_tokens: of the model; by default none.

    Raises:
        ModelNotUsableError: the tokenizer lacks an added token, or is not lossless for pieces of text.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, added_tokens: AddedTokens | None = None) -> None:
        self._tokenizer = tokenizer
        self.added_tokens = added_tokens or AddedTokens()
        tokens = self.added_tokens.tokens
        known = tokenizer.get_vocab() if tokens else {}
        missing = sum(token not in known for token in tokens)
        if missing:
            raise ModelNotUsableError(
                f"the tokenizer lacks {missing} of the special tokens of its model; copy the complete "
                "model folder, or adapt the model again"
            )
        self._ids = {token: known[token] for token in tokens}
        self._special = {known[token]: special for token, special in tokens.items()}
        self._tag_ids = {tag: number for number, tag in self._special.items() if tag.kind != "control_code"}
        if self.added_tokens.inline and any(self._text(token_ids(tokenizer, piece)) != piece for piece in _PROBES):
            raise ModelNotUsableError(
                "the base model's tokenizer changes blanks at the ends of texts, so entities could not be recovered "
                "from sampled text; use another base, or adapt.annotations: none"
            )

    @property
    def added_ids(self) -> tuple[int, ...]:
        """The ids of the added tokens."""
        return tuple(self._special)

    @property
    def control_code_ids(self) -> tuple[int, ...]:
        """The ids of control codes, which only precede a text."""
        return tuple(number for number, special in self._special.items() if special.kind == "control_code")

    def ids_of(self, tokens: Sequence[str]) -> list[int]:
        """The ids of added tokens."""
        return [self._ids[token] for token in tokens]

    def encode(self, document: Document) -> list[int]:
        """Control codes, text and entities of a document, without BOS and EOS.

        Entities of unknown labels are left out.
        """
        codes = self.added_tokens.control_codes_of(document)
        return self.encode_start(document.text, document.entities, control_codes=codes)

    def encode_start(
        self, text: str, entities: Sequence[Entity] = (), *, is_open: bool = False, control_codes: Sequence[str] = ()
    ) -> list[int]:
        """The encoded start of a document, without BOS.

        Args:
            text: its first characters.
            entities: to tag in it, if the model has inline entity tags.
            is_open: whether the last of them continues.
            control_codes: to put before the text.
        """
        ids = self.ids_of(control_codes)
        if not self.added_tokens.inline:
            return ids + token_ids(self._tokenizer, text)
        known = [entity for entity in entities if SpecialToken("opening", entity.label) in self._tag_ids]
        goes_on = is_open and known[-1:] == [*entities[-1:]]
        parts = list(tagged_parts(text, known, is_open=goes_on))
        pieces = iter(self._tokenize([part for part in parts if isinstance(part, str)]))
        for part in parts:
            ids += [self._tag_ids[part]] if isinstance(part, SpecialToken) else next(pieces)
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
        """The document that starts with a text and continues with sampled tokens.

        Args:
            start: result of ``encode_start`` for the text.
            ids: tokens sampled after it, without EOS.
            text: its first characters, which are kept exactly, whatever the tokenizer decodes.
            entities: of the text.
            is_open: whether the last of them continues.
        """
        inline, crosses_lines = self.added_tokens.inline, self.added_tokens.crosses_lines
        reader = Reader(text, tuple(entities) if inline else (), inline and is_open, crosses_lines=crosses_lines)
        for part in self._parts(start, ids):
            reader.feed(part)
        return reader.finish()

    def read(
        self,
        start: Sequence[int],
        continuation: str,
        text: str = "",
        entities: Sequence[Entity] = (),
        *,
        is_open: bool = False,
    ) -> ReadText:
        """As ``decode``, from a continuation as text in which special tokens are spelled out; it ends at EOS."""
        inline, crosses_lines = self.added_tokens.inline, self.added_tokens.crosses_lines
        reader = Reader(text, tuple(entities) if inline else (), inline and is_open, crosses_lines=crosses_lines)
        added = self.added_tokens.tokens
        spelled = sorted({*added, *self._tokenizer.all_special_tokens}, key=len, reverse=True)
        begins = not self._head(start)
        for part in re.split(f"({'|'.join(map(re.escape, spelled))})", continuation):
            if part == self._tokenizer.eos_token:
                break
            if part in added:
                reader.feed(added[part])
            elif part and part not in spelled:
                reader.feed(part[len(self._blank) :] if begins and part.startswith(self._blank) else part)
            begins = (begins and not part) or part in added
        return reader.finish()

    @cached_property
    def _blank(self) -> str:
        """What the tokenizer puts before each piece of text and shows after a special token: a blank or nothing."""
        ids = next(iter(self._special), None)
        if ids is None:
            return ""
        shown = self._tokenizer.decode([ids, *token_ids(self._tokenizer, "x")], clean_up_tokenization_spaces=False)
        return " " if str(shown).endswith(" x") else ""

    def _head(self, start: Sequence[int]) -> list[int]:
        """The ids of a start after its last added token."""
        before = [place for place, number in enumerate(start) if number in self._special]
        return [*start[before[-1] + 1 if before else 0 :]]

    def _parts(self, start: Sequence[int], ids: Sequence[int]) -> Iterator[str | SpecialToken]:
        """Text and special tokens of the sampled ids; the first piece continues the last piece of the start."""
        head, piece = self._head(start), list[int]()
        for number in [*ids, None]:
            special = None if number is None else self._special.get(number)
            if number is not None and special is None:
                piece.append(number)
                continue
            if piece:
                yield self._text([*head, *piece])[len(self._text(head)) if head else 0 :]
                head, piece = [], []
            if special is not None:
                head = []
                yield special

    def _text(self, ids: Sequence[int]) -> str:
        decoded = self._tokenizer.decode([*ids], skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return str(decoded)

    def _tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        if not texts:
            return []
        encoding = self._tokenizer(list(texts), add_special_tokens=False, split_special_tokens=True, verbose=False)
        return [list(ids) for ids in encoding["input_ids"]]
