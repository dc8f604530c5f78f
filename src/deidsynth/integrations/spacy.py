"""A spaCy component: what identifies in a text, with exact offsets, and as spans of tokens.

spaCy imports this module whenever any pipeline is made, so what only a document needs is imported with the first one.
"""

import importlib
import shutil
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deidsynth.documents import Document, Entity
from deidsynth.errors import MissingExtraError
from deidsynth.files import replace_tree, temporary_beside
from deidsynth.languages import MULTILINGUAL

try:
    from spacy.language import Language
    from spacy.tokens import Doc, Span
except ImportError:
    raise MissingExtraError("deidsynth.integrations.spacy", "spacy") from None

if TYPE_CHECKING:
    from deidsynth.deidentification.found import Found
    from deidsynth.deidentification.runtime import Deidentifier

NAME = "deidsynth"
UNALIGNED = "deidsynth_unaligned"
PATIENT = "deidsynth_patient"
MODEL = "model"

DEFAULTS = {
    "span_group": NAME,
    "set_ents": False,
    "language": None,
    "patterns": True,
    "second_pass": True,
    "known": None,
    "device": "auto",
    "precision": "auto",
}


class DeidsynthComponent:
    """Finds what identifies in the texts of a pipeline.

    ``doc._.deidsynth`` has every entity with its exact offsets, as dictionaries. ``doc.spans[span_group]`` has the same
    entities in the same order, as spans of all tokens that they touch. ``doc._.deidsynth_unaligned`` says how many of
    them do not begin and end with tokens; these cannot be in ``doc.ents``. What ``doc._.deidsynth_patient`` says before
    names the patient whose known values are sought.

    The model is loaded at the first document.

    Args:
        model: folder of a trained tagger.
        name: of the component in its pipeline.
        span_group: name of the group of spans.
        set_ents: whether the entities that begin and end with tokens become ``doc.ents``; those of other components
            stay where no such entity overlaps them.
        options: of ``load_finder``.
    """

    def __init__(self, model: str | Path, *, name: str, span_group: str, set_ents: bool, **options: Any) -> None:
        self.model, self.name = Path(model), name
        self.span_group, self.set_ents = span_group, set_ents
        self._options = options
        self._finder: Deidentifier | None = None
        self._error_handler: Any = None
        for extension, default in ((NAME, ()), (UNALIGNED, 0), (PATIENT, None)):
            if not Doc.has_extension(extension):
                Doc.set_extension(extension, default=default)

    @property
    def labels(self) -> tuple[str, ...]:
        """What it may find; empty until the model is loaded, since spaCy asks before it says where the model is."""
        return () if self._finder is None else self._finder.findable

    @property
    def finder(self) -> "Deidentifier":
        """The loaded model.

        Raises:
            ModelNotFoundError: the folder holds no model.
            ModelNotUsableError: the model is not a tagger.
        """
        if self._finder is None:
            self._finder = _finding().load_finder(self.model, **self._options)
        return self._finder

    def __call__(self, doc: Doc) -> Doc:
        """The document with what was found in it."""
        return self._marked(doc, self.finder.find(doc.text, patient=doc._.get(PATIENT)))

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """The documents with what was found in each, computed in batches.

        A batch that fails goes to the error handler of the pipeline, which raises by default; no document of it leaves.
        """
        docs = iter(stream)
        while batch := list(islice(docs, batch_size)):
            try:
                documents = [
                    Document(str(number), doc.text, group=doc._.get(PATIENT)) for number, doc in enumerate(batch, 1)
                ]
                found = list(self.finder.find_stream(documents))
                marked = [self._marked(doc, each) for doc, each in zip(batch, found, strict=True)]
            except Exception as error:
                if self._error_handler is None:
                    raise
                self._error_handler(self.name, self, batch, error)
            else:
                yield from marked

    def set_error_handler(self, error_handler: Any) -> None:
        """Who is told of a batch that fails; by default the error is raised."""
        self._error_handler = error_handler

    def _marked(self, doc: Doc, found: "Found") -> Doc:
        """The document with its entities."""
        entities, n_unaligned = found.document.entities, 0
        group, aligned = list[Span](), list[Span]()
        for entity in entities:
            span = doc.char_span(entity.start, entity.end, label=entity.label, alignment_mode="expand")
            group.append(span)
            if (span.start_char, span.end_char) == (entity.start, entity.end):
                aligned.append(span)
            else:
                n_unaligned += 1
        doc._.set(NAME, tuple(_plain(entity, source) for entity, source in zip(entities, found.sources, strict=True)))
        doc._.set(UNALIGNED, n_unaligned)
        doc.spans[self.span_group] = group
        if self.set_ents:
            taken = {token.i for span in aligned for token in span}
            others = [span for span in doc.ents if not any(token.i in taken for token in span)]
            doc.ents = [*aligned, *others]
        return doc

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write the model below a folder, so that the pipeline can be moved as a whole.

        Args:
            path: of the component in the folder of its pipeline.
            exclude: ``model`` leaves it where it is.

        Raises:
            ModelNotFoundError: the folder holds no model.
            StorageError: the disk is full or not writable.
        """
        if MODEL in exclude:
            return
        source, target = _finding().model_folder(self.model).resolve(), (Path(path) / MODEL).resolve()
        if source != target:
            temporary = temporary_beside(target)
            try:
                shutil.copytree(source, temporary)
                replace_tree(temporary, target)  # nothing of a model that was there before is left
            finally:
                shutil.rmtree(temporary, ignore_errors=True)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "DeidsynthComponent":
        """The component with the model that ``to_disk`` wrote, if it did."""
        if MODEL not in exclude and (Path(path) / MODEL).is_dir():
            self.model, self._finder = Path(path) / MODEL, None
        return self


def _finding() -> Any:
    """The module that loads models."""
    return importlib.import_module("deidsynth.integrations.finding")


def _plain(entity: Entity, source: str) -> dict[str, Any]:
    """An entity as ``Doc.to_bytes`` and ``Doc.to_json`` can hold it."""
    return {
        "start": entity.start,
        "end": entity.end,
        "label": entity.label,
        "score": entity.score,
        "source": source,
    }


# spaCy makes a schema from the annotations, so that they must not be strings here.
@Language.factory(NAME, default_config=DEFAULTS, assigns=["doc.spans", f"doc._.{NAME}", f"doc._.{UNALIGNED}"])
def make_component(
    nlp: Language,
    name: str,
    model: str | Path,
    span_group: str,
    set_ents: bool,
    language: str | None,
    patterns: bool,
    second_pass: bool,
    known: str | Path | None,
    device: str,
    precision: str,
) -> DeidsynthComponent:
    """The component of a pipeline; ``nlp.add_pipe("deidsynth", config={"model": FOLDER})``."""
    return DeidsynthComponent(
        model,
        name=name,
        span_group=span_group,
        set_ents=set_ents,
        language=language or (None if nlp.lang == MULTILINGUAL else nlp.lang),
        patterns=patterns,
        second_pass=second_pass,
        known=known,
        device=device,
        precision=precision,
    )
