"""Peak memory of commands, each in a process of its own, and how it grows with what they read.

    python benchmarks/memory.py [--megabytes 2 6] [--model MODEL] [--texts-megabytes 0.3 0.9] [--run CORPUS]

Corpora of invented words are written as JSON lines: documents of some 3,000 characters, an entity in every 150.
Several sizes of each show what memory grows by for each megabyte of text. `deidentify` reads many documents, and one
document as long as all of them; without ``--model``, a tiny tagger is trained first. ``--run`` is a corpus for
`deidsynth run`, whose settings ``--set`` gives.

The peak is what the system tells of a process when it ends (`getrusage`), not of those that it started.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from deidsynth.cli.guard import INTERRUPTED
from deidsynth.cli.terminal import print_json, tell
from deidsynth.errors import DeidsynthError, InputError

MEGABYTE = 1_000_000
DOCUMENT_WORDS = 450
ENTITY_WORDS = 22
"""One word in so many is an entity."""
TINY = (
    "encoder=scratch",
    "epochs=1",
    "task_adaptive_pretraining.epochs=0",
    "scratch.hidden_size=32",
    "scratch.layers=1",
)
BYTES_OF_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Peak:
    """What one command took.

    Args:
        command: its name.
        megabytes: of text that it read; 0 where that is not the point.
        peak_megabytes: of memory.
        seconds: from start to end.
    """

    command: str
    megabytes: float
    peak_megabytes: float
    seconds: float


def words(chance: random.Random, n_known: int = 20_000) -> Iterator[str]:
    """Invented words, some of which are frequent."""
    syllables = [
        first + vowel + last for first in "bdfgklmnprst" for vowel in "aeiouåé" for last in ("", "n", "r", "s")
    ]
    known = ["".join(chance.choices(syllables, k=chance.randint(1, 4))) for _ in range(n_known)]
    weights = [1 / (number + 10) for number in range(n_known)]
    while True:
        yield from chance.choices(known, weights, k=10_000)


def write_corpus(path: Path, megabytes: float, seed: int) -> None:
    """Write JSON lines with so much text."""
    chance, left, number = random.Random(seed), megabytes * MEGABYTE, 0
    source = words(chance)
    with path.open("w", encoding="utf-8") as file:
        while left > 0:
            pieces, entities, length, number = list[str](), list[dict[str, object]](), 0, number + 1
            for place in range(DOCUMENT_WORDS):
                word = next(source)
                if place % ENTITY_WORDS == 0:
                    word = word.title()
                    entities.append({"start": length, "end": length + len(word), "label": "NAME"})
                pieces.append(word + ("\n" if place % 15 == 14 else " "))
                length += len(pieces[-1])
            text = "".join(pieces)
            file.write(json.dumps({"doc_id": f"d{number}", "text": text, "entities": entities}) + "\n")
            left -= len(text.encode())


def write_note(corpus: Path, note: Path) -> None:
    """Write the texts of a corpus as one."""
    with corpus.open(encoding="utf-8") as lines, note.open("w", encoding="utf-8") as file:
        file.writelines(json.loads(line)["text"] for line in lines)


def measured(name: str, megabytes: float, arguments: Sequence[str], answers: Sequence[int] = (0,)) -> Peak:
    """What a command takes.

    Args:
        name: of the command in the result.
        megabytes: that it reads.
        arguments: of ``deidsynth``.
        answers: exit codes that are none of a failure.

    Raises:
        InputError: the command fails.
    """
    began = time.monotonic()
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "deidsynth", *arguments], stdout=subprocess.DEVNULL, stderr=errors
        )
        _, status, usage = os.wait4(process.pid, 0)
        code = process.returncode = os.waitstatus_to_exitcode(status)
        if code not in answers:
            errors.seek(0)
            raise InputError(f"deidsynth {arguments[0]} ended with {code}: {errors.read().decode()[-300:]}")
    found = Peak(name, megabytes, usage.ru_maxrss * BYTES_OF_RSS_UNIT / MEGABYTE, time.monotonic() - began)
    tell(f"{name}: {found.peak_megabytes:,.0f} MB of memory for {megabytes:g} MB of text, {found.seconds:.0f} s")
    return found


def of_corpora(options: argparse.Namespace, folder: Path) -> Iterator[Peak]:
    """``corpus check``, ``describe`` and ``convert``."""
    for megabytes in options.megabytes:
        corpus = folder / f"corpus-{megabytes:g}.jsonl"
        write_corpus(corpus, megabytes, options.seed)
        yield measured("corpus check", megabytes, ["corpus", "check", str(corpus), "--quiet"], (0, 1))
        yield measured("corpus describe", megabytes, ["corpus", "describe", str(corpus), "--quiet"])
        brat, back = folder / f"brat-{megabytes:g}", folder / f"back-{megabytes:g}.jsonl"
        to = ["corpus", "convert", "--quiet"]
        yield measured("corpus convert to brat", megabytes, [*to, str(corpus), str(brat), "--to", "brat"])
        yield measured("corpus convert from brat", megabytes, [*to, str(brat), str(back), "--to", "jsonl"])


def of_deidentify(options: argparse.Namespace, folder: Path) -> Iterator[Peak]:
    """``deidentify`` of many documents, and of one."""
    model = options.model
    if model is None and options.texts_megabytes:
        write_corpus(folder / "train.jsonl", 0.05, options.seed)
        settings = [part for each in TINY for part in ("--set", each)]
        measured("train", 0.05, ["train", str(folder / "train.jsonl"), "-o", str(folder / "ner"), "-q", *settings])
        model = folder / "ner" / "model"
    for megabytes in options.texts_megabytes:
        corpus, note = folder / f"texts-{megabytes:g}.jsonl", folder / f"note-{megabytes:g}.txt"
        write_corpus(corpus, megabytes, options.seed)
        write_note(corpus, note)
        for name, source in (("deidentify, many documents", corpus), ("deidentify, one document", note)):
            output = str(folder / f"clean-{source.name}")
            yield measured(name, megabytes, ["deidentify", str(model), str(source), "-o", output, "-q"])


def of_run(options: argparse.Namespace, folder: Path) -> Iterator[Peak]:
    """``run``, of all stages in one process."""
    if options.run is not None:
        settings = [part for each in options.set for part in ("--set", each)]
        given = ["--corpus", str(options.run), "--language", options.language, "--output", str(folder / "run")]
        yield measured("run", 0.0, ["run", *given, "--quiet", *settings])


def growth(peaks: Sequence[Peak]) -> dict[str, float]:
    """Memory for each megabyte of text beyond the smallest size, by command."""
    found = {}
    for name in dict.fromkeys(peak.command for peak in peaks):
        same = sorted((peak.megabytes, peak.peak_megabytes) for peak in peaks if peak.command == name)
        (small, least), (large, most) = same[0], same[-1]
        if large > small:
            found[name] = (most - least) / (large - small)
    return found


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, nargs="*", default=[2.0, 6.0], help="of corpora")
    parser.add_argument("--texts-megabytes", type=float, nargs="*", default=[0.3, 0.9], help="to de-identify")
    parser.add_argument("--model", type=Path, help="folder of a tagger; by default a tiny one is trained")
    parser.add_argument("--run", type=Path, metavar="CORPUS", help="also measure a run on this corpus")
    parser.add_argument("--language", default="es", help="of that corpus")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="setting of the run")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print what was found."""
    options = parse(arguments)
    try:
        with tempfile.TemporaryDirectory() as folder:
            steps = (of_corpora, of_deidentify, of_run)
            peaks = [peak for step in steps for peak in step(options, Path(folder))]
    except KeyboardInterrupt:
        return INTERRUPTED
    except DeidsynthError as error:
        tell(str(error))
        return error.exit_code
    grown = growth(peaks)
    if options.json:
        print_json({"peaks": [asdict(peak) for peak in peaks], "megabytes_for_each_megabyte": grown})
        return 0
    print("| command | MB of text | peak MB | s |\n|---|---|---|---|")
    for peak in peaks:
        print(f"| {peak.command} | {peak.megabytes:g} | {peak.peak_megabytes:,.0f} | {peak.seconds:.0f} |")
    for name, each in grown.items():
        print(f"{name}: {each:.1f} MB for each further MB of text")
    return 0


if __name__ == "__main__":
    sys.exit(main())
