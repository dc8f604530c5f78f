"""UIMA CAS, as exported by INCEpTION and WebAnno: XMI with its ``TypeSystem.xml``, CAS JSON, and zips of these.

An entity is an annotation whose type has a string feature such as ``value`` or ``label``, or that belongs to a custom
layer without string features. The exporters count UTF-16 units; the library ``cassis`` converts them to code points.
"""

from __future__ import annotations

import importlib
import io
import re
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from deidsynth.corpora.encodings import as_utf_8, decode, decode_xml
from deidsynth.corpora.folders import write_folder
from deidsynth.corpora.formats.cas_files import Source, looks_like_cas, sources
from deidsynth.corpora.provenance import Provenance, read_provenance
from deidsynth.corpora.records import RawSpan, ReadResult, Record
from deidsynth.documents import Corpus, Document, Split
from deidsynth.errors import MissingExtraError, Problem, UnrepresentableError

NAME = "cas"

NAMED_ENTITY = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"
LABEL_FEATURES = ("value", "label", "entity_type", "phi", "kind", "category")

_ANNOTATION, _STRING = "uima.tcas.Annotation", "uima.cas.String"
_CORE = "de.tudarmstadt.ukp.dkpro.core.api."
# Sentences, tokens, metadata of document and project: skipping these loses no annotation work.
_STRUCTURE = (
    "uima.",
    f"{_CORE}segmentation.",
    f"{_CORE}metadata.",
    "de.tudarmstadt.ukp.clarin.webanno.",
    "org.dkpro.core.api.xml.",
)
_LINGUISTIC = (_CORE, "org.dkpro.core.api.")
_CUSTOM = ("custom.", "webanno.custom.")
_RELATION_FEATURES = frozenset({"Governor", "Dependent"})
_CHAIN_FEATURES = frozenset({"referenceType", "next"})
_UNMAPPED = re.compile(r"Not mapping external offset \[(-?[0-9]+)\]")
_CONTROL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def sniff(path: Path) -> bool:
    """Whether the path looks like a CAS, a zip that contains some, or a folder of these."""
    return looks_like_cas(path)


def read_records(path: Path) -> ReadResult:
    """Raw records and problems of a file, a zip or a folder.

    Args:
        path: file or folder; folder names may name splits. For a curated INCEpTION project, the curation is read.

    Raises:
        MissingExtraError: cassis is not installed.
    """
    reader = _Reader(_cassis("reading UIMA CAS"), ReadResult(NAME))
    for source in sources(path, reader.result):
        reader.read(source)
    return reader.result


def write(corpus: Corpus, path: Path, splits: Mapping[str, Split] | None) -> Counter[str]:
    """Counts of what XMI cannot store, after writing the corpus into a new folder of ``.xmi`` and a type system.

    Args:
        corpus: what to write; a document's id becomes the name of its file, entities become named entities.
        path: the folder; with splits, it gets one subfolder for each.
        splits: split of every document id, or None.

    Raises:
        UnrepresentableError: an id that is not a safe file name, or a character that XML cannot encode.
        MissingExtraError: cassis is not installed.
        StorageError: the disk is full or not writable.
    """
    cassis = _cassis("writing UIMA CAS")
    _refuse_control_characters(corpus)
    types = _written_types(cassis)
    return write_folder(
        corpus,
        path,
        splits,
        lambda document: {".xmi": _xmi(cassis, types, document)},
        NAME,
        shared={"TypeSystem.xml": types.to_xml()},
    )


def _cassis(feature: str) -> Any:
    try:
        return importlib.import_module("cassis")
    except ImportError:
        raise MissingExtraError(feature, "uima") from None


class _Reader:
    """Reads sources into a result; every type system and provenance file is read once."""

    def __init__(self, cassis: Any, result: ReadResult) -> None:
        self.cassis, self.result = cassis, result
        self._types: dict[bytes, Any] = {}
        self._provenances: dict[Path, Provenance] = {}

    def read(self, source: Source) -> None:
        """Add the record of a source, or its problem."""
        found = self._cas(source)
        view = found if isinstance(found, Problem) else _view_with_text(found[0], source.place, self.result)
        if isinstance(found, Problem) or isinstance(view, Problem):
            self.result.problems += [each for each in (view,) if isinstance(each, Problem)]
            return
        spans = _spans(view, found[0].typesystem, found[1], source, self.result)
        origin, annotation, language = Provenance()
        if source.folder is not None:
            if source.folder not in self._provenances:
                self._provenances[source.folder] = read_provenance(source.folder, self.result)
            origin, annotation, language = self._provenances[source.folder]
        text = view.sofa.sofaString
        self.result.records.append(
            Record(
                source.doc_id,
                text,
                spans,
                source.place,
                None,
                None,
                source.split,
                origin,
                annotation,
                language=language,
            )
        )

    def _cas(self, source: Source) -> tuple[Any, set[int]] | Problem:
        """The CAS, and its offsets that fall inside a character."""
        is_json = source.suffix == ".json"
        content = (decode if is_json else decode_xml)(source.data, source.place)
        if isinstance(content, Problem):
            return content
        if not is_json and "<!DOCTYPE" in content:
            message = "XMI must not contain a document type declaration; export the document again"
            return Problem(source.place, message, code="malformed")
        has_types = is_json and '"%TYPES"' in content
        if source.types is None and not has_types:
            message = (
                "its type system is missing; put the TypeSystem.xml that was exported with it into its folder, or one "
                "above"
            )
            return Problem(source.place, message, code="missing-types")
        types: Any = None
        if source.types is not None and not has_types:
            types = self._type_system(source.types, source.place)
            if isinstance(types, Problem):
                return types
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                if is_json:
                    cas = self.cassis.load_cas_from_json(content, types, merge_typesystem=has_types)
                else:
                    cas = self.cassis.load_cas_from_xmi(io.BytesIO(as_utf_8(content)), types)
            except Exception as error:  # cassis defines no errors: KeyError, AttributeError, lxml errors
                return _unreadable(source, error)
        matches = (_UNMAPPED.match(str(each.message)) for each in caught)
        return cas, {int(match[1]) for match in matches if match}

    def _type_system(self, data: bytes, place: str) -> Any:
        if data not in self._types:
            try:
                content = decode_xml(data, place)
                if isinstance(content, Problem):
                    return replace(content, message=f"its TypeSystem.xml is {content.message}")
                if "<!DOCTYPE" in content:
                    message = "its TypeSystem.xml must not contain a document type declaration; export it again"
                    return Problem(place, message, code="malformed")
                self._types[data] = self.cassis.load_typesystem(io.BytesIO(as_utf_8(content)))
            except Exception as error:  # as above
                message = f"its TypeSystem.xml cannot be read ({type(error).__name__}); export the document again"
                self._types[data] = Problem(place, message, code="malformed")
        return self._types[data]


def _unreadable(source: Source, error: Exception) -> Problem:
    kind = type(error).__name__
    if kind == "TypeNotFoundError":
        message = (
            "it uses a type that its type system lacks; put the TypeSystem.xml that belongs to it into the same folder"
        )
        return Problem(source.place, message, code="unknown-type")
    line = getattr(error, "lineno", None)
    form = "CAS JSON" if source.suffix == ".json" else "XMI of XML 1.0"
    message = f"unreadable {form} ({kind}); export the document again, in XML 1.0 or as CAS JSON"
    return Problem(source.place, message, line if isinstance(line, int) and line > 0 else None, "malformed")


def _view_with_text(cas: Any, place: str, result: ReadResult) -> Any:
    """The view to read: the first that has a text; others are counted."""
    if any(not isinstance(view.sofa.sofaString, str | None) for view in cas.views):
        return Problem(place, "its text is not a string; export the document again", code="malformed")
    views = [view for view in cas.views if view.sofa.sofaString is not None]
    if not views:
        message = "it has no text; export the document with its text"
        return Problem(place, message, code="missing-text")
    if len(views) > 1:
        result.skipped["views"] += len(views) - 1
    return views[0]


def _spans(view: Any, types: Any, unmapped: set[int], source: Source, result: ReadResult) -> tuple[RawSpan, ...]:
    spans = []
    id_name = "%ID" if source.suffix == ".json" else "xmi:id"
    n_units = len(view.sofa.sofaString.encode("utf-16-le", "surrogatepass")) // 2
    for name, indexed in view.type_index.items():
        features = _label_features(types, name)
        if features is None:
            continue
        if isinstance(features, str):
            result.skipped[features] += len(indexed)
            continue
        for each in indexed:
            place = f"{id_name} {each.xmiID}"
            if type(each.begin) is not int or type(each.end) is not int:
                message = (
                    f"an annotation of the layer {_short(name)} ({place}) has a begin or end that is not an "
                    "integer; fix it"
                )
                result.problems.append(Problem(source.place, message, code="malformed", of_entity=True))
            elif any(0 <= offset <= n_units and offset in unmapped for offset in (each.begin, each.end)):
                message = (
                    f"entity {each.begin}:{each.end} ({place}) begins or ends inside a character; "
                    "UIMA offsets count UTF-16 units, and a character beyond U+FFFF has two"
                )
                result.problems.append(Problem(source.place, message, code="inside-character", of_entity=True))
            else:
                labels = (getattr(each, feature) for feature in features)
                written = (label for label in labels if label and isinstance(label, str))
                label = next(written, "") if features else _short(name)
                spans.append(RawSpan(each.begin, each.end, label, name=place))
    return tuple(sorted(spans, key=lambda span: span[:3]))


def _label_features(types: Any, name: str) -> tuple[str, ...] | str | None:
    """The features of a type that may contain the label; see ``label_features_of``."""
    kind = types.get_type(name)
    if not types.is_instance_of(name, _ANNOTATION):
        return None
    strings = [feature.name for feature in kind.all_features if feature.rangeType.name == _STRING]
    return label_features_of(name, [feature.name for feature in kind.all_features], strings)


def label_features_of(name: str, features: Sequence[str], strings: Sequence[str]) -> tuple[str, ...] | str | None:
    """The features of a layer that may contain the label, best first; empty if the layer's name is the label.

    A layer that is not an entity gives the name to count it by, or None if it is not worth counting.

    Args:
        name: of the layer.
        features: all of its features.
        strings: those that are strings.
    """
    if name.startswith(_STRUCTURE):
        return None
    if _RELATION_FEATURES.issubset(features):
        return "relations"
    if _CHAIN_FEATURES.issubset(features):
        return "chain_links"
    if name.startswith(_LINGUISTIC) and ".ner.type." not in name:
        return _short(name)
    labels = tuple(each for wanted in LABEL_FEATURES for each in strings if each.lower() == wanted)
    if labels or (name.startswith(_CUSTOM) and not strings):
        return labels
    return _short(name)


def _short(type_name: str) -> str:
    return type_name.rpartition(".")[2]


def _refuse_control_characters(corpus: Corpus) -> None:
    for number, document in enumerate(corpus, start=1):
        labels = "".join(entity.label for entity in document.entities)
        if _CONTROL.search(document.text + labels):
            raise UnrepresentableError(
                f"document number {number} has a control character that XML cannot encode; write jsonl"
            )


def _written_types(cassis: Any) -> Any:
    types = cassis.TypeSystem()
    kind = types.create_type(NAMED_ENTITY, _ANNOTATION)
    for feature in ("value", "identifier"):
        types.create_feature(kind, feature, _STRING)
    return types


def _xmi(cassis: Any, types: Any, document: Document) -> str:
    cas = cassis.Cas(types, sofa_string=document.text, sofa_mime="text/plain")
    kind = types.get_type(NAMED_ENTITY)
    for entity in document.entities:
        cas.add(kind(begin=entity.start, end=entity.end, value=entity.label))
    xmi: str = cas.to_xmi()
    return xmi
