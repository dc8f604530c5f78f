"""``Deidentifier``: the one way from a text to the text without what identifies in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

from deidsynth.config.parsing import load_data, parse
from deidsynth.config.policy import Policy
from deidsynth.deidentification.deidentified import Deidentified
from deidsynth.deidentification.detection import Finder
from deidsynth.deidentification.detectors import Detectors
from deidsynth.deidentification.found import Found
from deidsynth.deidentification.known_values import KnownValues
from deidsynth.deidentification.policies import Replacer, load_policy
from deidsynth.deidentification.residual import residual
from deidsynth.documents import Document
from deidsynth.errors import (
    CheckFailedError,
    ConfigError,
    DeidsynthError,
    InputError,
    ModelNotUsableError,
    StorageError,
    type_and_place,
)
from deidsynth.files import MANIFEST, manifest_beside
from deidsynth.metrics.tokens import words
from deidsynth.models.devices import OUT_OF_MEMORY
from deidsynth.models.labels import labels_in
from deidsynth.models.settings_file import ModelSettings
from deidsynth.surrogates.derived import normalized_surface
from deidsynth.workflow.alone import model_folder

DOCUMENTS_AT_ONCE = 64
CHARACTERS_AT_ONCE = 500_000

Argument = TypeVar("Argument")
Result = TypeVar("Result")

_OF_EVERY_DOCUMENT = (ModelNotUsableError, StorageError, *OUT_OF_MEMORY)
"""Errors that no document is to blame for."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a document could not be de-identified, without any of its text."""

    reason: str


class Detecting(Protocol):
    """Finds around what a model found, as ``Detectors`` does."""

    def __call__(self, document: Document) -> Found: ...


class Replacing(Protocol):
    """Replaces what was found, as ``Replacer`` does."""

    @property
    def needs_scope_surfaces(self) -> bool: ...

    def __call__(self, found: Found, *, avoid: Container[str] = ()) -> Deidentified: ...


class Deidentifier:
    """A trained model with what is sought around it and a policy: texts in, texts without what identifies out.

    It is loaded once and may be called from several threads at a time; only the model itself takes one after another.
    A text that cannot be de-identified raises an error: nothing is given out for it.

    Args:
        find: gives documents the entities that a model finds.
        detect: finds further ones around these.
        replace: replaces them.
        policy: what happens to each label.
        labels: that the model finds.
        language: of the texts, if known.
        known: normalized surfaces of known values, which no surrogate may equal.
        findable: labels of everything that may be found; by default those of the model.
    """

    def __init__(
        self,
        find: Callable[[Sequence[Document]], list[Document]],
        *,
        detect: Detecting,
        replace: Replacing,
        policy: Policy,
        labels: Sequence[str] = (),
        language: str | None = None,
        known: Container[str] = (),
        findable: Collection[str] | None = None,
    ) -> None:
        self._find, self._detect, self._replace, self._known = find, detect, replace, known
        self.policy, self.labels, self.language = policy, tuple(labels), language
        self.findable = tuple(sorted(self.labels if findable is None else findable))
        """Labels of everything that may be found: by the model, by pattern, as a known value."""
        self.unused_labels = unused_labels(policy, self.findable) if self.labels else ()
        """Labels of the policy that nothing finds."""

    @classmethod
    def load(
        cls,
        model: str | Path,
        *,
        policy: Policy | str | Path | Mapping[str, Any] | None = None,
        key: bytes | None = None,
        known: KnownValues | str | Path | None = None,
        device: str = "auto",
        precision: str = "auto",
    ) -> Self:
        """A model from disk with a policy.

        Args:
            model: folder of a tagger.
            policy: a policy, its YAML file or its keys; by default everything is masked with its label.
            key: what surrogates are derived from; without one they are others with every object that is loaded.
            known: values of patients that are known beforehand, or their file.
            device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
            precision: ``auto``, ``fp32`` or ``bf16``.

        Raises:
            ModelNotFoundError: the folder holds no model.
            ModelNotUsableError: the model is not a tagger.
            ConfigError: the policy has faults, or asks for what the key, the language or the labels do not allow.
            InputError: a file that cannot be read, or an unknown device.
        """
        folder = model_folder(Path(model))
        chosen = policy_of(policy)
        values = KnownValues.load(known) if isinstance(known, str | Path) else known
        language, labels = chosen.language or language_of(Path(model)), labels_in(folder)
        detect = Detectors(chosen.detect, language=language, labels=labels, known=values, kinds=chosen.kinds)
        unused_labels(chosen, detect.labels)
        replace = Replacer(chosen, language=language, key=key)  # what may be refused comes before the weights
        return cls(
            Finder(folder, device=device, precision=precision),
            detect=detect,
            replace=replace,
            policy=chosen,
            labels=labels,
            language=language,
            known=frozenset() if values is None else known_surfaces(values),
            findable=detect.labels,
        )

    def __repr__(self) -> str:
        return f"Deidentifier(labels={self.labels!r}, language={self.language!r}, default={self.policy.default!r})"

    @property
    def needs_scope_surfaces(self) -> bool:
        """Whether surrogates have to avoid what was found in other texts, so that all are to be searched first."""
        return self._replace.needs_scope_surfaces

    def __call__(self, text: str, *, patient: str | None = None) -> Deidentified:
        """The text with everything that was found in it replaced as the policy says.

        Args:
            text: of any length.
            patient: whose text it is: known values and, in a wider scope, surrogates and dates go by it.

        Raises:
            InputError: it is no text.
            CheckFailedError: something that was replaced is still elsewhere in the text.
            ModelNotUsableError: the model gives no numbers.
        """
        if not isinstance(text, str):
            raise InputError(f"expected a text, got {type(text).__name__}; for several texts, use stream")
        return self.replaced(self.find(text, patient=patient))

    def find(self, text: str, *, patient: str | None = None) -> Found:
        """What identifies in a text, which stays as it is."""
        return self._detect(self._find([Document("text", text, group=patient)])[0])

    def stream(self, texts: Iterable[str | Document]) -> Iterator[Deidentified]:
        """What a call gives for each text, in their order; texts are taken some at a time.

        The patient of a document is its group.

        Raises:
            CheckFailedError: as for a call; texts before it were given out.
        """
        documents = (
            each if isinstance(each, Document) else Document(str(number), each)
            for number, each in enumerate(texts, start=1)
        )
        for number, found in enumerate(self.find_stream(documents), start=1):
            try:
                yield self.replaced(found)
            except CheckFailedError as error:
                raise CheckFailedError(f"document {number}: {error}") from None

    def find_stream(self, documents: Iterable[Document]) -> Iterator[Found]:
        """What identifies in each document, in their order; documents are taken some at a time."""
        for some in batches(documents):
            yield from map(self._detect, self._find(some))

    def replaced(self, found: Found, *, avoid: Container[str] = ()) -> Deidentified:
        """The text without what was found in it.

        Args:
            found: in a document, whose group is the patient.
            avoid: normalized surfaces that no surrogate may equal, beside those of the document.

        Raises:
            CheckFailedError: something that was replaced is still elsewhere in the text.
        """
        made = self._replace(found, avoid=_AnyOf((self._known, avoid)))
        left = residual(found.document, made, self.policy.kinds)
        if left is not None:
            raise CheckFailedError(str(left))
        return made

    def find_each(self, documents: Sequence[Document]) -> list[Found | Failure]:
        """What identifies in each document, or why that cannot be said; the fault of one concerns no other.

        Raises:
            ModelNotUsableError: the model gives no numbers.
        """
        tagged: list[Document | Failure] = []
        for some in batches(documents):
            try:
                together = attempt(self._find, some)
            except OUT_OF_MEMORY:
                if len(some) == 1:
                    raise
                together = Failure("")  # one after the other takes less
            if isinstance(together, Failure):
                tagged += (each for one in some for each in _listed(attempt(self._find, [one])))
            else:
                tagged += together
        return [each if isinstance(each, Failure) else attempt(self._detect, each) for each in tagged]

    def replace_each(
        self, found: Iterable[Found | Failure], avoid: Callable[[Document], Container[str]]
    ) -> list[Deidentified | Failure]:
        """What each document became, or why it became nothing.

        Args:
            found: as ``find_each`` gives it.
            avoid: for each document, as for ``replaced``.
        """

        def made(each: Found) -> Deidentified:
            return self.replaced(each, avoid=avoid(each.document))

        return [each if isinstance(each, Failure) else attempt(made, each) for each in found]


@dataclass(frozen=True, slots=True)
class _AnyOf:
    """What is in any of several containers."""

    containers: tuple[Container[str], ...]

    def __contains__(self, value: object) -> bool:
        return any(value in each for each in self.containers)


def attempt(function: Callable[[Argument], Result], argument: Argument) -> Result | Failure:
    """What a function gives, or why it gave nothing for this argument.

    Raises:
        ModelNotUsableError: no argument is to blame for that.
        StorageError: nor for that.
        MemoryError: nor for that, nor for OutOfMemoryError.
    """
    try:
        return function(argument)
    except _OF_EVERY_DOCUMENT:
        raise
    except DeidsynthError as error:
        return Failure(str(error))
    except Exception as error:
        return Failure(f"unexpected {type_and_place(error)}; take it out of the input and report it")


def _listed(found: list[Document] | Failure) -> list[Document | Failure]:
    return [found] if isinstance(found, Failure) else list(found)


def batches(documents: Iterable[Document]) -> Iterator[list[Document]]:
    """The documents, some at a time: so many that a model is busy, and so few that memory does not grow with them."""
    some: list[Document] = []
    n_characters = 0
    for document in documents:
        some.append(document)
        n_characters += len(document.text)
        if len(some) == DOCUMENTS_AT_ONCE or n_characters >= CHARACTERS_AT_ONCE:
            yield some
            some, n_characters = [], 0
    if some:
        yield some


def policy_of(policy: Policy | str | Path | Mapping[str, Any] | None) -> Policy:
    """A policy from whatever says it.

    Raises:
        InputError: a file that cannot be read.
        ConfigError: it has faults.
    """
    if isinstance(policy, Policy):
        return policy
    if isinstance(policy, str | Path):
        return load_policy(policy)
    return parse(Policy, policy or {}, "policy")


def unused_labels(policy: Policy, findable: Collection[str]) -> tuple[str, ...]:
    """The labels of a policy that nothing finds.

    Args:
        policy: what happens to each label.
        findable: labels of the model, of patterns and of known values.

    Raises:
        ConfigError: there are such labels, and what the policy does not name stays in the text: a misspelled label.
    """
    unused = tuple(label for label in policy.labels if label not in findable)
    if unused and policy.default in ("keep", "tag"):
        raise ConfigError(
            [
                f"labels.{label}: nothing finds such a label, and default: {policy.default} leaves what is not named "
                f"in the text; found are {', '.join(sorted(findable))}"
                for label in unused
            ],
            "policy",
        )
    return unused


def known_surfaces(known: KnownValues) -> frozenset[str]:
    """The normalized surfaces of all known values, and those of their words."""
    values = (value.text for patient in (None, *known.patients) for value in known.of(patient))
    return frozenset(normalized_surface(each) for text in values for each in (text, *words(text)))


def language_of(model: Path) -> str | None:
    """The language that a model was trained for, where its settings, its manifest or its run say it.

    Args:
        model: what the user gave: a folder of a model, of a stage, or in a run.
    """
    stated = [ModelSettings.load(model_folder(model)).language]
    for place in (model / MANIFEST, model.parent / MANIFEST, manifest_beside(model.absolute())):
        with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
            stated.append(json.loads(place.read_text(encoding="utf-8"))["config"]["language"])
    with suppress(DeidsynthError, KeyError, TypeError):
        stated.append(load_data(model.absolute().parents[1] / "run.yaml")["corpus"]["language"])
    return next((each for each in stated if isinstance(each, str)), None)
