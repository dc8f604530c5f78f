"""Notes of invented words for attacks on membership: nothing in them can be known but by having read them."""

from __future__ import annotations

from random import Random

from deidsynth.documents import Document, Entity
from deidsynth.privacy.audit.sides import Sides

SYLLABLES = "ba be bi bo da de di do fa fe fi fu ga ge gi go ka ke ki ko la le li lo ma me mi mo".split()
WORDS = ["".join(Random(number).choices(SYLLABLES, k=4)) for number in range(60)]


def notes(kind: str, n_notes: int = 40) -> list[Document]:
    """Notes of words among which one, three times, is a name: nothing but itself tells which."""
    chance = Random(kind)
    made = []
    for number in range(n_notes):
        text, entities, name = "", list[Entity](), "".join(chance.choices(SYLLABLES, k=4))
        for _ in range(3):
            words = [*chance.choices(WORDS, k=7)]
            place = chance.randrange(8)
            before = " ".join([*words[:place], ""])
            start = len(text) + len(before)
            entities.append(Entity(start, start + len(name), "NAME"))
            text += f"{before}{' '.join([name, *words[place:]])}.\n"
        made.append(Document(f"{kind}-{number}", text, tuple(entities)))
    return made


def sides(train: str, held_out: str, n_groups: int = 40) -> Sides:
    return Sides(
        tuple((each,) for each in notes(train, n_groups)), tuple((each,) for each in notes(held_out, n_groups)), {}
    )
