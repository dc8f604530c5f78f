"""Clean the texts, hold out 1 %, learn the tokenizer, and write each source as one stream of token ids.

    python recipes/starters/prepare.py --data DATA

Writes ``tokenizer.json``, ``{train,heldout}/SOURCE.npy`` (uint16; ``<s>`` and ``</s>`` around every text),
``{train,heldout}/SOURCE.jsonl`` and ``prepare.json`` with what was counted.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from settings import MIXTURE, SEED, SPECIAL_TOKENS, VOCABULARY_SIZE, arguments
from tokenizers import Tokenizer

from deidsynth.models.tokenizers import trained_bpe

LANGUAGES = ("es", "sv")
HELD_OUT = 0.01
LONG_PARAGRAPH = 200
TOKENIZER_CHARACTERS = 20_000_000

_UNSEEN = re.compile(r"[^\S\n]+")
_EMPTY_LINES = re.compile(r"\n{3,}")
_LETTER = re.compile(r"[^\W\d_]")


def clean(text: str, seen: set[bytes], counts: Counter[str]) -> str:
    """A text in NFC without control characters, broken lines of signs, and long paragraphs that stood before.

    Args:
        text: of one document.
        seen: digests of the long paragraphs so far; grows.
        counts: of what was left out; grows.
    """
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").replace("\u00ad", ""))
    text = "".join(sign for sign in text if sign == "\n" or sign == "\t" or unicodedata.category(sign)[0] != "C")
    lines: list[str] = []
    for line in text.split("\n"):
        line = _UNSEEN.sub(" ", line).strip()
        if len(line) >= 20 and len(_LETTER.findall(line)) < 0.5 * len(line):
            counts["lines without enough letters"] += 1
            continue
        if len(line) >= LONG_PARAGRAPH:
            digest = hashlib.blake2b(line.encode(), digest_size=12).digest()
            if digest in seen:
                counts["paragraphs that stood before"] += 1
                continue
            seen.add(digest)
        lines.append(line)
    return _EMPTY_LINES.sub("\n\n", "\n".join(lines)).strip()


def documents(data: Path, counts: Counter[str]) -> Iterator[tuple[str, str, str]]:
    """Source, name and cleaned text of every document."""
    for language in LANGUAGES:
        path = data / "pretrain" / f"{language}.jsonl.xz"
        if not path.exists():
            sys.exit(f"{path}: no such file; give its folder with --data or DEIDSYNTH_DATA")
        seen: set[bytes] = set()
        with lzma.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                text = clean(record["text"], seen, counts)
                if len(text) < 100:
                    counts["documents too short"] += 1
                    continue
                yield record["source"], record["id"], text


def held_out(texts: dict[str, str]) -> set[str]:
    """Names of whole documents that together are at least 1 % of the characters."""
    wanted = HELD_OUT * sum(len(text) for text in texts.values())
    chosen, total = set[str](), 0
    for name in sorted(texts, key=lambda name: hashlib.sha256(f"{SEED}/{name}".encode()).digest()):
        if total >= wanted:
            break
        chosen.add(name)
        total += len(texts[name])
    return chosen


def tokenizer_texts(train: dict[str, list[str]]) -> Iterator[str]:
    """Paragraphs from every source in the shares of the mixture."""
    for source, share in MIXTURE.items():
        left = int(share * TOKENIZER_CHARACTERS * 2)
        for text in train[source]:
            piece = text[: max(0, min(left, 400_000))]
            left -= len(piece)
            yield piece


def stream(tokenizer: Tokenizer, texts: list[str]) -> np.ndarray:
    """Token ids of texts one after another, each between ``<s>`` and ``</s>``. Shape (n_tokens,)."""
    begin, end = tokenizer.token_to_id("<s>"), tokenizer.token_to_id("</s>")
    pieces: list[np.ndarray] = []
    for first in range(0, len(texts), 64):
        for encoding in tokenizer.encode_batch(texts[first : first + 64], add_special_tokens=False):
            pieces.append(np.array([begin, *encoding.ids, end], dtype=np.uint16))
    return np.concatenate(pieces)


def main() -> None:
    """Run the command."""
    options = arguments(__doc__).parse_args()
    counts: Counter[str] = Counter()
    by_source: dict[str, dict[str, str]] = {source: {} for source in MIXTURE}
    for source, name, text in documents(options.data, counts):
        by_source[source][name] = text
    chosen = {source: held_out(texts) for source, texts in by_source.items()}
    train = {s: [t for n, t in texts.items() if n not in chosen[s]] for s, texts in by_source.items()}
    held = {s: [t for n, t in texts.items() if n in chosen[s]] for s, texts in by_source.items()}
    options.work.mkdir(parents=True, exist_ok=True)
    path = options.work / "tokenizer.json"
    if not path.exists():
        trained_bpe(tokenizer_texts(train), VOCABULARY_SIZE, list(SPECIAL_TOKENS)).save(str(path))
    tokenizer = Tokenizer.from_file(str(path))
    sizes: dict[str, dict[str, int]] = {}
    for part, texts in (("train", train), ("heldout", held)):
        folder = options.work / part
        folder.mkdir(exist_ok=True)
        for source in MIXTURE:
            ids = stream(tokenizer, texts[source])
            np.save(folder / f"{source}.npy", ids)
            characters = sum(len(text) for text in texts[source])
            sizes[f"{part}/{source}"] = {"documents": len(texts[source]), "characters": characters, "tokens": len(ids)}
            print(part, source, sizes[f"{part}/{source}"], flush=True)
            lines = "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts[source])
            (folder / f"{source}.jsonl").write_text(lines, encoding="utf-8")
    (options.work / "prepare.json").write_text(json.dumps({"sizes": sizes, "left_out": counts}, indent=1))
    print("left out:", dict(counts))


if __name__ == "__main__":
    main()
