"""How coherent synthetic notes are: side by side for the eye, and by a language model that was not adapted.

    python benchmarks/coherence.py --judge bases/smollm2-es-sv --real DATA/meddocan/dev --language es \\
      --corpus starter=runs/starter.jsonl --corpus smollm2=runs/smollm2.jsonl --notes runs/notes.html

``--notes`` gets ten random notes of every synthetic corpus in columns, for the eyes of its owner only: they may go back
to real ones, so nothing of them is printed. The table has bits per character under the judge for every corpus and for
held-out real text: for the beginning of the documents (their headers), and for what follows,
given the beginning. Each document counts up to the same number of characters; intervals resample documents by group.

Fewer bits are not always more coherent: a text that repeats itself is easy to predict. So the table has the share of
runs of four words that stood in the same document before. The judge should know the language, and must not have been
adapted to the corpus: what it was adapted to would look coherent to it.
"""

from __future__ import annotations

import argparse
import html
import math
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import _command
import torch
from transformers import AutoModelForCausalLM

from deidsynth.cli.terminal import make_progress
from deidsynth.corpora import load_corpus
from deidsynth.documents import Corpus
from deidsynth.errors import InputError
from deidsynth.files import write_atomically
from deidsynth.metrics.resampling import divide, generator, interval_of, plain_interval, resample, sum_groups
from deidsynth.models.devices import autocast, resolve_device, resolve_precision
from deidsynth.models.language_model.causal_lm import context_length
from deidsynth.models.language_model.packing import SpecialTokenIds
from deidsynth.models.loading import load_model, load_tokenizer
from deidsynth.models.settings_file import FILE
from deidsynth.privacy import LOOP_TOKENS, repeated_ngrams
from deidsynth.progress import Progress

REAL = "real"
N_NOTES = 10
N_RESAMPLES = 10_000
LEVEL = 0.95
FIGURES = ("beginning", "rest", "repeated")
_PAGE = """<!doctype html>
<meta charset="utf-8"><title>Notes side by side</title>
<style>td{{vertical-align:top;width:{width}%;border:1px solid #999;padding:.5em}}
pre{{white-space:pre-wrap;font:inherit;margin:0}}</style>
<table><tr>{heads}</tr>
{rows}
</table>
"""


class Judge:
    """A language model that reads documents.

    Args:
        folder: of the model.
        device: such as ``cpu``.

    Raises:
        InputError: the model was adapted to a corpus.
    """

    def __init__(self, folder: Path, device: str) -> None:
        if (folder / FILE).exists() or (folder / "model" / FILE).exists():
            raise InputError(f"--judge {folder}: was adapted to a corpus by deidsynth; give a base that was not")
        self._tokenizer = load_tokenizer(str(folder))
        self._model = load_model(AutoModelForCausalLM, str(folder)).to(device).eval()
        self._bos = SpecialTokenIds.of(self._tokenizer).bos
        self._device, self._precision = device, resolve_precision("auto", device)

    def bits(self, text: str, beginning: int) -> tuple[float, int, float, int]:
        """Bits and characters of the beginning of a text, and of the rest, as far as the model's context reaches."""
        encoded = self._tokenizer(
            text, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True, verbose=False
        )
        room = context_length(self._model.config) - 1
        ids, offsets = encoded["input_ids"][:room], encoded["offset_mapping"][:room]
        if not ids:
            return 0.0, 0, 0.0, 0
        row = torch.tensor([[self._bos, *ids]], device=self._device)
        with torch.inference_mode(), autocast(self._device, self._precision):
            logits = self._model(row[:, :-1]).logits[0].float()
        bits = torch.nn.functional.cross_entropy(logits, row[0, 1:], reduction="none").cpu() / math.log(2)
        starts, end = torch.tensor([start for start, _ in offsets]), offsets[-1][1]
        first = min(beginning, end)
        return float(bits[starts < first].sum()), first, float(bits[starts >= first].sum()), end - first


def measured(
    corpus: Corpus, judge: Judge, options: argparse.Namespace, name: str, progress: Progress
) -> dict[str, Any]:
    """Bits per character of a sample of documents, with intervals."""
    taken = corpus.sample(min(options.documents, len(corpus)), seed=options.seed)
    rows, task = list[tuple[float, ...]](), progress.task(name, len(taken))
    with task:
        for document in taken:
            text = document.text[: options.characters]
            rows.append(
                (
                    *judge.bits(text, options.beginning),
                    *map(float, repeated_ngrams(re.findall(r"\w+", text.lower()), LOOP_TOKENS)),
                )
            )
            task.advance()
    sums = sum_groups(torch.tensor(rows, dtype=torch.float64).numpy(), [document.unit for document in taken])
    drawn, whole = resample(sums, N_RESAMPLES, generator(options.seed)), sums.sum(axis=0)
    found: dict[str, Any] = {"corpus": name, "n_documents": len(taken), "n_characters": int(whole[1] + whole[3])}
    for place, figure in enumerate(FIGURES):
        part, of = 2 * place, 2 * place + 1
        value = float(divide(whole[part], whole[of]))
        interval = interval_of(divide(drawn[:, part], drawn[:, of]), value, len(sums), LEVEL)
        found[figure] = None if math.isnan(value) else value
        found[f"{figure}_interval"] = plain_interval(interval)
    return found


def side_by_side(corpora: dict[str, Corpus], n_notes: int, seed: int) -> str:
    """A page with random notes of each corpus in columns."""
    taken = [corpus.sample(min(n_notes, len(corpus)), seed=seed) for corpus in corpora.values()]
    rows = []
    for number in range(max(map(len, taken))):
        texts = [corpus[number].text if number < len(corpus) else "" for corpus in taken]
        rows.append("<tr>" + "".join(f"<td><pre>{html.escape(text)}</pre></td>" for text in texts) + "</tr>")
    heads = "".join(f"<th>{html.escape(name)}</th>" for name in corpora)
    return _PAGE.format(width=100 // len(corpora), heads=heads, rows="\n".join(rows))


def named_corpora(given: Sequence[str], language: str) -> dict[str, Corpus]:
    """The synthetic corpora by name.

    Raises:
        InputError: fewer than two, or one without a name of its own.
    """
    found: dict[str, Corpus] = {}
    for each in given:
        name, equals, path = each.partition("=")
        if not (name and equals and path) or name == REAL or name in found:
            raise InputError(f"--corpus {each}: expected NAME=PATH, each name once and none of them {REAL}")
        found[name] = _loaded(path, language, f"--corpus {name}")
    if len(found) < 2:
        raise InputError("--corpus: expected two or more, to stand side by side")
    return found


def _loaded(path: str | Path, language: str, option: str, group_by: str | None = None) -> Corpus:
    corpus = load_corpus(path, language=language, group_by=group_by, require_entities=False)
    if not any(document.text.strip() for document in corpus):
        raise InputError(f"{option}: holds no text")
    return corpus


def benchmark(options: argparse.Namespace) -> dict[str, Any]:
    """What ``--json`` prints; the notes are written.

    Raises:
        InputError: an option, a corpus or the judge is at fault.
    """
    for name, least in {"characters": 1, "beginning": 0, "documents": 1}.items():
        if getattr(options, name) < least:
            raise InputError(f"--{name} {getattr(options, name)}: expected at least {least}")
    corpora = named_corpora(options.corpus, options.language)
    real = _loaded(options.real, options.language, "--real", options.group_by)
    judge, progress = Judge(options.judge, resolve_device(options.device)), make_progress(options.quiet)
    write_atomically(options.notes, side_by_side(corpora, N_NOTES, options.seed), private=True)
    return {
        "judge": str(options.judge),
        "seed": options.seed,
        "characters_at_most": options.characters,
        "beginning_characters": options.beginning,
        "corpora": [measured(each, judge, options, name, progress) for name, each in ({REAL: real} | corpora).items()],
    }


def table(result: dict[str, Any]) -> str:
    """Markdown."""
    beginning = result["beginning_characters"]
    lines = [
        f"Bits per character under {result['judge']}, first {result['characters_at_most']:,} characters of a document, "
        f"95 % intervals over documents by group, seed {result['seed']}",
        "",
        f"| corpus | documents | first {beginning} characters | the rest | repeated 4-grams |",
        "|---|---|---|---|---|",
    ]
    for each in result["corpora"]:
        cells = [each["corpus"], f"{each['n_documents']:,}"]
        lines.append("| " + " | ".join([*cells, *(_cell(each, figure) for figure in FIGURES)]) + " |")
    return "\n".join(lines)


def _cell(found: dict[str, Any], figure: str) -> str:
    if found[figure] is None:
        return "\N{EN DASH}"
    interval = found[f"{figure}_interval"]
    return f"{found[figure]:.3f}" + (f" [{interval[0]:.3f}, {interval[1]:.3f}]" if interval else "")


def arguments() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judge", type=Path, required=True, metavar="FOLDER", help="a language model, not adapted")
    parser.add_argument("--corpus", action="append", default=[], metavar="NAME=PATH", help="synthetic; twice or more")
    parser.add_argument("--real", type=Path, required=True, metavar="PATH", help="held-out real text")
    parser.add_argument("--notes", type=Path, required=True, metavar="FILE", help="page with notes side by side (HTML)")
    parser.add_argument("--language", default="es")
    parser.add_argument(
        "--group-by", default=r"^(.+)-\d+$", metavar="REGEX", help="group of a real document, from its id"
    )
    parser.add_argument("--documents", type=int, default=100, metavar="N", help="of each corpus, at most")
    parser.add_argument("--characters", type=int, default=2000, metavar="N", help="of a document, at most")
    parser.add_argument(
        "--beginning", type=int, default=400, metavar="N", help="characters that count as the beginning"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the choice of documents and of the intervals")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--json", action="store_true", help="print one object instead of a table")
    parser.add_argument("--quiet", action="store_true", help="no progress on standard error")
    return parser


def main(given: Sequence[str] | None = None) -> int:
    """Run the benchmark, and return the exit code."""
    return _command.run(arguments, benchmark, table, given)


if __name__ == "__main__":
    sys.exit(main())
