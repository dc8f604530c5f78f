"""Each step of the method as one call, for notebooks and scripts: corpora and models in, corpora and models out.

Settings are keywords with the names and checks of the configuration (docs/configuration.md). What a call writes is an
artifact with a manifest, as the command line and a run write it; a call that was interrupted goes on where it was.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from deidsynth.config import (
    AdaptConfig,
    AuditConfig,
    SynthesizeConfig,
    TrainConfig,
    parse,
    resolve_adapt,
    resolve_synthesize,
    resolve_train,
)
from deidsynth.corpora import read_jsonl
from deidsynth.corpora.provenance import extended, lineage_beside, merged
from deidsynth.documents import Corpus, Document
from deidsynth.errors import ConfigError, InputError
from deidsynth.progress import Progress
from deidsynth.progress_bars import listener_of
from deidsynth.release.bundle import Bundle, release
from deidsynth.release.examination import examine
from deidsynth.report.content import AuditSummary
from deidsynth.stages.adapt import ADAPT
from deidsynth.stages.annotate import ANNOTATE
from deidsynth.stages.artifacts import AUDIT as FIGURES, CORPUS
from deidsynth.stages.audit import AUDIT, LANGUAGE_MODEL, TAGGER
from deidsynth.stages.synthesize import SYNTHESIZE
from deidsynth.stages.train import TRAIN
from deidsynth.workflow.alone import Around, model_folder, run_alone, run_alone_to_file
from deidsynth.workflow.preparation import resolve_computing

if TYPE_CHECKING:
    from deidsynth.models.tagger.token_classifier import Tagger as Weights


SOURCE = "synthesize"


class Tagger:
    """A trained tagger in a folder. Its weights are loaded at the first use, and once.

    Args:
        folder: as :func:`train` or a run made it, or any token classifier in Hugging Face form.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        precision: ``auto``, ``fp32`` or ``bf16``.

    Raises:
        ModelNotFoundError: the folder holds no model.
    """

    def __init__(self, folder: str | Path, *, device: str = "auto", precision: str = "auto") -> None:
        self.folder = Path(folder)
        self._weights_folder = model_folder(self.folder)
        self._asked = device, precision

    def __repr__(self) -> str:
        return f"Tagger({str(self.folder)!r})"

    @cached_property
    def _computing(self) -> tuple[str, str]:
        return resolve_computing(*self._asked)

    @cached_property
    def _weights(self) -> Weights:
        from deidsynth.models.tagger.token_classifier import load_tagger  # brings torch

        return load_tagger(str(self._weights_folder))

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that it finds."""
        return tuple(sorted(self._weights.tag_set.begin))

    @overload
    def __call__(self, text: str) -> Document: ...
    @overload
    def __call__(self, text: list[str] | tuple[str, ...]) -> list[Document]: ...
    def __call__(self, text: str | list[str] | tuple[str, ...]) -> Document | list[Document]:
        """The text as a document with its entities; of several texts a list."""
        texts = [text] if isinstance(text, str) else list(text)
        found = self._predict([Document(str(number), each) for number, each in enumerate(texts, start=1)], False)
        return found[0] if isinstance(text, str) else found

    def annotate(self, corpus: Corpus, *, progress: bool | Progress = True) -> Corpus:
        """The documents of a corpus with the entities that the tagger finds in place of their own: a silver corpus."""
        documents = tuple(self._predict(corpus.documents, progress))
        sources = [corpus.lineage, lineage_beside(self._weights_folder)]
        lineage = merged(*(each if each is None else extended(each, ANNOTATE.name) for each in sources))
        return replace(corpus, documents=documents, annotation="silver", lineage=lineage)

    def _predict(self, documents: Sequence[Document], progress: bool | Progress) -> list[Document]:
        from deidsynth.models.tagger.prediction import predict  # brings torch

        device, precision = self._computing
        found = []
        with listener_of(progress).task("annotate", len(documents), "documents") as task:
            for document in predict(self._weights, documents, device=device, precision=precision):
                found.append(document)
                task.advance(1)
        return found


class LanguageModel:
    """An adapted language model in a folder.

    Args:
        folder: as :func:`adapt` or a run made it.

    Raises:
        ModelNotFoundError: the folder holds no model.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        model_folder(self.folder)

    def __repr__(self) -> str:
        return f"LanguageModel({str(self.folder)!r})"


def train(
    corpus: Corpus,
    *,
    output: str | Path,
    texts: Corpus | None = None,
    seed: int = 1,
    device: str = "auto",
    progress: bool | Progress = True,
    **settings: Any,
) -> Tagger:
    """A tagger trained on the entities of a corpus.

    Args:
        corpus: annotated documents; of a corpus that names splits, the train split is taken.
        output: folder for the model, absent or empty.
        texts: unlabeled texts of the same kind for task-adaptive pretraining.
        seed: of training.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        progress: bars by default, False for silence, or who listens.
        settings: keys of ``train``, such as ``encoder="starter"`` or ``epochs=3``.

    Raises:
        ConfigError: a setting that is unknown or wrong.
        CorpusError: no entities to learn.
        InputError: the output folder holds something.
        ModelNotFoundError: no such encoder.
    """
    listener, corpus = listener_of(progress), _training_split(corpus)
    config = resolve_train(parse(TrainConfig, settings, source="train"), language=corpus.language)
    inputs = {"corpus": corpus} if texts is None else {"corpus": corpus, "texts": texts}
    run_alone(TRAIN.name, config, inputs, Path(output), Around(seed, listener, device=device))
    return Tagger(output, device=device)


def adapt(
    corpus: Corpus,
    *,
    output: str | Path,
    seed: int = 1,
    device: str = "auto",
    progress: bool | Progress = True,
    **settings: Any,
) -> LanguageModel:
    """A causal language model adapted to the texts of a corpus.

    Args:
        corpus: documents; of a corpus that names splits, the train split is taken. Their entities count for control
            codes and inline entity tags.
        output: folder for the model, absent or empty.
        seed: of training.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        progress: bars by default, False for silence, or who listens.
        settings: keys of ``adapt``, such as ``base="starter"`` or ``epochs=2``.

    Raises:
        ConfigError: a setting that is unknown or wrong.
        InputError: the output folder holds something.
        ModelNotFoundError: no such base model.
    """
    asked = parse(AdaptConfig, settings, source="adapt")
    listener, corpus = listener_of(progress), _training_split(corpus)
    config = resolve_adapt(asked, control_codes=bool(corpus.n_entities))
    run_alone(ADAPT.name, config, {"train": corpus}, Path(output), Around(seed, listener, device=device))
    return LanguageModel(output)


def _training_split(corpus: Corpus) -> Corpus:
    """The documents to learn from: the train split where the corpus names one, else all, as on the command line."""
    return corpus.split("train") if "train" in corpus.split_counts() else corpus


def synthesize(
    model: LanguageModel | str | Path,
    n_documents: int,
    *,
    output: str | Path,
    prompts_from: Corpus | None = None,
    train: Corpus | None = None,
    seed: int = 1,
    device: str = "auto",
    progress: bool | Progress = True,
    **settings: Any,
) -> Corpus:
    """New texts sampled from a language model: a corpus of synthetic origin.

    Args:
        model: as :func:`adapt` gives it, or its folder.
        n_documents: how many are asked for.
        output: folder for the texts and their manifest, absent or empty; or a name that ends in ``.jsonl``.
        prompts_from: annotated documents whose first words are prompts; without, every text begins at its beginning.
        train: documents that the model was adapted to; new texts that copy them are replaced.
        seed: of sampling.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        progress: bars by default, False for silence, or who listens.
        settings: keys of ``synthesize``, such as ``temperature=0.9``.

    Raises:
        ConfigError: a setting that is unknown or wrong.
        InputError: the output is there already, or prompts would show what identifies.
        ModelNotFoundError: the folder holds no model.
    """
    folder = _folder_of(model)
    config, inputs = sampling(n_documents, prompts_from, train, settings)
    around, target = Around(seed, listener_of(progress), device=device), Path(output)
    given = {"model": folder, **inputs}
    if target.suffix == ".jsonl":
        run_alone_to_file(SYNTHESIZE.name, config, given, target, around)
        return _corpus_at(target)
    run_alone(SYNTHESIZE.name, config, given, target, around)
    return _corpus_at(target / CORPUS)


def audit(
    synthetic: Corpus,
    *,
    train: Corpus,
    held_out: Corpus,
    output: str | Path,
    taggers: Mapping[str, Tagger | str | Path] | None = None,
    language_model: LanguageModel | str | Path | None = None,
    seed: int = 1,
    device: str = "auto",
    progress: bool | Progress = True,
    **settings: Any,
) -> AuditSummary:
    """What a synthetic corpus and models give away of the documents they were made from, with verdicts.

    Args:
        synthetic: what is to be released.
        train: what it was made from.
        held_out: documents of the same kind that gave no text, no prompt and no threshold.
        output: folder for ``audit.json`` and ``audit.html``, absent or empty.
        taggers: those that are to be released, by a name for the page.
        language_model: one that is to be released.
        seed: of what is drawn.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        progress: bars by default, False for silence, or who listens.
        settings: keys of ``audit``, such as ``gate="tolerances.yaml"``.

    Raises:
        ConfigError: a setting that is unknown or wrong.
        InputError: the output folder holds something.
        ModelNotFoundError: a folder holds no model.
    """
    config, target = parse(AuditConfig, settings, source="audit"), Path(output)
    inputs: dict[str, Corpus | Path] = {"synthetic": synthetic, "train": train, "held_out": held_out}
    inputs |= {f"{TAGGER}{name}": _folder_of(model) for name, model in (taggers or {}).items()}
    if language_model is not None:
        inputs[LANGUAGE_MODEL] = _folder_of(language_model)
    run_alone(AUDIT.name, config, inputs, target, Around(seed, listener_of(progress), device=device))
    return AuditSummary.of(json.loads((target / FIGURES).read_text(encoding="utf-8")))


def release_run(
    run: str | Path,
    *,
    output: str | Path,
    accept: str | None = None,
    license_id: str = "unknown",
    progress: bool | Progress = True,
) -> Bundle:
    """The bundle of what of a run may leave: synthetic corpus and model, card, data sheet, audit and checksums.

    Args:
        run: folder of a finished run.
        output: folder of the bundle, absent or empty.
        accept: why it is released although something speaks against it that may be accepted.
        license_id: the license of corpus and model, as model hubs name it.
        progress: bars by default, False for silence, or who listens.

    Raises:
        CheckFailedError: something speaks against it; the message names all reasons.
        InputError: no finished run, or the output folder holds something.
    """
    listener = listener_of(progress)
    found = examine(Path(run), None, listener)
    return release(found, Path(output), accept=accept, license_id=license_id, progress=listener)


def _folder_of(model: Tagger | LanguageModel | str | Path) -> Path:
    return Path(model) if isinstance(model, str | Path) else model.folder


def _corpus_at(path: Path) -> Corpus:
    """A corpus that a stage wrote, with its lineage."""
    return replace(read_jsonl(path), lineage=lineage_beside(path))


def sampling(
    n_documents: int,
    prompts_from: Corpus | None,
    train: Corpus | None,
    settings: Mapping[str, Any],
    language: str | None = None,
) -> tuple[SynthesizeConfig, dict[str, Corpus | Path]]:
    """The configuration and the corpora with which so many documents are sampled.

    Raises:
        ConfigError: a setting that is unknown or wrong, or that the arguments fix already.
        InputError: no document is asked for, or those that give prompts have no entities, so that identifiers in
            prompts cannot be replaced.
    """
    if n_documents < 1:
        raise InputError(f"expected at least 1 document to sample, got {n_documents}")
    prompts = settings.get("prompts") or {}
    fixed = [key for key in ("volume_ratio", "samples_per_prompt") if settings.get(key) is not None]
    fixed += ["prompts.source"] * ("source" in prompts)
    if fixed:
        raise ConfigError(
            [f"{key}: the call itself says how many texts and with which prompts" for key in fixed], SOURCE
        )
    placeholders = (Document(str(number), "") for number in range(1, n_documents + 1))
    learned = train or Corpus(tuple(placeholders), origin="synthetic")
    source = "validation" if prompts_from is not None else "file" if prompts.get("file") else "bos"
    data = {**settings, "volume_ratio": n_documents / len(learned), "prompts": {**prompts, "source": source}}
    config = parse(SynthesizeConfig, data, source=SOURCE)
    if prompts_from is not None and config.prompts.pii != "keep" and not prompts_from.n_entities:
        raise InputError(
            "the documents that give the prompts have no entities, so the names in their first words cannot be found; "
            "give an annotated corpus, or prompts.pii=keep where the texts hold no identifying information"
        )
    prompted = Corpus((), origin="synthetic", language=language) if prompts_from is None else prompts_from
    known = language or prompted.language or learned.language
    return resolve_synthesize(config, language=known), {"prompts": prompted, "train": learned}
