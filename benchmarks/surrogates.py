"""What surrogates leave of a corpus: what survives of gold entities, and whether a tagger finds what replaced them.

    python benchmarks/surrogates.py CORPUS [--tagger FOLDER] [--language es] [--json]

Every gold entity gets a surrogate, as a policy with `default: surrogate` makes them for documents alone, with a key
that is the same in every run. Counted are

actions     entities by label and by what became of them: a sex and an age up to 89 are kept, what has no generator is
            masked
survivors   direct identifiers (no sex, age, relative, profession or country) whose own surface stands in their place,
            or in the place of another entity of the document, where dates are apart: one may become what another was
changed     documents in which a character between entities is another one
outside     surfaces of direct identifiers that also stand elsewhere in their document, word by word and in the same
            case, without an annotation: no policy reaches them

With `--tagger`, the strict F1 of a tagger on the original and on the new texts, by label.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import _command

from deidsynth import Corpus, Document, Entity, Tagger, load_corpus, score
from deidsynth.config import Policy
from deidsynth.deidentification.deidentified import Deidentified
from deidsynth.deidentification.found import Found
from deidsynth.deidentification.policies import Replacer
from deidsynth.surrogates.derived import normalized_surface
from deidsynth.surrogates.labels import kind_of

KEY = b"the key of every run of a benchmark"
INDIRECT = frozenset({"sex", "age", "family", "profession", "country", "detail", "title", None})
SHORTEST = 3


@dataclass
class Counts:
    """What became of the entities of a corpus."""

    actions: Counter[tuple[str, str]] = field(default_factory=Counter)
    n_direct: int = 0
    n_own_place: int = 0
    n_other_place: int = 0
    n_other_date: int = 0
    n_outside: int = 0
    n_changed: int = 0

    def add(self, document: Document, made: Deidentified) -> None:
        """Count a document."""
        self.actions.update((each.label, each.action) for each in made.replacements)
        self.n_changed += list(_between(made)) != [text for text, entity in document.pieces() if entity is None]
        places = [normalized_surface(made.text[each.new_start : each.new_end]) for each in made.replacements]
        for number, each in enumerate(made.replacements):
            surface = document.text[each.start : each.end]
            if kind_of(each.label) in INDIRECT:
                continue
            self.n_direct += 1
            normal = normalized_surface(surface)
            self.n_own_place += normal == places[number]
            whole = re.compile(rf"(?<!\w){re.escape(normal)}(?!\w)")
            others = (place for place, other in zip(places, made.replacements, strict=True) if other.action != "mask")
            is_there = len(normal) >= SHORTEST and any(map(whole.search, others))
            is_date = kind_of(each.label) in {"date", "date_part"}
            self.n_other_date += is_there and is_date
            self.n_other_place += is_there and not is_date
            exact = re.compile(rf"(?<!\w){re.escape(surface)}(?!\w)")
            self.n_outside += len(normal) >= SHORTEST and any(map(exact.search, _between(made)))


def _between(made: Deidentified) -> Iterator[str]:
    """The non-empty texts between replacements in the new text."""
    last = 0
    for start, end in [
        *((each.new_start, each.new_end) for each in made.replacements),
        (len(made.text), len(made.text)),
    ]:
        if start > last:
            yield made.text[last:start]
        last = end


def replaced(corpus: Corpus, language: str) -> tuple[Corpus, Counts]:
    """The corpus with surrogates, its entities at their new places, and what was counted."""
    replacer = Replacer(Policy(default="surrogate"), language=language, key=KEY)
    counts, documents = Counts(), list[Document]()
    for document in corpus:
        made = replacer(Found(document, ("model",) * len(document.entities)))
        counts.add(document, made)
        entities = tuple(Entity(each.new_start, each.new_end, each.label) for each in made.replacements)
        documents.append(Document(document.doc_id, made.text, entities, document.group, document.split))
    return corpus.with_documents(documents), counts


def arguments() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, help="with gold entities, in any format that deidsynth reads")
    parser.add_argument("--tagger", type=Path, metavar="FOLDER", help="that has not seen the corpus")
    parser.add_argument("--language", default="es", help="of the corpus (default: es)")
    parser.add_argument("--json", action="store_true", help="print one object instead of tables")
    return parser


def benchmark(options: argparse.Namespace) -> dict[str, Any]:
    """What ``--json`` prints.

    Raises:
        InputError: the corpus or the tagger cannot be read.
    """
    corpus = load_corpus(options.corpus)
    new, counts = replaced(corpus, options.language)
    by_label: dict[str, dict[str, int]] = {}
    for (label, action), number in sorted(counts.actions.items()):
        by_label.setdefault(label, {})[action] = number
    result: dict[str, Any] = {
        "documents": len(corpus),
        "entities": corpus.n_entities,
        "actions": by_label,
        "direct_identifiers": counts.n_direct,
        "survivors": {
            "own_place": counts.n_own_place,
            "place_of_another": counts.n_other_place,
            "dates_in_place_of_another": counts.n_other_date,
        },
        "documents_changed_between_entities": counts.n_changed,
        "outside_of_the_annotation": counts.n_outside,
    }
    if options.tagger is not None:
        tagger = Tagger(options.tagger)
        result["f1"] = {
            name: _f1(gold, tagger.annotate(gold)) for name, gold in (("original", corpus), ("surrogates", new))
        }
    return result


def _f1(gold: Corpus, predicted: Corpus) -> dict[str, float | None]:
    """Strict F1 of all labels together, and of each."""
    scores = score(gold, predicted).to_dict()
    return {"all": scores["strict"]["f1"], **{label: each["f1"] for label, each in scores["per_label"].items()}}


def tables(result: dict[str, Any]) -> str:
    """Markdown."""
    columns = ("surrogate", "keep", "mask")
    f1 = result.get("f1")
    head = ["label", "entities", *columns, *(["F1 on the original", "F1 on surrogates"] if f1 else [])]
    lines = [f"| {' | '.join(head)} |", f"|---|{'---:|' * (len(head) - 1)}"]
    totals = {column: sum(each.get(column, 0) for each in result["actions"].values()) for column in columns}
    for label, actions in [*result["actions"].items(), ("all", totals)]:
        cells = [f"{sum(actions.values()):,}", *(f"{actions.get(column, 0):,}" for column in columns)]
        cells += [_number(f1[name].get(label)) for name in ("original", "surrogates")] if f1 else []
        lines.append(f"| {label} | {' | '.join(cells)} |")
    survivors = result["survivors"]
    return "\n".join(
        [
            *lines,
            "",
            f"{result['documents']:,} documents, {result['direct_identifiers']:,} direct identifiers: "
            f"{survivors['own_place']} stand in their own place, {survivors['place_of_another']} in that of another "
            f"entity (and {survivors['dates_in_place_of_another']} dates); "
            f"{result['documents_changed_between_entities']} documents are changed between entities; "
            f"{result['outside_of_the_annotation']} surfaces are also outside of the annotation.",
        ]
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}".lstrip("0")


def main(given: list[str] | None = None) -> int:
    """Run, print, and return the exit code."""
    return _command.run(arguments, benchmark, tables, given)


if __name__ == "__main__":
    sys.exit(main())
