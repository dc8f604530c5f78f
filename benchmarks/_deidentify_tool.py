"""What one tool finds, how fast, and what it cannot process: a process of its own for `deidentify.py`.

python _deidentify_tool.py TOOL MODEL LANGUAGE TEXTS.json

TEXTS.json has ``notes``, which are timed, and ``others``, which are not: lists of texts. Printed is JSON: seconds to
load and for the notes, of processor time, and for every text the spans, or null where there was an exception.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

Spans = list[tuple[int, int, str]]
Find = Callable[[Sequence[str]], list[Spans]]

STRIDE = 64
"""Tokens that two windows of a pipeline share: an eighth of 512, as ours do."""
BATCH = 8


def of_documents(documents: Sequence[Any]) -> list[Spans]:
    """The spans of documents of ours."""
    return [[entity.key for entity in document.entities] for document in documents]


def tagger(model: str, _language: str) -> Find:
    """Our tagger alone."""
    import deidsynth as ds

    made = ds.Tagger(model, device="cpu")
    made.labels  # noqa: B018 - loads the weights
    return lambda texts: of_documents(made(list(texts)))


def deidentifier(model: str, language: str) -> Find:
    """Our whole way from text to text: what is found around the model, masked, and the check of what is left."""
    import deidsynth as ds

    made = ds.Deidentifier.load(model, policy={"language": language}, device="cpu")
    return lambda texts: of_documents(list(made.stream(texts)))


def analyzed(analyzer: Any, language: str) -> Find:
    """What an analyzer of Presidio finds, with overlapping results as they are."""

    def find(texts: Sequence[str]) -> list[Spans]:
        found = (analyzer.analyze(text, language=language) for text in texts)
        return [[(each.start, each.end, each.entity_type) for each in some] for some in found]

    return find


def presidio(model: str, language: str) -> Find:
    """Presidio with our recognizer; what Presidio has recognizers for is left to them."""
    from deidsynth.integrations.presidio import DeidsynthRecognizer, blank_analyzer

    alone = DeidsynthRecognizer(model, supported_language=language, patterns=False, second_pass=False, device="cpu")
    return analyzed(blank_analyzer(alone), language)


def presidio_transformers(model: str, language: str) -> Find:
    """Presidio with its own recognizer for transformers, on the same weights and with its own settings."""
    from presidio_analyzer.predefined_recognizers import HuggingFaceNerRecognizer

    import deidsynth as ds
    from deidsynth.integrations.presidio import blank_analyzer

    labels = {label: label for label in ds.Tagger(model).labels}
    theirs = HuggingFaceNerRecognizer(model_name=model, label_mapping=labels, supported_language=language, device="cpu")
    return analyzed(blank_analyzer(theirs), language)


def spacy(model: str, language: str) -> Find:
    """SpaCy with our component."""
    import deidsynth.integrations.spacy  # noqa: F401 - where spaCy does not find it by itself
    from deidsynth.corpora.formats.spacy_docs import blank

    nlp = blank(language)
    config = {"model": model, "patterns": False, "second_pass": False, "device": "cpu"}
    nlp.add_pipe("deidsynth", config=config).finder  # noqa: B018 - loads the weights

    def find(texts: Sequence[str]) -> list[Spans]:
        return [[(each["start"], each["end"], each["label"]) for each in doc._.deidsynth] for doc in nlp.pipe(texts)]

    return find


def pipeline(model: str, _language: str) -> Find:
    """The pipeline of transformers, with a stride."""
    from transformers import pipeline as make

    call = make("token-classification", model=model, aggregation_strategy="simple", stride=STRIDE, device="cpu")

    def find(texts: Sequence[str]) -> list[Spans]:
        found = call(list(texts), batch_size=BATCH)
        return [[(each["start"], each["end"], each["entity_group"]) for each in some] for some in found]

    return find


TOOLS: Mapping[str, Callable[[str, str], Find]] = {
    "tagger": tagger,
    "deidentifier": deidentifier,
    "presidio": presidio,
    "presidio-transformers": presidio_transformers,
    "spacy": spacy,
    "pipeline": pipeline,
}


def one_by_one(find: Find, texts: Sequence[str]) -> Iterator[Spans | None]:
    """What is found in each text; None where there is an exception."""
    for text in texts:
        try:
            yield find([text])[0]
        except Exception:
            yield None


def main() -> None:
    """Print what a tool finds."""
    name, model, language, path = sys.argv[1:]
    logging.disable(logging.WARNING)
    texts = json.loads(Path(path).read_text(encoding="utf-8"))
    with redirect_stdout(sys.stderr):
        began = time.process_time()
        find = TOOLS[name](model, language)
        find(texts["notes"][:1])
        loaded = time.process_time()
        notes: list[Spans | None]
        try:
            notes = [*find(texts["notes"])]
        except Exception:
            notes = list(one_by_one(find, texts["notes"]))
        seconds = time.process_time() - loaded
        others = list(one_by_one(find, texts["others"]))
    result = {"load_seconds": loaded - began, "seconds": seconds, "notes": notes, "others": others}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
