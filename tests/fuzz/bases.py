"""Valid files that cases begin with: corpora in every format, configurations, tiny models, a run and a study."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from fuzz.case import HOME

SECRET = "Xyloquist"
"""Stands in texts and values, and must be printed by no verb that is not there to print text."""

TEXT = f"Åsa {SECRET} Ek, 45 år.\nBor i Umeå sedan \U0001f600 1999."
LONG = 24  # documents of the corpus that runs and studies read

Bases = Mapping[str, Mapping[str, bytes]]
"""Files by path, by name of the base; paths are below the folder that a case is run in."""


def build(folder: Path, home: Path) -> None:
    """Write every base to a folder of its own below ``folder``; brings torch.

    Args:
        folder: is made.
        home: where bases are made and cases are run, since a run remembers where it is.
    """
    folder.mkdir(parents=True)
    for name, make in _MAKERS.items():
        home.mkdir()
        with _inside(home):
            make(home)
        home.rename(folder / name)


def read(folder: Path, home: Path) -> Bases:
    """The bases that ``build`` wrote, with a placeholder wherever they name their home."""
    places = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    return {
        place.name: {
            path.relative_to(place).as_posix(): path.read_bytes().replace(bytes(home), HOME)
            for path in sorted(place.rglob("*"))
            if path.is_file()
        }
        for place in places
    }


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


# Corpora


def _written(format: str, name: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        from deidsynth.corpora import write_corpus
        from deidsynth.documents import Corpus, Document, Entity

        with_entities = Document("case-1", TEXT, (Entity(0, 16, "NAME", 0.5), Entity(18, 23, "AGE")), group="p1")
        write_corpus(Corpus((with_entities, Document("case-2", "Inget <3 här."))), folder / name, format)

    return make


def _file(name: str, content: str) -> Callable[[Path], None]:
    return lambda folder: _put(folder / name, content.encode())


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _make_cas(folder: Path, *, as_json: bool, in_zip: bool) -> None:
    """An INCEpTION export: a CAS as JSON or XMI, loose or with its type system in a zip."""
    import cassis

    from fuzz.containers import closed

    types = cassis.TypeSystem()
    kind = types.create_type("de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity")
    types.create_feature(kind, "value", "uima.cas.String")
    document = cassis.Cas(types)
    document.sofa_string, document.sofa_mime = TEXT, "text/plain"
    document.add(kind(begin=0, end=16, value="NAME"))
    if as_json:
        files = {"case-1.json": document.to_json().encode()}
    else:
        files = {"case-1.xmi": document.to_xmi().encode(), "TypeSystem.xml": types.to_xml().encode()}
    if in_zip:
        files = {"export.zip": closed("export.zip", files)}
    for name, content in files.items():
        _put(folder / "cas" / name, content)


_TASK = {"start": 0, "end": 16, "text": TEXT[:16], "labels": ["NAME"]}
_REGION = {"id": "x", "from_name": "label", "to_name": "text", "type": "labels", "value": _TASK, "score": 0.5}
_SPAN = {"start": 0, "end": 16, "label": "NAME"}
_TOKENS = {"id": "a", "tokens": ["Åsa", SECRET, "Ek", "45"], "ner_tags": ["B-NAME", "I-NAME", "I-NAME", "B-AGE"]}
_WEBANNO = f"""#FORMAT=WebAnno TSV 3.3
#T_SP=webanno.custom.PHI|kind|note


#Text=Åsa {SECRET} kom.
1-1\t0-3\tÅsa\tNAME[1]\tx[1]\t
1-2\t4-13\t{SECRET}\tNAME[1]\tx[1]\t
1-3\t14-17\tkom\t_\t_\t
1-4\t17-18\t.\t_\t_\t
"""
_QUERY = f"""===QUERY===
{TEXT}
===PHI_TAGS===
{{"identifier_type": "NAME", "value": "Åsa {SECRET}"}}

"""

CORPUS = "corpus-"
"""Names of bases that are corpora begin with this, and go on with the name of their format."""

CORPORA: Mapping[str, Callable[[Path], None]] = {
    "brat": _written("brat", "brat"),
    "jsonl": _written("jsonl", "notes.jsonl"),
    "i2b2": _written("i2b2", "i2b2"),
    "inline": _written("inline", "inline"),
    "conll": _written("conll", "notes.conll"),
    "doccano": _written("doccano", "notes.jsonl"),
    "label-studio": _written("label-studio", "tasks.json"),
    "label-studio-full": _file(
        "tasks.json", json.dumps([{"id": 1, "data": {"text": TEXT}, "annotations": [{"result": [_REGION]}]}])
    ),
    "presidio": _written("presidio", "notes.json"),
    "table": _written("table", "notes.csv"),
    "table-tabs": _written("table", "notes.tsv"),
    "table-parquet": _written("table", "notes.parquet"),
    "cas": lambda folder: _make_cas(folder, as_json=False, in_zip=False),
    "cas-json": lambda folder: _make_cas(folder, as_json=True, in_zip=False),
    "cas-zip": lambda folder: _make_cas(folder, as_json=False, in_zip=True),
    "cas-json-zip": lambda folder: _make_cas(folder, as_json=True, in_zip=True),
    "webanno": _file("notes.tsv", _WEBANNO),
    "spacy": _file("notes.jsonl", json.dumps({"text": TEXT, "spans": [_SPAN]}) + "\n"),
    "spacy-written": _written("spacy", "notes.jsonl"),
    "docbin": _written("docbin", "notes.spacy"),
    "tokens": _file("notes.jsonl", json.dumps(_TOKENS) + "\n"),
    "asq-phi": _file("queries.txt", _QUERY),
}
"""The formats of the registry, some of them in several forms: ``FORMAT`` or ``FORMAT-FORM``."""


# Configurations


def _make_settings(folder: Path) -> None:
    """Configurations of every kind, and the corpus that they are about."""
    import yaml

    from deidsynth.config import RunConfig

    _make_notes(folder)
    run = RunConfig().model_dump(mode="json")
    run["corpus"] |= {"path": "notes.jsonl", "language": "sv"}
    run["synthesize"]["endpoint"] |= {"api_key_variable": None, "ca_file": None}
    study = {
        "name": "small",
        "base": {"corpus": {"path": "notes.jsonl", "language": "sv"}, "adapt": {"epochs": 1}},
        "axes": {"annotator_fraction": [0.5, 1.0]},
    }
    for name, content in {
        "run": run,
        "short": {"corpus": {"path": "notes.jsonl", "language": "sv"}, "adapt": {"epochs": 2}, "seed": 3},
        "study": study,
        "labels": {"labels": {"NAME": "full_name"}},
        "mapping": {"labels": {"NAME": "PERSON", "AGE": None}},
    }.items():
        _put(folder / f"{name}.yaml", yaml.safe_dump(content, sort_keys=False).encode())


def _make_notes(folder: Path) -> None:
    lines = []
    for number in range(LONG):
        text = f"Besök {number} av {SECRET} Ek."
        entity = {"start": text.index(SECRET), "end": len(text) - 1, "label": "NAME"}
        lines.append(json.dumps({"doc_id": f"case-{number}", "text": text, "entities": [entity]}) + "\n")
    _put(folder / "notes.jsonl", "".join(lines).encode())


def _make_unlabeled(folder: Path) -> None:
    """The corpus of a run, and more texts beside it in every compression."""
    _make_notes(folder)
    lines = b"".join(json.dumps({"text": f"{TEXT} {number}"}).encode() + b"\n" for number in range(9))
    for name, compressed in {
        "gz": gzip.compress(lines, mtime=0),
        "xz": lzma.compress(lines),
        "bz2": bz2.compress(lines),
    }.items():
        _put(folder / f"texts.jsonl.{name}", compressed)


# Models: every weight is zero, so that a changed file is a small one


def _make_tagger(folder: Path) -> None:
    import torch

    from deidsynth.config import TrainConfig
    from deidsynth.documents import LabelScheme
    from deidsynth.models.tagger.token_classifier import new_tagger
    from deidsynth.tagging import TagSet
    from tiny_models import save_tiny

    encoder = save_tiny("modernbert", folder.with_name("encoder"))
    made = new_tagger(TrainConfig(encoder=str(encoder)), TagSet.of(LabelScheme(("NAME",))), [])
    with torch.no_grad():
        for weights in made.model.parameters():
            weights.zero_()
        made.model.classifier.bias.copy_(torch.tensor([0.0, 1.0, 3.0]))  # everything is a name
    made.save(folder / "tagger")


def _make_language_model(folder: Path) -> None:
    import torch

    from tiny_models import llama_model, llama_tokenizer

    tokenizer = llama_tokenizer()
    model = llama_model(len(tokenizer))
    with torch.no_grad():
        for weights in model.parameters():
            weights.zero_()
    model.save_pretrained(folder / "lm")
    tokenizer.save_pretrained(folder / "lm")
    _put(folder / "prompts.txt", f"Patienten heter {SECRET} Ek\n".encode())


# Runs and studies, by stages that compute nothing


def _make_run(folder: Path) -> None:
    _make_notes(folder)
    _with_fake_stages("run", "--corpus", "notes.jsonl", "--language", "sv", "--output", "runs/one")


def _make_study(folder: Path) -> None:
    _make_settings(folder)
    _with_fake_stages("study", "run", "study.yaml", "--output", "runs/small")


def _with_fake_stages(*arguments: str) -> None:
    import deidsynth.stages
    from deidsynth.cli.app import app
    from fake_specs import specs_of
    from fake_stages import NAMES, FakeStage

    own = deidsynth.stages.STAGES
    deidsynth.stages.STAGES = specs_of({name: FakeStage(name) for name in NAMES})
    try:
        app([*arguments, "--device", "cpu", "--quiet"], standalone_mode=False)
    finally:
        deidsynth.stages.STAGES = own


_MAKERS: Mapping[str, Callable[[Path], None]] = {
    **{f"{CORPUS}{name}": make for name, make in CORPORA.items()},
    "settings": _make_settings,
    "unlabeled": _make_unlabeled,
    "tagger": _make_tagger,
    "lm": _make_language_model,
    "run": _make_run,
    "study": _make_study,
}
