"""How fast spaCy's CNN tags texts, weights as they are drawn. Runs in an environment with spaCy, without deidsynth.

python _spacy_speed.py TEXTS.json LABELS.json LANGUAGE REPETITIONS
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import spacy
from spacy.training import Example


def main() -> None:
    """Print the seconds of every repetition, as JSON."""
    texts = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    nlp = spacy.blank(sys.argv[3])
    recognizer = nlp.add_pipe("ner")
    for label in json.loads(Path(sys.argv[2]).read_text(encoding="utf-8")):
        recognizer.add_label(label)
    nlp.initialize(lambda: [Example.from_dict(nlp.make_doc(texts[0]), {"entities": []})])
    seconds = []
    for _ in range(int(sys.argv[4])):
        began = time.perf_counter()
        for _ in nlp.pipe(texts):
            pass
        seconds.append(time.perf_counter() - began)
    print(json.dumps({"seconds": seconds, "version": spacy.__version__}))


if __name__ == "__main__":
    main()
