"""Names of persons, part by part: the same part of a name gets the same surrogate part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from deidsynth.config.surrogates import Kind
from deidsynth.documents import Document, Entity
from deidsynth.folding import folded
from deidsynth.surrogates.derived import WORD, Derivation
from deidsynth.surrogates.name_parts import Part, Sex, known_names, parts_of, without_marks, words_folded
from deidsynth.surrogates.names import name_pool
from deidsynth.surrogates.shapes import like_case
from deidsynth.surrogates.surnames import surname_pool
from deidsynth.surrogates.words import MEN, WOMEN, words_of

Role = Literal["first", "last"]
_TRIES, _SINGLE_TRIES = 200, 100
_INITIALS = "ABCDEFGHIJKLMNOPRSTV"
_NEAR = (60, 160)
"""Characters before and after a name in which words say its sex."""
_LISTED, _LABELED, _PLACED, _ALONE = 1000, 10, 5, 1
"""How much it counts whether a part is a first name or a surname, by list, by label, or by its place in a name."""


@dataclass
class _Evidence:
    """What a document says of a part of names."""

    roles: Counter[Role] = field(default_factory=Counter)
    sexes: Counter[Sex] = field(default_factory=Counter)


class Persons:
    """The surrogates of the names in one document.

    Args:
        derivation: what surrogates are derived from.
        language: of the text.
        document: with the names and all other entities.
        names: its entities that are names, with their kinds.
        is_taken: whether a surrogate may not be used, because it is a name of somebody.
        alone: whether the document is all of the scope: then different parts get different surrogates, and words near a
            name and its place say its sex and what it is. In wider scopes that would depend on the document.
    """

    def __init__(
        self,
        derivation: Derivation,
        language: str,
        document: Document,
        names: Sequence[tuple[Entity, Kind]],
        is_taken: Callable[[str], bool],
        *,
        alone: bool,
    ) -> None:
        self._derivation, self._document, self._alone, self._is_taken = derivation, document, alone, is_taken
        self._language = words_of(language)
        self._known = known_names(self._language)
        self._words = {word for entity in document.entities for word in words_folded(document.surface(entity))}
        self._values: dict[str, str | None] = {}
        self._used: set[str] = set()
        self._evidence: dict[str, _Evidence] = {}
        self._parts = {entity: self._parts_of(entity) for entity, _ in names}
        for entity, kind in names:
            self._gather(entity, kind)
        self._by_initial = self._keys_by_initial()

    def surrogate(self, entity: Entity) -> str | None:
        """What stands in place of a name; None if it has no part that is a name, or no other name is left."""
        surface, parts = self._document.surface(entity), self._parts[entity]
        if not parts:
            return None
        texts, last = list[str](), 0
        for part in parts:
            word = surface[part.start : part.end]
            value = self._initial(word, parts) if len(part.key) == 1 else self._written(part.key, word)
            if value is None:
                return None
            ending = "" if part.ending and value[-1:].casefold() in "sxz" else part.ending
            texts += self._digits(surface[last : part.start]), value, ending
            last = part.end + len(part.ending)
        return "".join([*texts, self._digits(surface[last:])])

    def _parts_of(self, entity: Entity) -> list[Part]:
        return parts_of(self._document.surface(entity), self._language, self._words)

    def _gather(self, entity: Entity, kind: Kind) -> None:
        surface, parts = self._document.surface(entity), self._parts[entity]
        whole = [part for part in parts if len(part.key) > 1]
        places = {group: place for place, group in enumerate(dict.fromkeys(part.group for part in whole))}
        comma = surface.find(",")
        sexes = self._sexes_near(entity) if self._alone else Counter[Sex]()
        for part in whole:
            found = self._evidence.setdefault(part.key, _Evidence())
            is_first, is_last = self._known.is_first(part.key), part.key in self._known.surnames
            if kind != "full_name":
                found.roles["first" if kind == "first_name" else "last"] += _LABELED
            elif not self._alone:
                pass
            elif len(places) == 1:
                found.roles["first" if is_first else "last"] += _ALONE
            elif comma > 0:
                found.roles["last" if part.start < comma else "first"] += _PLACED
            else:
                found.roles["first" if self._is_early(places[part.group], len(places)) else "last"] += _PLACED
            if is_first != is_last:
                found.roles["first" if is_first else "last"] += _LISTED
            found.sexes.update(sexes)

    def _is_early(self, place: int, n_places: int) -> bool:
        """Whether a place in a name is that of a first name: Spanish names have two surnames."""
        n_last = 2 if self._language == "es" and n_places > 2 else 1
        return place < n_places - n_last

    def _sexes_near(self, entity: Entity) -> Counter[Sex]:
        text, (before, after) = self._document.text, _NEAR
        near = text[max(0, entity.start - before) : entity.end + after]  # with titles in the name itself
        words = Counter(word.casefold() for word in WORD.findall(near))
        of_sex: dict[Sex, tuple[str, ...]] = {"f": WOMEN.get(self._language, ()), "m": MEN.get(self._language, ())}
        return Counter[Sex]({sex: sum(words[word] for word in of_sex[sex]) for sex in of_sex})

    def _written(self, key: str, word: str) -> str | None:
        """The surrogate of a part, in its case, and without accents where a name was written without its own."""
        if key not in self._values:
            self._values[key] = self._derived(key)
        value = self._values[key]
        if value is None:
            return None
        if word.isascii() and key in self._known.accented:
            value = without_marks(value)
        return like_case(value, word)

    def _derived(self, key: str) -> str | None:
        evidence = self._evidence[key]
        role: Role = "first" if evidence.roles["first"] > evidence.roles["last"] else "last"
        sex = self._sex(key, evidence) if role == "first" else None
        pool, kind = self._pool(role, sex), f"{role} name {sex or ''}"
        for attempt in range(_TRIES):
            name = pool[self._derivation.index(len(pool), kind, key, attempt)]
            names = [name]
            if attempt >= _SINGLE_TRIES:  # nearly all names of the pool are taken: two are one
                names.append(pool[self._derivation.index(len(pool), f"second {kind}", key, attempt)])
            if self._is_free(key, names):
                value = "-".join(names)
                self._used.update(map(folded, names) if self._alone else ())
                return value
        return None

    def _is_free(self, key: str, names: Sequence[str]) -> bool:
        keys = [folded(name) for name in names]
        return (
            keys[0][0] != key[0]  # so that initials change too
            and len(set(keys)) == len(keys)
            and not any(each in self._words or each in self._used for each in keys)
            and not self._is_taken("-".join(names))
        )

    def _sex(self, key: str, evidence: _Evidence) -> Sex | None:
        """What the lists say, else the words near the name; None where neither does."""
        women, men = evidence.sexes["f"], evidence.sexes["m"]
        return self._known.sex(key) or (None if women == men else "f" if women > men else "m")

    def _pool(self, role: Role, sex: Sex | None) -> tuple[str, ...]:
        if role == "last":
            return surname_pool(self._language)
        names = name_pool(self._language)
        return {"f": names.female, "m": names.male, None: (*names.female, *names.male)}[sex] or names.male

    def _initial(self, letter: str, parts: Sequence[Part]) -> str:
        """The initial of the surrogate of a name with that initial: of somebody with the same name, else of anybody."""
        own, plain = {part.key for part in parts if len(part.key) > 1}, folded(letter)
        names = [(key, name) for key, name in self._by_initial.get(plain, ()) if key not in own]
        choices = _INITIALS.replace(plain.upper(), "")
        initial = choices[self._derivation.index(len(choices), "initial", plain)]
        for key, _ in sorted(names, key=lambda each: own.isdisjoint(each[1])):  # the same name first
            if (value := self._written(key, key)) is not None:
                initial = value[0].upper()
                break
        return initial.lower() if letter.islower() else initial

    def _keys_by_initial(self) -> dict[str, list[tuple[str, frozenset[str]]]]:
        """The parts of names by their first letter, each once with the parts of a name that has it."""
        found: dict[str, dict[tuple[str, frozenset[str]], None]] = {}
        for parts in self._parts.values():
            keys = frozenset(part.key for part in parts if len(part.key) > 1)
            for part in parts:
                if part.key in keys:
                    found.setdefault(part.key[0], {})[part.key, keys] = None
        return {letter: list(some) for letter, some in found.items()}

    def _digits(self, text: str) -> str:
        """A text with other digits."""
        return "".join(
            str((int(each) + 1 + self._derivation.index(9, "digit", each)) % 10) if each.isdecimal() else each
            for each in text
        )
