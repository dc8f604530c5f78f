"""What pretraining pays: bits per character before and after adaptation to a share of a corpus.

    python benchmarks/bits_per_character.py --corpus DATA/meddocan

Every base is adapted to nested shares of the training documents (by group, as ``deidsynth run`` takes them) and
measured on the corpus's test documents, and on held-out general text that ``recipes/starters/prepare.py`` set aside.
Every base is trained on the same text with its own default recipe; passes, tokens and seconds differ and are reported
(a starter's 2.5 passes take about as long as the 5 of ``scratch``). Texts are measured in rows of the training length,
ends of text included in the bits but not in the characters. ``before`` is undefined for ``scratch``, which has no
tokenizer until it has a text.

Every cell (base, share) is a file in the work folder, written when it is finished and not computed again while base,
configuration, seed, precision and texts stay the same; a training that was killed goes on from its checkpoint.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from deidsynth.cli.guard import INTERRUPTED
from deidsynth.cli.settings import stage_config
from deidsynth.cli.terminal import make_progress, print_json, tell
from deidsynth.config import AdaptConfig, ResolvedAdaptConfig, SplitConfig, resolve_adapt
from deidsynth.corpora import LoadedCorpus, content_digest, make_splits, read_corpus, shared_groups, take_fraction
from deidsynth.digests import digest, hex_of, tree_digest
from deidsynth.documents import Corpus
from deidsynth.errors import CorpusError, DeidsynthError, InputError, Problem
from deidsynth.files import write_json
from deidsynth.models.devices import Compute, resolve_device, resolve_precision
from deidsynth.models.language_model.adaptation import (
    TokenSplit,
    adapt_to_tokens,
    split_documents,
    validation_loss,
)
from deidsynth.models.language_model.causal_lm import Adaptable, adaptable_model, context_length
from deidsynth.models.language_model.packing import MICRO_BATCH_TOKENS, SpecialTokenIds, pack, token_ids
from deidsynth.models.requirements import check_base
from deidsynth.models.training.loop import TrainingPoint
from deidsynth.progress import Progress
from deidsynth.stages import STAGES
from deidsynth.stages.work.curves import watch
from deidsynth.starters import SCRATCH, find

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("DEIDSYNTH_DATA", ROOT.parent / "shared" / "data"))
CORPUS = "corpus"

Cell = dict[str, Any]


@dataclass(frozen=True, repr=False)
class Texts:
    """What is adapted to, and what is measured on.

    Args:
        train: documents of which shares are taken.
        measured: texts by name; ``corpus`` is the test documents, every other name a general source.
        shared_groups: groups with documents both in ``train`` and in the test documents.
        digest: of all of it.
    """

    train: Corpus
    measured: Mapping[str, Sequence[str]]
    shared_groups: int
    digest: str


def general_texts(folder: Path, limit: int) -> dict[str, list[str]]:
    """The first characters of every ``SOURCE.jsonl`` in a folder, by source.

    Args:
        folder: files with one object a line, whose ``text`` is read.
        limit: characters of each source; the last text is cut there.

    Raises:
        InputError: no such file.
        CorpusError: a line without a text, or a source without characters.
    """
    found: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*.jsonl")):
        left, texts = limit, list[str]()
        with path.open(encoding="utf-8", newline="\n") as lines:
            for number, line in enumerate(lines, 1):
                if left <= 0:
                    break
                texts.append(_text_of(line, path, number)[:left])
                left -= len(texts[-1])
        if not any(texts):
            raise CorpusError([Problem(str(path), "holds no text; remove the file or fill it")])
        if path.stem == CORPUS:
            raise InputError(f"{path}: the name stands for the corpus's own test documents; rename the file")
        found[path.stem] = texts
    if not found:
        raise InputError(
            f"{folder}: holds no *.jsonl file with general text; run recipes/starters/prepare.py, "
            'or name a folder of files with {"text": ...} lines with --general'
        )
    return found


def _text_of(line: str, path: Path, number: int) -> str:
    try:
        return str(json.loads(line)["text"])
    except (ValueError, KeyError, TypeError):
        raise CorpusError([Problem(str(path), 'expected an object {"text": ...}', number)]) from None


def gather(loaded: LoadedCorpus, general: Mapping[str, Sequence[str]], seed: int) -> Texts:
    """Training and test documents as ``deidsynth run`` parts them, and general texts."""
    parts = make_splits(loaded.corpus, loaded.splits, SplitConfig(seed=seed))
    measured = {CORPUS: [document.text for document in parts["test"]], **general}
    return Texts(
        parts["train"],
        measured,
        shared_groups(parts["train"], parts["test"]),
        digest([content_digest(loaded), {name: list(texts) for name, texts in general.items()}]),
    )


def bits_per_character(
    adaptable: Adaptable, texts: Sequence[str], config: ResolvedAdaptConfig, compute: Compute
) -> float:
    """Bits per character of texts in rows of the training length."""
    length = min(config.sequence_length, context_length(adaptable.model.config))
    rows = pack(
        [token_ids(adaptable.tokenizer, text) for text in texts], SpecialTokenIds.of(adaptable.tokenizer), length
    )
    n_characters = sum(len(text) for text in texts)
    return validation_loss(
        adaptable.model,
        rows,
        n_characters,
        config.micro_batch_tokens or MICRO_BATCH_TOKENS,
        compute.device,
        compute.precision,
    )[1]


def compute_cell(config: ResolvedAdaptConfig, share: float, texts: Texts, compute: Compute, progress: Progress) -> Cell:
    """A base after adaptation to a share of the training documents, measured.

    Args:
        config: names the base.
        share: of the documents; 0 measures the base as it is.
        texts: to adapt to and to measure on.
        compute: seed, device, precision, folder for checkpoints.
        progress: who listens.
    """
    documents = list(take_fraction(texts.train, share, compute.seed)) if share else []
    train, held_out = split_documents(documents, config.validation, compute.seed)
    torch.manual_seed(compute.seed)
    adaptable = adaptable_model(config, [document.text for document in train], compute.device)
    adaptable.model.to(compute.device)
    tokens = TokenSplit(
        [token_ids(adaptable.tokenizer, document.text) for document in train],
        [token_ids(adaptable.tokenizer, document.text) for document in held_out],
        sum(len(document.text) for document in held_out),
    )
    memory: dict[str, Any] = {}
    if share:
        compute.scratch.mkdir(parents=True, exist_ok=True)
        points = _timed(adapt_to_tokens(adaptable, tokens, config, compute, memory), memory)
        watch(points, f"{config.base} {_percent(share)}", progress, memory)
    return {
        "base": config.base,
        "share": share,
        "n_documents": len(documents),
        "n_validation_documents": len(held_out),
        "n_parameters": sum(weight.numel() for weight in adaptable.model.parameters()),
        "n_tokens_seen": memory.get("n_targets", 0),
        "seconds": memory.get("seconds", 0.0),
        "device": compute.device,
        "threads": torch.get_num_threads(),
        "bits_per_character": {
            name: bits_per_character(adaptable, each, config, compute) for name, each in texts.measured.items()
        },
    }


def _timed(points: Iterable[TrainingPoint], memory: dict[str, Any]) -> Iterator[TrainingPoint]:
    """The points; ``memory["seconds"]`` is the time they took, that before an interruption included."""
    last = time.monotonic()
    for point in points:
        now = time.monotonic()
        memory["seconds"], last = memory.get("seconds", 0.0) + now - last, now
        yield point


def undefined_cell(base: str, texts: Texts) -> Cell:
    """The cell of a base that cannot be measured before it has seen text."""
    return {
        "base": base,
        "share": 0.0,
        "n_documents": 0,
        "n_tokens_seen": 0,
        "seconds": 0.0,
        "bits_per_character": dict.fromkeys(texts.measured),
    }


def cell_path(work: Path, config: ResolvedAdaptConfig, share: float, texts: Texts, compute: Compute) -> Path:
    """The file of a cell; its name tells all that the cell depends on."""
    folder = Path(config.base).expanduser()
    starter = None if config.base == SCRATCH else find(config.base, "causal")
    asked = {
        "version": STAGES["adapt"].version,
        "config": config.model_dump(mode="json"),
        "base": starter.digest if starter else tree_digest(folder) if folder.is_dir() else config.base,
        "share": share,
        "seed": compute.seed,
        "precision": compute.precision,
        "texts": texts.digest,
    }
    name = re.sub(r"[^\w.-]+", "-", folder.name)
    return work / f"{name}-{share:g}-{hex_of(digest(asked))[:12]}.json"


def cells(
    configs: Sequence[ResolvedAdaptConfig],
    shares: Sequence[float],
    texts: Texts,
    compute: Compute,
    progress: Progress,
) -> Iterator[Cell]:
    """Every cell, small shares first: from its file, or computed and written.

    Args:
        configs: one for each base.
        shares: of the training documents, 0 for before.
        texts: to adapt to and to measure on.
        compute: seed, device, precision; its folder is that of the files.
        progress: who listens.
    """
    work = compute.scratch
    work.mkdir(mode=0o700, parents=True, exist_ok=True)  # checkpoints have seen the corpus
    for share in shares:
        for config in configs:
            if config.base == SCRATCH and not share:
                yield undefined_cell(config.base, texts)
                continue
            path = cell_path(work, config, share, texts, compute)
            if not path.exists():
                scratch = path.with_name(f"{path.stem}.partial")
                here = Compute(compute.seed, compute.device, compute.precision, scratch)
                write_json(path, compute_cell(config, share, texts, here, progress))
                shutil.rmtree(scratch, ignore_errors=True)
                progress.message(f"{path} written")
            cell: Cell = json.loads(path.read_text(encoding="utf-8"))
            yield {**cell, "base": config.base}


def with_ratios(found: Sequence[Cell]) -> list[Cell]:
    """The cells, each with its bits per character over those of ``scratch`` at the same share, where both exist."""
    scratch = {each["share"]: each["bits_per_character"] for each in found if each["base"] == SCRATCH}

    def ratios(cell: Cell) -> dict[str, float | None]:
        rival = scratch.get(cell["share"], {})
        both = {name: (bits, rival.get(name)) for name, bits in cell["bits_per_character"].items()}
        return {name: None if bits is None or not other else bits / other for name, (bits, other) in both.items()}

    return [{**each, "ratio_to_scratch": ratios(each)} for each in found]


def table(found: Sequence[Cell], title: str, shown: Mapping[tuple[str, float], str]) -> str:
    """Markdown: a row for every base, a column for every share.

    Args:
        found: the cells, for the order of rows and columns.
        title: stands above.
        shown: what stands in a cell, by base and share.
    """
    shares = list(dict.fromkeys(each["share"] for each in found))
    bases = list(dict.fromkeys(each["base"] for each in found))
    lines = [title, "", "| base | " + " | ".join(_percent(share) for share in shares) + " |"]
    lines.append("|---" * (len(shares) + 1) + "|")
    lines += [f"| {base} | " + " | ".join(shown[base, share] for share in shares) + " |" for base in bases]
    return "\n".join(lines)


def tables(found: Sequence[Cell], texts: Texts) -> str:
    """Markdown: bits per character on each text, and what the adaptations cost."""

    def bits(cell: Cell, name: str) -> str:
        value = cell["bits_per_character"][name]
        return "\N{EN DASH}" if value is None else f"{value:.3f}"

    parts = []
    for name, each in texts.measured.items():
        what = "test documents of the corpus" if name == CORPUS else f"general text, {name}"
        title = f"Bits per character, {what} ({len(each):,} texts, {sum(map(len, each)):,} characters)"
        parts.append(table(found, title, {(cell["base"], cell["share"]): bits(cell, name) for cell in found}))
    cost = {
        (cell["base"], cell["share"]): f"{cell['n_documents']} / {cell['n_tokens_seen']:,} / {cell['seconds']:.0f} s"
        for cell in found
    }
    return "\n\n".join([*parts, table(found, "Documents / tokens seen, all passes / time of training", cost)])


def _percent(share: float) -> str:
    return f"{100 * share:g} %" if share else "before"


def parsed_shares(given: str) -> list[float]:
    """Shares in growing order, ``before`` (0) first.

    Raises:
        InputError: a value that is no share.
    """
    try:
        shares = {0.0, *(float(each) for each in given.split(","))}
    except ValueError:
        raise InputError(f"--shares {given}: expected numbers with commas, such as 0.05,0.25,1") from None
    if not all(math.isfinite(share) and 0.0 <= share <= 1.0 for share in shares):
        raise InputError(f"--shares {given}: expected shares from 0 (before) to 1")
    return sorted(shares)


def arguments() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=DATA / "meddocan", help="annotated or not")
    parser.add_argument("--group-by", default=r"^(.+)-\d+$", metavar="REGEX", help="group of a document, from its id")
    parser.add_argument("--language", default="es")
    parser.add_argument("--general", type=Path, default=ROOT / "build" / "starters" / "heldout", metavar="FOLDER")
    parser.add_argument("--general-characters", type=int, default=200_000, metavar="N", help="of each general source")
    parser.add_argument("--bases", default="starter,starter-xs,scratch", help="with commas")
    parser.add_argument("--shares", default="0.05,0.25,0.5,1", help="of the training documents, with commas")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="key of adapt, such as epochs=3"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the choice of documents and of the training")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "bits_per_character", metavar="FOLDER")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--threads", type=int, default=None, metavar="N", help="of the processor; by default torch's")
    parser.add_argument("--json", action="store_true", help="print one object instead of tables")
    parser.add_argument("--quiet", action="store_true", help="no progress on standard error")
    return parser


def benchmark(options: argparse.Namespace) -> tuple[Cell, Texts]:
    """What ``--json`` prints, and the texts that were measured.

    Raises:
        InputError: an option, the corpus, a base or the general text is at fault; nothing was computed then.
    """
    for name in ("threads", "general_characters"):
        if getattr(options, name) is not None and getattr(options, name) < 1:
            raise InputError(f"--{name.replace('_', '-')} {getattr(options, name)}: expected at least 1")
    shares, bases = parsed_shares(options.shares), list(dict.fromkeys(options.bases.split(",")))
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    device = resolve_device(options.device)
    compute = Compute(options.seed, device, resolve_precision("auto", device), options.work)
    configs = [resolve_adapt(stage_config(AdaptConfig, options.set, base=base)) for base in bases]
    loaded = read_corpus(options.corpus, language=options.language, group_by=options.group_by, require_entities=False)
    texts = gather(loaded, general_texts(options.general, options.general_characters), options.seed)
    for config in configs:
        check_base(config, device)
    found = list(cells(configs, shares, texts, compute, make_progress(options.quiet)))
    measured = {
        name: {"n_texts": len(each), "n_characters": sum(map(len, each))} for name, each in texts.measured.items()
    }
    return {
        "seed": options.seed,
        "precision": compute.precision,
        "torch": torch.__version__,
        "settings": options.set,
        "n_train_documents": len(texts.train),
        "n_shared_groups": texts.shared_groups,
        "general_characters_at_most": options.general_characters,
        "measured": measured,
        "cells": with_ratios(found),
    }, texts


def main(given: Sequence[str] | None = None) -> int:
    """Run the benchmark.

    Returns:
        The exit code.
    """
    options = arguments().parse_args(given)
    try:
        result, texts = benchmark(options)
    except DeidsynthError as error:
        tell(f"error: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        tell("interrupted: what was finished is kept; give the same command again to go on from there")
        return INTERRUPTED
    if options.json:
        print_json(result)
        return 0
    settings = " ".join(options.set) or "defaults"
    print(tables(result["cells"], texts), end="\n\n")
    print(
        f"{len(texts.train)} training documents; {texts.shared_groups} of their groups are in the test documents too. "
        f"Of each general source the first {options.general_characters:,} characters at most. "
        f"Settings of adapt: {settings}; seed {options.seed}, {result['precision']}, torch {result['torch']}."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
