"""Invented corpora with known truth: patients whose notes follow one grammar, and synthetic corpora with planted leaks.

Names come from one list that everybody shares: a head of common names (Zipf) and a long flat tail, so that some names
stand with many patients and some with one. Common values reappear in any corpus that uses the list, whoever made it.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache, lru_cache
from itertools import accumulate, chain, product
from random import Random
from typing import TypeVar

from deidsynth.documents import Corpus, Document, Entity
from deidsynth.privacy.audit.sides import Sides

Piece = tuple[str, str | None]
Sentence = tuple[Piece, ...]
Note = tuple[Sentence, ...]
Group = tuple[Note, ...]

N_COMMON = 150  # names of the head, the frequency of which falls with 1 / (rank + FLAT)
FLAT = 8
COMMON = 0.75  # share of the mentions that take their name from the head
ROLES = "doctor nurse relative neighbor referrer surgeon student caller porter clerk chemist dentist midwife".split()
SENTENCES = 8  # of a note, after its first

LABELS = {
    **dict.fromkeys(("patient", *ROLES), "NAME"),
    **{"birth": "DATE", "visit": "DATE", "age": "AGE", "city": "CITY", "phone": "PHONE", "record": "MEDICAL_RECORD"},
}


def _joined(*parts: str, between: str = "") -> list[str]:
    """Every way to take one word of each part."""
    return [between.join(taken) for taken in product(*(part.split() for part in parts))]


LEXICON = {
    "finding": _joined(
        "cardi neur gastr nephr hepat arthr derm oste my bronch encephal phleb cyst enter rhin ot col spondyl"
        " trache myel",
        "itis algia osis opathy odynia oplegia asthenia orrhea",
    ),
    "site": _joined(
        "left right upper lower inner outer front back",
        "knee hip wrist lung ear eyelid shoulder elbow thigh ankle kidney jaw heel palm calf chin rib brow cheek thumb",
        between=" ",
    ),
    "drug": _joined(
        "velo tari pramo zeni loxa feru dila moxi cera bino suta nipo gavo rumi hexa lori tova jani kelo piso",
        "pril olol statin mab xaban zole dipine cillin",
    ),
    "manner": _joined(
        "mild severe brief sudden chronic diffuse focal stable recurrent painful dull sharp atypical known new old"
        " slight marked sparse dense pale warm cold moist dry tender firm soft mobile fixed early late nightly morning"
    ),
    "test": _joined("spiro audio sono endo scinti thermo radio cardio myo colpo", "gram graphy scopy metry"),
    "often": _joined("once twice thrice", "daily nightly weekly monthly", between=" "),
    "work": _joined(
        "baker welder teacher farmer sailor printer tailor potter joiner glazier roofer plumber miller cooper weaver"
        " dyer tanner porter driver miner fisher gardener painter carver"
    ),
}
OTHER_LEXICON = {
    "finding": _joined("psych phob man depress agor hyp parasomn", "ia ic oid iasis"),
    "site": _joined("restless lasting shallow", "sleep mood appetite drive speech", between=" "),
    "drug": _joined("quati oxe lami vena clo rispe", "pine tine done zine"),
    "manner": _joined("anxious tearful calm withdrawn elated hostile"),
    "test": _joined("interview questionnaire observation polysomnography"),
    "often": _joined("mornings evenings weekends"),
    "work": _joined("clerk lawyer pilot broker editor actor"),
}

FIRST = (
    "{patient} , born {birth} , record {record} , seen {visit} for {manner} {finding} , {finding} , {manner} {site}",
    "patient {patient} ( {record} ) , born {birth} in {city} , {manner} {finding} since {days} days , {drug} {dose} mg",
)
BODY = (
    "{doctor} and {nurse} : {manner} {finding} , {manner} {site} , {drug} {dose} mg",
    "{midwife} called {phone} for {record} : {manner} {finding} , {site} , {drug} {dose} mg",
    "{relative} , {work} in {city} , with {neighbor} : {manner} {finding} , {site} {manner}",
    "{referrer} , {city} , asks {dentist} for {test} : {manner} {finding} , {drug} {dose} mg",
    "{surgeon} and {student} , {record} , {birth} : {manner} {finding} , {site} {manner}",
    "{caller} , {city} , {phone} : {drug} {dose} mg {often} , {patient} born {birth}",
    "{age} years ( {birth} , {record} ) : {manner} {finding} of the {manner} {site}",
    "{test} by {student} for {clerk} : {finding} {days} mm , {manner} {site} , {test}",
    "{doctor} plans {test} : {drug} {dose} mg , {manner} {finding} , {phone} , {record}",
    "{patient} , {birth} , {work} , {city} : {manner} {finding} {days} days , {phone}",
    "{nurse} and {chemist} stopped {drug} {dose} mg for {manner} {finding} , {site}",
    "{porter} and {clerk} brought {patient} , {birth} , {record} on {visit} , {manner} , {finding}",
)
OTHER_BODY = (
    "{doctor} : {manner} today {visit} , denies {finding} , {drug} {dose} drops {often}",
    "ward talk with {relative} from {city} , {manner} and {manner} , {site} poor",
    "{nurse} notes {manner} behaviour at {age} , {test} planned {visit} , {finding} likely",
    "{referrer} asks about {site} , {finding} suspected , {test} by {surgeon}",
    "{caller} wants news : {phone} , {patient} is {manner} , {drug} kept at {dose}",
    "former {work} , moved to {city} , {manner} {site} , stays {days} nights",
)


@dataclass(frozen=True)
class Grammar:
    """How notes are written."""

    first: Sequence[str]
    body: Sequence[str]
    lexicon: dict[str, list[str]]


CLINIC = Grammar(FIRST, BODY, LEXICON)
OTHER = Grammar(FIRST, OTHER_BODY, OTHER_LEXICON)

ONSETS = "B D F G H K L M N R S T V Br Dr Fr Gr Kl Kn Sk St Sv Tr".split()
MIDDLES = "al el il ol an en in on ar er ir or ås ös äl ör én óv íl úr".split()
FIRST_ENDS = "va ga da ra mo ko dis".split()
LAST_ENDS = "berg lund stam vik näs holm dal rud".split()


def folded(value: str) -> str:
    """In small letters without accents."""
    apart = unicodedata.normalize("NFD", value.lower())
    return "".join(character for character in apart if not unicodedata.combining(character))


def _unique(values: Iterable[str]) -> list[str]:
    """One value of those that are alike without accents."""
    return list({folded(value): value for value in values}.values())


@cache
def name_lists() -> tuple[list[str], list[str]]:
    """First names and last names, in an arbitrary fixed order."""
    first = _unique(o + m + e for o, m, e in product(ONSETS, MIDDLES, FIRST_ENDS))
    last = _unique(o + m + i + e for o, m, i, e in product(ONSETS, MIDDLES, "abdeik", LAST_ENDS))
    source = Random(0)
    return source.sample(first, 40), source.sample(last, 4000)


CITIES = [f"{head}{end}" for head in "Nord Söder Sten Lid Ask Björk".split() for end in "by köping sta vik".split()]
FIRST_VISIT, FIRST_BIRTH = date(2019, 1, 1), date(1925, 1, 1)


@dataclass(frozen=True)
class Names:
    """The name list that everybody shares.

    Args:
        n_last: number of last names; with few, most names stand with several patients.
        taken: names that are not drawn.
    """

    n_last: int = 4000
    taken: frozenset[str] = frozenset()

    def draw(self, source: Random) -> str:
        """A full name."""
        first, last = name_lists()
        while True:
            if source.random() < COMMON:
                rank = source.choices(range(N_COMMON), cum_weights=_zipf())[0]
                name = f"{first[rank % len(first)]} {last[rank]}"
            else:
                name = f"{source.choice(first)} {last[source.randrange(self.n_last)]}"
            if name not in self.taken:
                return name


@cache
def _zipf() -> list[float]:
    return list(accumulate(1 / (rank + FLAT) for rank in range(N_COMMON)))


@cache
def _pieces(template: str) -> tuple[tuple[str, bool], ...]:
    """Text and slots of a template; which of them are slots."""
    return tuple((part, number % 2 == 1) for number, part in enumerate(re.split(r"{(\w+)}", template)) if part)


def _sentence(template: str, facts: dict[str, str], grammar: Grammar, source: Random) -> Sentence:
    made, plain = list[Piece](), ""
    for part, slot in _pieces(template):
        if not slot:
            plain += part
        elif part in LABELS:
            made += [(plain, None), (facts[part], LABELS[part])]
            plain = ""
        elif part in grammar.lexicon:
            plain += source.choice(grammar.lexicon[part])
        else:
            plain += str(source.randint(2, 99) * (5 if part == "dose" else 1))
    return (*made, (plain, None))


def _phone(source: Random) -> str:
    return f"0{source.randint(10, 99)}-{source.randint(100, 999)} {source.randint(10, 99)} {source.randint(10, 99)}"


def _group(source: Random, names: Names, grammar: Grammar, n_notes: int) -> Group:
    """The notes of one patient."""
    birth = FIRST_BIRTH + timedelta(days=source.randrange(90 * 365))
    patient = {
        "patient": names.draw(source),
        "birth": birth.isoformat(),
        "record": f"MR-{source.randrange(10**8):08d}",
        "phone": _phone(source),
    }
    notes = list[Note]()
    for _ in range(n_notes):
        visit = FIRST_VISIT + timedelta(days=source.randrange(120))
        facts = {
            **patient,
            **{role: names.draw(source) for role in ROLES},
            "visit": visit.isoformat(),
            "age": str(visit.year - birth.year),
            "city": CITIES[min(int(source.expovariate(0.2)), len(CITIES) - 1)],
        }
        templates = [source.choice(grammar.first), *source.sample(grammar.body, min(SENTENCES, len(grammar.body)))]
        notes.append(tuple(_sentence(template, facts, grammar, source) for template in templates))
    return tuple(notes)


@dataclass(frozen=True, eq=False, repr=False)
class World:
    """Patients whose notes a generator may have read, and patients that nothing was made from.

    Args:
        train: notes by patient.
        held_out: notes by patient.
        n_notes: of a synthetic corpus.
        names: the list that everybody shares.
    """

    train: tuple[Group, ...]
    held_out: tuple[Group, ...]
    n_notes: int
    names: Names

    @property
    def train_corpus(self) -> Corpus:
        """The training patients."""
        return corpus("t", self.train)

    @property
    def held_out_corpus(self) -> Corpus:
        """The held-out patients."""
        return corpus("h", self.held_out)

    @property
    def sides(self) -> Sides:
        """Both sides, of which nothing has to be taken out unless groups are shared."""
        return Sides(tuple(documents("t", self.train)), tuple(documents("h", self.held_out)), {})


def world(
    seed: int,
    n_train: int = 475,
    n_held_out: int = 235,
    *,
    n_notes: int | None = None,
    n_last: int = 4000,
    shifted: bool = False,
) -> World:
    """A world of its own for each seed.

    Args:
        seed: of all choices.
        n_train: training patients.
        n_held_out: held-out patients.
        n_notes: of a synthetic corpus; twice the training patients if None.
        n_last: number of last names of the list.
        shifted: the notes of held-out patients follow another grammar.
    """
    source, names = Random(f"world {seed}"), Names(n_last)
    train = tuple(_group(source, names, CLINIC, source.randint(1, 3)) for _ in range(n_train))
    grammar = OTHER if shifted else CLINIC
    held_out = tuple(_group(source, names, grammar, source.randint(1, 3)) for _ in range(n_held_out))
    return World(train, held_out, n_notes or 2 * n_train, names)


def corpus(prefix: str, groups: Iterable[Group]) -> Corpus:
    """The corpus of patients."""
    return Corpus(tuple(chain.from_iterable(documents(prefix, groups))), language="en")


def documents(prefix: str, groups: Iterable[Group]) -> Iterator[tuple[Document, ...]]:
    """The documents of each patient."""
    for number, group in enumerate(groups):
        unit = f"{prefix}{number}"
        yield tuple(document(f"{unit}-{turn}", note, unit) for turn, note in enumerate(group))


def document(doc_id: str, note: Note, group: str | None = None) -> Document:
    """A note as a document: a sentence a line."""
    text, entities = list[str](), list[Entity]()
    length = 0
    for sentence in note:
        for piece, label in (*sentence, (" .\n", None)):
            if label is not None:
                entities.append(Entity(length, length + len(piece), label))
            text.append(piece)
            length += len(piece)
    return Document(doc_id, "".join(text), tuple(entities), group)


# What a generator makes: clean notes, or clean notes with a leak.


def clean(world: World, source: Random) -> list[Note]:
    """Notes of the same grammar and name list by somebody who never read a patient."""
    return _notes(world, source, world.names)


def suppressed(world: World, source: Random) -> list[Note]:
    """Clean notes by somebody who avoids every name of a training patient."""
    return _notes(world, source, replace(world.names, taken=frozenset(_values(world.train, "NAME"))))


def copies(world: World, notes: list[Note], source: Random, share: float = 0.01) -> list[Note]:
    """The notes, into which a share of the training sentences is copied."""
    train = [sentence for group in world.train for note in group for sentence in note]
    return _with(notes, _some(train, share, source), source)


def rare_names(world: World, notes: list[Note], source: Random, share: float = 0.05) -> list[Note]:
    """The notes, in the sentences of which a share of the rare training names stands."""
    return _reused(notes, _some(rare_values(world, "NAME"), share, source), source)


def disguised_values(world: World, notes: list[Note], source: Random, share: float = 0.05) -> list[Note]:
    """As `rare_names`, with other case, without accents or with initials; birth dates in another format as well."""
    names = [disguised_name(name, source) for name in _some(rare_values(world, "NAME"), share, source)]
    dates = [other_date(day) for day in _some(rare_values(world, "DATE"), share, source)]
    return _reused(_reused(notes, names, source), dates, source, "DATE")


def whole_notes(world: World, notes: list[Note], source: Random, share: float = 0.1) -> list[Note]:
    """The notes, some of which are notes of training patients: one of each of a share of the patients."""
    read = [source.choice(group) for group in _some(world.train, share, source)]
    return [*read, *notes[len(read) :]]


def memorized(world: World, notes: list[Note], source: Random, share: float = 0.8) -> list[Note]:
    """The notes, most of which repeat every other sentence of some note of a share of the training patients."""
    read = [note for group in _some(world.train, share, source) for note in group]
    return [_every_other(source.choice(read), note) if source.random() < 0.8 else note for note in notes]


def prompted(world: World, notes: list[Note], source: Random, share: float = 0.2) -> list[Note]:
    """The notes, a share of which begins as a note of a held-out patient does."""
    beginnings = [note[0] for group in world.held_out for note in group]
    return [(source.choice(beginnings), *note[1:]) if source.random() < share else note for note in notes]


def both_read(world: World, notes: list[Note], source: Random) -> list[Note]:
    """As `whole_notes`, of patients of both sides: the control was read too."""
    return whole_notes(replace(world, train=(*world.train, *world.held_out)), notes, source)


LEAKS: dict[str, Callable[[World, list[Note], Random], list[Note]]] = {
    "copies": copies,
    "rare names": rare_names,
    "disguised values": disguised_values,
    "whole notes": whole_notes,
    "memorized": memorized,
    "prompted": prompted,
    "both read": both_read,
}
GENERATORS = ("clean", "suppressed", *LEAKS)


def synthetic(world: World, generator: str, seed: int) -> Corpus:
    """The synthetic corpus of a generator; those with one seed differ by what is planted only."""
    notes, made = _clean(world, seed)
    if generator == "suppressed":
        new = suppressed(world, Random(f"notes {seed}"))
    elif generator == "clean":
        new = notes
    else:
        new = LEAKS[generator](world, notes, Random(f"{generator} {seed}"))
    kept = [note is old for note, old in zip(new, notes, strict=True)]
    documents = (made[at] if kept[at] else document(f"s{at}", note) for at, note in enumerate(new))
    return Corpus(tuple(documents), origin="synthetic", annotation="silver", language="en")


@lru_cache(maxsize=1)
def _clean(world: World, seed: int) -> tuple[list[Note], list[Document]]:
    notes = clean(world, Random(f"notes {seed}"))
    return notes, [document(f"s{number}", note) for number, note in enumerate(notes)]


def with_shared_groups(world: World, share: float = 0.1, seed: int = 1) -> World:
    """The world with a share of the held-out patients among the training patients too."""
    both = Random(seed).sample(world.held_out, round(share * len(world.held_out)))
    return replace(world, train=(*world.train, *both))


def rare_values(world: World, label: str) -> list[str]:
    """Training values of a label that stand with one patient of the world only, sorted."""
    counts = Counter(value for group in (*world.train, *world.held_out) for value in set(_values([group], label)))
    return sorted({value for value in _values(world.train, label) if counts[value] == 1})


def disguised_name(name: str, source: Random) -> str:
    """The name in capitals, without accents or with an initial, never as it was."""
    first, last = name.split()
    plain = unicodedata.normalize("NFD", name).encode("ascii", "ignore").decode()
    return source.choice([each for each in (name.upper(), plain, f"{first[0]}. {last}") if each != name])


def other_date(day: str) -> str:
    """The date with its day first."""
    return date.fromisoformat(day).strftime("%d/%m/%Y")


def _values(groups: Iterable[Group], label: str) -> list[str]:
    return [piece for group in groups for note in group for sentence in note for piece, of in sentence if of == label]


def _notes(world: World, source: Random, names: Names) -> list[Note]:
    return [_group(source, names, CLINIC, 1)[0] for _ in range(world.n_notes)]


def _every_other(read: Note, note: Note) -> Note:
    return tuple(old if number % 2 else new for number, (old, new) in enumerate(zip(read, note, strict=False)))


T = TypeVar("T")


def _some(values: Sequence[T], share: float, source: Random) -> list[T]:
    return source.sample(values, round(share * len(values)))


def _with(notes: list[Note], sentences: Collection[Sentence], source: Random) -> list[Note]:
    """The notes with one more sentence each, in as many of them as there are sentences."""
    notes = list(notes)
    for place, sentence in zip(source.sample(range(len(notes)), len(sentences)), sentences, strict=True):
        at = source.randint(1, len(notes[place]))
        notes[place] = (*notes[place][:at], sentence, *notes[place][at:])
    return notes


def _reused(notes: list[Note], values: Collection[str], source: Random, label: str = "NAME") -> list[Note]:
    """The notes with each value in the place of one that a note has, each in a note of its own."""
    notes = list(notes)
    for place, value in zip(source.sample(range(len(notes)), len(values)), values, strict=True):
        found = [
            (row, column)
            for row, sentence in enumerate(notes[place])
            for column, piece in enumerate(sentence)
            if piece[1] == label
        ]
        row, column = source.choice(found)
        sentence = notes[place][row]
        new = (*sentence[:column], (value, label), *sentence[column + 1 :])
        notes[place] = (*notes[place][:row], new, *notes[place][row + 1 :])
    return notes
