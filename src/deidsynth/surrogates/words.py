"""Words of languages that values are made of: sexes, relatives, ages, professions, titles."""

from __future__ import annotations

from deidsynth.surrogates.shapes import listed

SAME_WORDS = {"nb": "no", "nn": "no"}
"""Languages that use the words of another one here."""

SEX = {
    "sv": ("man", "kvinna"),
    "es": ("Hombre", "Mujer"),
    "en": ("male", "female"),
    "de": ("männlich", "weiblich"),
    "fr": ("homme", "femme"),
    "no": ("mann", "kvinne"),
    "nl": ("man", "vrouw"),
    "da": ("mand", "kvinde"),
}
SEX_LETTERS = {"de": ("M", "W"), "fr": ("M", "F"), "no": ("M", "K"), "nl": ("M", "V"), "da": ("M", "K")}
SEX_GROUPS = (("H", "M"), ("M", "F"), ("V", "M"), ("K", "M"), ("varón", "mujer"), ("hombre", "mujer"))

MEN = {
    "sv": listed("han honom hans herr herrn mannen pojken pojke make maken fadern sonen brodern"),
    "es": listed("él señor sr don d varón hombre niño marido esposo padre hijo hermano"),
    "en": listed("he him his mr man gentleman boy husband father son brother"),
    "de": listed("herr er ihm ihn mann junge ehemann vater sohn bruder"),
    "fr": listed("il monsieur m homme garçon mari père fils frère"),
    "no": listed("han ham herr hr mannen gutten ektemannen faren sønnen broren"),
    "nl": listed("hij hem dhr heer meneer man jongen echtgenoot vader zoon broer"),
    "da": listed("han ham herr hr manden drengen ægtemanden faderen sønnen broderen"),
}
WOMEN = {
    "sv": listed("hon henne hennes fru frun fröken kvinnan flickan flicka maka makan hustrun modern dottern systern"),
    "es": listed("ella señora sra señorita srta doña dña dª mujer niña esposa madre hija hermana dra doctora"),
    "en": listed("she her hers mrs ms miss woman lady girl wife mother daughter sister"),
    "de": listed("frau mädchen ehefrau mutter tochter schwester"),
    "fr": listed("elle madame mme mademoiselle mlle femme fille épouse mère sœur"),
    "no": listed("hun henne hennes fru fr kvinnen jenta kona moren datteren søsteren"),
    "nl": listed("zij mevr mw mevrouw vrouw meisje echtgenote moeder dochter zus"),
    "da": listed("hun hende hendes fru fr kvinden pigen hustruen moderen datteren søsteren"),
}
"""Words near a name that say the sex of the person, in languages where they do."""

FAMILY = {
    "sv": listed("mor far syster bror dotter son maka make"),
    "es": listed("madre padre hermana hermano hija hijo esposa marido"),
    "en": listed("mother father sister brother daughter son wife husband"),
    "de": listed("Mutter Vater Schwester Bruder Tochter Sohn Ehefrau Ehemann"),
    "fr": listed("mère père sœur frère fille fils épouse mari"),
    "no": listed("mor far søster bror datter sønn kone ektemann"),
    "nl": listed("moeder vader zus broer dochter zoon echtgenote echtgenoot"),
    "da": listed("mor far søster bror datter søn hustru ægtefælle"),
}
UNITS = {
    "sv": "{} år", "es": "{} años", "en": "{} years", "de": "{} Jahre", "fr": "{} ans", "no": "{} år", "nl": "{} jaar",
    "da": "{} år",
}  # fmt: skip
PROFESSIONS = {
    "sv": listed("snickare lärare kock elektriker bonde bagare chaufför målare frisör lokförare svetsare"),
    "no": listed("snekker lærer kokk elektriker bonde baker sjåfør maler frisør lokfører sveiser"),
    "nl": listed("timmerman leraar kok elektricien boer bakker chauffeur schilder kapper machinist lasser"),
}
"""Of languages for which Faker has none."""
DETAILS = {
    "es": ("vive con dos perros", "practica atletismo", "toca en una banda", "cuida colmenas", "viaja en moto"),
}
PARTICLES = frozenset(listed("de del la las los y e i af av von van der den dr dra doctor doctora sr sra mr mrs ms"))
OWN_PARTICLES = {
    "es": listed("d dña don doña"),  # Don is a name in English
    "de": listed("herr frau prof med zu zur"),
    "fr": listed("m mme mlle pr docteur professeur du des le"),
    "no": listed("hr fru prof"),
    "nl": listed("dhr mevr mw prof drs het 't ten ter"),
    "da": listed("hr fru prof"),
}
"""Of names of one language, beside those of all."""
TITLES = {
    "de": ("Dr.", "Dr. med.", "Prof.", "Prof. Dr.", "PD Dr."),
    "fr": ("Dr", "Pr", "Docteur", "Professeur"),
}
COMMON_TITLES = ("Dr.", "Prof.", "Prof. Dr.")


def words_of(language: str) -> str:
    """The language whose words are used for a language."""
    return SAME_WORDS.get(language, language)


def particles_of(language: str) -> frozenset[str]:
    """Words in names that are kept: titles and particles."""
    return PARTICLES | frozenset(OWN_PARTICLES.get(language, ()))
