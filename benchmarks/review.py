"""What a review gains: the least certain documents corrected against as many random ones, with a simulated reviewer.

    OMP_NUM_THREADS=1 python benchmarks/review.py path/to/meddocan --output runs/review
    OMP_NUM_THREADS=1 python benchmarks/review.py path/to/meddocan --output runs/review --json  # the same, read again

Inside the training split, by group: one fold is held out, an annotator is trained on ``--few`` documents of the others
and annotates the rest. The gold entities of some documents then take the place of silver ones, which is what a reviewer
without a fault would leave, and a tagger is trained on all documents and scored on the held-out fold. Neither the
validation nor the test split of the corpus is read.

none      no document is corrected
least     half of them for their least certain entities, half for their least certain words outside, as `review export`
random    as many at random
all       every document is corrected

Everything finished is kept in ``--output``, and the same command goes on where it was: each tagger is trained and
scored once. Texts and models there go back to the corpus, so the folder is private.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import _command

from deidsynth.api import Tagger, train
from deidsynth.cli.terminal import tell
from deidsynth.config import FoldConfig, SplitConfig, apply_settings
from deidsynth.corpora import LoadedCorpus, content_digest, load_corpus, make_fold, read_jsonl, write_jsonl
from deidsynth.documents import Corpus, Entity
from deidsynth.errors import InputError
from deidsynth.files import make_private_folder, write_json
from deidsynth.groups import shuffled
from deidsynth.metrics import score
from deidsynth.review import Candidate, Sizes, choose
from deidsynth.review.predicting import predict_candidates

SETTINGS = {"encoder": "starter", "epochs": 2, "task_adaptive_pretraining": {"epochs": 0}}
"""Of every tagger: few steps, since ten are trained in every fold."""

FOLDS = 5
MEASURES = ("strict", "token")


def sides(corpus: Corpus, number: int, few: int, seed: int) -> tuple[Corpus, Corpus, Corpus]:
    """Documents for the annotator, others to review, and the held-out fold, by group.

    Raises:
        InputError: too few documents are left to review.
    """
    fold = make_fold(corpus, {}, SplitConfig(seed=seed), FoldConfig(number=number, folds=FOLDS))
    rest = [*fold["train"], *fold["validation"]]
    first, taken = set[str](), 0
    for group in shuffled({document.unit for document in rest}, seed, f"few-{number}"):
        if taken >= few:
            break
        first.add(group)
        taken += sum(document.unit == group for document in rest)
    known = corpus.with_documents(document for document in rest if document.unit in first)
    others = corpus.with_documents(document for document in rest if document.unit not in first)
    if not others:
        raise InputError(f"--few {few}: no document is left to review; give a larger corpus, or fewer")
    return known, others, fold["test"]


def annotated(folder: Path, known: Corpus, others: Corpus, settings: Mapping[str, Any]) -> list[Candidate]:
    """The documents to review as the annotator sees them; made once."""
    silver, outside = folder / "silver.jsonl", folder / "outside.json"
    if not outside.exists():
        model = folder / "annotator"
        if not model.exists():
            train(known, output=model, progress=False, **settings)
        made = predict_candidates(model, others, device="cpu").documents
        write_jsonl(others.with_documents(each.document for each in made), silver)
        words = {each.document.doc_id: each.outside for each in made}
        places = {doc_id: [word.start, word.end, word.score] for doc_id, word in words.items() if word is not None}
        write_json(outside, places, private=True)
    read = json.loads(outside.read_text(encoding="utf-8"))
    return [
        Candidate(each, Entity(*read[each.doc_id][:2], "O", read[each.doc_id][2]) if each.doc_id in read else None)
        for each in read_jsonl(silver)
    ]


def arms(candidates: Sequence[Candidate], sizes: Sequence[int], seed: int) -> Iterator[tuple[str, int, set[str]]]:
    """Way, number and ids of the documents that are corrected."""
    every = {each.document.doc_id for each in candidates}
    yield "none", 0, set()
    for size in sizes:
        unsure = choose(candidates, Sizes(entities=size - size // 2, outside=size // 2, blind=0), seed)
        at_random = choose(candidates, Sizes(entities=0, outside=0, blind=size), seed)
        for way, queues in (("least", unsure), ("random", at_random)):
            yield way, size, {each.document.doc_id for queue in queues.values() for each in queue}
    yield "all", len(every), every


def arm(
    folder: Path,
    candidates: Sequence[Candidate],
    corrected: set[str],
    fold: tuple[Corpus, Corpus, Corpus],
    **settings: Any,
) -> dict[str, Any]:
    """The scores of a tagger that is trained after some documents were corrected; made once."""
    place = folder.with_suffix(".json")
    if place.exists():
        found: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
        return found
    known, others, held_out = fold
    right = {document.doc_id: document for document in others}
    mixed = [right[each.document.doc_id] if each.document.doc_id in corrected else each.document for each in candidates]
    began = time.process_time()
    shutil.rmtree(folder, ignore_errors=True)
    tagger: Tagger = train(others.with_documents([*known, *mixed]), output=folder, progress=False, **settings)
    scores = score(held_out, tagger.annotate(held_out, progress=False).documents)
    changed = sum(
        len(
            {entity.key for entity in each.document.entities}
            ^ {entity.key for entity in right[each.document.doc_id].entities}
        )
        for each in candidates
        if each.document.doc_id in corrected
    )
    found = {
        "n_corrected": len(corrected),
        "n_characters_read": sum(len(right[doc_id].text) for doc_id in corrected),
        "n_entities_changed": changed,
        **{f"{name}_f1": scores.measures[name].f1 for name in MEASURES},
        **{f"{name}_recall": scores.measures[name].recall for name in MEASURES},
        "processor_seconds": round(time.process_time() - began, 1),
    }
    write_json(place, found)
    shutil.rmtree(folder)
    return found


def benchmark(options: argparse.Namespace) -> dict[str, Any]:
    """What ``--json`` prints.

    Raises:
        InputError: an option is out of bounds, or the folder holds results of other options.
    """
    if min(options.few, options.folds, *options.sizes) < 1 or options.folds > FOLDS:
        raise InputError(f"expected numbers of at least 1, and at most {FOLDS} --folds")
    settings = apply_settings(SETTINGS, options.set)
    annotator = {**settings, "epochs": options.annotator_epochs}
    corpus = load_corpus(options.corpus, group_by=options.group_by, language=options.language)
    corpus = corpus.split("train") if "train" in corpus.split_counts() else corpus
    corpus = corpus.map(lambda document: replace(document, split=None))  # folds are splits enough
    asked = {
        "corpus": content_digest(LoadedCorpus(corpus, format="given")),
        "group_by": options.group_by,
        "language": options.language,
        "few": options.few,
        "sizes": options.sizes,
        "seed": options.seed,
        "settings": settings,
        "annotator_epochs": options.annotator_epochs,
    }
    make_private_folder(options.output)
    record = options.output / "options.json"
    if record.exists() and json.loads(record.read_text(encoding="utf-8")) != asked:
        raise InputError(f"{options.output}: holds results of other options; choose another --output")
    write_json(record, asked)
    rows = []
    for number in range(1, options.folds + 1):
        fold = sides(corpus, number, options.few, options.seed)
        folder = options.output / f"fold-{number}"
        make_private_folder(folder)
        candidates = annotated(folder, fold[0], fold[1], annotator)
        tell(f"fold {number}: {len(fold[0])} known, {len(fold[1])} to review, {len(fold[2])} held out")
        for way, size, corrected in arms(candidates, options.sizes, options.seed):
            found = arm(folder / f"{way}-{size}", candidates, corrected, fold, seed=options.seed, **settings)
            tell(f"fold {number} {way} {size}: " + ", ".join(f"{name} {found[f'{name}_f1']:.4f}" for name in MEASURES))
            rows.append({"fold": number, "way": way, "size": 0 if way == "all" else size, **found})
    return {**asked, "folds": options.folds, "rows": rows, "means": means(rows)}


def means(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The means over folds by way and size, with the gain over no correction."""
    keys = list(dict.fromkeys((row["way"], row["size"]) for row in rows))
    figures = [*(f"{name}_f1" for name in MEASURES), "n_corrected", "n_characters_read", "n_entities_changed"]
    found = {
        key: {figure: fmean(row[figure] for row in rows if (row["way"], row["size"]) == key) for figure in figures}
        for key in keys
    }
    base = found["none", 0]
    return [
        {
            "way": way,
            "size": size,
            **each,
            **{f"{name}_gain": each[f"{name}_f1"] - base[f"{name}_f1"] for name in MEASURES},
        }
        for (way, size), each in found.items()
    ]


def table(result: dict[str, Any]) -> str:
    """Markdown: a row for each way and size."""
    lines = [
        "| corrected | documents | characters read | entities changed | strict F1 | gain | token F1 | gain |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in result["means"]:
        cost = (row[name] for name in ("n_corrected", "n_characters_read", "n_entities_changed"))
        cells = [row["way"], *(f"{each:,.0f}" for each in cost)]
        for name in MEASURES:
            cells += [f"{row[f'{name}_f1']:.3f}", f"{row[f'{name}_gain']:+.3f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(
        [*lines, "", f"{result['few']} documents known, means of {result['folds']} folds, seed {result['seed']}."]
    )


def arguments() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, help="annotated corpus, of which the training split is used")
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="keeps what is finished")
    parser.add_argument("--few", type=int, default=24, metavar="N", help="documents that the annotator learns from")
    parser.add_argument("--sizes", type=int, nargs="+", default=[50, 100, 200], metavar="N", help="documents corrected")
    parser.add_argument("--folds", type=int, default=2, metavar="N", help=f"of {FOLDS}")
    parser.add_argument("--annotator-epochs", type=float, default=20, metavar="N", help="it has few documents")
    parser.add_argument("--group-by", default=r"^(.+)-\d+$", metavar="REGEX", help="group in the name of a document")
    parser.add_argument("--language", default="es")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="setting of every training")
    parser.add_argument("--json", action="store_true", help="print one object instead of a table")
    return parser


def main(given: Sequence[str] | None = None) -> int:
    """Run the benchmark.

    Returns:
        The exit code.
    """
    return _command.run(arguments, benchmark, table, given)


if __name__ == "__main__":
    sys.exit(main())
