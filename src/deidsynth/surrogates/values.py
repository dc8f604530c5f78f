"""Surrogates: invented values for labels."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from random import Random

from faker import Faker

from deidsynth.config.surrogates import Kind
from deidsynth.surrogates import identity, national, places, words
from deidsynth.surrogates.coverage import is_covered
from deidsynth.surrogates.dates import date_like, months_of, random_date, random_date_part
from deidsynth.surrogates.known_words import is_known, without_unknown, words_in
from deidsynth.surrogates.labels import kind_of
from deidsynth.surrogates.locales import NEUTRAL_LOCALE, locale_of, provider_of
from deidsynth.surrogates.names import name_pool
from deidsynth.surrogates.shapes import like_case, random_like, without_accents
from deidsynth.surrogates.surface_formats import variant
from deidsynth.surrogates.telephones import phone_number

MAIL_DOMAINS = ("example.com", "example.org", "example.net")
DOCUMENTATION_NETWORKS = ("192.0.2", "198.51.100", "203.0.113")
"""Networks that belong to nobody (RFC 5737)."""
_TRIES = 20


class Surrogates:
    """Invented values for labels, in one language, from one seed.

    Two instances with the same language and seed give the same values in the same order. The global random state and
    other Faker instances are not touched. Person names come only from the train split of the pools, so that the names
    of an invented test corpus stay unseen.

    Args:
        language: ISO 639-1 code. Swedish, Spanish and English have lists of their own; others have Faker's of their
            locale, and English ones for what Faker lacks (see ``knows``).
        seed: the only source of randomness.
        varied: probability of another surface format than the original's, if the language has several: for training
            examples, not for prompts.
        labels: kind of value for labels, beside and before those that the package knows.
    """

    def __init__(
        self, language: str, seed: int = 1, varied: float = 0.0, labels: Mapping[str, Kind] | None = None
    ) -> None:
        self.language = language
        self._varied, self._labels = varied, dict(labels or {})
        self._rng = Random()
        language = words.words_of(language)
        self._words = language
        self._particles = words.particles_of(language)
        self._faker = Faker(locale_of(language) or NEUTRAL_LOCALE)
        self.restart(seed)
        self._names, self._known = name_pool(language, "train"), name_pool(language)
        self._makers: dict[Kind, Callable[[str | None], str]] = {
            "first_name": lambda like: self._name(like, "first"),
            "last_name": lambda like: self._name(like, "last"),
            "full_name": lambda like: self._name(like, "full"),
            "title": lambda _: self._rng.choice(words.TITLES.get(language, words.COMMON_TITLES)),
            "age": self._age,
            "sex": self._sex,
            "family": self._family,
            "date": lambda like: date_like(self._rng, language, like) if like else random_date(self._rng, language),
            "date_part": self._date_part,
            "phone": lambda like: phone_number(self._rng, language, like),
            "email": self._email,
            "url": self._url,
            "ip_address": lambda _: f"{self._rng.choice(DOCUMENTATION_NETWORKS)}.{self._rng.randint(1, 254)}",
            "swedish_identity": self._swedish_identity,
            "spanish_record": self._spanish_record,
            "spanish_insurance": self._spanish_insurance,
            "spanish_license": self._spanish_license,
            "us_identity": self._us_identity,
            "national_identity": self._national_identity,
            "identifier": self._identifier,
            "profession": self._profession,
            "hospital": lambda _: places.hospital(self._rng, language, self._town),
            "clinic": self._clinic,
            "organization": lambda _: str(self._faker.company()),
            "street": self._street,
            "place": self._place,
            "country": self._country,
            "postcode": self._postcode,
            "detail": self._detail,
            "shape": self._identifier,
        }

    def __repr__(self) -> str:
        return f"Surrogates(language={self.language!r})"

    def restart(self, seed: int | str) -> None:
        """Give the values of a new instance with another seed, in far less time than one takes to make."""
        self._rng.seed(f"surrogates-{self.language}-{seed}")
        self._faker.seed_instance(self._rng.getrandbits(64))

    def knows(self, label: str) -> bool:
        """Whether values can be invented for a label: its kind of value is known, and the language has such values."""
        kind = kind_of(label, self._labels)
        return kind is not None and is_covered(kind, self.language)

    def value(self, label: str, like: str | None = None) -> str:
        """An invented value for a label.

        Args:
            label: of a label set in ``labels.yaml``, a generic name such as ``NAME``, or one of ``labels``; any other
                label gives a random string in the shape of ``like``.
            like: a value whose case, separators, digit pattern and date order are imitated. Its content is not
                copied: only words that are common in values of the kind (a month, ``years``, ``Dr.``) may reappear.

        Returns:
            A non-empty value without leading or trailing white space and without line breaks, other than ``like``.
        """
        like = like.strip() or None if like is not None else None
        kind = kind_of(label, self._labels) or "shape"
        if like is not None and self._varied and self._rng.random() < self._varied:
            found = variant(self._rng, kind, self._words, self._names, like)
            if found is not None and found.casefold() != like.casefold() and not self._tells(kind, found, like):
                return like_case(found, like) if like.isupper() else found
        original = (like or "").casefold()
        return next(value for value in self._proposals(kind, like) if value.casefold() not in {"", original})

    def _proposals(self, kind: Kind, like: str | None) -> Iterator[str]:
        """Values without a word of ``like`` by which somebody could be identified, as far as there are such values.

        First they are in its shape, then in any; then those whose words nearly all values of the kind have; then
        numbers.
        """
        shape = like
        if like is not None and kind in {"age", "date", "date_part", "phone"}:
            months = months_of(self._words)
            shape = without_unknown(like, kind, self._words, lambda: self._rng.choice(months)) or None
        for imitated in [shape] * _TRIES + [None] * _TRIES:
            value = self._make(kind, imitated, like)
            if like is None or not self._tells(kind, value, like):
                yield value
        for _ in range(_TRIES):
            yield self._make(kind, None, like)
        while True:
            yield self._identifier(None)

    def _make(self, kind: Kind, shape: str | None, like: str | None) -> str:
        value = self._makers[kind](shape)
        shaped = kind not in {"shape", "identifier", "national_identity", "email", "phone", "date", "sex", "title"}
        return " ".join((like_case(value, like) if shaped else value).split())

    def _tells(self, kind: Kind, value: str, like: str) -> bool:
        """Whether a value has a word of ``like`` that is not common in values of the kind."""
        return any(not is_known(word, kind, self._words) for word in words_in(value) & words_in(like))

    def _name(self, like: str | None, which: str) -> str:
        if like is None:
            first, last = self._first(None), self._rng.choice(self._names.last)
            if which != "full":
                return first if which == "first" else last
            second = f" {self._rng.choice(self._names.last)}" if self.language == "es" else ""
            return f"{first} {last}{second}"
        seen = 0

        def other(match: re.Match[str]) -> str:
            nonlocal seen
            word = match[0]
            if word.isdecimal():  # a number labeled as a name
                return self._rng.choice([digit for digit in "0123456789" if digit != word])
            if word.casefold() in self._particles and (seen or like[match.end() : match.end() + 1] in {".", " "}):
                return word
            seen += 1
            if len(word) == 1:
                return self._rng.choice([letter for letter in "ABCDEGHJKLMNPRST" if letter != word.upper()])
            is_last = word.capitalize() in self._known.last and not self._is_first(word)
            wants_first = which == "first" or (which == "full" and not is_last and (seen == 1 or self._is_first(word)))
            return like_case(self._first(word) if wants_first else self._rng.choice(self._names.last), word)

        return re.sub(r"[^\W\d_]+|\d", other, like)

    def _is_first(self, word: str) -> bool:
        return word.capitalize() in self._known.male or word.capitalize() in self._known.female

    def _first(self, like: str | None) -> str:
        pools = (self._names.male, self._names.female)
        for pool, known in zip(pools, (self._known.male, self._known.female), strict=True):
            if like is not None and like.capitalize() in known:
                return self._rng.choice(pool)
        return self._rng.choice(self._rng.choice(pools))

    def _age(self, like: str | None) -> str:
        if like is None:
            return words.UNITS.get(self._words, "{}").format(self._rng.randint(18, 94))
        if not any(character.isdecimal() for character in like):
            return words.UNITS.get(self._words, "{}").format(self._rng.randint(18, 94))
        bounds = {1: (2, 9), 2: (18, 94), 3: (100, 104)}

        def other(match: re.Match[str]) -> str:
            low, high = bounds.get(len(match[0]), (18, 94))
            choices = [number for number in range(low, high + 1) if str(number) != match[0]]
            return str(self._rng.choice(choices))

        return re.sub(r"\d+", other, like)

    def _sex(self, like: str | None) -> str:
        own = words.SEX.get(self._words, ("M", "F"))
        if like is None:
            return self._rng.choice(own)
        for group in (*self._sex_groups(), *words.SEX_GROUPS):
            if like.casefold() in {word.casefold() for word in group}:
                return like_case(self._rng.choice(group), like)
        return like_case(self._rng.choice(own), like)

    def _sex_groups(self) -> tuple[tuple[str, str], ...]:
        """The pairs of words and letters of the language that go before those of all languages."""
        letters = words.SEX_LETTERS.get(self._words)
        return () if letters is None else (letters, words.SEX[self._words])

    def _family(self, like: str | None) -> str:
        value = self._rng.choice(words.FAMILY.get(self._words, words.FAMILY["en"]))
        return value.capitalize() if like and like[0].isupper() else value

    def _date_part(self, like: str | None) -> str:
        return random_date_part(self._rng, self._words) if like is None else date_like(self._rng, self._words, like)

    def _email(self, like: str | None) -> str:
        local = (like or "a.b").split("@")[0]
        pool = self._names.male + self._names.female

        def other(match: re.Match[str]) -> str:
            word = self._latin(self._rng.choice(pool))
            return word.upper() if match[0].isupper() and len(match[0]) > 1 else word

        digits = re.sub(r"\d", lambda _: str(self._rng.randrange(10)), re.sub(r"[^\W\d_]+", other, local))
        return f"{digits}@{self._rng.choice(MAIL_DOMAINS)}"

    def _url(self, like: str | None) -> str:
        lead = re.match(r"https?://(?:www\.)?|www\.", like or "https://")
        page = self._latin(self._rng.choice(self._names.last))
        return f"{lead[0] if lead else ''}{self._rng.choice(MAIL_DOMAINS)}/{page}"

    def _latin(self, name: str) -> str:
        """A name in the letters of an address; random ones for a name in another script."""
        return without_accents(name).lower() or random_like(self._rng, "abcdef")

    def _swedish_identity(self, like: str | None) -> str:
        birth = date(1930, 1, 1) + timedelta(days=self._rng.randrange(88 * 365))
        number = identity.swedish_identity_number(self._rng, birth, self._rng.choice("fm"))
        return number if like is None else self._laid_over(number.replace("-", ""), like)

    def _spanish_record(self, like: str | None) -> str:
        if like is None:
            return identity.dni(self._rng)
        if re.fullmatch(r"\d{1,2}\.?\d{3}\.?\d{3}[- ]?[A-Za-z]", like):
            return like_case(self._laid_over(identity.dni(self._rng), like), like)
        if re.fullmatch(r"[XYZxyz][- ]?\d{7}[- ]?[A-Za-z]", like):
            return like_case(self._laid_over(identity.nie(self._rng), like), like)
        return self._identifier(like)

    def _spanish_insurance(self, like: str | None) -> str:
        return self._laid_over(identity.social_security_es(self._rng), like or "28 12345678 40")

    def _spanish_license(self, like: str | None) -> str:
        return self._laid_over(identity.medical_license_es(self._rng), like or "28 28 12345")

    def _national_identity(self, like: str | None) -> str:
        value = self._identifier(like or "00000000000")
        if national.is_checked(self._words) or self.language in {"sv", "es", "en"}:
            return value
        return re.sub(r"\d", "0", value, count=4)  # a day, a month or a region of this number does not exist

    def _us_identity(self, like: str | None) -> str:
        if self.language not in {"sv", "es", "en"}:
            return self._national_identity(like)
        return self._laid_over(identity.social_security_us(self._rng).replace("-", ""), like or "123-45-6789")

    def _laid_over(self, number: str, like: str) -> str:
        """The characters of ``number`` in the positions of those of ``like``; a random string if the counts differ."""
        slots = [index for index, character in enumerate(like) if character.isalnum()]
        if len(slots) == len(number) - 2 and number[:2] in {"19", "20"}:
            number = number[2:]
        if len(slots) != len(number) or any(
            like[i].isalpha() != c.isalpha() for i, c in zip(slots, number, strict=True)
        ):
            return self._identifier(like)
        characters = list(like)
        for index, character in zip(slots, number, strict=True):
            characters[index] = character
        return "".join(characters)

    def _identifier(self, like: str | None) -> str:
        """A random string in the shape of ``like`` that passes no check of a real identity number."""
        while True:
            value = random_like(self._rng, like or "0000000")
            if not identity.could_identify(value) and not national.could_be_national(value, self._words):
                return value

    def _profession(self, like: str | None) -> str:
        if self._words in words.PROFESSIONS:
            return self._rng.choice(words.PROFESSIONS[self._words])
        job = str(self._faker.job())
        return job.lower() if like is not None and like[0].islower() else job

    def _clinic(self, like: str | None) -> str:
        ward = re.fullmatch(r"([^\W\d_]+)\.? \d+[A-Za-z]?", like) if like else None
        if like is not None and ward is not None and is_known(ward[1], "clinic", self._words):
            return re.sub(r"\d+", lambda match: random_like(self._rng, match[0]), like)
        return places.clinic(self._rng, self._words, self._town)

    def _street(self, like: str | None) -> str:
        if self.language == "es":
            kind = re.match(r"([^\W\d_]+)[/.]?", like) if like else None
            lead = kind[0] if kind and is_known(kind[1], "street", self._words) else "Calle"
            value = f"{lead} {self._rng.choice(self._names.last)}"
        elif provider_of("address", self._words) is not None:
            value = str(self._faker.street_name())
        else:
            value = f"{self._rng.choice(self._names.last)} Street"
        before = (
            re.match(r"\d+(?: (?:bis|ter))?,? ", like) if like and self.language not in {"sv", "es", "en"} else None
        )
        if before is not None:
            return re.sub(r"\d+", lambda match: random_like(self._rng, match[0]), before[0]) + value
        number = re.search(r"[,\s]+(?=\d).*", like) if like else None
        return value + (random_like(self._rng, number[0]) if number else "" if like else f" {self._rng.randint(1, 99)}")

    def _place(self, like: str | None) -> str:
        if like is None or any(character.isalpha() for character in like) is False:
            return self._town() if like is None else self._postcode(like)
        if like[-1].isdigit() and any(character.isalpha() for character in like):
            return self._street(like)
        return self._town()

    def _town(self) -> str:
        if places.has_towns(self._words) or provider_of("address", self._words) is None:
            return places.town(self._rng, self._words)
        return str(self._faker.city())

    def _country(self, like: str | None) -> str:
        if places.has_countries(self._words) or provider_of("address", self._words) is None:
            return places.country(self._rng, self._words)
        return str(self._faker.country())

    def _postcode(self, like: str | None) -> str:
        if like is not None:
            return self._identifier(like)
        return {"sv": "1{:04d}", "es": "28{:03d}"}.get(self.language, "{:05d}").format(self._rng.randint(100, 999))

    def _detail(self, like: str | None) -> str:
        choices = words.DETAILS.get(self._words)
        if choices is None:
            return self._identifier(like)
        return self._rng.choice(choices)
