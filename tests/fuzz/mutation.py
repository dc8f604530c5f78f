"""Small damage to the content of files: to bytes, to text, to JSON and YAML, and inside of containers."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Callable
from typing import Any

import yaml

from fuzz.containers import closed, opened

Mutator = Callable[[random.Random, bytes], bytes]

ENCODINGS = ("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "utf-7", "latin-1", "cp037", "shift_jis")
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 2**31, 2**63, 2**64, 10**400, 1e308, float("inf"), float("-inf"), float("nan"),
    "", " ", "x", "a" * 5000, "\0", "\ud800", "\x1b]0;x\x07\x1b[31m", "../../x", "~nosuchuser/x", "/dev/zero",
    "é\u0301", "\u202e", "2023-99-99", "1e999", "0x_", [], {}, [[]], [None], ["a"], {"a": "b"}, {"": None},
)  # fmt: skip
RAW = (
    "[" * 3000,
    "[" * 3000 + "]" * 3000,
    '{"a":' * 3000,
    "9" * 5000,
    "1e999",
    "-Infinity",
    '{"a":1,"a":2}',
    "!!int abc",
)
RAW += ("2023-99-99", "0x_", "!!float x", "!!binary ?", "&a [*a]", "!!python/object:os.system x", ".inf", "?", "'")
SNIPPETS = (
    "\0",
    "\t",
    "\n\n",
    "\r",
    "\ufeff",
    "\ud7ff",
    "\x1b[2J",
    "\u2028",
    '"',
    "'",
    "<",
    "]]>",
    "<![CDATA[",
    "&x;",
    "</a>",
)
SNIPPETS += (
    "<a>" * 3000,
    '<!DOCTYPE x [<!ENTITY x "y">]>',
    "-1",
    "99999999999999999999",
    "1e999",
    "nan",
    "0",
    ";",
    "|",
    "\\",
)
_MARK = "mark-of-the-fuzzer-{}"


def mutate(rng: random.Random, name: str, content: bytes) -> bytes:
    """The content of a file with one to three mutations, of the kinds that suit its name."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        content = rng.choice(_mutators(name))(rng, content)
    return content


def _mutators(name: str) -> tuple[Mutator, ...]:
    suffix = name.rpartition(".")[2]
    if suffix in ("gz", "zip", "safetensors"):
        return (mutate_bytes, _inside(name), _inside(name), _inside(name))
    if suffix in ("json", "jsonl"):
        return (mutate_bytes, mutate_text, mutate_json, mutate_json, mutate_json)
    if suffix in ("yaml", "yml"):
        return (mutate_bytes, mutate_text, mutate_yaml, mutate_yaml)
    return (mutate_bytes,) if suffix == "parquet" else (mutate_bytes, mutate_text, mutate_text)


def _inside(name: str) -> Mutator:
    """A mutator of what a container holds; of its bytes where it can no longer be opened."""

    def mutate_inside(rng: random.Random, content: bytes) -> bytes:
        try:
            within = opened(name, content)
        except Exception:
            return mutate_bytes(rng, content)
        chosen = rng.choice(sorted(within))
        return closed(name, {**within, chosen: mutate(rng, chosen, within[chosen])})

    return mutate_inside


# Bytes


def mutate_bytes(rng: random.Random, content: bytes) -> bytes:
    """The content with flipped, missing, repeated or foreign bytes, or in another encoding."""
    start = rng.randrange(len(content) + 1)
    end = min(len(content), start + rng.choice((1, 2, 4, 16, 256)))
    match rng.randrange(7):
        case 0 if content:
            flipped = bytearray(content)
            for _ in range(rng.choice((1, 1, 2, 8))):
                flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
            return bytes(flipped)
        case 1:
            return content[:start]
        case 2:
            return content[:start] + content[end:]
        case 3:
            return content[:end] + content[start:]
        case 4:
            return content[:start] + rng.randbytes(end - start or 1) + content[end:]
        case 5:
            encoding = rng.choice(ENCODINGS)
            return content.decode("utf-8", "replace").encode(encoding, "replace")
    return content + rng.choice((b"", content, b"\0" * 64, b"\xff\xfe", b"\n" * 1000))


# Text


def mutate_text(rng: random.Random, content: bytes) -> bytes:
    """The content with lines or tokens missing, repeated, in another order or replaced."""
    text = content.decode("utf-8", "surrogateescape")
    parts = text.splitlines(keepends=True) if rng.random() < 0.3 else re.findall(r"\w+|\s+|[^\w\s]", text)
    if parts:
        one, other = rng.randrange(len(parts)), rng.randrange(len(parts))
        match rng.randrange(6):
            case 0:
                del parts[one]
            case 1:
                parts.insert(other, parts[one])
            case 2:
                parts[one], parts[other] = parts[other], parts[one]
            case 3:
                parts[one] = rng.choice(SNIPPETS)
            case 4:
                parts.insert(one, rng.choice(SNIPPETS))
            case 5:
                parts[one] = rng.choice(RAW)
    return "".join(parts).encode("utf-8", "surrogateescape")


# JSON and YAML


def mutate_json(rng: random.Random, content: bytes) -> bytes:
    """JSON, or one line of JSON lines, with one value changed; other content as text."""
    lines = content.splitlines(keepends=True)
    try:
        return _dumped(rng, json.loads(content)).encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError):
        pass
    try:
        number = rng.randrange(len(lines))
        lines[number] = _dumped(rng, json.loads(lines[number])).encode("utf-8", "surrogatepass") + b"\n"
        return b"".join(lines)
    except (ValueError, RecursionError):
        return mutate_text(rng, content)


def mutate_yaml(rng: random.Random, content: bytes) -> bytes:
    """YAML with one value changed; other content as text."""
    try:
        plain = yaml.safe_load(content)
    except (ValueError, RecursionError, yaml.YAMLError, TypeError, AttributeError):
        return mutate_text(rng, content)
    marked = mutate_tree(rng, plain)
    try:
        return _unmarked(yaml.dump(marked, Dumper=yaml.SafeDumper, width=10**6)).encode("utf-8", "replace")
    except (ValueError, RecursionError, yaml.YAMLError):
        return mutate_text(rng, content)


def _dumped(rng: random.Random, value: Any) -> str:
    return _unmarked(json.dumps(mutate_tree(rng, value), ensure_ascii=rng.random() < 0.5))


def _unmarked(text: str) -> str:
    """The text with raw pieces, which no writer would write, in place of their marks."""
    for number, raw in enumerate(RAW):
        mark = _MARK.format(number)
        text = text.replace(f'"{mark}"', raw).replace(mark, raw)
    return text


def mutate_tree(rng: random.Random, tree: Any) -> Any:
    """Plain data with one value, anywhere in it, replaced, removed, repeated, moved or wrapped."""
    root = [copy.deepcopy(tree)]
    holder, key = _place(rng, root)
    value = holder[key]
    match rng.randrange(10):
        case 0 if holder is not root:
            del holder[key]
        case 1:
            holder[key] = [value]
        case 2:
            holder[key] = {"a": value}
        case 3:
            other, place = _place(rng, root)
            holder[key] = copy.deepcopy(other[place])
        case 4 if isinstance(holder, list) and holder is not root:
            holder += [value] * rng.choice((1, 3, 50))
        case 5 if isinstance(holder, dict):
            holder[rng.choice(("", "x", "a.b", "\x1b[31m", key.upper() if isinstance(key, str) else "y"))] = holder.pop(
                key
            )
        case 6 if isinstance(value, str):
            holder[key] = mutate_text(rng, value.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")
        case 7:
            holder[key] = _MARK.format(rng.randrange(len(RAW)))
        case _:
            holder[key] = rng.choice(VALUES)
    return root[0]


def _place(rng: random.Random, root: list[Any]) -> tuple[Any, Any]:
    """A container and a key of it; places near the root are as likely as the many far from it."""
    holder, key = root, 0
    while isinstance(holder[key], dict | list) and holder[key] and rng.random() < 0.75:
        holder = holder[key]
        key = rng.choice(list(holder)) if isinstance(holder, dict) else rng.randrange(len(holder))
    return holder, key
