"""Surrogates of a policy: derived from the key, part by part, and never what was found."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from random import Random

import pytest
from hypothesis import given, settings, strategies as st

from deidsynth.config import DateShift, Policy
from deidsynth.deidentification.deidentified import Deidentified
from deidsynth.deidentification.found import Found
from deidsynth.deidentification.policies import Replacer
from deidsynth.documents import Document, Entity
from deidsynth.errors import ConfigError
from deidsynth.folding import folded
from deidsynth.surrogates.derived import normalized_surface
from deidsynth.surrogates.names import name_pool
from deidsynth.surrogates.surnames import surname_pool
from marked_finds import KEY, found, new_surfaces

SURROGATES = Policy(default="surrogate")
LABELS = ("NAME", "FIRST_NAME", "LAST_NAME", "DATE", "AGE", "SEX", "PHONE", "EMAIL", "CITY", "HOSPITAL", "ID", "ODD")
SURFACES = st.one_of(
    st.sampled_from(
        ["Anna Berg", "Bergs", "A. Berg", "de la", "2019-05-03", "lunes", "14:30", "811218-9876", "93 år", "J"]
    ),
    st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1, max_size=12),
)
GAPS = st.text("abc åÅ.\n\r🙂", min_size=1, max_size=6)
KEYS = st.binary(min_size=16, max_size=32)


def replaced(marked: str, language: str = "sv", policy: Policy = SURROGATES, key: bytes = KEY) -> Deidentified:
    return Replacer(policy, language=language, key=key)(found(marked))


def of_patient(find: Found, patient: str) -> Found:
    return replace(find, document=replace(find.document, group=patient))


def actions(made: Deidentified) -> list[str]:
    return [each.action for each in made.replacements]


@st.composite
def finds(draw: st.DrawFn) -> Found:
    text, entities = draw(GAPS), list[Entity]()
    for surface, label in draw(st.lists(st.tuples(SURFACES, st.sampled_from(LABELS)), max_size=6)):
        entities.append(Entity(len(text), len(text) + len(surface), label))
        text += surface + draw(st.just("") | GAPS)
    return Found(Document("1", text, tuple(entities)), ("model",) * len(entities))


@settings(max_examples=150, deadline=None)
@given(finds(), st.sampled_from(["sv", "es", "en", "fi"]), KEYS)
def test_only_what_was_found_changes_and_it_does(find: Found, language: str, key: bytes) -> None:
    document = find.document
    replacer = Replacer(SURROGATES, language=language, key=key)
    made = replacer(find)
    assert replacer(find) == made == Replacer(SURROGATES, language=language, key=key)(find)
    old, new = 0, 0
    surfaces = {normalized_surface(document.surface(each)) for each in document.entities}
    for entity, each in zip(document.entities, made.replacements, strict=True):
        assert (each.start, each.end, each.label) == entity.key
        assert made.text[new : each.new_start] == document.text[old : each.start]
        value = made.text[each.new_start : each.new_end]
        if each.action == "surrogate":
            assert value != document.surface(entity)
            assert entity.label in {"DATE", "AGE"} or normalized_surface(value) not in surfaces
        elif each.action == "keep":
            assert entity.label in {"DATE", "AGE", "SEX"} and value == document.surface(entity)
        else:
            assert (each.action, value) == ("mask", f"[{entity.label}]")
        old, new = each.end, each.new_end
    assert made.text[new:] == document.text[old:]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(finds(), min_size=2, max_size=6),
    st.randoms(use_true_random=False),
    st.sampled_from(["document", "patient", "corpus"]),
)
def test_order_and_threads_change_nothing(documents: list[Found], rng: Random, scope: str) -> None:
    policy = Policy.model_validate({"default": "surrogate", "scope": scope})
    one, other = (Replacer(policy, language="sv", key=KEY) for _ in range(2))
    numbered = [(number, of_patient(each, f"p{number % 2}")) for number, each in enumerate(documents)]
    made = {number: one(each) for number, each in numbered}
    rng.shuffle(numbered)
    assert {number: other(each) for number, each in numbered} == made
    with ThreadPoolExecutor(4) as pool:
        assert dict(pool.map(lambda each: (each[0], one(each[1])), numbered)) == made


def test_a_part_of_a_name_gets_the_same_surrogate_wherever_it_is() -> None:
    made = replaced(
        "{NAME:Anna Berg} och {NAME:BERGS} hund, {NAME:Berg, Anna}, {LAST_NAME:Berg}, {FIRST_NAME:Anna-Eva}, berg"
    )
    first, last = new_surfaces(made)[0].split()
    assert new_surfaces(made)[1:4] == [f"{last.upper()}S", f"{last}, {first}", last]
    assert new_surfaces(made)[4].startswith(f"{first}-")
    assert made.text.endswith(", berg")
    assert first in name_pool("sv").female and last in surname_pool("sv")


def test_genitive_s_is_kept_but_not_doubled() -> None:
    for number in range(20):
        key = bytes([number]) * 16
        last, genitive = new_surfaces(replaced("{LAST_NAME:Berg}, {LAST_NAME:Bergs}", key=key))
        assert genitive == (last if last[-1] in "sxz" else last + "s")


def test_particles_two_surnames_initials_and_accents() -> None:
    text = "{NAME:José García-López de la Fuente}, {NAME:J. GARCIA}, {NAME:Mª Carmen Ruiz}, {NAME:O'Brien}"
    whole, initial, abbreviated, irish = new_surfaces(replaced(text, "es"))
    found = re.fullmatch(r"(\w+) (\w+)-(\w+) de la (\w+)", whole)
    assert found is not None
    assert found[1] in name_pool("es").male
    assert len({found[2], found[3], found[4]}) == 3
    assert initial.startswith(f"{found[1][0]}. ") and initial.isupper() and initial[3:].isascii()
    assert abbreviated.split()[0] in name_pool("es").female
    assert irish.startswith("O'")


def test_the_sex_of_a_name_is_kept_and_the_word_for_it_stays() -> None:
    for number in range(12):
        key = bytes([number]) * 16
        made = replaced("{SEX:Mujer}. Paciente {NAME:María}, ella refiere dolor.", "es", key=key)
        assert new_surfaces(made)[0] == "Mujer"
        assert new_surfaces(made)[1] in name_pool("es").female
        made = replaced("Fru {FIRST_NAME:Zyxel} kom. Hon mådde bra.", key=key)
        assert new_surfaces(made)[0] in name_pool("sv").female
        made = replaced("Herr {FIRST_NAME:Zyxel} kom. Han mådde bra.", key=key)
        assert new_surfaces(made)[0] in name_pool("sv").male
        made = replaced("{NAME:Dra. Zyxel Ruiz}", "es", key=key)
        assert new_surfaces(made)[0].split()[1] in name_pool("es").female
    policy = Policy(default="surrogate", labels={"SEX": "mask"})
    assert replaced("{SEX:Mujer}", "es", policy).text == "[SEX]"


def test_two_people_of_a_document_never_get_the_same_name() -> None:
    names = [*surname_pool("sv")[:150], *surname_pool("sv")[-150:]]
    made = new_surfaces(replaced(" ".join(f"{{LAST_NAME:{name}}}" for name in names)))
    assert len(set(made)) == len(set(map(folded, names)))


def test_no_surrogate_is_a_name_to_avoid() -> None:
    replacer = Replacer(Policy(default="surrogate", scope="corpus"), language="sv", key=KEY)
    assert replacer.needs_scope_surfaces
    [first] = new_surfaces(replacer(found("{NAME:Anna}")))
    [second] = new_surfaces(replacer(found("{NAME:Anna}"), avoid={first.casefold()}))
    assert first != second
    everybody = {name.casefold() for name in name_pool("sv").female}
    [double] = new_surfaces(replacer(found("{NAME:Anna}"), avoid=everybody))
    assert re.fullmatch(r"\w+-\w+", double)


def test_words_that_many_names_share_are_no_names_to_avoid() -> None:
    made = Replacer(SURROGATES, language="es", key=KEY)(found("{NAME:Ana de la Peña}"), avoid={"de", "la", "de la"})
    assert actions(made) == ["surrogate"] or made.text == "[NAME]"


def test_scopes() -> None:
    one, other = found("{NAME:Anna Berg} 1 {CITY:Uppsala}"), found("{NAME:Anna Berg} 2 {CITY:UPPSALA}")

    def values(scope: str, *patients: str) -> list[list[str]]:
        replacer = Replacer(Policy.model_validate({"default": "surrogate", "scope": scope}), language="sv", key=KEY)
        made = [new_surfaces(replacer(of_patient(each, who))) for each, who in zip((one, other), patients, strict=True)]
        return [[value.casefold() for value in each] for each in made]

    alike = {
        ("document", "p", "p"): False,
        ("patient", "p", "p"): True,
        ("patient", "p", "q"): False,
        ("corpus", "p", "q"): True,
    }
    for (scope, *patients), same in alike.items():
        first, second = values(scope, *patients)
        assert (first == second) is same


def test_without_a_key_a_document_is_consistent_and_the_next_load_differs() -> None:
    text = found("{NAME:Anna Berg}, {NAME:Berg} {NAME:Erik Ek} {CITY:Uppsala}")
    replacer = Replacer(SURROGATES, language="sv")
    made = replacer(text)
    assert replacer(text) == made
    assert new_surfaces(made)[0].endswith(new_surfaces(made)[1])
    assert Replacer(SURROGATES, language="sv")(text) != made


def test_random_surrogates_differ_in_each_call_and_not_within_a_document() -> None:
    replacer = Replacer(Policy(default="surrogate", random=True), language="sv", key=KEY)
    one, other = (new_surfaces(replacer(found("{NAME:Anna Berg}, {NAME:Berg} {CITY:Uppsala}"))) for _ in range(2))
    assert one != other
    assert one[0].endswith(one[1]) and other[0].endswith(other[1])
    with pytest.raises(ValueError, match="set scope: document"):
        Policy(random=True, scope="corpus")


def test_surrogates_without_a_language_are_refused() -> None:
    with pytest.raises(ConfigError, match="language: surrogates need the language"):
        Replacer(SURROGATES, language=None)


def test_a_label_without_a_generator_is_masked_and_counted() -> None:
    made = replaced("{NAME:Anna Berg} {ODD:Foo}")
    assert actions(made) == ["surrogate", "mask"]
    assert made.text.endswith(" [ODD]") and "Foo" not in made.text
    made = replaced("{ODD:Anna}", policy=Policy(default="surrogate", kinds={"ODD": "first_name"}))
    assert actions(made) == ["surrogate"]


def test_a_date_that_cannot_be_read_is_masked_and_counted() -> None:
    made = replaced("{DATE:11/34} {DATE:01/15/2020}", "en")
    assert actions(made) == ["mask", "surrogate"]
    assert made.text.startswith("[DATE] ")


@given(KEYS, st.integers(1, 800))
@settings(max_examples=50, deadline=None)
def test_two_dates_21_days_apart_stay_so_under_any_key(key: bytes, largest: int) -> None:
    policy = Policy(default="surrogate", dates=DateShift(largest_days=largest))
    one, other = new_surfaces(replaced("{DATE:3/5 2019} {DATE:2019-05-24}", policy=policy, key=key))
    first, second = (re.findall(r"\d+", each) for each in (one, other))
    days = [date_of(first[2], first[1], first[0]), date_of(*second)]
    assert (days[1] - days[0]).days == 21
    assert one != "3/5 2019"


def date_of(year: str, month: str, day: str) -> date:
    return date(int(year), int(month), int(day))


def test_dates_of_a_patient_keep_their_intervals_across_documents() -> None:
    for scope in ("document", "patient", "corpus"):
        replacer = Replacer(Policy.model_validate({"default": "surrogate", "scope": scope}), language="sv", key=KEY)
        days = [
            date.fromisoformat(new_surfaces(replacer(found(text, patient)))[0])
            for text, patient in [
                ("{DATE:2019-05-03} a", "p"),
                ("{DATE:2019-05-24} b", "p"),
                ("{DATE:2019-05-24} b", "q"),
            ]
        ]
        assert (days[1] - days[0]).days == 21
        assert days[2] != days[1]


def test_an_age_over_89_and_the_birth_year_that_tells_it() -> None:
    made = new_surfaces(replaced("{AGE:93 år} {AGE:45 år} {DATE:1905-03-12} {DATE:2004-03-02}"))
    assert made[:2] == ["90+ år", "45 år"]
    birth, latest = map(date.fromisoformat, made[2:])
    assert latest.year - birth.year - ((latest.month, latest.day) < (birth.month, birth.day)) in {89, 90}


def test_places_look_like_places() -> None:
    text = "{CALLE:C/ Manuel Silvela nº 12, 3º A} {TERRITORIO:28013} {TERRITORIO:Madrid} {PAIS:España} {PAIS:Francia}"
    street, code, town, home, abroad = new_surfaces(replaced(text, "es"))
    assert re.fullmatch(r"C/ [A-ZÁÉÍÓÚÑ]\w+ [A-ZÁÉÍÓÚÑ]\w+ nº [1-9]\d, [1-9]º [B-Z]", street)
    assert not {"Manuel", "Silvela", "12"} & set(street.split())
    assert re.fullmatch(r"\d{5}", code) and code != "28013"
    assert town not in {"Madrid", ""}
    assert home == "España"
    assert abroad not in {"Francia", "España"}
