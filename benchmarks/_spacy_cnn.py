"""spaCy's CNN on the sentences that swedish_ner.py prepared. Runs in an environment with spaCy and without deidsynth.

python _spacy_cnn.py WORK OUTPUT MAX_STEPS SEED
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import spacy
from spacy.tokens import Doc, DocBin, Span

DEVELOPMENT_SHARE = 0.1


def tagged_spans(tags: list[str]) -> list[tuple[int, int, str]]:
    """Runs of one raw label; ``0`` and ``O`` are outside."""
    found: list[tuple[int, int, str]] = []
    for place, tag in enumerate(tags):
        if tag in ("0", "O"):
            continue
        if found and found[-1][1] == place and found[-1][2] == tag:
            found[-1] = (found[-1][0], place + 1, tag)
        else:
            found.append((place, place + 1, tag))
    return found


def write_docs(sentences: list[list[list[str]]], path: Path, vocab: spacy.Vocab) -> None:
    """Sentences as spaCy's binary documents."""
    docs = DocBin()
    for sentence in sentences:
        doc = Doc(vocab, words=[token for token, _ in sentence])
        doc.ents = [Span(doc, *span) for span in tagged_spans([tag for _, tag in sentence])]
        docs.add(doc)
    docs.to_disk(path)


def main() -> None:
    """Run the command."""
    work, output, max_steps, seed = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    nlp = spacy.blank("sv")
    sentences = json.loads((work / "train.sentences.json").read_text(encoding="utf-8"))
    random.Random(seed).shuffle(sentences)
    n_development = round(DEVELOPMENT_SHARE * len(sentences))
    write_docs(sentences[n_development:], output / "train.spacy", nlp.vocab)
    write_docs(sentences[:n_development], output / "dev.spacy", nlp.vocab)
    program = [sys.executable, "-m", "spacy"]
    config = output / "config.cfg"
    init = [*program, "init", "config", str(config), "--lang", "sv", "--pipeline", "ner", "--optimize", "efficiency"]
    subprocess.run([*init, "--force"], check=True)
    began = time.monotonic()
    train = [*program, "train", str(config), "--output", str(output / "model")]
    train += ["--paths.train", str(output / "train.spacy"), "--paths.dev", str(output / "dev.spacy")]
    train += ["--training.max_steps", max_steps, "--system.seed", str(seed)]
    subprocess.run(train, check=True)
    (output / "seconds.json").write_text(json.dumps(time.monotonic() - began), encoding="utf-8")
    best = spacy.load(output / "model" / "model-best")
    for name in ("news", "pud"):
        sentences = json.loads((work / f"{name}.sentences.json").read_text(encoding="utf-8"))
        tagged = []
        for doc in best.pipe(Doc(best.vocab, words=[token for token, _ in sentence]) for sentence in sentences):
            tagged.append([[token.text, f"{token.ent_iob_}-{token.ent_type_}".rstrip("-")] for token in doc])
        (output / f"{name}.json").write_text(json.dumps(tagged, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
