"""Each pattern finds what it is for, and nothing that only looks like it."""

from __future__ import annotations

import pytest

from deidsynth.deidentification.patterns import PatternFinder, patterns

LABELS = (
    "CORREO_ELECTRONICO",
    "ID_ASEGURAMIENTO",
    "ID_SUJETO_ASISTENCIA",
    "NUMERO_FAX",
    "NUMERO_TELEFONO",
    "URL_WEB",
)

FOUND = [
    ("email", None, "Skriv till anna.berg+1@mail.exempel.se.", "anna.berg+1@mail.exempel.se"),
    ("email", None, "E-mail: jöns@exempel.se;", "jöns@exempel.se"),
    ("email", None, "Madrid E-mail-ana@ejemplo.es", "ana@ejemplo.es"),
    ("URL", None, "se (https://exempel.se/a?b=1), eller", "https://exempel.se/a?b=1"),
    ("URL", None, "på www.exempel.se.", "www.exempel.se"),
    ("IP address", None, "från 192.168.0.1 idag", "192.168.0.1"),
    ("IP address", None, "från fe80::1:2 idag", "fe80::1:2"),
    ("telephone number with a country code", None, "ring +46 70-174 06 05 idag", "+46 70-174 06 05"),
    ("telephone number with a country code", None, "ring +46(0)701740605", "+46(0)701740605"),
    ("telephone number with a country code", None, "ring 0034 412 345 678.", "0034 412 345 678"),
    ("telephone number after its name", None, "Tel.: 412 345 678", "412 345 678"),
    ("telephone number after its name", None, "Tfno. nº 41 234 56 78 y", "41 234 56 78"),
    ("telephone number after its name", None, "Mobil 0701740605, ring", "0701740605"),
    ("telephone number after its name", None, "Tfno. 412 345 678 12/03/2020", "412 345 678"),
    ("telephone number after its name", None, "Tel. 412345678 2020-03-12", "412345678"),
    ("telephone number after its name", None, "Fax: (080) 547 8173", "(080) 547 8173"),
    ("Spanish telephone number", "es", "llamar al 91-234 56 78 hoy", "91-234 56 78"),
    ("Spanish telephone number", "es", "llamar al 985-27-36-14", "985-27-36-14"),
    ("Swedish telephone number", "sv", "hem 08-465 004 12.", "08-465 004 12"),
    ("Swedish telephone number", "sv", "nås på 070-174 06 05", "070-174 06 05"),
    ("Swedish telephone number", "sv", "nås på 0980-31 92 26", "0980-31 92 26"),
    ("Swedish telephone number", "sv", "nås på 0701740605", "0701740605"),
    ("North American telephone number", "en", "call (212) 555-0123", "(212) 555-0123"),
    ("British telephone number", "en", "call 0121 496 0123", "0121 496 0123"),
    ("French telephone number", "fr", "appeler 01 99 00 12 34", "01 99 00 12 34"),
    ("personnummer", "sv", "Pat 19811218-9876 kom", "19811218-9876"),
    ("personnummer", "sv", "Pat 811218+9876 kom", "811218+9876"),
    ("personnummer", "sv", "Pat 8112189876 kom", "8112189876"),
    ("personnummer", "sv", "Samordningsnummer 19811278-9873", "19811278-9873"),
    ("DNI", "es", "DNI: 12345678Z.", "12345678Z"),
    ("DNI", "es", "DNI 12.345.678-Z", "12.345.678-Z"),
    ("NIE", "es", "NIE X-1234567-L", "X-1234567-L"),
    ("NASS", "es", "NASS 28/12345678/40", "28/12345678/40"),
    ("NASS", "es", "NASS 28 12345678 40", "28 12345678 40"),
    ("IBAN", None, "konto GR16 0110 1050 0000 1054 7023 795", "GR16 0110 1050 0000 1054 7023 795"),
    ("Norwegian identity number", "no", "f. 151086 95088", "151086 95088"),
    ("Danish identity number", "da", "cpr 211062-5629", "211062-5629"),
    ("Finnish identity number", "fi", "hetu 131052-308T", "131052-308T"),
    ("Icelandic identity number", "is", "kt. 120174-3399", "120174-3399"),
    ("Dutch identity number", "nl", "BSN: 111222333", "111222333"),
    ("French identity number", "fr", "NIR 2 95 10 99 126 111 93", "2 95 10 99 126 111 93"),
    ("German tax number", "de", "Steuer-ID: 36 574 261 809", "36 574 261 809"),
    ("Austrian insurance number", "de", "SVNR 1237 010180", "1237 010180"),
    ("Swiss insurance number", "de", "AHV 756.9217.0769.85", "756.9217.0769.85"),
    ("Italian tax code", "it", "CF RCCMNL83S18D969H", "RCCMNL83S18D969H"),
    ("Portuguese tax number", "pt", "NIF: 123456789", "123456789"),
    ("Brazilian tax number", "pt", "CPF 390.533.447-05", "390.533.447-05"),
    ("Polish identity number", "pl", "PESEL 44051401359", "44051401359"),
    ("Belgian identity number", "nl", "nr. 85.07.30-033.28", "85.07.30-033.28"),
    ("British health number", "en", "no. 943 476 5919", "943 476 5919"),
    ("British health number after its name", "en", "NHS number: 9434765919", "9434765919"),
    ("US social security number", "en", "SSN 536-90-4399", "536-90-4399"),
    ("Irish service number", "en", "PPS 6433435F", "6433435F"),
    ("Canadian insurance number", "en", "SIN: 123-456-782", "123-456-782"),
    ("Romanian identity number", "ro", "CNP 1630615123457", "1630615123457"),
    ("Croatian identity number", "hr", "OIB: 33392005961", "33392005961"),
    ("Czech and Slovak birth number", "cs", "r.č. 710319/2745", "710319/2745"),
    ("Bulgarian identity number", "bg", "ЕГН 7523169263", "7523169263"),
    ("Estonian and Lithuanian identity number", "et", "ik 36805280109", "36805280109"),
    ("Latvian identity number", "lv", "p.k. 161175-19997", "161175-19997"),
    ("Turkish identity number", "tr", "TC 17291716060", "17291716060"),
]

NOT_FOUND = [
    ("email", None, "kl 8 @ avd 3, användare @anna, a@b"),
    ("URL", None, "filen www och http://, dos 1.5"),
    ("IP address", None, "avsnitt 1.2.3.10, version 300.1.1.1, kl 12:30:45, ratio 1:2:3, 12.10.20.21"),
    (
        "telephone number with a country code",
        None,
        "Na +140, +2 till +4, BE +3.5, index 0012, 00 12 34 56 78 90 12 34 56",
    ),
    (
        "telephone number after its name",
        None,
        "telefon 2020-04-17, tel 17/04/2020, fax 20200417, mobil 5 dagar, tel. 112",
    ),
    ("Spanish telephone number", "es", "leucocitos 612345678, TA 120-80-70, 95 120 80 70, 700-850-900-120"),
    (
        "Swedish telephone number",
        "sv",
        "kl 0800-1630, 08-12 14, 010203-040506, blodtryck 080/120, 2019-05-03, 012-34 56",
    ),
    ("North American telephone number", "en", "dose 212-555-01, range 120-140-1600, 1212-555-0123"),
    ("British telephone number", "en", "at 0800 1630, 0121 49 60, 01214 9601"),
    ("French telephone number", "fr", "le 01 99 00 12, 01 99 00 12 34 56, 01/02/2020"),
    ("personnummer", "sv", "811218-9877, 19811318-9876, 811218 987, 20200417 1200"),
    ("DNI", "es", "12345678A, 12345678 Z, 1234567890Z, 100000000R"),
    ("NIE", "es", "X1234567A, X123456L, Z94.9"),
    ("NASS", "es", "28/12345678/41, 99 12345678 40, 281234567841"),
    ("IBAN", None, "GR17 0110 1050 0000 1054 7023 795, AB12 3456 7890"),
    ("Norwegian identity number", "no", "151086 95089, 151086"),
    ("Danish identity number", "da", "991062-5629, 2110625629"),
    ("Finnish identity number", "fi", "131052-308U"),
    ("Icelandic identity number", "is", "120174-3389"),
    ("Dutch identity number", "nl", "111222333, BSN 111252333"),
    ("French identity number", "fr", "2 95 10 99 126 111 94"),
    ("German tax number", "de", "36574261809, IdNr 36554266806"),
    ("Austrian insurance number", "de", "1237 010180, SVNR 2237 010180"),
    ("Swiss insurance number", "de", "756.9217.0769.84"),
    ("Italian tax code", "it", "RCCMNL83S18D969"),
    ("Portuguese tax number", "pt", "123456789, NIF 123456788"),
    ("Brazilian tax number", "pt", "390.533.447-06, 39053344705"),
    ("Polish identity number", "pl", "44051401358"),
    ("Belgian identity number", "nl", "85.07.30-033.29"),
    ("British health number", "en", "9434765919, 943 476 5918"),
    ("British health number after its name", "en", "9434765919, NHS 9434765918"),
    ("US social security number", "en", "000-90-4399, 536-00-4399, 536904399"),
    ("Irish service number", "en", "6433435E"),
    ("Canadian insurance number", "en", "123-456-782, SIN 123-456-783"),
    ("Romanian identity number", "ro", "1630615123458"),
    ("Croatian identity number", "hr", "33392005961, OIB 33392005962"),
    ("Czech and Slovak birth number", "cs", "710319/2746"),
    ("Bulgarian identity number", "bg", "7523169264"),
    ("Estonian and Lithuanian identity number", "et", "36805280108"),
    ("Latvian identity number", "lv", "161375-19997"),
    ("Turkish identity number", "tr", "17291716061"),
]

CLINICAL = [
    ("sv", "Hb 120-140 g/L, Krea 73, Na 139, K 3,7. S-litium 0,8. TPK 327. BT 120/80, 125/75-130/85. SpO2 95 %."),
    ("sv", "Alvedon 500 mg 1x4, T Furix 40 mg 1+1+0, 5000 E/ml, 1-0-1-0. I50.9, J44.1, F32.1. Vikt 78,5 kg."),
    ("sv", "2020-04-17 kl 08:30, 17/4-20, 200417, 20200417, 3/12, 08-10. Inom 010-020 ml. 0,5-1,0."),
    (
        "es",
        "Hb 12,5 g/dl, leucocitos 12.300, plaquetas 250.000.000/l, Na 140, K 4,2. TA 120/80 mmHg, FC 95, SatO2 97%.",
    ),
    ("es", "Paracetamol 1 g/8 h, 1-0-1, 600 mg, 5.000 UI. C50.9, Z94.0, E11.65. 12/03/2019, 12-03-2019, 20190312 A."),
    ("es", "CA 125 612,345; PSA 9,123 456. 91 120 70 20. 980 45 30 12. Serie 12345678. Dosis 12345678 mg."),
    ("en", "BP 120/80, HR 80, 98.6 F, 5-10 mg, INR 2.0-3.0, 2020-04-17, 04/17/2020, ICD M54.5, 120-80-400, 12:30:45."),
    (None, "pH 7.35-7.45, 10*9/L, 1.5.2.4, 3::4, a:b, +/-, 1:10, +++, 00:00:10, v 2.10.3.1"),
]


def values(language: str | None, text: str, name: str | None = None) -> list[str]:
    sought = [each for each in patterns() if each.languages is None or language in each.languages]
    return [text[start:end] for each in sought if name in (None, each.name) for start, end in each.places(text)]


@pytest.mark.parametrize(("name", "language", "text", "value"), FOUND)
def test_a_pattern_finds_what_it_is_for(name: str, language: str | None, text: str, value: str) -> None:
    assert values(language, text, name) == [value]
    assert value in values(language, text)


@pytest.mark.parametrize(("name", "language", "text"), NOT_FOUND)
def test_a_pattern_finds_nothing_that_only_looks_like_it(name: str, language: str | None, text: str) -> None:
    assert values(language, text, name) == []


@pytest.mark.parametrize(("language", "text"), CLINICAL)
def test_no_figure_of_a_note_is_found(language: str | None, text: str) -> None:
    assert values(language, text) == []


def test_every_pattern_has_examples_of_both_kinds() -> None:
    names = {each.name for each in patterns()}
    assert names == {each[0] for each in FOUND} == {each[0] for each in NOT_FOUND}


def test_patterns_of_a_language_are_not_sought_in_others() -> None:
    assert values("en", "DNI: 12345678Z") == []
    assert values(None, "DNI: 12345678Z") == []


def test_a_value_gets_the_label_of_the_model_for_its_kind() -> None:
    text = "Tel. 412 345 678, ana@ejemplo.es, DNI 12345678Z, NASS 28/12345678/40, https://ejemplo.es"
    found = {text[each.start : each.end]: each.label for each in PatternFinder("es", LABELS).mentions(text)}
    assert found == {
        "412 345 678": "NUMERO_TELEFONO",
        "ana@ejemplo.es": "CORREO_ELECTRONICO",
        "12345678Z": "ID_SUJETO_ASISTENCIA",
        "28/12345678/40": "ID_ASEGURAMIENTO",
        "https://ejemplo.es": "URL_WEB",
    }


def test_without_a_label_of_the_kind_it_gets_the_kind_in_capitals() -> None:
    text = "Tel. 412 345 678, ana@ejemplo.es, DNI 12345678Z, https://ejemplo.es, 192.168.0.1"
    found = [each.label for each in PatternFinder("es", ["NAME"]).mentions(text)]
    assert sorted(found) == ["EMAIL", "ID", "IP_ADDRESS", "PHONE", "URL"]


def test_kinds_that_the_user_states_for_labels_count() -> None:
    (found,) = PatternFinder("sv", ["MAILADRESS"], {"MAILADRESS": "email"}).mentions("anna@exempel.se")
    assert found.label == "MAILADRESS"


@pytest.mark.parametrize("piece", ["a.", "1 ", "12-", "+1", "a@", "tel 1", "::", "www.a.", "0-0 ", "AB12 "])
def test_time_grows_no_faster_than_a_text(piece: str) -> None:
    assert values("sv", piece * 20_000) is not None
