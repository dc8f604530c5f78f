from __future__ import annotations

from random import Random

import pytest

from deidsynth.documents import Document
from deidsynth.privacy.audit.sides import Sides
from deidsynth.privacy.audit.text_membership import text_membership

NAMES = [
    f"{first}{last}" for first in "Alve Bront Cirke Dro Ekto Gun Hest".split() for last in "dina us lia mund".split()
]
VERBS = "söker kommer vårdas kontrolleras remitteras undersöks".split()
COMPLAINTS = "hosta feber yrsel smärta klåda trötthet svullnad hjärtklappning illamående värk".split()
PLACES = "Vindheim Sandkulla Norrhaga Östervik Blomdal Kvistlund".split()
TIMES = "idag igår i måndags sedan mars sedan flera veckor i natt".split()


def note(chance: Random) -> str:
    """An invented note of five sentences."""

    def sentence() -> str:
        return (
            f"{chance.choice(NAMES)} från {chance.choice(PLACES)} {chance.choice(VERBS)} {chance.choice(TIMES)} för "
            f"{chance.choice(COMPLAINTS)} och {chance.choice(COMPLAINTS)}, vikt {chance.randrange(50, 120)}."
        )

    return " ".join(sentence() for _ in range(5))


def world(seed: int, n_train: int = 60, n_held_out: int = 40) -> tuple[Sides, list[Document]]:
    """Two sides, and clean synthetic text: all of it from one generator."""
    chance = Random(f"text-membership-{seed}")
    real = [(Document(str(number), note(chance)),) for number in range(n_train + n_held_out)]
    synthetic = [Document(f"s-{number}", note(chance)) for number in range(2 * n_train)]
    return Sides(tuple(real[:n_train]), tuple(real[n_train:]), {}), synthetic


def retold(document: Document, chance: Random) -> Document:
    """The document with every tenth word replaced by one of another note."""
    other = note(chance).split()
    words = [chance.choice(other) if chance.random() < 0.1 else word for word in document.text.split()]
    return Document(f"copy-{document.doc_id}", " ".join(words))


def test_retold_documents_are_found() -> None:
    for seed in range(5):
        sides, synthetic = world(seed)
        chance = Random(seed)
        copies = [retold(group[0], chance) for group in sides.train[:30]]
        found = text_membership(sides, synthetic[:-30] + copies)
        assert found.interval is not None
        assert found.interval[0] > 0.05
        assert found.n == (60, 40)


def test_a_clean_generator_is_not_suspected_more_often_than_by_chance() -> None:
    intervals = [text_membership(*world(seed)).interval for seed in range(20)]
    n_suspected = sum(interval is not None and not interval[0] <= 0 <= interval[1] for interval in intervals)
    assert n_suspected <= 3  # more than 3 of 20 at a level of 5 %: in 1 of 60 such tests


def test_a_copied_passage_stands_in_the_details() -> None:
    chance = Random(1)
    syllables = "ba de fi go hu ka le mi no pu".split()

    def passage() -> str:
        return " ".join("".join(chance.choices(syllables, k=3)) for _ in range(25))

    real = [(Document(str(number), f"{note(chance)} {passage()}"),) for number in range(100)]
    sides = Sides(tuple(real[:60]), tuple(real[60:]), {})
    copied = [" ".join(group[0].text.split()[-25:]) for group in sides.train[:30]]
    synthetic = [Document(f"s-{at}", f"{note(chance)} {text}") for at, text in enumerate(copied)]
    found = text_membership(sides, synthetic).details["attacks"]["passage"]
    assert found["interval"][0] > 0.1


def test_public_text_can_be_the_background() -> None:
    sides, synthetic = world(2)
    copies = [Document(f"copy-{group[0].doc_id}", group[0].text) for group in sides.train]
    public = [document.text for document in world(3)[1]]
    found = text_membership(sides, synthetic + copies, base=public)
    assert found.details["background"] == "public text"
    assert found.train == pytest.approx(1.0, abs=0.05)


def test_what_cannot_be_compared_has_no_figure() -> None:
    sides, synthetic = world(4, n_train=3, n_held_out=2)
    assert text_membership(sides, []).difference is None
    empty = Sides(sides.train, ((Document("e", "..."),),), {})
    assert text_membership(empty, synthetic).reason == "a side has no documents with words"
    assert text_membership(Sides((), (), {}), synthetic).difference is None


def test_the_details_hold_no_text() -> None:
    sides, synthetic = world(5, n_train=5, n_held_out=5)
    shown = repr(text_membership(sides, synthetic))
    assert not any(word in shown for word in (*NAMES, *PLACES, *COMPLAINTS))
